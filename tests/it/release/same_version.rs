//! A release that is made again: it keeps the commits that it has, and gets those that are new.

use super::commits::{as_json, checkout, commit, messages, warnings};
use crate::support::git_repository::git;
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::json;

/// The run at a server that has no repository.
fn at(relay: &ServeProxy, run: ProgramRun) -> ProgramRun {
    run.var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .without("FINISHLINE_DATABASE")
}

/// The messages of the release's commits at the server, newest first.
fn known(relay: &ServeProxy) -> Vec<String> {
    let listed = relay.get("releases/web@1.0.0/commits/");
    let messages = listed.as_array().unwrap().iter();
    messages.map(|one| one["message"].as_str().unwrap().trim().to_owned()).collect()
}

/// Another commit, and the run once more.
fn again(run: &ProgramRun, number: usize) -> RunResult {
    commit(&run.path(""), &format!("file{number}"), &format!("commit {number}"));
    as_json(run).execute().expect(0)
}

#[test]
fn it_keeps_its_commits_whoever_tells_where_the_new_ones_begin() {
    for (commits, previous) in [("auto", ""), ("local", "lookup")] {
        let relay = ServeProxy::new();
        let run = at(&relay, checkout(2))
            .var("FINISHLINE_COMMITS", commits)
            .var("FINISHLINE_PREVIOUS_COMMIT", previous);
        run.execute().expect(0);
        assert_eq!(known(&relay), ["commit 2", "commit 1"], "{commits}");
        for number in 3..5 {
            let ended = again(&run, number);
            assert_eq!(ended.json()["release"]["commit_count"], number, "{commits}");
            let words = format!("1 commit from the checkout, beside the {} that", number - 1);
            assert!(ended.stdout.contains(&words), "{commits}: {}", ended.stdout);
        }
        let all = ["commit 4", "commit 3", "commit 2", "commit 1"];
        assert_eq!(known(&relay), all, "{commits}");
        let since = relay.requests_since(0).len();
        assert_eq!(as_json(&run).execute().expect(0).json()["changed"], false, "{commits}");
        assert!(!relay.requests_since(since).iter().any(|one| one.ends_with("/commits/")));
        let second = as_json(&run).execute().expect(0);
        assert!(!warnings(&second).contains(&"no-commits".to_owned()), "{}", second.stderr);
        assert_eq!(known(&relay), all, "{commits}");
    }
}

#[test]
fn a_push_adds_its_commits_to_those_of_the_pushes_before() {
    let run = checkout(3);
    let pushed = |before: &str| {
        let event = json!({ "ref": "refs/heads/main", "before": before });
        let event = run.file("event.json", event.to_string());
        run.clone()
            .var("GITHUB_ACTIONS", "true")
            .var("FINISHLINE_BACKEND", "embedded")
            .var("GITHUB_OUTPUT", run.file("outputs", ""))
            .var("GITHUB_REPOSITORY", "acme/web")
            .var("GITHUB_EVENT_NAME", "push")
            .var("GITHUB_EVENT_PATH", event)
            .var("FINISHLINE_COMMITS", "local")
    };
    pushed(&git(&run.path(""), &["rev-parse", "HEAD~2"])).execute().expect(0);
    assert_eq!(messages(&run), ["commit 3", "commit 2"]);
    let before = git(&run.path(""), &["rev-parse", "HEAD"]);
    commit(&run.path(""), "file4", "commit 4");
    pushed(&before).execute().expect(0);
    assert_eq!(messages(&run), ["commit 4", "commit 3", "commit 2"]);
    // The job of the push before is run again.
    git(&run.path(""), &["checkout", "--quiet", "HEAD~1"]);
    let again = pushed(&git(&run.path(""), &["rev-parse", "HEAD~2"])).execute().expect(0);
    assert!(!again.stdout.contains("commits"), "{}", again.stdout);
    assert_eq!(messages(&run), ["commit 4", "commit 3", "commit 2"]);
}

#[test]
fn a_history_that_was_written_anew_takes_the_place_of_the_old_one() {
    let relay = ServeProxy::new();
    let run = at(&relay, checkout(3));
    run.execute().expect(0);
    git(&run.path(""), &["commit", "--quiet", "--amend", "-m", "commit 3, better"]);
    as_json(&run).execute().expect(0);
    assert_eq!(known(&relay)[0], "commit 3, better");
    assert!(!known(&relay).contains(&"commit 3".to_owned()), "{:?}", known(&relay));
}

#[test]
fn commits_that_cannot_be_listed_stay_and_that_is_said() {
    let relay = ServeProxy::with(|request| match request.path().ends_with("/commits/") {
        true => ProxyAction::Intercept(Response::json(403, &json!({ "detail": "no" }))),
        false => ProxyAction::Forward,
    });
    let run = at(&relay, checkout(2)).var("FINISHLINE_COMMITS", "local");
    let run = run.var("FINISHLINE_PREVIOUS_COMMIT", "lookup");
    run.execute().expect(0);
    let ended = again(&run, 3);
    assert!(warnings(&ended).contains(&"no-commits".to_owned()), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot list the 2 commits that the release has"));
}

/// A checkout with a commit of each of two services behind its first one; `at` leads to a server.
fn monorepo(relay: &ServeProxy) -> ProgramRun {
    let run = at(relay, checkout(1)).var("FINISHLINE_COMMITS", "local");
    run.clone().var("FINISHLINE_RELEASE", "web@0.9.0").execute().expect(0);
    commit(&run.path(""), "web/a", "of web");
    commit(&run.path(""), "api/a", "of api");
    run
}

#[test]
fn the_parts_of_a_monorepo_are_put_together_in_any_order() {
    for (first, second) in [("web", "api"), ("api", "web")] {
        for previous in ["lookup", "HEAD~2"] {
            let relay = ServeProxy::new();
            let run = monorepo(&relay);
            let previous = match previous {
                "lookup" => previous.to_owned(),
                name => git(&run.path(""), &["rev-parse", name]),
            };
            let of = |service: &str| {
                let run = as_json(&run).var("FINISHLINE_PREVIOUS_COMMIT", &previous);
                run.var("FINISHLINE_PATHS", service).execute().expect(0).json()
            };
            assert_eq!(of(first)["release"]["commit_count"], 1);
            for (service, changed) in [(second, true), (first, false), (second, false)] {
                let case = format!("{first} {second} {previous}: {service}");
                assert_eq!(of(service)["changed"], changed, "{case}");
                // Both are of one second.
                let mut all = known(&relay);
                all.sort();
                assert_eq!(all, ["of api", "of web"], "{case}");
            }
        }
    }
}

#[test]
fn entries_of_one_manifest_with_parts_of_one_release_take_turns() {
    let relay = ServeProxy::new();
    let run = monorepo(&relay);
    let previous = git(&run.path(""), &["rev-parse", "HEAD~2"]);
    let manifest = format!(
        "version: 1\ndefaults: {{org: acme, release: web@1.0.0, commits: local, previous-commit: '{previous}'}}\n\
         releases:\n  - {{projects: [web], paths: web}}\n  - {{projects: [web], paths: api}}\n"
    );
    run.file("m.yml", manifest);
    let run = run.without("FINISHLINE_RELEASE").without("FINISHLINE_PROJECTS");
    let run = run.without("FINISHLINE_COMMITS").without("FINISHLINE_ORG");
    run.var("FINISHLINE_MANIFEST", "m.yml").execute().expect(0);
    let mut all = known(&relay);
    all.sort();
    assert_eq!(all, ["of api", "of web"]);
}
