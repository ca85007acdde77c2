//! Whether each step of the schema works on a file with rows, and with others at the same time.

use crate::support::engine::block_on;
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use finishline::database::Database;
use rusqlite::Connection;

/// The first schema that was in use.
const FIRST: &str = include_str!("../../../src/database/schema/0001_pipeline.sql");

/// What the first version had stored, and the columns that hold it.
const ROWS: &str = r#"
    INSERT INTO user VALUES (1, 'local');
    INSERT INTO organization VALUES (1, 'acme', 7), (2, 'beta', 8);
    INSERT INTO member VALUES (1, 1, 'owner'), (2, 1, 'owner');
    INSERT INTO integration VALUES (1, 'opsgenie', 'acme-ops', 'acme-ops',
        '{"base_url":"https://api.opsgenie.com/","domain_name":"acme-ops.app.opsgenie.com"}', 'active', 9);
    INSERT INTO organization_integration VALUES (3, 1, 1,
        '{"team_table":[{"team":"my-first-key","id":"3-my-first-key","integration_key":"s3cr3t-key"}]}',
        'active', 10);
    INSERT INTO pipeline_state VALUES ('k', 1, NULL, 'opsgenie', 2, 0, 's', '{}', '{}', 9000000000000);
    INSERT INTO audit_log_entry VALUES (1, 1, 1, 'integration.add', 1, '{}', 11);
    INSERT INTO analytics_event VALUES (1, 'integrations.pipeline_step', '{}', 12);"#;

const KEPT: &str = "SELECT id, name, 0, 0, 0, 0 FROM user
    UNION ALL SELECT id, slug, created_at, 0, 0, 0 FROM organization
    UNION ALL SELECT organization_id, user_id, role, 0, 0, 0 FROM member
    UNION ALL SELECT id, external_id, name, metadata, status, created_at FROM integration
    UNION ALL SELECT id, organization_id, integration_id, config, status, created_at
              FROM organization_integration
    UNION ALL SELECT key, org_id, signature, data, step_index, expires_at FROM pipeline_state
    UNION ALL SELECT id, event, target_object, data, actor_id, created_at FROM audit_log_entry
    UNION ALL SELECT id, type, data, created_at, 0, 0 FROM analytics_event";

fn first(connection: &Connection) {
    connection.execute_batch(FIRST).unwrap();
    connection.execute_batch(ROWS).unwrap();
    let ours = "PRAGMA application_id = 1718185580; PRAGMA user_version = 1";
    connection.execute_batch(ours).unwrap();
}

/// Each table and index with its definition. A column that a step added is on the line of the one before.
fn schema(run: &ProgramRun) -> Vec<String> {
    let rows = run.rows("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name");
    rows.iter().map(|row| row.split_whitespace().collect::<String>()).collect()
}

#[test]
fn a_file_of_the_first_schema_keeps_its_rows() {
    let run = ProgramRun::github().opsgenie();
    first(&run.connection());
    let before = run.rows(KEPT);
    assert_eq!(before.len(), 10);
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "integration-id"]), "complete false 1");
    assert_eq!(run.rows(KEPT), before);
}

#[test]
fn a_new_file_has_the_schema_that_all_steps_make() {
    let [stepped, new] = [ProgramRun::github().opsgenie(), ProgramRun::github().opsgenie()];
    first(&stepped.connection());
    for run in [&stepped, &new] {
        run.execute().expect(0);
    }
    assert_eq!(schema(&stepped), schema(&new));
}

#[test]
fn a_plan_reads_an_old_file_and_changes_no_byte_of_it() {
    let run = ProgramRun::github().opsgenie();
    first(&run.connection());
    let before = std::fs::read(run.database()).unwrap();
    let plan = run.clone().args(&["plan"]).execute().expect(0);
    assert_eq!(plan.joined(["status", "integration-id"]), "planned 1");
    assert!(plan.stdout.contains("nothing to do"), "{}", plan.stdout);
    assert_eq!(std::fs::read(run.database()).unwrap(), before);
    let folder = run.database().parent().unwrap().read_dir().unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with("-wal") || name.ends_with("-shm")).count(), 0);
}

#[test]
fn two_processes_migrate_one_file_once() {
    for old in [true, false] {
        let run = ProgramRun::github().opsgenie().var("RUNNER_DEBUG", "1");
        let run = run.var("FINISHLINE_TIMEOUT", "20s");
        let holder = run.connection();
        if old {
            first(&holder);
        }
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut started = [run.start(), run.start()];
        started.iter_mut().for_each(|started| started.wait_for("the database is busy"));
        drop(holder);
        for ended in started.map(|started| started.wait().expect(0)) {
            assert_eq!(ended.joined(["status", "integration-id"]), "complete 1");
        }
        assert_eq!(run.rows("SELECT count(*) FROM integration"), ["1"]);
    }
}

#[test]
fn a_file_that_many_make_at_once_is_ours_for_all_of_them() {
    for _ in 0..20 {
        let run = ProgramRun::local();
        let path = run.database();
        std::thread::scope(|scope| {
            let open = || drop(block_on(Database::open(&path)).unwrap());
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            opened.into_iter().for_each(|opened| opened.join().unwrap());
        });
        assert_eq!(rows(&run.connection(), "SELECT * FROM user"), [""; 0]);
    }
}
