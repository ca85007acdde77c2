//! Which token is sent, to whom, and what a person is told when it does not do.

use crate::support::fake_sentry::{
    FakeSentry, OPSGENIE, POST_PIPELINE, SentryData, TOKEN, assert_completes, assert_fails, leaks,
};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::json;

/// An organization's token, as Sentry makes them.
fn organization_token(org: &str, url: &str, region: &str) -> String {
    let payload = json!({"iat": 1.5, "url": url, "region_url": region, "org": org}).to_string();
    format!("sntrys_{}_{}", STANDARD.encode(payload), STANDARD_NO_PAD.encode([7; 32]))
}

fn of_acme(sentry: &FakeSentry) -> String {
    organization_token("acme", &sentry.peer.url(), "https://us.sentry.example")
}

/// A Sentry that answers every request in one way.
fn saying(status: u16, detail: &'static str) -> FakeSentry {
    FakeSentry::with(move |_, _| Response::detail(status, detail))
}

#[test]
fn an_organization_token_is_refused_before_any_request() {
    let sentry = FakeSentry::new();
    let token = of_acme(&sentry);
    let ended = assert_fails(&sentry.opsgenie().var("SENTRY_AUTH_TOKEN", &token), 5, "org-token");
    assert_eq!(sentry.peer.lines(), [""; 0]);
    assert!(ended.stderr.contains("set `pipeline-token` to an access token of a user"));
    assert_eq!(leaks(&ended, &token), [""; 0]);
    let user = sentry.opsgenie().var("FINISHLINE_PIPELINE_TOKEN", &token);
    assert_fails(&user, 5, "org-token");
    assert_eq!(sentry.peer.lines(), [""; 0]);
}

#[test]
fn the_pipeline_token_walks_the_pipeline_beside_an_organization_token() {
    let sentry = FakeSentry::new();
    let token = of_acme(&sentry);
    let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", &token);
    let ended = assert_completes(&run.var("FINISHLINE_PIPELINE_TOKEN", TOKEN), "complete true 1");
    let bearer = format!("Bearer {TOKEN}");
    assert!(sentry.peer.requests().iter().all(|one| one.header("authorization") == bearer));
    assert_eq!(leaks(&ended, &token), [""; 0]);
    let masks = ended.stderr.lines().filter(|line| line.starts_with("::add-mask::"));
    assert!(masks.clone().any(|line| line.ends_with(&token)));
}

#[test]
fn organization_and_server_are_taken_from_the_token() {
    let sentry = FakeSentry::new();
    let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", of_acme(&sentry));
    let run = run.without("SENTRY_ORG").without("SENTRY_URL");
    assert_completes(&run.var("FINISHLINE_PIPELINE_TOKEN", TOKEN), "complete true 1");
}

#[test]
fn a_token_of_another_organization_or_server_sends_nothing() {
    let sentry = FakeSentry::new();
    let elsewhere = "https://sentry.example";
    for token in [
        organization_token("other", &sentry.peer.url(), elsewhere),
        organization_token("acme", elsewhere, elsewhere),
    ] {
        let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", &token);
        let ended = assert_fails(&run.var("FINISHLINE_PIPELINE_TOKEN", TOKEN), 2, "token-mismatch");
        assert!(ended.output("error-message").starts_with("the token belongs to "));
        assert_eq!(leaks(&ended, &token), [""; 0]);
    }
    assert_eq!(sentry.peer.lines(), [""; 0]);
}

#[test]
fn a_damaged_organization_token_is_left_to_the_server() {
    let sentry = saying(401, "Invalid org token");
    let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", "sntrys_bm90IGpzb24=_x");
    let ended = assert_fails(&run, 5, "unauthorized");
    assert!(ended.output("error-message").contains("(HTTP 401: Invalid org token)"));
}

#[test]
fn a_token_that_the_server_does_not_know_is_told_so() {
    let sentry = saying(401, "Invalid token");
    let ended = assert_fails(&sentry.opsgenie(), 5, "unauthorized");
    let server = sentry.peer.url().replace("http://", "");
    let message = format!(
        "{server} does not accept the token in SENTRY_AUTH_TOKEN (HTTP 401: Invalid token)"
    );
    assert_eq!(ended.joined(["error-message", "error-status"]), format!("{message} 401"));
    assert!(ended.stderr.contains("store it in the secret behind SENTRY_AUTH_TOKEN"));
    assert_eq!(sentry.peer.requests().len(), 1);
}

#[test]
fn a_token_without_the_scope_is_told_which_scope_and_role_it_needs() {
    let words = "You do not have permission to perform this action.";
    let ended = assert_fails(&saying(403, words).opsgenie(), 5, "missing-scope");
    let message = format!("the token cannot list integrations for acme ({words})");
    assert_eq!(ended.joined(["error-message", "error-status"]), format!("{message} 403"));
    assert!(
        ended
            .stderr
            .contains("org:integrations; its owner must have the role owner, manager or admin")
    );
    let sentry =
        FakeSentry::with(|world: &mut SentryData, request| match request.line() == POST_PIPELINE {
            true => Response::detail(403, "no"),
            false => world.answer(request),
        });
    let ended = assert_fails(&sentry.opsgenie(), 5, "missing-scope");
    assert!(ended.output("error-message").contains("the token cannot run an integration pipeline"));
    assert_eq!(sentry.peer.count(POST_PIPELINE), 1);
}

