//! The names that action-release and sentry-cli have for inputs, and those that people write for them.

use super::super::requests::{HEAD, add_repository, pushed};
use crate::support::http_server::HttpServer;
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use serde_json::{Value, json};

fn sent(relay: &ServeProxy) -> Value {
    let requests = relay.peer.requests();
    requests.iter().rfind(|one| one.line() == "POST releases/").expect("a release is made").json()
}

#[test]
fn set_commits_manual_is_one_ref_of_its_parts() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let manual = pushed(&relay).var("FINISHLINE_COMMITS", "Manual");
    let run = manual.clone().var("FINISHLINE_REPO", "acme/web");
    let whole = run.clone().var("FINISHLINE_COMMIT", HEAD);
    whole.clone().execute().expect(0);
    assert_eq!(sent(&relay)["refs"], json!([{ "repository": "acme/web", "commit": HEAD }]));
    whole.var("FINISHLINE_PREVIOUS_COMMIT", "b".repeat(40)).execute().expect(0);
    let since = json!([
        { "repository": "acme/web", "commit": HEAD, "previousCommit": "b".repeat(40) }
    ]);
    assert_eq!(sent(&relay)["refs"], since);
    let count = relay.peer.lines().len();
    let ended = run.clone().execute().expect(2);
    assert!(ended.output("error-message").contains("`commit`"), "{}", ended.everything());
    let ended = run.var("FINISHLINE_COMMIT", "main").execute().expect(2);
    assert!(ended.output("error-message").contains("`acme/web@main`"), "{}", ended.everything());
    let url = manual.var("FINISHLINE_COMMITS", "url:https://github.com/acme/web");
    assert!(url.execute().expect(2).output("error-message").contains("`commits`"));
    assert_eq!(relay.peer.lines().len(), count, "nothing is sent with a mistake");
}

#[test]
fn a_part_without_manual_is_warned_about() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let ended = pushed(&relay).var("FINISHLINE_REPO", "acme/api").execute().expect(0);
    assert_eq!(ended.output("warnings"), "unused-input");
    let words = "`repo` is not used by a release without `set_commits: manual`";
    assert!(ended.everything().contains(words), "{}", ended.everything());
}

#[test]
fn what_is_so_anyway_is_said_once_at_debug() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = pushed(&relay)
        .var("FINISHLINE_IGNORE_MISSING", "true")
        .var("FINISHLINE_IGNORE_EMPTY", "False")
        .var("FINISHLINE_DISABLE_TELEMETRY", "1")
        .var("FINISHLINE_DISABLE_SAFE_DIRECTORY", "0");
    let quiet = run.clone().execute().expect(0);
    assert!(!quiet.everything().contains("ignore_missing"), "{}", quiet.everything());
    assert_eq!(quiet.output("warnings"), "");
    let ended = run.clone().var("SENTRY_LOG_LEVEL", "DEBUG").execute().expect(0);
    for name in ["ignore_missing", "ignore_empty", "disable_telemetry", "disable_safe_directory"] {
        let words = format!("`{name}` is not needed");
        assert_eq!(ended.stderr.matches(&words).count(), 1, "{name}: {}", ended.stderr);
    }
    let wrong = run.var("FINISHLINE_IGNORE_EMPTY", "perhaps").execute().expect(2);
    assert!(wrong.output("error-message").contains("`perhaps` for `ignore_empty`"));
}

#[test]
fn a_name_that_nobody_has_is_refused_with_what_to_use() {
    let relay = ServeProxy::new();
    let ended = pushed(&relay).var("FINISHLINE_UPLOAD_SOURCEMAPS", "true").execute().expect(2);
    assert!(ended.everything().contains("set `sourcemaps`"), "{}", ended.everything());
    assert!(relay.requests_since(0).is_empty());
}

/// `auth_token` and `sentry_token` are no inputs of action-release, which reads the variable.
#[test]
fn a_token_by_a_mistaken_name_holds_where_no_variable_has_one() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = pushed(&relay).without("SENTRY_AUTH_TOKEN");
    let run = run.var("FINISHLINE_SENTRY_TOKEN", PROXY_TOKEN);
    assert_eq!(run.clone().execute().expect(0).output("warnings"), "");
    let run = run.var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    assert_eq!(run.clone().execute().expect(0).output("warnings"), "");
    let stale = run.var("FINISHLINE_SENTRY_TOKEN", "an-0ther-t0ken").execute().expect(0);
    let words = "`auth_token` or `sentry_token` is not used, because SENTRY_AUTH_TOKEN is set";
    assert!(stale.everything().contains(words), "{}", stale.everything());
    assert!(!stale.everything().contains("an-0ther-t0ken"), "{}", stale.everything());
}

#[test]
fn every_alias_is_a_flag_and_a_key_of_a_manifest() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = pushed(&relay);
    let flags = ["run", "--version", "1.0", "--version_prefix", "web@", "--set_commits", "Skip"];
    run.clone().args(&flags).execute().expect(0);
    let body = sent(&relay);
    assert_eq!((&body["version"], &body["refs"]), (&json!("web@1.0"), &Value::Null));
    let manifest =
        "version: 1\nreleases:\n  - {version: '2.0', project: web, release_prefix: web@}\n";
    run.file("m.yml", manifest);
    run.without("SENTRY_PROJECT").var("FINISHLINE_MANIFEST", "m.yml").execute().expect(0);
    assert_eq!(sent(&relay)["version"], "web@2.0");
}

#[test]
fn the_variable_that_allows_failures_tolerates_them() {
    let unreachable = HttpServer::unused_url();
    let relay = ServeProxy::new();
    let run = pushed(&relay).var("SENTRY_URL", unreachable).var("FINISHLINE_TIMEOUT", "1s");
    for (value, exit) in [("1", 0), ("true", 0), ("0", 6), ("false", 6), ("", 6)] {
        let ended = run.clone().var("SENTRY_ALLOW_FAILURE", value).execute();
        assert_eq!(ended.exit, Some(exit), "{value}: {}", ended.everything());
    }
}
