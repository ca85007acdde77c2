//! What a third party, or a Sentry, answers in words of its own, and what a provider makes of it.

use super::fixtures::KEY;
use super::providers::fields;
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use finishline::error::ErrorCode;
use finishline::model::{ListedIntegration, State};
use finishline::provider::request::VendorResponse;
use finishline::provider::{self, FreshValues, IntegrationMatch};
use serde_json::{Value, json};
use std::sync::Mutex;

/// A run whose request token is answered in this way; the server's address is left out.
fn at_bitbucket(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> String {
    let party = HttpServer::new(answer);
    let state = json!({ "url": party.url(), "consumerKey": "sentry-k3y", "privateKey": KEY });
    let run = ProgramRun::github().embedded("bitbucket_server", &state.to_string());
    let run = run
        .var("KEY", KEY)
        .var("FINISHLINE_STATE", state.to_string().replace(&json!(KEY).to_string(), "\"${KEY}\""));
    let address = party.url().replace("http://", "");
    let ended = run.execute().expect(4).joined(["error-code", "error-status", "error-message"]);
    ended.replace(&format!("({address})"), "(PARTY)")
}

#[test]
fn each_oauth_problem_has_the_third_partys_words_and_the_field_they_are_about() {
    for (status, body, words) in [
        (401, "oauth_problem=consumer_key_unknown", "consumer_key_unknown"),
        (401, "oauth_problem=signature_invalid", "signature_invalid"),
        (
            400,
            "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2",
            "timestamp_refused: 1-2",
        ),
        (
            403,
            r#"{"errors": [{"context": null, "message": "You are\u001b[2J not permitted"}]}"#,
            "You are [2J not permitted",
        ),
    ] {
        let found = at_bitbucket(move |_| Response::html(status, body));
        let asked = "Bitbucket Server (PARTY): request for the request token from Bitbucket failed";
        assert_eq!(found, format!("refused {status} {asked}: HTTP {status}: {words}"));
    }
}

#[test]
fn a_secret_that_a_third_party_quotes_is_not_in_its_words() {
    let quotes = |request: &Request| {
        let sent = format!("no: {} {}", request.header("authorization"), KEY);
        Response::json(401, &json!({ "error": "denied", "error_description": sent }))
    };
    let found = at_bitbucket(quotes);
    assert!(found.contains("HTTP 401: denied: no: "), "{found}");
    let line = KEY.lines().nth(1).unwrap();
    assert!(!found.contains(line) && !found.contains(&line[..20]), "{found}");
}

#[track_caller]
fn assert_words(key: &str, name: &str, (status, body): (u16, Value), words: &str) {
    let response = VendorResponse::Received { status, body: body.to_string() };
    let refused =
        provider::find(key).unwrap().bind_response(name, &response, &mut State::default());
    let refusal = refused.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Refused);
    assert!(refusal.message.ends_with(words), "{key}: {}", refusal.message);
}

#[test]
fn entra_github_and_the_keys_of_others_are_refused_in_their_words() {
    let entra = "AADSTS7000222: The provided client secret keys are expired.\r\nTrace ID: x";
    let entra = json!({ "error": "invalid_client", "error_description": entra });
    let words = "HTTP 401: invalid_client: AADSTS7000222: The provided client secret keys are \
                 expired.  Trace ID: x";
    assert_words("vsts", "oauth_data", (401, entra), words);
    let github = json!({ "error": "incorrect_client_credentials", "error_description": "no" });
    let words = "incorrect_client_credentials: no";
    assert_words("github", "oauth_data", (200, github), words);
    let scope = json!({ "message": "token does not have scope" });
    assert_words("gitea", "user", (403, scope), "HTTP 403: token does not have scope");
    let key = json!({ "error": "Invalid key" });
    assert_words("cursor", "verify", (401, key), "Cursor rejected this `apiKey`: Invalid key");
    let forbidden = json!({ "errors": ["Forbidden"] });
    let words = "check `apiKey`, `appKey` and `site`: Forbidden";
    assert_words("datadog", "user", (403, forbidden), words);
    let admins = json!({ "errorMessages": ["Admins only"], "errors": {} });
    assert_words("jira_server", "webhook", (403, admins), "HTTP 403: Admins only");
}

