-- The schema as all steps leave it: what a new file is given at once, and what to read first. Times are
-- milliseconds since 1970; names and uniqueness are Sentry's. Who adds a step changes this, too.

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
CREATE INDEX member_user ON member (user_id);

-- A bearer token: of a user, with scopes that the user chose, or of an organization. Only its
-- SHA-256 is kept. `serve` generates some for its tokens file, and withdraws those that are not in it.
CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    user_id INTEGER REFERENCES user (id),
    organization_id INTEGER REFERENCES organization (id),
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    is_generated INTEGER NOT NULL DEFAULT 0,
    CHECK ((user_id IS NULL) <> (organization_id IS NULL))
) STRICT;

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
CREATE INDEX integration_name ON integration (provider, name);

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

CREATE TABLE organization_integration (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    integration_id INTEGER NOT NULL REFERENCES integration (id),
    config TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    default_auth_id INTEGER REFERENCES identity (id),
    UNIQUE (organization_id, integration_id)
) STRICT;
CREATE INDEX organization_integration_integration ON organization_integration (integration_id);

-- A pipeline being walked. Every write restarts its time to live. `callback` is the digest under which
-- a callback finds it; a finished one is kept without its data, so that a second use of the callback is
-- told from a forged one.
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
    expires_at INTEGER NOT NULL,
    callback TEXT,
    ended INTEGER NOT NULL DEFAULT 0,
    site TEXT NOT NULL DEFAULT '',
    next TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX pipeline_state_callback ON pipeline_state (callback);
CREATE INDEX pipeline_state_expiry ON pipeline_state (expires_at);

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

CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    slug TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, slug)
) STRICT;

-- A repository that a commit only named has neither provider nor external id.
CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    name TEXT NOT NULL,
    url TEXT,
    provider TEXT,
    external_id TEXT,
    integration_id INTEGER REFERENCES integration (id),
    config TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL DEFAULT 'active',
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, provider, external_id)
) STRICT;
CREATE INDEX repository_name ON repository (organization_id, name);
CREATE INDEX repository_integration ON repository (organization_id, integration_id, name, id);

CREATE TABLE release (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    version TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'open',
    ref TEXT,
    url TEXT,
    user_agent TEXT,
    date_released INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (organization_id, version)
) STRICT;
-- Releases are listed by the time that they came out, else that they were made.
CREATE INDEX release_listing ON release (organization_id, coalesce(date_released, created_at), id);

