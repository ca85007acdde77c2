//! A signal in the middle of a run: the outputs say what was done until then.

use crate::release::requests::released;
use crate::support::http_server::Response;
use crate::support::proxy::{ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

/// A server that never answers such a request once this many were answered, and says when it has come.
fn silent(line: &'static str, answered: usize) -> (ServeProxy, Receiver<()>) {
    let (sender, reached) = channel();
    let state = Mutex::new((answered, sender));
    let relay = ServeProxy::with(move |request| {
        let mut state = state.lock().unwrap();
        match (request.line().starts_with(line), state.0) {
            (false, _) => ProxyAction::Forward,
            (true, 0) => {
                let _ = state.1.send(());
                ProxyAction::Intercept(Response::stall())
            }
            (true, _) => {
                state.0 -= 1;
                ProxyAction::Forward
            }
        }
    });
    (relay, reached)
}

/// The end of a run that is told to end when the request has come.
#[track_caller]
fn cancelled(run: &ProgramRun, reached: &Receiver<()>) -> RunResult {
    let started = run.start();
    reached.recv_timeout(std::time::Duration::from_secs(60)).expect("the request comes");
    started.signal("TERM");
    let ended = started.wait().expect(9);
    assert_eq!(ended.output("error-code"), "cancelled");
    ended
}

fn result(ended: &RunResult) -> Value {
    serde_json::from_str(&ended.output("result")).unwrap()
}

#[test]
fn a_release_that_a_signal_ends_is_told_as_far_as_it_came() {
    let (relay, reached) = silent("POST releases/web%401.0.0/deploys/", 0);
    let ended = cancelled(&released(&relay), &reached);
    assert_eq!(ended.joined(["status", "changed", "release"]), "error true web@1.0.0");
    let message = ended.output("error-message");
    assert!(
        message.contains("may have been carried out (the release was still created"),
        "{message}"
    );
}

/// An integration with repositories at a server, through which the run removes them all.
fn unlinking(relay: &ServeProxy) -> ProgramRun {
    let run = relay.serve.github_run();
    let run = run.var("FINISHLINE_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
    let run = run.var("FINISHLINE_STATE", "{name: a}");
    let names = "acme/r0, acme/r1, acme/r2";
    run.clone().var("FINISHLINE_REPOSITORIES", names).execute().expect(0);
    run.var("FINISHLINE_REPOSITORIES_ABSENT", names).var("FINISHLINE_URL", relay.peer.url())
}

#[track_caller]
fn assert_one_removed(relay: &ServeProxy, end: &Value) {
    assert_eq!(end["changed"], true, "{end:#}");
    let details = end["details"].as_array().unwrap();
    let removed = details.iter().filter_map(Value::as_str);
    assert_eq!(removed.filter(|line| line.starts_with("removed repository ")).count(), 1);
    let left = "SELECT name FROM repository WHERE status = 'active'";
    assert_eq!(crate::support::rows::rows(&relay.serve.database(), left).len(), 2);
}

#[test]
fn links_that_a_signal_interrupts_are_told_as_far_as_they_were_removed() {
    for mode in ["ensure", "link"] {
        let (relay, reached) = silent("DELETE repos/", 1);
        let mut run = unlinking(&relay).var("FINISHLINE_MODE", mode);
        if mode == "link" {
            run = run.without("FINISHLINE_STATE");
        }
        let end = result(&cancelled(&run, &reached));
        assert_one_removed(&relay, &end);
    }
}

/// What follows the integration is not begun.
#[test]
fn an_installation_is_told_although_a_signal_ends_the_release_beside_it() {
    let (relay, reached) = silent("POST releases/", 0);
    let run = released(&relay).var("FINISHLINE_PROVIDER", "example");
    let ended = cancelled(&run.var("FINISHLINE_STATE", "{name: a}"), &reached);
    assert_eq!(ended.joined(["status", "changed", "release"]), "error true ");
    assert!(!ended.output("integration-id").is_empty(), "{}", ended.stderr);
}

#[test]
fn an_entry_that_a_signal_ends_after_its_grace_is_told_as_far_as_it_came() {
    let (relay, reached) = silent("DELETE repos/", 1);
    let run = unlinking(&relay);
    let text = "version: 1\ndefaults: {org: acme}\nintegrations:\n  - provider: example\n    state: {name: a}\n    repositories-absent: [acme/r0, acme/r1, acme/r2]\n";
    run.file("finishline.yml", text);
    let names = ["PROVIDER", "STATE", "REPOSITORIES_ABSENT"];
    let run = names.iter().fold(run, |run, name| run.without(&format!("FINISHLINE_{name}")));
    let ended = cancelled(&run.var("FINISHLINE_MANIFEST", "finishline.yml"), &reached);
    assert_eq!(ended.output("changed"), "true");
    assert_one_removed(&relay, &result(&ended)["entries"][0]);
}
