//! Many processes, one file: nothing is lost or doubled, and whoever has to stop says so.

#![cfg(unix)]

use crate::support::run::{ProgramRun, RunningProgram};
use rusqlite::Connection;

const BUSY: &str = "the database is busy";

fn step() -> ProgramRun {
    let run = ProgramRun::github().opsgenie().var("RUNNER_DEBUG", "1");
    // A test that waits for words that are never said ends with this.
    run.var("FINISHLINE_TIMEOUT", "20s")
}

/// A step whose database is there and locked for writing by somebody else.
fn locked() -> (ProgramRun, Connection) {
    let run = step();
    run.clone().var("FINISHLINE_ORG", "other").execute().expect(0);
    let holder = run.connection();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    (run, holder)
}

fn counts(run: &ProgramRun) -> Vec<String> {
    run.rows(
        "SELECT (SELECT count(*) FROM organization), (SELECT count(*) FROM integration),
                (SELECT count(*) FROM organization_integration),
                (SELECT count(*) FROM audit_log_entry), (SELECT count(*) FROM pipeline_state)",
    )
}

#[test]
fn twenty_processes_finish_the_same_integration_once() {
    let run = step();
    let started: Vec<_> = (0..20).map(|_| run.start()).collect();
    let ended: Vec<_> = started.into_iter().map(|started| started.wait().expect(0)).collect();
    let changed = ended.iter().filter(|ended| ended.output("changed") == "true").count();
    assert_eq!(changed, 1);
    assert!(ended.iter().all(|ended| ended.joined(["status", "integration-id"]) == "complete 1"));
    assert_eq!(counts(&run), ["1|1|1|1|0"]);
}

#[test]
fn twenty_organizations_are_linked_at_once() {
    let run = step();
    let orgs = (0..20).map(|number| run.clone().var("FINISHLINE_ORG", format!("org-{number}")));
    let started: Vec<_> = orgs.map(|run| run.start()).collect();
    for ended in started.into_iter().map(RunningProgram::wait) {
        assert_eq!(ended.expect(0).joined(["changed", "integration-id"]), "true 1");
    }
    assert_eq!(counts(&run), ["20|1|20|20|0"]);
}

#[test]
fn different_keys_at_once_leave_one_of_them() {
    let run = step();
    let key = |number: usize| {
        let state = "baseUrl: 'https://api.opsgenie.com/', provider: acme-ops";
        run.clone().var("FINISHLINE_STATE", format!("{{{state}, apiKey: key-number-{number}}}"))
    };
    let started: Vec<_> = (0..10).map(|number| key(number).start()).collect();
    started.into_iter().for_each(|started| drop(started.wait().expect(0)));
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
    let length =
        "SELECT config ->> '$.team_table[#-1].id', json_array_length(config, '$.team_table')
                  FROM organization_integration";
    assert_eq!(run.rows(length), ["1-my-first-key|1"]);
}

/// What the process of this number does: it installs an account of its own or of all, renews a key,
/// or makes a release and its deploy.
fn mixed(run: &ProgramRun, number: usize) -> ProgramRun {
    let run = run.clone().var("FINISHLINE_TIMEOUT", "2m");
    let state = |account: &str, key: &str| {
        format!("{{baseUrl: 'https://api.opsgenie.com/', provider: {account}, apiKey: {key}}}")
    };
    match number % 4 {
        0 => run.var("FINISHLINE_STATE", state(&format!("ops-{number}"), "a-first-key")),
        1 => run,
        2 => run.var("FINISHLINE_STATE", state("acme-ops", &format!("key-number-{number}"))),
        _ => run
            .without("FINISHLINE_PROVIDER")
            .without("FINISHLINE_STATE")
            .var("FINISHLINE_PROJECTS", "web")
            .var("FINISHLINE_RELEASE", format!("v{}", number % 8))
            .var("FINISHLINE_ENVIRONMENT", "production")
            .var("FINISHLINE_DEPLOY_NAME", format!("deploy {number}"))
            .var("FINISHLINE_COMMITS", "none"),
    }
}