/// A pipeline that this Sentry answers step by step: the outputs, and what was posted.
fn at_sentry(key: &str, state: &str, first: Value, next: (u16, Value)) -> (String, Vec<Value>) {
    let next = Mutex::new(Some(next));
    let peer = HttpServer::new(move |request: &Request| match request.method.as_str() {
        "POST" if request.json()["action"] == "initialize" => Response::json(200, &first),
        "POST" => {
            let (status, body) = next.lock().unwrap().take().expect("one answer");
            Response::json(status, &body)
        }
        _ => Response::json(200, &json!([])),
    });
    let run = ProgramRun::github().var("SENTRY_URL", peer.url()).var("SENTRY_AUTH_TOKEN", "t");
    let run = run.var("FINISHLINE_ORG", "acme").var("FINISHLINE_PROVIDER", key);
    let ended = run.var("FINISHLINE_STATE", state).execute();
    let said = ended.joined(["status", "error-code", "error-message"]);
    let posts = peer.requests().into_iter().filter(|one| one.method == "POST");
    (said, posts.map(|one| one.json()).collect())
}

#[test]
fn an_installation_that_began_at_cursor_is_finished_by_its_state_alone() {
    let data = json!({ "installUrl": "https://origin.example/i", "originInitiated": true,
                       "state": "n0nce-of-the-pipeline" });
    let first = json!({ "step": "install", "stepIndex": 0, "totalSteps": 1, "data": data });
    let done = json!({ "status": "complete", "data": { "id": "7", "name": "n",
                       "provider": { "key": "cursor_origin" } } });
    let state = "installationReceipt: ${RECEIPT}";
    let state = state.replace("${RECEIPT}", "{receipt}");
    for state in [state.as_str(), "{}"] {
        let state = state.replace("{receipt}", "eyJ0.eyJp.c2ln");
        let (said, posts) = at_sentry("cursor_origin", &state, first.clone(), (200, done.clone()));
        assert!(said.starts_with("complete"), "{said}");
        let receipt = posts[0]["initialData"]["installationReceipt"].as_str();
        assert_eq!(receipt, state.contains("eyJ0").then_some("eyJ0.eyJp.c2ln"));
        assert_eq!(posts[1], json!({ "state": "n0nce-of-the-pipeline" }));
    }
    let detail = "Invalid state, please try the installation again.";
    let refusal = json!({ "status": "error", "data": { "detail": detail } });
    let (said, _) = at_sentry("cursor_origin", "{}", first.clone(), (400, refusal));
    assert_eq!(said, format!("error wrong-oauth-state {detail}"));
    let mut waiting = first;
    waiting["data"]["originInitiated"] = json!(false);
    let (said, posts) = at_sentry("cursor_origin", "{}", waiting, (200, json!({})));
    assert!(said.starts_with("action_required") && posts.len() == 1, "{said}");
}

#[test]
fn a_step_that_stays_tells_why_each_part_failed() {
    let first = json!({ "step": "instrumentation", "data": {} });
    let state = "{projectId: 7, accountNumber: '599817902985', region: us-east-2,
                  awsExternalId: x-s3cr3t, enabledFunctions: []}";
    let failures = json!([
        { "name": "a", "error": "Layer limit reached\nfor x-s3cr3t" },
        { "name": "b", "error": "" },
        { "name": "c" },
    ]);
    let stay = json!({ "status": "stay", "data": { "failures": failures, "successCount": 0 } });
    let (said, posts) = at_sentry("aws_lambda", state, first, (200, stay));
    assert_eq!(posts[1], json!({ "enabledFunctions": [] }), "none is an answer");
    let words = "the step failed for `a` (Layer limit reached for ***), `b`, `c`";
    assert_eq!(said, format!("error refused {words}"));
}

