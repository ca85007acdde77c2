//! Whether what is installed still works, as far as a Sentry or the embedded file tells.

use crate::manifest::plan_changes::{LINKS, Scene, manifest};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy, send};
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};
use std::sync::Arc;

fn check(run: &ProgramRun, exit: i32) -> RunResult {
    run.clone().args(&["check"]).execute().expect(exit)
}

#[test]
fn an_integration_that_works_is_said_to_and_one_that_is_not_there_is_not() {
    for scene in Scene::both() {
        let run = scene.with(&manifest("KEY", LINKS));
        let none = "? acme: integration of opsgenie: not checked: there is none yet";
        let ended = check(&run, 0);
        assert!(ended.stdout.contains(none), "{}", ended.stdout);
        run.execute().expect(0);
        let ended = check(&run, 0);
        let good = "✓ acme: integration of opsgenie: 1 (acme-ops): active, as far as";
        assert!(ended.stdout.contains(good), "{}", ended.stdout);
        assert!(!ended.stdout.contains("there is none yet"), "{}", ended.stdout);
        for (status, words) in [
            ("disabled", "is disabled"),
            ("pending_deletion", "is pending deletion"),
            ("deletion_in_progress", "is being deleted"),
        ] {
            let set = format!(
                "UPDATE organization_integration SET status = '{status}' WHERE integration_id = 1"
            );
            scene.execute(&set);
            let ended = check(&run, 4);
            let bad = format!(
                "✗ acme: integration of opsgenie: 1 (acme-ops): integration 1 (acme-ops) {words}"
            );
            assert!(ended.stdout.contains(&bad), "{}", ended.stdout);
            assert!(ended.stdout.contains("✓ acme: integration of example: 2 (demo)"));
            assert!(ended.stderr.contains("unhealthy") || ended.stdout.contains("finishline run"));
        }
    }
}

/// A server whose listing says this of the integration.
fn telling(more: Value) -> (ServeProxy, ProgramRun) {
    let serve = Arc::new(ServeProcess::start());
    let target = Arc::clone(&serve);
    let action = move |request: &Request| {
        if request.line() != "GET integrations/" {
            return ProxyAction::Forward;
        }
        let answer = send(&target, request);
        let mut listed = answer.json();
        for item in listed.as_array_mut().unwrap() {
            for (name, value) in more.as_object().unwrap() {
                item[name] = value.clone();
            }
        }
        ProxyAction::Intercept(Response::json(200, &listed))
    };
    let relay = ServeProxy::to(serve, action);
    let run = ProgramRun::github()
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("FINISHLINE_PROVIDER", "example")
        .var("FINISHLINE_STATE", "{name: demo}");
    run.execute().expect(0);
    (relay, run)
}

#[test]
fn each_sign_of_a_dead_integration_is_a_failed_line_with_what_to_do() {
    for (more, words) in [
        (json!({"status": "disabled"}), vec!["is disabled", "settings page"]),
        (
            json!({"gracePeriodEnd": "2026-12-24T00:00:00Z"}),
            vec!["is in a grace period, after which Sentry switches it off: 2026-12-24T00", "plan"],
        ),
        (json!({"outOfDate": true}), vec!["is out of date", "accept the new permissions"]),
        (json!({"organizationIntegrationStatus": "hidden"}), vec!["has the status `hidden`"]),
        (
            json!({"status": "disabled", "organizationIntegrationStatus": "pending_deletion", "outOfDate": true}),
            vec!["is pending deletion", "is disabled", "is out of date"],
        ),
    ] {
        let (_relay, run) = telling(more);
        let ended = check(&run, 4);
        assert_eq!(ended.output("error-code"), "unhealthy");
        let said = ended.everything();
        for words in words {
            assert!(said.contains(words), "{words} is not in {said}");
        }
    }
    for more in
        [json!({}), json!({"gracePeriodEnd": null, "outOfDate": false}), json!({"status": null})]
    {
        let (_relay, run) = telling(more);
        check(&run, 0);
    }
}
