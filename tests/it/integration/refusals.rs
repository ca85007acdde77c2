//! A third party that refuses, breaks off, talks nonsense or says nothing: each has its exit, its
//! slug, its status and its line in the log, and the callback is still good afterwards.

use super::browser_flow::{BrowserFlow, gitlab_state, logged, parameter};
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind, Misbehavior};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};

const TOKEN: &str = "an access token";
const FAILURE: &str = "build-integration.failure";
const PROVIDER_ERROR: &str = "build-integration.provider-error";

/// One kind of question to the third party, and how its refusal is told.
struct ThirdPartyRequest {
    path: &'static str,
    request_name: &'static str,
    slug: &'static str,
    event: &'static str,
}

/// After the server's host and port.
const LOST: &str = "was lost: connection closed before message completed";

const THIRD_PARTY_REQUESTS: [ThirdPartyRequest; 3] = [
    ThirdPartyRequest {
        path: "/oauth/token",
        request_name: TOKEN,
        slug: "refused",
        event: FAILURE,
    },
    ThirdPartyRequest {
        path: "/api/v4/user",
        request_name: "the GitLab user",
        slug: "refused",
        event: FAILURE,
    },
    ThirdPartyRequest {
        path: "/api/v4/groups/my-group",
        request_name: "the GitLab group",
        slug: "provider-error",
        event: PROVIDER_ERROR,
    },
];

/// Everything that a third party can do wrong, with what is said of it and its status.
fn misbehaviour(elsewhere: &FakeGitLab) -> Vec<(Misbehavior, &'static str, &'static str)> {
    let no_json = "failed: the response is not JSON";
    vec![
        (Misbehavior::Status(401), "failed: HTTP 401", "401"),
        (Misbehavior::Status(404), "failed: HTTP 404", "404"),
        (Misbehavior::Status(500), "failed: HTTP 500", "500"),
        (Misbehavior::Redirect(format!("{}/there", elsewhere.origin)), "failed: HTTP 302", "302"),
        (Misbehavior::HtmlPage, no_json, ""),
        (Misbehavior::Text(String::new()), no_json, ""),
        (Misbehavior::Close, LOST, ""),
    ]
}

#[track_caller]
fn assert_refused(ended: &RunResult, slug: &str, message: &str, status: &str) {
    let said = ended.joined(["status", "changed", "redirect-url", "provider", "error-code"]);
    assert_eq!(said, format!("error false  gitlab {slug}"));
    assert_eq!(ended.joined(["error-message", "error-status"]), format!("{message} {status}"));
}

/// The third party as an error names it.
fn asked(journey: &BrowserFlow) -> String {
    format!("GitLab ({})", journey.party.origin.split("//").last().unwrap())
}

/// One line of the log has this name and these fields, as Sentry has them: without the third party.
#[track_caller]
fn assert_logged(ended: &RunResult, event: &str, message: &str, status: &str) {
    let message = message.split_once("): ").map_or(message, |(_, words)| words);
    let lines = logged(ended, event);
    assert_eq!(lines.len(), 1, "{event} in {}", ended.stderr);
    let line = &lines[0];
    assert_eq!((&line["level"], &line["provider_key"]), (&json!("ERROR"), &json!("gitlab")));
    assert_eq!((&line["error_message"], &line["organization_id"]), (&json!(message), &json!(1)));
    assert_eq!(line["error_status"], status.parse::<u16>().map_or(Value::Null, Value::from));
    let both = [FAILURE, PROVIDER_ERROR].map(|event| logged(ended, event).len());
    assert_eq!(both.iter().sum::<usize>(), 1);
}

#[test]
fn every_refusal_is_told_and_costs_nothing() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let elsewhere = FakeGitLab::new(ForgeKind::Gitlab);
    let callback = journey.approved();
    for ThirdPartyRequest { path, request_name, slug, event } in THIRD_PARTY_REQUESTS {
        for (how, words, status) in misbehaviour(&elsewhere) {
            journey.party.misbehave(path, how);
            let ended = journey.resume(&callback).expect(4);
            let server = journey.party.origin.replace("http://", "failed: the connection to ");
            let words = if words == LOST { format!("{server} {words}") } else { words.to_owned() };
            let asked = asked(&journey);
            let message = format!("{asked}: request for {request_name} {words}");
            // The third party may have words of its own, which follow.
            let start = message;
            let message = ended.output("error-message");
            assert!(message.starts_with(&start), "{start}: {message}");
            assert_refused(&ended, slug, &message, status);
            assert_logged(&ended, event, &message, status);
            assert_eq!(journey.run.rows("SELECT * FROM integration"), [""; 0]);
        }
        journey.party.behave();
    }
    assert_eq!(elsewhere.requests(), [""; 0], "no credential goes to another origin");
    journey.resume(&callback).expect(0);
    let good = |path: &&String| path.as_str() == "GET /api/v4/user";
    let asked = journey.party.requests();
    // Each kind of misbehaviour once; a good answer is kept and not asked for again.
    let times = misbehaviour(&elsewhere).len() + 1;
    assert_eq!(asked.iter().filter(good).count(), times);
    assert_eq!(asked.len(), 3 * times);
}

