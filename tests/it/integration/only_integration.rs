//! A provider whose fields tell no account from another: the only integration is the one that is meant.

use crate::support::fake_sentry::{FakeSentry, assert_completes, assert_fails};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use serde_json::json;

#[test]
fn the_only_integration_of_a_provider_without_fields_is_the_one_that_is_meant() {
    for provider in ["slack", "github"] {
        let sentry = FakeSentry::new().with_integration(provider, "acme");
        let run = sentry.step(provider, "{}");
        assert_completes(&run, "complete false 1");
        assert!(sentry.posts().is_empty(), "{provider}");
        let plan = run.args(&["plan", "--exit-code"]).execute().expect(0);
        assert!(plan.stdout.contains("nothing to do"), "{}", plan.stdout);
    }
}

#[test]
fn of_two_none_is_taken_for_the_one_that_is_meant() {
    let two =
        FakeSentry::new().with_integration("slack", "acme").with_integration("slack", "other");
    assert_fails(&two.step("slack", "{}"), 2, "ambiguous");
}

#[test]
fn a_key_that_nobody_shows_is_warned_about_with_what_sends_it() {
    let sentry = FakeSentry::new().with_integration("cursor", "acme");
    let ended = assert_completes(&sentry.step("cursor", "{apiKey: key-0ne}"), "complete false 1");
    assert_eq!(ended.output("warnings"), "secrets-not-compared");
    assert!(ended.stderr.contains("set `mode: install`"), "{}", ended.stderr);
}

#[test]
fn a_key_that_no_finish_changes_is_never_up_to_date() {
    let me = json!({ "apiKeyName": "k", "userEmail": "a@b.example" });
    let cursor = HttpServer::new(move |_| Response::json(200, &me));
    let apps = format!("{{cursor: {{url: '{}'}}}}", cursor.url());
    let run = ProgramRun::github().var("FINISHLINE_APPS", apps);
    let first = run.embedded("cursor", "{apiKey: cursorkey-1}");
    first.clone().execute().expect(0);
    assert_completes(&first, "complete false 1");
    for id in ["", "1"] {
        let rotated = first.clone().embedded("cursor", "{apiKey: cursorkey-2}");
        let rotated = rotated.var("FINISHLINE_INTEGRATION_ID", id);
        let ended = assert_fails(&rotated, 4, "integration-mismatch");
        assert!(ended.stderr.contains("has another `apiKey`"), "{}", ended.stderr);
    }
}

#[test]
fn one_that_is_being_deleted_is_none_of_those_that_may_be_meant() {
    let deleting = |sentry: &FakeSentry| {
        sentry.data().integrations[0]["organizationIntegrationStatus"] = "pending_deletion".into();
    };
    let sentry =
        FakeSentry::new().with_integration("slack", "old").with_integration("slack", "new");
    deleting(&sentry);
    assert_completes(&sentry.step("slack", "{}"), "complete false 2");
    let cursor = FakeSentry::new().with_integration("cursor", "old");
    deleting(&cursor);
    let run = cursor.step("cursor", "{apiKey: key-0ne}");
    let plan = run.clone().args(&["plan"]).execute().expect(0);
    assert!(plan.stdout.contains("would be installed"), "{}", plan.stdout);
    let named = run.var("FINISHLINE_INTEGRATION_ID", "1");
    let ended = assert_fails(&named, 4, "integration-mismatch");
    assert!(ended.stderr.contains("is being deleted"), "{}", ended.stderr);
    assert!(cursor.posts().is_empty());
}
