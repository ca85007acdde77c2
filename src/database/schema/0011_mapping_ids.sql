-- The id of a code mapping is never given again: who has noted it means that one.
CREATE TABLE moved_code_mapping AS SELECT * FROM code_mapping;
DROP TABLE code_mapping;
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
INSERT INTO code_mapping
    SELECT id, project_id, repository_id, organization_integration_id, stack_root, source_root,
           default_branch, created_at
    FROM moved_code_mapping;
DROP TABLE moved_code_mapping;
CREATE INDEX code_mapping_repository ON code_mapping (repository_id);
CREATE INDEX code_mapping_integration ON code_mapping (organization_integration_id);
