//! A repository that Sentry knows by its name only, as a tool leaves one behind that sent commits itself.

use super::commits::{commit, head, work_folder};
use super::requests::{add_repository, pushed};
use crate::support::proxy::ServeProxy;
use crate::support::run::{ProgramRun, RunResult};
use serde_json::json;

/// A server that took a commit of `acme/web` once, and so made a repository of that name.
fn with_a_name() -> ServeProxy {
    let relay = ServeProxy::new();
    let commits = json!([{ "id": "b".repeat(40), "repository": "acme/web" }]);
    let release = json!({ "version": "old", "projects": ["web"], "commits": commits });
    relay.serve.request("POST", "/api/0/organizations/acme/releases/", release).expect(201);
    relay.serve.request("DELETE", "/api/0/organizations/acme/releases/old/", json!({})).expect(204);
    assert_eq!(relay.get("repos/")[0]["provider"]["id"], "unknown");
    relay
}

/// A push whose checkout has two commits.
fn two_commits(relay: &ServeProxy) -> ProgramRun {
    let run = pushed(relay).var("FINISHLINE_RELEASE", "web@1.0.0");
    let folder = work_folder(&run);
    commit(&folder, "one", "one");
    commit(&folder, "two", "two");
    run.var("GITHUB_SHA", head(&folder)).var("FINISHLINE_WORKING_DIRECTORY", "work")
}

fn assert_read_from_checkout(relay: &ServeProxy, ended: &RunResult) {
    assert_eq!(ended.output("commit-count"), "2");
    assert!(ended.output("warnings").starts_with("repository-unknown"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no repository `acme/web` is linked"), "{}", ended.stderr);
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 2);
}

#[test]
fn its_commits_are_read_from_the_checkout_as_of_an_unknown_one() {
    let relay = with_a_name();
    let run = two_commits(&relay);
    let ended = run.execute().expect(0);
    assert_read_from_checkout(&relay, &ended);
    let before = relay.requests_since(0).len();
    let again = run.execute().expect(0);
    assert_eq!(again.joined(["changed", "warnings"]), "false ");
    assert_eq!(relay.requests_since(before), ["POST releases/"]);
    let folder = run.path("work");
    let later = run.var("GITHUB_SHA", commit(&folder, "three", "three")).execute().expect(0);
    assert_eq!(later.output("commit-count"), "3");
}

#[test]
fn a_deploy_beside_source_maps_leaves_time_to_ask() {
    let relay = with_a_name();
    let run = two_commits(&relay).var("FINISHLINE_ENVIRONMENT", "production");
    let script = "throw new Error()\n//# sourceMappingURL=app.js.map\n";
    let map = json!({
        "version": 3, "sources": ["app.ts"], "names": [], "mappings": "AAAA",
        "sourcesContent": ["throw new Error()\n"],
    });
    std::fs::create_dir(run.path("work/dist")).unwrap();
    run.file("work/dist/app.js", script);
    run.file("work/dist/app.js.map", map.to_string());
    let ended = run.var("FINISHLINE_SOURCEMAPS", "dist").execute().expect(0);
    assert_eq!(ended.output("sourcemap-count"), "1");
    assert_read_from_checkout(&relay, &ended);
}

#[test]
fn a_call_of_sentry_cli_sends_the_commits_of_the_checkout() {
    let relay = with_a_name();
    let words = ["sentry-cli", "releases", "set-commits", "web@1.0.0", "--auto"];
    let run = two_commits(&relay).without("FINISHLINE_RELEASE");
    run.clone().args(&["sentry-cli", "releases", "new", "web@1.0.0"]).execute().expect(0);
    run.args(&words).execute().expect(0);
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 2);
}

#[test]
fn heads_that_are_named_stay_where_one_is_linked() {
    let relay = with_a_name();
    add_repository(&relay, "acme/api", None);
    let (web, api) = ("1".repeat(40), "2".repeat(40));
    let heads = format!("acme/web@{web}, acme/api@{api}");
    let run =
        pushed(&relay).var("FINISHLINE_RELEASE", "web@1.0.0").var("FINISHLINE_COMMITS", heads);
    let ended = run.execute().expect(0);
    assert_eq!(ended.output("warnings"), "repository-unknown");
    assert!(ended.stdout.contains("commits of acme/api up to"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("acme/web up to"), "{}", ended.stdout);
}

#[test]
fn a_linked_one_of_the_same_address_takes_its_place() {
    let relay = with_a_name();
    add_repository(&relay, "Acme / Web", Some("https://github.com/acme/web"));
    let ended = pushed(&relay).var("FINISHLINE_RELEASE", "web@1.0.0").execute().expect(0);
    assert_eq!(ended.output("warnings"), "");
    assert!(ended.stdout.contains("commits of Acme / Web up to"), "{}", ended.stdout);
}

#[test]
fn a_server_that_does_not_tell_is_believed() {
    let relay = with_a_name();
    let token = relay.serve.token("member", "project:releases");
    let ended = two_commits(&relay).var("SENTRY_AUTH_TOKEN", token).execute().expect(0);
    assert_eq!(ended.output("warnings"), "");
}

#[test]
fn a_check_says_so_where_sentry_would_fetch_its_commits() {
    let relay = with_a_name();
    let check = two_commits(&relay).args(&["check"]);
    let ended = check.execute().expect(4);
    assert!(ended.stdout.contains("Sentry knows it by its name only"), "{}", ended.stdout);
    let named = check.clone().var("FINISHLINE_COMMITS", "acme/web@HEAD").execute().expect(4);
    assert!(named.stdout.contains("Sentry knows it by its name only"), "{}", named.stdout);
    let laptop = check.clone().without("GITHUB_REPOSITORY").execute().expect(4);
    assert!(laptop.stdout.contains("repository acme/web"), "{}", laptop.stdout);
    let local = check.var("FINISHLINE_COMMITS", "local").execute().expect(0);
    assert!(!local.stdout.contains("repository acme/web"), "{}", local.stdout);
}

#[test]
fn one_of_an_integration_without_a_third_party_is_never_fetched_from() {
    let relay = ServeProxy::new();
    let sql = "INSERT INTO repository (organization_id, name, provider, external_id, created_at)
               SELECT id, 'acme/web', 'integrations:custom_scm', '1', 0 FROM organization";
    relay.serve.database().execute(sql, ()).unwrap();
    let run = two_commits(&relay);
    assert_read_from_checkout(&relay, &run.execute().expect(0));
    let checked = run.args(&["check"]).execute().expect(4);
    assert!(checked.stdout.contains("no third party is behind"), "{}", checked.stdout);
}