/// The error's code and message, and what was logged, of a run at a Sentry where nobody listens.
fn at_nobody(key: &str, state: &str, mode: &str) -> (String, String) {
    let run = ProgramRun::github().var("SENTRY_URL", HttpServer::unused_url());
    let run = run.var("SENTRY_AUTH_TOKEN", "t").var("FINISHLINE_ORG", "acme");
    let run = run.var("FINISHLINE_PROVIDER", key).var("FINISHLINE_STATE", state);
    let run = match mode {
        "reauth" => run.var("FINISHLINE_MODE", mode).var("FINISHLINE_INTEGRATION_ID", "1"),
        _ => run.var("FINISHLINE_TIMEOUT", "1s"),
    };
    let ended = run.execute();
    (ended.joined(["error-code", "error-message"]), ended.stderr)
}

/// What providers refuse before anything is sent.
#[test]
fn what_can_never_end_well_is_said_before_a_request_is_made() {
    let perforce = |port: &str, more: &str| {
        format!("{{p4port: '{port}', user: u, authType: password, password: p4-s3cr3t{more}}}")
    };
    let missing =
        "`sslFingerprint` is missing from `state`: required when `p4port` begins with `ssl:`";
    let random =
        "integrations cannot be re-authorized: each finish makes a new one, with a random id";
    let reauth = |key: &str, state: &str| (key.to_owned(), state.to_owned(), "reauth");
    for ((key, state, mode), code, words) in [
        (reauth("cursor", "apiKey: k3y-s3cr3t"), "integration-mismatch", random),
        (reauth("outpost", "baseUrl: 'https://o.example'"), "integration-mismatch", random),
        (
            reauth("custom_scm", "{name: n, url: 'https://g.example'}"),
            "integration-mismatch",
            random,
        ),
        (("perforce".into(), perforce("ssl:p4:1666", ""), "ensure"), "missing-field", missing),
        (
            ("perforce".into(), perforce("SSL:p4:1666", ", sslFingerprint: ' '"), "ensure"),
            "bad-field",
            "required when",
        ),
        (("perforce".into(), perforce("p4:1666", ""), "ensure"), "unreachable", ""),
        (("outpost".into(), "baseUrl: nope".into(), "ensure"), "bad-field", "512 characters"),
    ] {
        let (said, log) = at_nobody(&key, &state, mode);
        assert!(said.starts_with(code) && said.contains(words), "{key}: {said}");
        assert!(mode != "reauth" || log.contains("delete the old one"), "{log}");
    }
}

fn fresh() -> FreshValues {
    let redirect_uri = "https://s.example/extensions/x/setup/".to_owned();
    FreshValues { nonce: "n".repeat(64), verifier: "v".repeat(43), redirect_uri }
}

#[test]
fn what_a_provider_stores_and_asks_for_is_what_sentry_does() {
    // Outpost's server is kept without the slashes at its end, and recognised by the name.
    let outpost = provider::find("outpost").unwrap();
    let (step, mut state) = (&outpost.steps()[0], State::default());
    outpost.step_data(step, &mut state, &fresh());
    let answer = fields(&json!({ "baseUrl": "https://o.example/x//" }));
    outpost.bind_answer(step, &answer, &mut state).unwrap();
    let built = outpost.build(&state).unwrap();
    assert_eq!(built.name.as_deref(), Some("Outpost Agent (https://o.example/x)"));
    assert_eq!(built.metadata.keys().collect::<Vec<_>>(), ["base_url", "webhook_secret"]);
    let discord = provider::find("discord").unwrap();
    let shown = discord.step_data(&discord.steps()[0], &mut State::default(), &fresh());
    let page = shown["oauthUrl"].as_str().unwrap();
    assert!(
        page.contains("guilds.members.read") && page.ends_with("&permissions=377957141504"),
        "{page}"
    );
    // Of Datadog the listing shows a name and no address.
    let listed = ListedIntegration {
        id: 1,
        external_id: "a1".to_owned(),
        name: "Datadog (us5.datadoghq.com)".to_owned(),
        domain_name: None,
        active: true,
        deletion: None,
        health: Default::default(),
        config: None,
        stored: None,
    };
    let datadog = provider::find("datadog").unwrap();
    assert_eq!(datadog.recover_fields(&listed)["site"], "us5.datadoghq.com");
    let none = provider::Answers::default();
    assert_eq!(outpost.matches(&none, &listed), IntegrationMatch::CannotTell);
}
