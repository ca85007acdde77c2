//! Jobs that note the same deploy at the same time note one; jobs in turn note one each.

#![cfg(unix)]

use crate::support::run::{ProgramRun, RunningProgram};

fn deploys(run: &ProgramRun) -> Vec<String> {
    run.rows("SELECT count(*) FROM deploy")
}

#[test]
fn jobs_that_note_one_deploy_at_once_note_one() {
    let run = ProgramRun::local().embedded_release("v1").var("FINISHLINE_LOG_LEVEL", "debug");
    let run = run.args(&["run", "--format", "json"]);
    let run = run.var("FINISHLINE_ENVIRONMENT", "production").var("FINISHLINE_TIMEOUT", "30s");
    run.execute().expect(0);
    let holder = run.connection();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut started: Vec<RunningProgram> = (0..6).map(|_| run.start()).collect();
    started.iter_mut().for_each(|started| started.wait_for("the database is busy"));
    drop(holder);
    let ended = started.into_iter().map(|started| started.wait().expect(0));
    let changed = ended.filter(|ended| ended.json()["changed"] == true).count();
    assert_eq!((changed, deploys(&run)), (1, vec!["2".to_owned()]));
    // One after the other, each is a deploy, as when a release returns.
    for (version, count) in [("v2", "3"), ("v1", "4"), ("v1", "5")] {
        run.clone().var("FINISHLINE_RELEASE", version).execute().expect(0);
        assert_eq!(deploys(&run), [count]);
    }
}
