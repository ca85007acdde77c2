//! A release that is made again: it keeps the commits that it has, and gets those that are new.

use super::commits::{as_json, checkout, commit, messages, warnings};
use crate::support::git_repository::git;
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};

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
            let words = format!("1 commit from the checkout, beside {} that", number - 1);
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
fn the_first_commits_of_a_release_that_was_there_are_a_change() {
    for commits in ["auto", "local"] {
        let relay = ServeProxy::new();
        let run = at(&relay, checkout(2)).var("FINISHLINE_COMMITS", commits);
        run.clone().var("FINISHLINE_COMMITS", "none").execute().expect(0);
        let ended = as_json(&run).execute().expect(0);
        assert_eq!(known(&relay), ["commit 2", "commit 1"], "{commits}");
        assert_eq!(ended.json()["changed"], true, "{commits}: {}", ended.stdout);
        assert!(ended.stdout.contains("is updated for acme"), "{}", ended.stdout);
        assert_eq!(as_json(&run).execute().expect(0).json()["changed"], false, "{commits}");
    }
}

/// The run as a job of a push on GitHub that began behind this commit.
fn pushed(run: &ProgramRun, before: &str) -> ProgramRun {
    let event = json!({ "ref": "refs/heads/main", "before": before });
    run.clone()
        .var("GITHUB_ACTIONS", "true")
        .var("FINISHLINE_BACKEND", "embedded")
        .var("GITHUB_OUTPUT", run.file("outputs", ""))
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_EVENT_NAME", "push")
        .var("GITHUB_EVENT_PATH", run.file("event.json", event.to_string()))
        .var("FINISHLINE_COMMITS", "local")
}

#[test]
fn a_push_adds_its_commits_to_those_of_the_pushes_before() {
    let run = checkout(3);
    let sha = |name: &str| git(&run.path(""), &["rev-parse", name]);
    pushed(&run, &sha("HEAD~2")).execute().expect(0);
    assert_eq!(messages(&run), ["commit 3", "commit 2"]);
    let before = sha("HEAD");
    commit(&run.path(""), "file4", "commit 4");
    let all = ["commit 4", "commit 3", "commit 2"];
    for _ in 0..2 {
        // The second is a rerun of the same job.
        pushed(&run, &before).execute().expect(0);
        assert_eq!(messages(&run), all);
    }
    // The job of the push before is run again, and one of a commit that the release has not.
    git(&run.path(""), &["checkout", "--quiet", "HEAD~1"]);
    let again = pushed(&run, &sha("HEAD~2")).execute().expect(0);
    assert!(!again.stdout.contains("commits"), "{}", again.stdout);
    assert_eq!(messages(&run), all);
    git(&run.path(""), &["checkout", "--quiet", "HEAD~2"]);
    pushed(&run, &"0".repeat(40)).execute().expect(0);
    assert_eq!(messages(&run), ["commit 4", "commit 3", "commit 2", "commit 1"]);
}

#[test]
fn an_older_job_whose_clone_has_not_the_newer_commits_takes_none_of_them_away() {
    let relay = ServeProxy::new();
    let run = at(&relay, checkout(2)).var("FINISHLINE_COMMITS", "local");
    let older = ProgramRun::local();
    let url = format!("file://{}", run.path("").display());
    git(&older.path(""), &["clone", "--quiet", &url, "."]);
    commit(&run.path(""), "file3", "commit 3");
    let sha = git(&run.path(""), &["rev-parse", "HEAD~1"]);
    run.clone().var("FINISHLINE_PREVIOUS_COMMIT", sha).execute().expect(0);
    // All are of one second.
    let later = "UPDATE source_commit SET date_added = date_added + 60000";
    relay.serve.database().execute(later, ()).unwrap();
    assert_eq!(known(&relay), ["commit 3"]);
    let older = at(&relay, super::commits::on_file(older)).var("FINISHLINE_COMMITS", "local");
    older.execute().expect(0);
    assert_eq!(known(&relay), ["commit 3", "commit 2", "commit 1"]);
}

#[test]
fn the_last_twenty_are_put_before_those_that_the_release_has() {
    let run = checkout(22);
    let first = git(&run.path(""), &["rev-list", "--max-parents=0", "HEAD"]);
    run.clone().var("FINISHLINE_PREVIOUS_COMMIT", first).execute().expect(0);
    assert_eq!(messages(&run).len(), 21);
    for number in [22, 23] {
        as_json(&run).execute().expect(0);
        assert_eq!(messages(&run).len(), number - 1, "{number}");
        commit(&run.path(""), "more", &format!("commit {}", number + 1));
    }
}

#[test]
fn a_shallow_clone_takes_nothing_away() {
    let relay = ServeProxy::new();
    let run = at(&relay, checkout(3)).var("FINISHLINE_COMMITS", "local");
    run.execute().expect(0);
    let shallow = ProgramRun::local();
    let url = format!("file://{}", run.path("").display());
    git(&shallow.path(""), &["clone", "--quiet", "--depth", "2", &url, "."]);
    let shallow = at(&relay, super::commits::on_file(shallow)).var("FINISHLINE_COMMITS", "local");
    shallow.execute().expect(0);
    assert_eq!(known(&relay), ["commit 3", "commit 2", "commit 1"]);
}

#[test]
fn a_history_that_was_rewritten_loses_what_it_left_behind_and_nothing_else() {
    for (commits, previous) in [("auto", ""), ("local", ""), ("local", "lookup")] {
        let relay = ServeProxy::new();
        let run = at(&relay, checkout(3))
            .var("FINISHLINE_COMMITS", commits)
            .var("FINISHLINE_PREVIOUS_COMMIT", previous);
        run.execute().expect(0);
        git(&run.path(""), &["commit", "--quiet", "--amend", "-m", "commit 3, better"]);
        let ended = as_json(&run).execute().expect(0);
        let expected = ["commit 3, better", "commit 2", "commit 1"];
        assert_eq!(known(&relay), expected, "{commits} {previous}");
        assert!(ended.stderr.contains("1 of the commits that the release had"), "{}", ended.stderr);
    }
}

#[test]
fn commits_that_cannot_be_listed_stay_and_that_is_said() {
    commits_stay(403, json!({ "detail": "no" }));
    // Fewer than the release says it has.
    commits_stay(200, json!([]));
}

fn commits_stay(status: u16, listed: Value) {
    let relay = ServeProxy::with(move |request| match request.path().ends_with("/commits/") {
        true => ProxyAction::Intercept(Response::json(status, &listed)),
        false => ProxyAction::Forward,
    });
    let run = at(&relay, checkout(2)).var("FINISHLINE_COMMITS", "local");
    let run = run.var("FINISHLINE_PREVIOUS_COMMIT", "lookup");
    run.execute().expect(0);
    let ended = again(&run, 3);
    assert!(warnings(&ended).contains(&"no-commits".to_owned()), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot list the 2 commits that the release has"));
    let stored = "SELECT count(*) FROM release_commit";
    let count: i64 = relay.serve.database().query_row(stored, (), |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
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
