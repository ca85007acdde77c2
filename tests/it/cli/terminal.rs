//! A run that waits at a terminal for the callback to be pasted, and one that must not.

#![cfg(unix)]

use crate::integration::browser_flow::BrowserFlow;
use crate::integration::fixtures::FixtureCase;
use crate::support::fake_vendor::FakeVendor;
use crate::support::http_server::{HttpServer, Response};
use crate::support::pseudo_terminal;
use crate::support::run::{ProgramRun, RunResult, RunningProgram};
use std::fs::File;
use std::io::Write;
use std::process::Stdio;

/// What a person types to say that nothing comes any more.
const END_OF_INPUT: [u8; 1] = [4];

/// A person's keyboard, and the terminal that it is at.
pub(super) fn terminal() -> (File, Stdio) {
    let (keyboard, terminal) = pseudo_terminal::open();
    (keyboard, Stdio::from(terminal))
}

/// Runs at a terminal to which nothing is said: who waits all the same comes to its end there.
fn go_at_a_terminal(run: &ProgramRun) -> RunResult {
    let (mut keyboard, stdin) = terminal();
    keyboard.write_all(&END_OF_INPUT).unwrap();
    run.start_with_stdin(stdin).wait()
}

/// A run with `--wait-for-approval` at a terminal, which has just asked for the callback.
struct WaitingRun {
    journey: BrowserFlow,
    keyboard: File,
    started: RunningProgram,
    page: String,
}

fn waiting() -> WaitingRun {
    let journey = BrowserFlow::gitlab(ProgramRun::local());
    let (keyboard, stdin) = terminal();
    let mut started =
        journey.run.clone().args(&["run", "--wait-for-approval"]).start_with_stdin(stdin);
    let page = started.wait_for_line("http://").trim().to_owned();
    journey.note_page(&page);
    WaitingRun { journey, keyboard, started, page }
}

#[test]
fn a_run_at_a_terminal_waits_for_the_callback() {
    let WaitingRun { journey, mut keyboard, started, page } = waiting();
    let callback = journey.party.approve(&page);
    // What is no callback of this pipeline is said, and asked for again.
    writeln!(keyboard, "https://example.com/?code=c&state=s\n\n{callback}").unwrap();
    keyboard.write_all(&END_OF_INPUT).unwrap();
    let ended = started.wait().expect(0);
    journey.assert_nothing_leaks(&ended);
    assert!(ended.stdout.starts_with("GitLab is installed for acme\n"), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("GitLab needs your approval: open this page and approve\n\n  http")
    );
    assert!(
        ended.stderr.contains("no pipeline is waiting for this callback\n"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("the callback URL has no parameters\n"));
    let asked = "then paste the complete URL from the browser's address bar (";
    assert_eq!(ended.stderr.matches(asked).count(), 3);
    assert_eq!(journey.run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
}

#[test]
fn a_run_at_a_terminal_asks_again_where_one_visit_is_not_enough() {
    let case = FixtureCase::read("github_enterprise", "success");
    let vendor = FakeVendor::new(&case.answers["routes"]);
    let run = ProgramRun::local()
        .embedded("github_enterprise", "{}")
        .args(&["run", "--wait-for-approval"]);
    let run = case.run(run, &vendor.url());
    let (mut keyboard, stdin) = terminal();
    let mut started = run.start_with_stdin(stdin);
    let home = "http://127.0.0.1:9797/extensions/github_enterprise/setup/";
    for brings in case.visits() {
        let page = started.wait_for_line("http://").trim().to_owned();
        writeln!(keyboard, "{}", vendor.visit(&page, &brings, home)).unwrap();
    }
    let ended = started.wait().expect(0);
    assert!(ended.stderr.contains("GitHub Enterprise needs your approval again: open\n\n  http"));
    assert!(
        ended.stdout.starts_with("GitHub Enterprise is installed for acme\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn who_pastes_nothing_can_go_on_later() {
    let WaitingRun { journey, mut keyboard, started, page } = waiting();
    keyboard.write_all(&END_OF_INPUT).unwrap();
    let ended = started.wait().expect(3);
    assert!(ended.stderr.contains("nothing was pasted; the pipeline is still waiting"));
    journey.resume(&journey.party.approve(&page)).expect(0);
}

#[test]
fn a_signal_ends_the_wait_and_the_pipeline_stays() {
    let WaitingRun { journey, keyboard, started, page } = waiting();
    started.signal("INT");
    let ended = started.wait().expect(9);
    drop(keyboard);
    journey.assert_nothing_leaks(&ended);
    journey.resume(&journey.party.approve(&page)).expect(0);
}

#[test]
fn at_a_terminal_the_server_of_a_file_is_used_and_said() {
    let server = HttpServer::new(|_| Response::detail(401, "no"));
    let run = ProgramRun::local().var("SENTRY_AUTH_TOKEN", "sntryu_t0ken");
    let run = run.var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_COMMITS", "none");
    run.file(".sentryclirc", format!("[defaults]\nurl={}\norg=acme\nproject=web\n", server.url()));
    let ended = go_at_a_terminal(&run).expect(5);
    assert!(ended.stderr.contains("using the server that .sentryclirc names"), "{}", ended.stderr);
    assert_eq!(server.requests().len(), 1);
    // A CI host may have a terminal, too.
    for (name, value) in [("CI", "true"), ("FINISHLINE_CI", "buildkite"), ("DYNO", "run.1")] {
        go_at_a_terminal(&run.clone().var(name, value)).expect(2);
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_ci_job_never_waits() {
    let local = ("FINISHLINE_CI", "local");
    for (name, value) in
        [("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true"), ("CI", "true"), ("JENKINS_URL", "x")]
    {
        let run =
            ProgramRun::github().without("GITHUB_ACTIONS").var(name, value).var(local.0, local.1);
        let journey = BrowserFlow::gitlab(run.var("FINISHLINE_WAIT_FOR_APPROVAL", "true"));
        let ended = go_at_a_terminal(&journey.run).expect(3);
        assert!(!ended.stderr.contains("paste"), "{}", ended.stderr);
    }
}

#[test]
fn a_run_without_a_terminal_never_waits() {
    let journey = BrowserFlow::gitlab(ProgramRun::local());
    let run = journey.run.clone().args(&["run", "--wait-for-approval"]);
    let ended = run.stdin("?code=c&state=s\n").execute().expect(3);
    assert!(!ended.stderr.contains("paste"), "{}", ended.stderr);
}

#[test]
fn a_run_at_a_terminal_waits_only_when_it_is_asked_to() {
    let ended = go_at_a_terminal(&BrowserFlow::gitlab(ProgramRun::local()).run).expect(3);
    assert!(!ended.stderr.contains("paste"), "{}", ended.stderr);
}
