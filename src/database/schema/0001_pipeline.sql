-- What finishing an integration leaves behind, in Sentry's words. Times are milliseconds since 1970.

CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE organization (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE member (
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    user_id INTEGER NOT NULL REFERENCES user (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'manager', 'admin', 'member')),
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;

-- Shared by organizations; holds nothing of one organization.
CREATE TABLE integration (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    metadata TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (provider, external_id)
) STRICT;

CREATE TABLE organization_integration (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    integration_id INTEGER NOT NULL REFERENCES integration (id),
    config TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, integration_id)
) STRICT;

-- A pipeline being walked. Every write restarts its time to live.
CREATE TABLE pipeline_state (
    key TEXT PRIMARY KEY,
    uid INTEGER REFERENCES user (id),
    provider_model_id INTEGER,
    provider_key TEXT NOT NULL,
    org_id INTEGER NOT NULL REFERENCES organization (id),
    step_index INTEGER NOT NULL,
    signature TEXT NOT NULL,
    config TEXT NOT NULL,
    data TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log_entry (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    actor_id INTEGER NOT NULL REFERENCES user (id),
    event TEXT NOT NULL,
    target_object INTEGER NOT NULL,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE analytics_event (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