#[test]
fn sixty_four_processes_of_all_kinds_lose_nothing_and_double_nothing() {
    let run = step();
    let started: Vec<_> = (0..64).map(|number| mixed(&run, number).start()).collect();
    for ended in started.into_iter().map(RunningProgram::wait) {
        let ended = ended.expect(0);
        assert!(!ended.everything().contains("locked"), "{}", ended.stderr);
    }
    let count = |table: &str| run.rows(&format!("SELECT count(*) FROM {table}")).concat();
    // Sixteen accounts of their own and one of all; two releases with sixteen deploys.
    let counts = ["organization", "integration", "organization_integration", "release", "deploy"];
    assert_eq!(counts.map(count), ["1", "17", "17", "2", "16"]);
    assert_eq!(run.rows("PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn a_cancelled_run_writes_its_outputs_and_stores_nothing() {
    for signal in ["TERM", "INT", "HUP"] {
        let (run, holder) = locked();
        let mut started = run.start();
        started.wait_for(BUSY);
        started.signal(signal);
        let ended = started.wait().expect(9);
        let names = ["status", "error-code", "changed", "redirect-url"];
        assert_eq!(ended.joined(names), "error cancelled false ");
        let commands = ended.commands();
        let names: Vec<_> = commands.iter().map(|command| command.name.as_str()).collect();
        assert_eq!(names, ["add-mask", "group", "endgroup", "error"]);
        drop(holder);
        assert_eq!(counts(&run), ["1|1|1|1|0"]);
    }
}

#[test]
fn a_lock_that_is_held_too_long_ends_at_the_deadline() {
    let (run, _holder) = locked();
    let ended = run.var("FINISHLINE_TIMEOUT", "1s").execute().expect(6);
    assert_eq!(ended.joined(["status", "error-code", "changed"]), "error deadline false");
    assert!(ended.stderr.contains("raise `timeout`"), "{}", ended.stderr);
    assert!(ended.commands().iter().any(|command| command.name == "endgroup"), "{}", ended.stderr);
}

#[test]
fn a_lock_that_is_released_in_time_is_waited_for() {
    let (run, holder) = locked();
    let mut started = run.start();
    started.wait_for(BUSY);
    drop(holder);
    assert_eq!(started.wait().expect(0).output("changed"), "true");
}

#[test]
fn a_reader_is_not_stopped_by_a_writer() {
    let (run, _holder) = locked();
    let ended = run.args(&["plan"]).var("FINISHLINE_ORG", "other").execute().expect(0);
    assert!(ended.stdout.contains("nothing to do"), "{}", ended.stdout);
}

#[test]
fn a_run_that_is_killed_while_it_waits_is_finished_by_the_next() {
    let (run, holder) = locked();
    let mut started = run.start();
    started.wait_for(BUSY);
    started.signal("KILL");
    assert_eq!(started.wait().exit, None);
    drop(holder);
    assert_eq!(run.execute().expect(0).joined(["status", "changed"]), "complete true");
    assert_eq!(counts(&run), ["2|1|2|2|0"]);
}

#[test]
fn a_run_that_is_killed_inside_its_finish_is_finished_by_the_next() {
    let run = step();
    run.clone().var("FINISHLINE_ORG", "other").execute().expect(0);
    // Holds the finish at its last row, with all the others written and not committed; not for
    // ever, or a test that fails would not end.
    let slow = "CREATE TRIGGER slow BEFORE INSERT ON audit_log_entry BEGIN
        SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                              SELECT i FROM n LIMIT 100000000);
        END";
    run.connection().execute_batch(slow).unwrap();
    let mut started = run.start();
    started.wait_for("submitting a step");
    started.signal("KILL");
    assert_eq!(started.wait().exit, None);
    run.connection().execute_batch("DROP TRIGGER slow").unwrap();
    // What is left of the killed run is the pipeline that it had begun, without its answer.
    assert_eq!(counts(&run), ["2|1|1|1|1"]);
    assert_eq!(run.rows("SELECT step_index, data FROM pipeline_state"), ["0|{}"]);
    assert_eq!(run.execute().expect(0).joined(["status", "changed"]), "complete true");
    assert_eq!(counts(&run), ["2|1|2|2|1"]);
}
