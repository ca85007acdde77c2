//! Links that are not set or removed: an outage is waited out, and the failure has the code of its cause.

use crate::support::fake_sentry::{FakeSentry, OPSGENIE, SentryData};
use crate::support::http_server::{Request, Response};
use crate::support::run::ProgramRun;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A Sentry with a repository, whose requests that begin so are answered by `answer`.
fn failing(
    line: &'static str,
    answer: impl Fn(&mut SentryData, &Request) -> Response + Send + Sync + 'static,
) -> FakeSentry {
    let sentry = FakeSentry::with(move |world, request| match request.line().starts_with(line) {
        true => answer(world, request),
        false => world.answer(request),
    });
    let sentry = sentry.with_integration("opsgenie", "acme-ops");
    let old = json!({"id": "7", "name": "acme/old", "integrationId": "1"});
    sentry.data().repositories.push(old);
    sentry
}

fn linking(sentry: &FakeSentry, input: &str, name: &str) -> ProgramRun {
    let run = sentry.step("opsgenie", "").without("FINISHLINE_STATE");
    let run = run.var("FINISHLINE_MODE", "link").var("FINISHLINE_INTEGRATION_ID", "1");
    run.var("FINISHLINE_TIMEOUT", "2").var(input, name)
}

const LINK: (&str, &str, &str) = ("POST repos/", "FINISHLINE_REPOSITORIES", "acme/web");
const REMOVAL: (&str, &str, &str) = ("DELETE repos/", "FINISHLINE_REPOSITORIES_ABSENT", "acme/old");

#[test]
fn what_keeps_a_repository_from_being_linked_or_removed_is_the_failure() {
    for (line, input, name) in [LINK, REMOVAL] {
        for (status, exit, code) in [
            (503, 6, "backend-error"),
            (429, 6, "rate-limited"),
            (401, 5, "unauthorized"),
            (403, 5, "missing-scope"),
            (409, 4, "refused"),
        ] {
            let sentry = failing(line, move |_, _| {
                Response::detail(status, "not now").with("Retry-After", "100")
            });
            let run = linking(&sentry, input, name);
            let ended = run.execute().expect(exit);
            assert_eq!(ended.output("error-code"), code, "{line} {status}: {}", ended.stderr);
            assert!(ended.output("error-message").contains(name), "{line} {status}");
            if status == 429 {
                let tolerant = |word| run.clone().var("FINISHLINE_TOLERATE", word).execute();
                tolerant("unavailable").expect(0);
                tolerant("refused").expect(6);
            }
        }
    }
}

#[test]
fn what_was_refused_is_not_hidden_by_an_outage() {
    let (line, input, _) = LINK;
    let sentry = failing(line, |_, request| match request.json()["identifier"] == "acme/web" {
        true => Response::detail(503, "not now"),
        false => Response::detail(409, "not this one"),
    });
    let ended = linking(&sentry, input, "acme/api, acme/web").execute().expect(4);
    assert_eq!(ended.output("error-code"), "refused", "{}", ended.stderr);
    let message = ended.output("error-message");
    assert!(message.contains("acme/api") && message.contains("and 1 more"), "{message}");
}

#[test]
fn a_short_outage_costs_no_link_and_no_second_one_is_made() {
    for is_done in [false, true] {
        let (line, input, name) = LINK;
        let failures = AtomicUsize::new(0);
        let sentry = failing(line, move |world, request| {
            let failed = Response::detail(503, "not now");
            match failures.fetch_add(1, Ordering::Relaxed) {
                0 if is_done => {
                    world.answer(request);
                    failed
                }
                0 => failed,
                _ => world.answer(request),
            }
        });
        let run = linking(&sentry, input, name).var("FINISHLINE_TIMEOUT", "3");
        let ended = run.execute().expect(0);
        assert_eq!(ended.joined(["changed", "warnings"]), "true ", "{}", ended.stderr);
        assert_eq!(sentry.data().repositories.len(), 2);
        assert_eq!(sentry.peer.count(line), if is_done { 1 } else { 2 });
    }
}

/// Nobody asked for anything else, or saw that it is still there.
#[test]
fn what_cannot_be_removed_beside_a_provider_is_the_failure_too() {
    let (line, input, name) = REMOVAL;
    for (line, status, exit, code) in [
        (line, 503, 6, "backend-error"),
        (line, 403, 5, "missing-scope"),
        (line, 409, 4, "refused"),
        ("GET repos/", 401, 5, "unauthorized"),
    ] {
        let sentry = failing(line, move |_, _| Response::detail(status, "not now"));
        let run = sentry.step("opsgenie", OPSGENIE).var("FINISHLINE_TIMEOUT", "2");
        let ended = run.var(input, name).execute().expect(exit);
        let outputs = ["status", "error-code", "integration-id"];
        assert_eq!(ended.joined(outputs), format!("error {code} 1"), "{line}: {}", ended.stderr);
        let result: serde_json::Value = serde_json::from_str(&ended.output("result")).unwrap();
        assert_eq!(result["headline"], result["error"]["message"], "{line} {status}");
    }
}

/// They are set after the installation, and whatever fails of them is a warning; but then not everything
/// is up to date.
#[test]
fn a_link_that_cannot_be_set_is_not_up_to_date() {
    let (line, input, name) = LINK;
    let sentry = failing(line, |_, _| Response::detail(403, "not you"));
    let run = sentry.step("opsgenie", OPSGENIE).var(input, name);
    let ended = run.execute().expect(0);
    assert!(ended.output("warnings").contains("repository-not-linked"), "{}", ended.stderr);
    let result: serde_json::Value = serde_json::from_str(&ended.output("result")).unwrap();
    let headline = "Opsgenie is installed; not all of its links are set for acme";
    assert_eq!(result["headline"], headline);
}