#[test]
fn an_answer_is_not_read_without_end() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    // A good answer, but for its megabytes.
    let huge = json!({ "access_token": "t", "pad": "x".repeat(9 << 20) });
    journey.party.misbehave("/oauth/token", Misbehavior::Text(huge.to_string()));
    let ended = journey.resume(&callback).expect(4);
    let asked = asked(&journey);
    let message = format!("{asked}: request for {TOKEN} failed: the response is not JSON");
    assert_refused(&ended, "refused", &message, "");
    journey.party.behave();
    journey.resume(&callback).expect(0);
}

#[test]
fn a_third_party_that_never_answers_is_left_at_the_deadline() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    // The exchange is through; how long that takes is nobody's concern here.
    journey.party.misbehave("/api/v4/user", Misbehavior::Close);
    journey.resume(&callback).expect(4);
    journey.party.misbehave("/api/v4/user", Misbehavior::Hang);
    let ended = journey.resume_run(&callback).var("FINISHLINE_TIMEOUT", "1s").execute().expect(6);
    journey.assert_nothing_leaks(&ended);
    assert_eq!(ended.joined(["status", "error-code", "changed"]), "error deadline false");
    assert_eq!(journey.run.rows("SELECT * FROM integration"), [""; 0]);
    journey.party.behave();
    journey.resume(&callback).expect(0);
}

#[test]
fn an_answer_without_what_is_needed_is_refused_and_asked_for_again() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    for (path, said, words) in [
        ("/oauth/token", "{}", "the token response contains no access token"),
        ("/oauth/token", "null", "the token response contains no access token"),
        ("/oauth/token", r#"{"access_token": ""}"#, "the token response contains no access token"),
        ("/oauth/token", r#"{"access_token": 1}"#, "the token response contains no access token"),
        ("/api/v4/user", "null", "the GitLab user has no id"),
        ("/api/v4/user", r#"{"id": "42"}"#, "the GitLab user has no id"),
        ("/api/v4/groups/my-group", "[]", "the GitLab group has no id"),
        ("/api/v4/groups/my-group", r#"{"id": null}"#, "the GitLab group has no id"),
    ] {
        journey.party.misbehave(path, Misbehavior::Text(said.to_owned()));
        let ended = journey.resume(&callback).expect(4);
        let message = format!("{}: {words}", asked(&journey));
        assert_eq!(ended.output("error-message"), message, "{path} says {said}");
        assert_eq!(journey.run.rows("SELECT * FROM integration"), [""; 0]);
        journey.party.behave();
    }
    journey.resume(&callback).expect(0);
    let row = journey.run.rows("SELECT name, metadata ->> 'group_id' FROM integration");
    assert_eq!(row, ["My Group|1"]);
}

#[test]
fn a_wrong_client_secret_is_refused_with_the_third_partys_status() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let wrong =
        journey.with_state(&gitlab_state(&journey.party, "wr0ng-s3cr3t", "group: my-group"));
    let callback = journey.party.approve(&journey.wait_for(&wrong));
    let ended = journey.resume(&callback).expect(4);
    let asked = asked(&journey);
    assert_refused(
        &ended,
        "refused",
        &format!("{asked}: request for {TOKEN} failed: HTTP 401: invalid_client"),
        "401",
    );
    let hint =
        format!("At {asked}, open Applications in the settings of the user or group that owns");
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    assert!(!ended.everything().contains("wr0ng-s3cr3t"));
}

#[test]
fn a_code_that_was_not_issued_is_refused_with_the_third_partys_status() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let page = journey.wait();
    let callback = format!("?code=f0rged-s3cr3t&state={}", parameter(&page, "state"));
    let ended = journey.resume(&callback).expect(4);
    let asked = asked(&journey);
    assert_refused(
        &ended,
        "refused",
        &format!("{asked}: request for {TOKEN} failed: HTTP 400: invalid_grant"),
        "400",
    );
    let said = ended.everything().replace("::add-mask::f0rged-s3cr3t\n", "");
    assert!(!said.contains("f0rged-s3cr3t"), "{said}");
    journey.resume(&journey.party.approve(&page)).expect(0);
}

#[test]
fn a_group_that_the_account_does_not_see_is_the_providers_error() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let hidden = journey.with_state(&gitlab_state(&journey.party, CLIENT_SECRET, "group: hidden"));
    let callback = journey.party.approve(&journey.wait_for(&hidden));
    let ended = journey.resume(&callback).expect(4);
    let asked = asked(&journey);
    let message = &format!("{asked}: request for the GitLab group failed: HTTP 404: 404 Not Found");
    assert_refused(&ended, "provider-error", message, "404");
    assert_logged(&ended, PROVIDER_ERROR, message, "404");
}