CREATE TABLE release_project (
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES project (id),
    PRIMARY KEY (release_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_project_project ON release_project (project_id);

CREATE TABLE commit_author (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    email TEXT NOT NULL,
    name TEXT,
    UNIQUE (organization_id, email)
) STRICT;

CREATE TABLE source_commit (
    id INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    key TEXT NOT NULL,
    message TEXT,
    author_id INTEGER REFERENCES commit_author (id),
    date_added INTEGER NOT NULL,
    UNIQUE (repository_id, key)
) STRICT;
CREATE INDEX source_commit_listing ON source_commit (repository_id, date_added, id);

CREATE TABLE commit_file (
    id INTEGER PRIMARY KEY,
    commit_id INTEGER NOT NULL REFERENCES source_commit (id) ON DELETE CASCADE,
    filename TEXT NOT NULL,
    type TEXT NOT NULL CHECK (type IN ('A', 'M', 'D')),
    UNIQUE (commit_id, filename)
) STRICT;

-- The commits of a release, newest first: place 0 is its last commit.
CREATE TABLE release_commit (
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    commit_id INTEGER NOT NULL REFERENCES source_commit (id),
    PRIMARY KEY (release_id, place),
    UNIQUE (release_id, commit_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_commit_commit ON release_commit (commit_id);

-- What a ref says of a repository: the head, and the head before it.
CREATE TABLE release_head (
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    commit_id INTEGER NOT NULL REFERENCES source_commit (id),
    previous_key TEXT,
    PRIMARY KEY (release_id, repository_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE deploy (
    id INTEGER PRIMARY KEY,
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    name TEXT,
    url TEXT,
    date_started INTEGER,
    date_finished INTEGER NOT NULL
) STRICT;
CREATE INDEX deploy_listing ON deploy (release_id, date_finished, id);
CREATE INDEX deploy_newest ON deploy (environment, date_finished, id);
-- The deploys of an environment in the order in which they were recorded.
CREATE INDEX deploy_order ON deploy (environment, id);

CREATE TABLE deploy_project (
    deploy_id INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES project (id),
    PRIMARY KEY (deploy_id, project_id)
) STRICT, WITHOUT ROWID;

-- The id of a code mapping is never given again: who has noted it means that one.
CREATE TABLE code_mapping (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES project (id),
    repository_id INTEGER NOT NULL REFERENCES repository (id),
    organization_integration_id INTEGER NOT NULL REFERENCES organization_integration (id),
    stack_root TEXT NOT NULL,
    source_root TEXT NOT NULL,
    default_branch TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, stack_root)
) STRICT;
CREATE INDEX code_mapping_repository ON code_mapping (repository_id);
CREATE INDEX code_mapping_integration ON code_mapping (organization_integration_id);

-- A piece of a bundle, found by the SHA-1 of its bytes. One that no bundle has is spare since then, and
-- goes when it has been so for a day.
CREATE TABLE upload_chunk (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    hash TEXT NOT NULL,
    data BLOB NOT NULL,
    spare_since INTEGER,
    UNIQUE (organization_id, hash)
) STRICT;
CREATE INDEX upload_chunk_spare ON upload_chunk (organization_id, spare_since, id)
    WHERE spare_since IS NOT NULL;

-- `release` and `dist` are those of the manifest, for requests that name none.
CREATE TABLE artifact_bundle (
    id INTEGER PRIMARY KEY,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    bundle_id TEXT NOT NULL,
    checksum TEXT NOT NULL,
    size INTEGER NOT NULL,
    file_count INTEGER NOT NULL,
    has_debug_ids INTEGER NOT NULL,
    release TEXT,
    dist TEXT,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    UNIQUE (organization_id, bundle_id)
) STRICT;
CREATE INDEX artifact_bundle_checksum ON artifact_bundle (organization_id, checksum);

-- The chunks of a bundle in their order, each with its first byte in the bundle.
CREATE TABLE artifact_bundle_chunk (
    artifact_bundle_id INTEGER NOT NULL REFERENCES artifact_bundle (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    start INTEGER NOT NULL,
    chunk_id INTEGER NOT NULL REFERENCES upload_chunk (id),
    PRIMARY KEY (artifact_bundle_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_bundle_chunk_chunk ON artifact_bundle_chunk (chunk_id);

CREATE TABLE artifact_bundle_project (
    artifact_bundle_id INTEGER NOT NULL REFERENCES artifact_bundle (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES project (id),
    PRIMARY KEY (artifact_bundle_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_bundle_project_project ON artifact_bundle_project (project_id);

-- A release by its name, for it need not be there; no dist is an empty one, as in Sentry.
CREATE TABLE artifact_bundle_release (
    artifact_bundle_id INTEGER NOT NULL REFERENCES artifact_bundle (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    dist TEXT NOT NULL,
    organization_id INTEGER NOT NULL REFERENCES organization (id),
    PRIMARY KEY (artifact_bundle_id, version, dist)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_bundle_release_version
    ON artifact_bundle_release (organization_id, version, dist);

-- The files of a bundle's manifest, and where their contents are in the bundle. `type` is Sentry's
-- number: 1 source, 2 minified source, 3 source map, 4 RAM bundle, 0 anything else.
CREATE TABLE artifact_bundle_file (
    artifact_bundle_id INTEGER NOT NULL REFERENCES artifact_bundle (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    url TEXT NOT NULL,
    type INTEGER NOT NULL,
    debug_id TEXT,
    sourcemap TEXT,
    size INTEGER NOT NULL,
    start INTEGER NOT NULL,
    packed_size INTEGER NOT NULL,
    is_deflated INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (artifact_bundle_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_bundle_file_debug_id ON artifact_bundle_file (debug_id);
