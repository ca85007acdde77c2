//! Where the columns of a primary key are in a table without rowids: first, and in its order. Older
//! versions of SQLite, as in Debian 12, call a file broken in which they are not.

use crate::support::engine::block_on;
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use finishline::database::{Database, PageQuery};

/// The schema in which the columns were in another order.
const BEFORE: [&str; 5] = [
    include_str!("../../../src/database/schema/0001_pipeline.sql"),
    include_str!("../../../src/database/schema/0002_identity.sql"),
    include_str!("../../../src/database/schema/0003_releases.sql"),
    include_str!("../../../src/database/schema/0004_indexes.sql"),
    include_str!("../../../src/database/schema/0005_deploy_projects.sql"),
];

/// Two releases, whose commits were made in another order than they are listed in.
const ROWS: &str = "
    INSERT INTO organization VALUES (1, 'acme', 7);
    INSERT INTO repository (id, organization_id, name, created_at) VALUES (5, 1, 'acme/web', 0);
    INSERT INTO source_commit VALUES (11, 5, 'aa', 'first', NULL, 1), (12, 5, 'bb', NULL, NULL, 2),
        (13, 5, 'cc', 'third', NULL, 3);
    INSERT INTO release (id, organization_id, version, created_at) VALUES (3, 1, 'v1', 1), (4, 1, 'v2', 2);
    INSERT INTO release_commit (release_id, commit_id, place) VALUES
        (3, 13, 0), (3, 11, 1), (4, 12, 0), (4, 11, 1), (4, 13, 2);
    INSERT INTO release_head VALUES (3, 5, 13, NULL), (4, 5, 12, 'aa');
    PRAGMA application_id = 1718185580; PRAGMA user_version = 5";

/// Each table without rowids whose primary key is not its first columns, in order.
const DISORDERED: &str = "SELECT DISTINCT list.name
    FROM pragma_table_list AS list JOIN pragma_table_info(list.name) AS col
    WHERE list.wr AND col.pk > 0 AND col.pk <> col.cid + 1";

#[test]
fn a_primary_key_is_the_first_columns_of_its_table() {
    let run = ProgramRun::local();
    let before = run.connection();
    BEFORE.iter().for_each(|step| before.execute_batch(step).unwrap());
    assert_eq!(rows(&before, DISORDERED), ["release_commit"]);
    before.execute_batch(ROWS).unwrap();
    drop(before);

    let mut database = block_on(Database::open(&run.database())).unwrap();
    assert_eq!(run.rows(DISORDERED), [""; 0]);
    let commits = "SELECT release_id, place, commit_id FROM release_commit ORDER BY 1, 2";
    assert_eq!(run.rows(commits), ["3|0|13", "3|1|11", "4|0|12", "4|1|11", "4|2|13"]);
    assert_eq!(run.rows("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(run.rows("PRAGMA foreign_key_check"), [""; 0]);
    let page = PageQuery { offset: 0, rows: 9 };
    let keys = block_on(database.release_commits(4, page)).unwrap();
    assert_eq!(keys.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["bb", "aa", "cc"]);
    // What a key or a reference held back is held back still, and what went along goes along.
    let write = |sql: &str| run.connection().execute_batch(sql);
    assert!(write("INSERT INTO release_commit VALUES (3, 0, 12)").is_err());
    assert!(write("INSERT INTO release_commit VALUES (3, 2, 13)").is_err());
    assert!(write("PRAGMA foreign_keys = 1; DELETE FROM source_commit WHERE id = 12").is_err());
    assert!(block_on(database.delete_release(1, "v2")).unwrap());
    assert_eq!(run.rows(commits), ["3|0|13", "3|1|11"]);
}
