//! What a step does that names neither a release nor an environment, and where its commits begin.

use super::super::commits::{commit, head, work_folder};
use super::super::requests::{HEAD, add_repository, pushed};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::json;

#[test]
fn a_step_that_names_nothing_makes_a_release_of_the_commit() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let ended = pushed(&relay).execute().expect(0);
    assert_eq!(relay.requests_since(0), ["POST releases/", "GET repos/"]);
    assert_eq!(ended.joined(["release", "version", "deploy-id"]), format!("{HEAD} {HEAD} "));
    assert!(relay.get(&format!("releases/{HEAD}/"))["dateReleased"].is_string());
}

#[test]
fn the_release_of_a_tag_is_named_after_its_commit_and_a_line_says_how_to_name_it_otherwise() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let tagged = pushed(&relay).var("GITHUB_REF", "refs/tags/v1.4.2");
    let ended = tagged.clone().execute().expect(0);
    assert_eq!(ended.output("release"), HEAD);
    let line = "set `release` to name it after the tag `v1.4.2`";
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
    let ended = tagged.var("FINISHLINE_RELEASE", "refs/tags/v1.4.2").execute().expect(0);
    assert_eq!(ended.output("version"), "v1.4.2");
    assert!(!ended.stderr.contains(line), "{}", ended.stderr);
}

#[test]
fn only_a_step_with_nothing_set_and_no_token_asks_for_nothing() {
    let code = |run: ProgramRun, exit| run.execute().expect(exit).output("error-code");
    let step = ProgramRun::github();
    assert_eq!(code(step.clone(), 2), "nothing-asked");
    assert_eq!(code(step.clone().var("FINISHLINE_LOG_LEVEL", "debug"), 2), "nothing-asked");
    let with_token = step.clone().var("SENTRY_AUTH_TOKEN", "t0ken").execute().expect(2);
    let message = with_token.output("error-message");
    assert!(!message.contains("nothing to do"), "{message}");
    for name in ["SENTRY_ORG", "SENTRY_PROJECT", "FINISHLINE_FINALIZE", "FINISHLINE_PATHS"] {
        let ended = step.clone().var(name, "true").execute().expect(5);
        assert_eq!(ended.output("error-code"), "no-token", "{name}");
    }
    let provider = step.var("SENTRY_ORG", "acme").var("FINISHLINE_PROVIDER", "opsgenie");
    assert!(!provider.execute().stdout.contains("releasing"), "an integration is no release");
}

/// A push of the last of five commits, where a release was made at the second.
fn later_push(relay: &ServeProxy) -> ProgramRun {
    let run = pushed(relay);
    let folder = work_folder(&run);
    let commits: Vec<_> =
        (1..=5).map(|at| commit(&folder, &format!("file{at}"), &format!("commit {at}"))).collect();
    let release = json!({
        "version": "before", "projects": ["web"],
        "commits": [{ "id": commits[1] }, { "id": commits[0] }],
    });
    relay.serve.request("POST", "/api/0/organizations/acme/releases/", release).expect(201);
    let event = json!({ "before": commits[3], "after": commits[4] });
    let event = run.file("event.json", event.to_string());
    run.var("GITHUB_EVENT_PATH", event)
        .var("GITHUB_SHA", head(&folder))
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_WORKING_DIRECTORY", "work")
}

fn looks_up(request: &Request) -> bool {
    request.path().ends_with("/previous-with-commits/")
}

#[test]
fn commits_of_an_unlinked_repository_begin_after_the_release_before_by_one_look_up() {
    let relay = ServeProxy::new();
    let run = later_push(&relay);
    let ended = run.clone().execute().expect(0);
    assert_eq!(ended.joined(["commit-count", "warnings"]), "3 repository-unknown");
    assert_eq!(relay.peer.requests().iter().filter(|one| looks_up(one)).count(), 1);
    let named = run.var("FINISHLINE_RELEASE", "web@2.0.0");
    let named = named.var("FINISHLINE_PREVIOUS_COMMIT", head_before(&relay, 1));
    assert_eq!(named.execute().expect(0).output("commit-count"), "1");
    assert_eq!(relay.peer.requests().iter().filter(|one| looks_up(one)).count(), 1);
}

/// The commit of the checkout this many before its head.
fn head_before(relay: &ServeProxy, count: usize) -> String {
    let commits = relay.get("releases/web@1.0.0/commits/");
    commits[count]["id"].as_str().unwrap().to_owned()
}

#[test]
fn without_an_answer_the_commits_of_the_push_are_sent_and_a_warning_says_so() {
    let relay = ServeProxy::with(|request| match looks_up(request) {
        true => ProxyAction::Intercept(Response::detail(403, "no such scope: sésame")),
        false => ProxyAction::Forward,
    });
    let ended = later_push(&relay).execute().expect(0);
    assert_eq!(ended.output("commit-count"), "1");
    assert!(ended.output("warnings").contains("no-previous"), "{}", ended.output("warnings"));
    assert!(ended.everything().contains("no such scope: sésame"), "{}", ended.everything());
}

#[test]
fn without_a_checkout_nothing_is_looked_up() {
    let relay = ServeProxy::new();
    let ended = pushed(&relay).execute().expect(0);
    assert_eq!(ended.output("warnings"), "repository-unknown,no-commits");
    assert!(!relay.peer.requests().iter().any(looks_up));
}

#[test]
fn a_linked_repository_takes_no_look_up() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    later_push(&relay).var("SENTRY_AUTH_TOKEN", PROXY_TOKEN).execute().expect(0);
    assert!(!relay.peer.requests().iter().any(looks_up));
}