#[test]
fn approving_again_with_another_account_starts_the_exchange_anew() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let page = journey.wait();
    journey.party.misbehave("/api/v4/groups/my-group", Misbehavior::Status(404));
    journey.resume(&journey.party.approve(&page)).expect(4);
    journey.party.behave();
    journey.party.sign_in(43);
    journey.resume(&journey.party.approve(&page)).expect(0);
    let host = journey.party.origin.trim_start_matches("http://");
    let account = journey.run.rows("SELECT external_id FROM identity");
    assert_eq!(account, [format!("{host}:43")], "of whoever approved last");
}

#[test]
fn an_account_of_another_user_is_refused_and_no_link_is_made() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let sql = "INSERT INTO user (name) VALUES ('somebody else');
               UPDATE identity SET user_id = (SELECT max(id) FROM user)";
    journey.run.connection().execute_batch(sql).unwrap();
    let before = journey.run.rows("SELECT * FROM identity");
    let beta = journey.run.clone().var("FINISHLINE_ORG", "beta");
    let page = journey.wait_for(&beta);
    let resume = |callback: &str| {
        let ended = journey.resume_run(callback).var("FINISHLINE_ORG", "beta").execute();
        journey.assert_nothing_leaks(&ended);
        ended
    };
    let ended = resume(&journey.party.approve(&page)).expect(4);
    let words = "this GitLab account is linked to a different Sentry user";
    assert_refused(&ended, "identity-taken", words, "");
    let lines = logged(&ended, "finish_pipeline.identity_linked_different_user");
    assert_eq!((lines.len(), &lines[0]["organization_id"]), (1, &json!(2)));
    assert_eq!(journey.run.rows("SELECT organization_id FROM organization_integration"), ["1"]);
    assert_eq!(journey.run.rows("SELECT * FROM identity"), before);
    // As the hint says: the same page, approved with an account that nobody has linked.
    journey.party.sign_in(43);
    assert_eq!(resume(&journey.party.approve(&page)).expect(0).output("integration-id"), "1");
}

#[test]
fn what_is_no_tls_and_what_nobody_trusts_is_told_as_such() {
    let no_tls = FakeGitLab::new(ForgeKind::Gitlab);
    let untrusted = FakeGitLab::with_untrusted_tls(ForgeKind::Gitlab);
    for (party, reason) in [
        (no_tls, "the server does not speak TLS on this port"),
        (untrusted, "the certificate's issuer is unknown"),
    ] {
        let host = party.origin.split("//").last().unwrap();
        let words = format!(
            "GitLab ({host}): request for {TOKEN} failed: TLS connection to {host} failed: {reason}"
        );
        let url = party.origin.replace("http://", "https://");
        let state =
            format!("{{url: '{url}', clientId: {CLIENT_ID}, clientSecret: {CLIENT_SECRET}}}");
        let journey = BrowserFlow::new(ProgramRun::github().embedded("gitlab", &state), party);
        let page = journey.wait();
        let ended = journey.resume(&format!("?code=c&state={}", parameter(&page, "state")));
        assert_refused(&ended.expect(4), "refused", &words, "");
        assert_eq!(journey.party.requests(), [""; 0], "nothing is said before trust");
    }
}

#[test]
fn a_certificate_is_not_looked_at_when_the_inputs_say_so() {
    let party = FakeGitLab::with_untrusted_tls(ForgeKind::Gitlab);
    let state = gitlab_state(&party, CLIENT_SECRET, "group: my-group, verifySsl: false");
    let journey = BrowserFlow::new(ProgramRun::github().embedded("gitlab", &state), party);
    journey.install();
    let kept = journey.run.rows("SELECT metadata ->> 'verify_ssl' FROM integration");
    assert_eq!(kept, ["0"]);
    let state = gitlab_state(&journey.party, CLIENT_SECRET, "group: my-group, verifySsl: true");
    journey.wait_for(&journey.with_state(&state));
}

#[test]
fn a_server_that_is_not_there_is_told_as_such() {
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    // Nobody listens at the first port.
    let state = "{url: 'http://127.0.0.1:1', clientId: c, clientSecret: cl1ent-s3cr3t}";
    let journey = BrowserFlow::new(ProgramRun::github().embedded("gitlab", state), party);
    let state = parameter(&journey.wait(), "state");
    let ended = journey.resume(&format!("?code=c0de-s3cr3t&state={state}")).expect(4);
    let message = ended.output("error-message");
    let asked = "GitLab (127.0.0.1:1)";
    let words = format!("{asked}: request for {TOKEN} failed: cannot connect to 127.0.0.1:1: ");
    assert!(message.starts_with(&words) && message.len() > words.len(), "{message}");
    assert_refused(&ended, "refused", &message, "");
    assert_logged(&ended, FAILURE, &message, "");
    let hint = format!("check that this machine can reach {asked}, then run again");
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
}
