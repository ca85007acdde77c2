-- What the API of `serve` keeps beside integrations: tokens, projects, repositories, releases with
-- their commits and deploys, and code mappings. Uniqueness is Sentry's.

-- A bearer token: of a user, with scopes that the user chose, or of an organization. Only its
-- SHA-256 is kept.
CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    user_id INTEGER REFERENCES user (id),
    organization_id INTEGER REFERENCES organization (id),
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CHECK ((user_id IS NULL) <> (organization_id IS NULL))
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
    commit_id INTEGER NOT NULL REFERENCES source_commit (id),
    place INTEGER NOT NULL,
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

CREATE TABLE deploy_project (
    deploy_id INTEGER NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
    project_id INTEGER NOT NULL REFERENCES project (id),
    PRIMARY KEY (deploy_id, project_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE code_mapping (
    id INTEGER PRIMARY KEY,
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

CREATE INDEX organization_integration_integration ON organization_integration (integration_id);
