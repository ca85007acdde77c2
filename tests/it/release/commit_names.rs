//! Commits that are named by a tag, a branch or `HEAD`, as sentry-cli and action-release take them.

use super::commits::{commit, head, work_folder};
use super::requests::{add_repository, pushed};
use crate::support::git_repository::git;
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

/// A checkout with the tags `v1`, annotated, and `web@2.0.0`, one commit apart, and another commit.
fn tagged(relay: &ServeProxy) -> ProgramRun {
    add_repository(relay, "acme/web", None);
    let run = pushed(relay).var("FINISHLINE_RELEASE", "web@1.0.0");
    let folder = work_folder(&run);
    commit(&folder, "one", "one");
    git(&folder, &["tag", "--annotate", "--message=first", "v1"]);
    commit(&folder, "two", "two");
    git(&folder, &["tag", "web@2.0.0"]);
    let last = commit(&folder, "three", "three");
    run.var("GITHUB_SHA", last).var("FINISHLINE_WORKING_DIRECTORY", "work")
}

fn sha(run: &ProgramRun, name: &str) -> String {
    git(&run.path("work"), &["rev-parse", &format!("{name}^{{commit}}")]).trim().to_owned()
}

/// The heads of the last request that has some.
fn sent(relay: &ServeProxy) -> Value {
    let requests = relay.peer.requests();
    let mut bodies = requests.iter().rev().filter(|one| one.method != "GET").map(|one| one.json());
    bodies.find(|body| body["refs"].is_array()).map(|body| body["refs"].clone()).unwrap_or_default()
}

#[test]
fn a_tag_a_branch_and_head_stand_for_their_commits() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let one = |name: &str| json!([{ "repository": "acme/web", "commit": sha(&run, name) }]);
    for (commits, name) in [
        ("acme/web@v1", "v1"),
        ("acme/web@refs/tags/v1", "v1"),
        ("Acme/Web@web@2.0.0", "web@2.0.0"),
        ("acme/web@main", "main"),
        ("acme/web@HEAD~2", "v1"),
        ("acme/web@HEAD^", "web@2.0.0"),
    ] {
        run.clone().var("FINISHLINE_COMMITS", commits).execute().expect(0);
        assert_eq!(sent(&relay)[0]["commit"], one(name)[0]["commit"], "{commits}");
    }
    run.clone().var("FINISHLINE_COMMITS", "acme/web@v1..web@2.0.0").execute().expect(0);
    assert_eq!(sent(&relay)[0]["previousCommit"], sha(&run, "v1"));
    run.clone().var("FINISHLINE_PREVIOUS_COMMIT", "v1").execute().expect(0);
    assert_eq!(sent(&relay)[0]["previousCommit"], sha(&run, "v1"));
}

#[test]
fn calls_of_sentry_cli_and_action_release_name_them_so() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let call = run.clone().without("FINISHLINE_RELEASE");
    call.clone().args(&["sentry-cli", "releases", "new", "b2"]).execute().expect(0);
    for (spec, name) in [("acme/web@v1", "v1"), ("acme/web@HEAD", "HEAD"), ("acme/web", "HEAD")] {
        let words = ["sentry-cli", "releases", "set-commits", "b2", "--commit", spec];
        call.clone().args(&words).execute().expect(0);
        assert_eq!(sent(&relay)[0]["commit"], sha(&run, name), "{spec}");
    }
    let manual = run.clone().var("FINISHLINE_COMMITS", "manual").var("FINISHLINE_REPO", "acme/web");
    let manual = manual.var("FINISHLINE_COMMIT", "web@2.0.0");
    let manual = manual.var("FINISHLINE_PREVIOUS_COMMIT", "v1");
    manual.execute().expect(0);
    let heads = sent(&relay);
    assert_eq!(heads[0]["commit"], sha(&run, "web@2.0.0"));
    assert_eq!(heads[0]["previousCommit"], sha(&run, "v1"));
}

