-- Accounts at third parties, and pipelines that wait for a person.

CREATE TABLE identity_provider (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    external_id TEXT NOT NULL,
    config TEXT NOT NULL,
    UNIQUE (type, external_id)
) STRICT;

CREATE TABLE identity (
    id INTEGER PRIMARY KEY,
    idp_id INTEGER NOT NULL REFERENCES identity_provider (id),
    user_id INTEGER NOT NULL REFERENCES user (id),
    external_id TEXT NOT NULL,
    status TEXT NOT NULL,
    scopes TEXT NOT NULL,
    data TEXT NOT NULL,
    date_verified INTEGER NOT NULL,
    UNIQUE (idp_id, external_id),
    UNIQUE (idp_id, user_id)
) STRICT;

ALTER TABLE organization_integration ADD COLUMN default_auth_id INTEGER REFERENCES identity (id);

-- The digest under which a callback finds its pipeline; a finished one is kept without its data,
-- so that a second use of the callback is told from a forged one.
ALTER TABLE pipeline_state ADD COLUMN callback TEXT;
ALTER TABLE pipeline_state ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pipeline_state ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE pipeline_state ADD COLUMN next TEXT;
CREATE UNIQUE INDEX pipeline_state_callback ON pipeline_state (callback);
