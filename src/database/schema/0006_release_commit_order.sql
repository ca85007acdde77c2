-- The columns of the primary key come first, in its order: `PRAGMA integrity_check` of SQLite 3.40
-- takes another order in a table without rowids for a column without values.
CREATE TABLE release_commit_ordered (
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    commit_id INTEGER NOT NULL REFERENCES source_commit (id),
    PRIMARY KEY (release_id, place),
    UNIQUE (release_id, commit_id)
) STRICT, WITHOUT ROWID;
INSERT INTO release_commit_ordered SELECT release_id, place, commit_id FROM release_commit;
DROP TABLE release_commit;
ALTER TABLE release_commit_ordered RENAME TO release_commit;
CREATE INDEX release_commit_commit ON release_commit (commit_id);
