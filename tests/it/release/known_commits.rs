//! What a second run finds and does: commits that the release has are not sent again, and each run
//! says what it did itself: created, updated, finalized, or nothing.

use super::commits::{checkout, commit, messages};
use super::requests::HEAD;
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::Value;

/// The requests since then that carry commits, each with how many.
fn commits_sent(relay: &ServeProxy, since: usize) -> Vec<(String, usize)> {
    let requests = relay.peer.requests().split_off(since);
    let count = |body: &Value| body["commits"].as_array().map(Vec::len);
    requests.iter().filter_map(|one| Some((one.line(), count(&one.json())?))).collect()
}

#[test]
fn commits_that_a_release_has_are_not_sent_again() {
    let relay = ServeProxy::new();
    let run = checkout(3)
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("FINISHLINE_COMMITS", "local")
        .without("FINISHLINE_DATABASE");
    let changed = |run: &ProgramRun| {
        let ended = run.clone().var("FINISHLINE_FORMAT", "json").execute().expect(0);
        ended.json()["changed"].as_bool().unwrap()
    };
    assert!(changed(&run));
    assert_eq!(commits_sent(&relay, 0), [("POST releases/".to_owned(), 3)]);
    for _ in 0..2 {
        let since = relay.requests_since(0).len();
        assert!(!changed(&run));
        assert_eq!(commits_sent(&relay, since), []);
    }
    // As many commits as before, but another newest one; then one more.
    let folder = run.path("");
    let amend = ["commit", "--quiet", "--amend", "-m", "commit 3, better"];
    crate::support::git_repository::git(&folder, &amend);
    let since = relay.requests_since(0).len();
    assert!(changed(&run));
    assert_eq!(commits_sent(&relay, since).iter().map(|one| one.1).sum::<usize>(), 3);
    commit(&folder, "file4", "commit 4");
    let since = relay.requests_since(0).len();
    assert!(changed(&run));
    assert_eq!(commits_sent(&relay, since).iter().map(|one| one.1).sum::<usize>(), 4);
}

#[test]
fn commits_that_a_release_has_keep_their_rows() {
    let run = checkout(2);
    run.execute().expect(0);
    // Had they been written again, so would be their messages.
    run.connection().execute("UPDATE source_commit SET message = 'kept'", []).unwrap();
    run.execute().expect(0);
    assert_eq!(messages(&run), ["kept", "kept"]);
}

/// A release without commits on the embedded backend; what the run said, and `changed`.
fn said(run: &ProgramRun, finalize: bool, more: &[(&str, &str)]) -> (String, String) {
    let run = run.clone().var("FINISHLINE_FINALIZE", finalize.to_string());
    let run = more.iter().fold(run, |run, (name, value)| run.var(name, value));
    let ended = run.execute().expect(0);
    (ended.stdout.lines().next().unwrap().to_owned(), ended.output("changed"))
}

#[test]
fn each_run_says_what_it_did_to_the_release() {
    let run = ProgramRun::github().embedded_release("v1").var("FINISHLINE_COMMITS", "none");
    let is_out = || run.rows("SELECT date_released IS NOT NULL FROM release");
    let (words, changed) = said(&run, false, &[]);
    assert_eq!((words.as_str(), changed.as_str()), ("release v1 is created for acme", "true"));
    assert_eq!(is_out(), ["0"]);
    let (words, changed) = said(&run, false, &[]);
    assert_eq!(changed, "false");
    assert!(words.contains("nothing to do"), "{words}");
    assert_eq!(is_out(), ["0"]);
    let (words, changed) = said(&run, true, &[]);
    let expected = "release v1 is updated and finalized for acme";
    assert_eq!((words.as_str(), changed.as_str()), (expected, "true"));
    assert_eq!(is_out(), ["1"]);
    let released = run.rows("SELECT date_released FROM release");
    assert_eq!(said(&run, true, &[]).1, "false");
    assert_eq!(run.rows("SELECT date_released FROM release"), released);
    // A project more is something new of the release; so is what it lacked.
    let more = [("FINISHLINE_PROJECTS", "web,api")];
    let (words, changed) = said(&run, true, &more);
    assert_eq!(changed, "true");
    assert!(words.starts_with("release v1 is created"), "{words}");
    let (words, changed) = said(&run, true, &[("GITHUB_SHA", HEAD)]);
    assert_eq!((words.as_str(), changed.as_str()), ("release v1 is updated for acme", "true"));
    assert_eq!(run.rows("SELECT ref FROM release"), [HEAD]);
}

#[test]
fn a_release_that_is_made_finalized_is_created_and_finalized() {
    let run = ProgramRun::github().embedded_release("v1").var("FINISHLINE_COMMITS", "none");
    let (words, _) = said(&run, true, &[]);
    assert_eq!(words, "release v1 is created and finalized for acme");
    assert_eq!(run.rows("SELECT date_released IS NOT NULL FROM release"), ["1"]);
}
