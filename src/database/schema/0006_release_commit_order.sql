-- The columns of the primary key come first, in its order: `PRAGMA integrity_check` of SQLite 3.40
-- takes another order in a table without rowids for a column without values. A table that is renamed
-- would have the whole schema read again.
CREATE TABLE moved_release_commit AS SELECT release_id, place, commit_id FROM release_commit;
DROP TABLE release_commit;
CREATE TABLE release_commit (
    release_id INTEGER NOT NULL REFERENCES release (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    commit_id INTEGER NOT NULL REFERENCES source_commit (id),
    PRIMARY KEY (release_id, place),
    UNIQUE (release_id, commit_id)
) STRICT, WITHOUT ROWID;
INSERT INTO release_commit SELECT release_id, place, commit_id FROM moved_release_commit;
DROP TABLE moved_release_commit;
CREATE INDEX release_commit_commit ON release_commit (commit_id);