#[test]
fn a_name_that_cannot_be_looked_up_is_an_error_that_says_why() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let fails = |run: &ProgramRun, commits: &str, reason: &str| {
        let ended = run.clone().var("FINISHLINE_COMMITS", commits).execute().expect(2);
        assert!(ended.stderr.contains(reason), "{commits}: {}", ended.stderr);
        assert!(ended.stderr.contains("write the commit's SHA"), "{}", ended.stderr);
    };
    fails(&run, "acme/web@v7", "the checkout has no tag or branch `v7`");
    fails(&run, "acme/api@v1", "the commit of `acme/api@v1`: the checkout is of `acme/web`");
    std::fs::remove_dir_all(run.path("work/.git")).unwrap();
    fails(&run, "acme/web@v1", "the commit of `acme/web@v1`: there is no checkout");
    assert!(relay.requests_since(0).is_empty());
}

#[test]
fn a_commit_that_a_shallow_clone_lacks_is_not_taken_for_an_unknown_name() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let source = format!("file://{}", run.path("work").display());
    let clone = run.path("shallow");
    git(&run.path("."), &["clone", "--quiet", "--depth=1", &source, clone.to_str().unwrap()]);
    git(&clone, &["remote", "set-url", "origin", "https://github.com/acme/web"]);
    let run = run.var("FINISHLINE_WORKING_DIRECTORY", "shallow");
    let ended = run.var("FINISHLINE_PREVIOUS_COMMIT", "HEAD~1").execute().expect(2);
    let words = "the commit `HEAD~1` is not in this shallow clone";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("`fetch-depth: 0`"), "{}", ended.stderr);
}

#[test]
fn every_form_of_git_is_understood() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let folder = run.path("work");
    git(&folder, &["checkout", "--quiet", "-b", "side", "v1"]);
    commit(&folder, "side", "side");
    git(&folder, &["checkout", "--quiet", "main"]);
    git(&folder, &["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    git(&folder, &["update-ref", "refs/remotes/origin/feat/x", "side"]);
    let base = head(&folder)[..12].to_owned();
    for (name, same) in [
        ("HEAD^2", "side"),
        ("@~1", "main^1"),
        ("v1^{}", "v1"),
        ("v1^0", "v1"),
        ("feat/x", "side"),
        (&format!("{base}^2~1"), "v1"),
    ] {
        let commits = format!("acme/web@{name}");
        run.clone().var("FINISHLINE_COMMITS", commits).execute().expect(0);
        assert_eq!(sent(&relay)[0]["commit"], sha(&run, same), "{name}");
    }
}

#[test]
fn a_tag_goes_before_the_beginning_of_a_hash_and_not_before_a_whole_one() {
    let relay = ServeProxy::new();
    let run = tagged(&relay);
    let last = head(&run.path("work"));
    for name in ["20240101", last.as_str()] {
        git(&run.path("work"), &["tag", name, "v1"]);
    }
    run.clone().var("FINISHLINE_COMMITS", "acme/web@20240101").execute().expect(0);
    assert_eq!(sent(&relay)[0]["commit"], sha(&run, "v1"));
    let commits = format!("acme/web@{last}, acme/api@{}", "b".repeat(12));
    add_repository(&relay, "acme/api", None);
    run.var("FINISHLINE_COMMITS", commits).execute().expect(0);
    assert_eq!(sent(&relay)[0]["commit"], last);
    assert_eq!(sent(&relay)[1]["commit"], "b".repeat(12));
}

#[test]
fn a_saved_plan_is_not_carried_out_once_a_tag_means_another_commit() {
    let relay = ServeProxy::new();
    let run = tagged(&relay).var("FINISHLINE_COMMITS", "acme/web@v1..web@2.0.0");
    let plan = run.clone().args(&["plan", "--format", "json"]).execute().expect(0);
    run.file("plan.json", &plan.stdout);
    git(&run.path("work"), &["tag", "--force", "v1", "main"]);
    let ended = run.args(&["run", "--plan", "../plan.json"]).execute();
    assert_eq!(ended.output("error-code"), "plan-changed", "{}", ended.stderr);
    assert!(relay.requests_since(0).iter().all(|line| line.starts_with("GET ")));
}
