-- What is uploaded to find the source of a minified script: chunks, the bundles that are put together
-- of them, and the files in these.

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