#[test]
fn an_organization_that_the_token_does_not_see_is_told_so() {
    let ended = assert_fails(
        &saying(404, "The requested resource does not exist").opsgenie(),
        5,
        "not-a-member",
    );
    assert!(
        ended.output("error-message").contains("organization acme does not exist on 127.0.0.1")
    );
    assert_eq!(ended.output("error-status"), "404");
    assert!(
        ended
            .stderr
            .contains("check `org`, and that the token's owner is a member of that organization")
    );
}

#[test]
fn a_server_without_such_a_listing_is_no_matter_of_membership() {
    let peer = HttpServer::new(|_| Response::html(404, "<!doctype html><title>Not Found</title>"));
    let run = crate::support::fake_sentry::step(&peer.url(), "opsgenie", OPSGENIE);
    let ended = assert_fails(&run, 6, "backend-error");
    assert!(
        ended.output("error-message").contains("is not Sentry's: HTTP 404, text/html, titled"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("check `url`"), "{}", ended.stderr);
}

fn laptop() -> ProgramRun {
    ProgramRun::local()
        .var("FINISHLINE_PROVIDER", "opsgenie")
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_STATE", OPSGENIE)
}

#[test]
fn an_address_without_a_token_is_a_missing_token_on_a_laptop_and_in_a_job() {
    let sentry = FakeSentry::new();
    let run = laptop().var("SENTRY_URL", sentry.peer.url());
    let ended = run.args(&["run", "--format", "json"]).execute().expect(5);
    assert_eq!(ended.json()["error"]["code"], "no-token");
    assert_fails(&sentry.opsgenie().without("SENTRY_AUTH_TOKEN"), 5, "no-token");
    assert_eq!(sentry.peer.lines(), [""; 0]);
}

#[test]
fn a_token_may_stand_in_a_file() {
    let sentry = FakeSentry::new();
    let run = sentry.opsgenie().without("SENTRY_AUTH_TOKEN");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();
    assert_completes(&run.clone().args(&["run", "--auth-token-file", file]), "complete true 1");
    let run = run.var("SENTRY_AUTH_TOKEN", of_acme(&sentry));
    assert_completes(&run.args(&["run", "--pipeline-token-file", file]), "complete false 1");
}

/// What a header cannot carry: the name is told, the text is not.
#[test]
fn a_token_that_no_header_can_carry_is_a_mistake_of_the_inputs() {
    for name in ["SENTRY_AUTH_TOKEN", "FINISHLINE_PIPELINE_TOKEN"] {
        for bad in [
            "sntryu_s3\ncr3t",
            "sntryu_\u{1}s3cr3t",
            "sntryu_s3cr3té",
            "sntryu_ s3cr3t",
            "„sntryu_s3cr3t“",
        ] {
            let sentry = FakeSentry::new();
            let ended = assert_fails(&sentry.opsgenie().var(name, bad), 2, "usage");
            let message = ended.output("error-message");
            assert!(message.contains(name) && message.contains("one line"), "{message}");
            assert_eq!(leaks(&ended, "cr3t"), [""; 0]);
            assert_eq!(sentry.peer.lines(), [""; 0]);
        }
    }
}

#[test]
fn the_line_end_that_a_secret_store_adds_is_no_part_of_a_token() {
    let sentry = FakeSentry::new();
    let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", format!("{TOKEN}\r\n"));
    assert_completes(&run, "complete true 1");
}

#[test]
fn a_token_is_sent_to_the_server_that_is_named_and_to_no_other() {
    let (sentry, other) = (FakeSentry::new(), FakeSentry::new());
    let run = sentry.opsgenie().var("SENTRY_URL", other.peer.url());
    assert_completes(&run.var("FINISHLINE_URL", sentry.peer.url()), "complete true 1");
    assert_eq!(other.peer.lines(), [""; 0]);
}

#[test]
fn tolerated_failures_keep_their_outputs() {
    let sentry = saying(403, "no");
    let ended = sentry.opsgenie().var("FINISHLINE_TOLERATE", "auth").execute().expect(0);
    assert_eq!(ended.joined(["status", "error-code", "warnings"]), "error missing-scope tolerated");
    let sentry = saying(503, "later");
    let run = sentry.opsgenie().var("FINISHLINE_TOLERATE", "unavailable");
    let ended = run.var("FINISHLINE_TIMEOUT", "1").execute().expect(0);
    assert_eq!(ended.joined(["error-code", "error-status"]), "backend-error 503");
}
