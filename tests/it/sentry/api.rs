//! The `api` dialect from its start to its finish, and each of its refusals.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, GET_PIPELINE, GITLAB, OPSGENIE, POST_PIPELINE,
    SentryData, TOKEN, assert_completes, assert_fails, integration, leaks,
};
use crate::support::http_server::{Request, Response};
use crate::support::run::SECRET;
use serde_json::{Value, json};

const TOOL: &str = "{first: {name: frontend, count: 3}, second: {agree: true, key: t00l-secret}}";

/// A Sentry that answers this step of a pipeline, once the others are answered, in another way.
fn answering(step: usize, status: u16, body: Value) -> FakeSentry {
    FakeSentry::with(move |world, request| {
        match request.line() == POST_PIPELINE && request.nth == step {
            true => Response::json(status, &body),
            false => world.answer(request),
        }
    })
}

fn error(detail: &str) -> Value {
    json!({"status": "error", "data": {"detail": detail}})
}

/// A Sentry where the answer to a step is taken and its reply is lost.
fn losing(step: usize, lost: impl Fn() -> Response + Send + Sync + 'static) -> FakeSentry {
    FakeSentry::with(move |world, request| {
        let reply = world.answer(request);
        if request.line() == POST_PIPELINE && request.nth == step { lost() } else { reply }
    })
}

#[test]
fn a_pipeline_is_walked_from_its_start_to_its_finish() {
    let sentry = FakeSentry::new();
    let ended = assert_completes(&sentry.step("tool", TOOL), "complete true 1");
    assert_eq!(
        sentry.peer.lines(),
        [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE, POST_PIPELINE]
    );
    let start = json!({"action": "initialize", "provider": "tool"});
    let first = json!({"name": "frontend", "count": 3});
    assert_eq!(sentry.posts(), [start, first, json!({"agree": true, "key": "t00l-secret"})]);
    let url = format!("{}/settings/acme/integrations/tool/1/", sentry.peer.url());
    assert_eq!(ended.output("redirect-url"), url);
    assert_eq!(ended.joined(["error-code", "error-status", "error-message", "warnings"]), "   ");
    assert_eq!(leaks(&ended, "t00l-secret"), [""; 0]);
}

#[test]
fn a_pipeline_begins_with_the_data_that_the_state_has_for_it() {
    let sentry = FakeSentry::new();
    let begin = "initialData: {signedParams: s1gned-secret}";
    let state = TOOL.replacen('{', &format!("{{{begin}, "), 1);
    let run = sentry.step("tool", &state);
    let plan = assert_completes(&run.clone().args(&["plan"]), "planned false ");
    assert!(plan.stdout.contains("\"initialData\""), "{}", plan.stdout);
    assert_eq!(leaks(&plan, "s1gned-secret"), [""; 0]);
    assert_completes(&run, "complete true 1");
    let start = json!({
        "action": "initialize",
        "provider": "tool",
        "initialData": {"signedParams": "s1gned-secret"},
    });
    assert_eq!(sentry.posts()[0], start);
}

#[test]
fn requests_carry_the_token_and_ask_for_json() {
    let sentry = FakeSentry::new();
    assert_completes(&sentry.opsgenie(), "complete true 1");
    for request in sentry.peer.requests() {
        assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
        assert!(request.header("accept").starts_with("application/json"));
        assert!(request.header("user-agent").starts_with("finishline/"));
        let kind = if request.method == "POST" { "application/json" } else { "" };
        assert_eq!(request.header("content-type"), kind);
    }
    sentry.step("gitlab", GITLAB).args(&["plan"]).execute().expect(0);
    let mut lists = sentry.peer.requests();
    lists.retain(|request| request.line() == GET_INTEGRATIONS);
    // What is configured at GitLab is not compared, so that Sentry need not look for it.
    let listed =
        lists.iter().map(|list| ["providerKey", "includeConfig"].map(|name| list.parameter(name)));
    assert_eq!(listed.collect::<Vec<_>>(), [["opsgenie", "1"], ["gitlab", "0"]]);
}

#[test]
fn the_cookies_of_the_start_come_back_and_stand_nowhere_else() {
    let sentry = FakeSentry::with(|world, request| {
        let reply = world.answer(request);
        if request.line() == POST_PIPELINE && request.nth == 0 {
            reply.with("Set-Cookie", "two=2nd; Path=/")
        } else {
            reply
        }
    });
    let ended = assert_completes(&sentry.step("tool", TOOL), "complete true 1");
    let requests = sentry.peer.requests();
    assert!(requests[..3].iter().all(|request| request.header("cookie").is_empty()));
    for request in &requests[3..] {
        let mut cookies: Vec<_> = request.header("cookie").split("; ").collect();
        cookies.sort_unstable();
        assert_eq!(cookies, ["sentrysid=s3ss10n-1", "two=2nd"]);
    }
    assert_eq!(leaks(&ended, "s3ss10n"), [""; 0]);
    assert_eq!(leaks(&ended, "k3y-in-the-configuration"), [""; 0]);
}

#[test]
fn a_described_provider_sends_the_fields_of_its_step() {
    let sentry = FakeSentry::new();
    let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
    let answer: Value = json!({
        "baseUrl": "https://api.opsgenie.com/", "provider": "acme-ops", "apiKey": SECRET
    });
    assert_eq!(sentry.posts()[1], answer);
    assert_eq!(leaks(&ended, SECRET), [""; 0]);
}

#[test]
fn fields_that_do_not_fit_are_named_with_the_reasons_of_the_server() {
    let body = json!({"apiKey": ["This field is required."], "baseUrl": ["\"x\" is no choice."]});
    let sentry = answering(1, 400, body);
    let ended = assert_fails(&sentry.opsgenie(), 2, "bad-field");
    let message = "`apiKey`: This field is required.; `baseUrl`: \"x\" is no choice.";
    assert_eq!(ended.output("error-message"), message);
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_refusal_that_names_no_field_says_what_the_server_says() {
    for body in [json!({"detail": "JSON parse error"}), json!("JSON parse error")] {
        let ended = assert_fails(&answering(1, 400, body).opsgenie(), 4, "refused");
        assert_eq!(ended.joined(["error-message", "error-status"]), "JSON parse error 400");
    }
}

#[test]
fn an_error_of_a_step_or_of_the_finish_is_a_refusal() {
    for (step, provider, state) in [(1, "tool", TOOL), (2, "tool", TOOL), (1, "opsgenie", OPSGENIE)]
    {
        let sentry = answering(step, 400, error("The account is\nnot known."));
        let ended = assert_fails(&sentry.step(provider, state), 4, "refused");
        let said = ended.joined(["error-message", "error-status"]);
        assert_eq!(said, "The account is not known. 400");
        assert_eq!(sentry.peer.count(POST_PIPELINE), step + 1);
    }
}

#[test]
fn refusals_with_a_known_sentence_have_codes_of_their_own() {
    let owner = "You must be an organization owner, manager or admin to install this integration.";
    let taken = "The provided Gitlab account is linked to a different Sentry user.";
    for (sentence, exit, code) in [(owner, 5, "missing-scope"), (taken, 4, "identity-taken")] {
        let ended = assert_fails(&answering(1, 400, error(sentence)).opsgenie(), exit, code);
        assert_eq!(ended.joined(["error-message", "error-status"]), format!("{sentence} 400"));
    }
}

#[test]
fn a_gate_is_told_in_the_words_of_the_server_and_changes_no_dialect() {
    for (status, detail) in [
        (404, "Unknown provider: opsgenie"),
        (400, "Pipeline does not support API mode."),
        (404, "The integrations-opsgenie feature is not enabled."),
        (400, "At least one feature from this list has to be enabled"),
    ] {
        let sentry = answering(0, status, json!({"detail": detail}));
        let ended = assert_fails(&sentry.opsgenie(), 4, "unsupported");
        assert!(ended.output("error-message").ends_with(detail), "{}", ended.stderr);
        assert_eq!(ended.output("error-status"), status.to_string());
        assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE]);
    }
}

#[test]
fn a_provider_that_nobody_knows_is_refused_by_the_server() {
    let sentry = FakeSentry::new();
    let ended = assert_fails(&sentry.step("zzz", "{}"), 4, "unsupported");
    assert!(ended.output("error-message").ends_with("Unknown provider: zzz"));
}

#[test]
fn a_step_that_stays_waits_for_a_person_when_it_shows_a_page() {
    let page = "https://github.com/apps/sentry-app";
    let stay = json!({"status": "stay", "data": {"appInstallUrl": page}});
    let ended = answering(1, 200, stay).step("tool", TOOL).execute().expect(3);
    assert_eq!(ended.joined(["status", "error-code"]), "action_required needs-browser");
    assert_eq!(ended.output("redirect-url"), page);
    let failures = json!({"status": "stay", "data": {"failures": [{"name": "a", "error": "no"}]}});
    for stay in [failures, json!({"status": "stay"})] {
        let sentry = answering(1, 200, stay);
        assert_fails(&sentry.step("tool", TOOL), 4, "refused");
        assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
    }
}

fn with_another_step(world: &mut SentryData, request: &Request) -> Response {
    match request.line() == POST_PIPELINE && request.nth == 1 {
        true => Response::json(200, &json!({"status": "advance", "step": "review", "data": {}})),
        false => world.answer(request),
    }
}

#[test]
fn a_step_that_a_described_provider_does_not_have_is_answered_by_its_id() {
    let sentry = FakeSentry::with(with_another_step);
    let state = OPSGENIE.replace('}', ", review: {agree: true}}");
    assert_completes(&sentry.step("opsgenie", &state), "complete true 1");
    assert_eq!(sentry.posts()[2], json!({"agree": true}));
    let ended = assert_fails(&FakeSentry::with(with_another_step).opsgenie(), 2, "missing-field");
    assert!(
        ended
            .output("error-message")
            .contains("no fields were given for step `review` of the opsgenie pipeline")
    );
    assert!(ended.stderr.contains("set its fields in `state` under `review`"));
}

#[test]
fn a_step_that_nothing_answers_and_shows_a_page_waits_for_a_person() {
    let sentry = FakeSentry::new();
    let ended = sentry.step("chat", "{}").execute().expect(3);
    assert_eq!(ended.joined(["status", "provider"]), "action_required chat");
    let page = "https://gitlab.example.com/oauth/authorize?state=0auth-state-1";
    assert_eq!(ended.output("redirect-url"), page);
}

#[test]
fn a_lost_last_answer_is_found_in_the_list_and_not_sent_again() {
    for lost in [Response::close as fn() -> Response, || Response::html(502, "")] {
        let sentry = losing(1, lost).with_integration("opsgenie", "other-account");
        let ended = assert_completes(&sentry.opsgenie(), "complete true 2");
        assert_eq!(
            sentry.peer.lines(),
            [
                GET_INTEGRATIONS,
                GET_ORGANIZATION,
                POST_PIPELINE,
                POST_PIPELINE,
                GET_PIPELINE,
                GET_INTEGRATIONS
            ]
        );
        assert!(ended.output("redirect-url").ends_with("/integrations/opsgenie/2/"));
    }
}

#[test]
fn a_lost_answer_is_looked_for_in_the_list_though_the_step_cannot_be_read() {
    let sentry = FakeSentry::with(|world, request| {
        let reply = world.answer(request);
        let lost =
            request.line() == POST_PIPELINE && request.nth == 1 || request.line() == GET_PIPELINE;
        if lost { Response::html(500, "") } else { reply }
    });
    assert_completes(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "4"), "complete true 1");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_lost_answer_that_activates_an_integration_again_is_found() {
    let sentry = losing(1, Response::close).with_integration("opsgenie", "acme-ops");
    sentry.data().integrations[0]["organizationIntegrationStatus"] = "pending_deletion".into();
    assert_completes(&sentry.opsgenie(), "complete true 1");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_lost_answer_without_a_trace_is_a_failure_and_no_finish() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == POST_PIPELINE && request.nth == 1 {
            true => {
                world.answer(request);
                world.integrations.pop();
                Response::close()
            }
            false => world.answer(request),
        }
    });
    let sentry = sentry.with_integration("opsgenie", "other-account");
    assert_fails(&sentry.opsgenie(), 6, "unreachable");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_finish_whose_answer_never_comes_is_found_within_the_run() {
    let sentry = losing(1, Response::stall);
    assert_completes(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "8"), "complete true 1");
    assert_completes(&sentry.opsgenie(), "complete false 1");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_lost_answer_of_an_earlier_step_is_not_sent_again() {
    let sentry = losing(1, Response::close);
    assert_completes(&sentry.step("tool", TOOL), "complete true 1");
    assert_eq!(
        sentry.peer.lines(),
        [
            GET_INTEGRATIONS,
            GET_ORGANIZATION,
            POST_PIPELINE,
            POST_PIPELINE,
            GET_PIPELINE,
            POST_PIPELINE
        ]
    );
    assert_eq!(sentry.posts()[2]["agree"], true);
}

#[test]
fn an_integration_that_is_there_is_left_alone_and_its_secrets_are_not_compared() {
    let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
    let ended = assert_completes(&sentry.opsgenie(), "complete false 1");
    assert_eq!(ended.output("warnings"), "secrets-not-compared");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION]);
    let open = "{baseUrl: 'https://api.opsgenie.com/', provider: acme-ops}";
    let ended = assert_completes(&sentry.step("opsgenie", open), "complete false 1");
    assert_eq!(ended.output("warnings"), "");
}

#[test]
fn an_integration_that_is_not_active_is_installed_again() {
    for (field, status) in [("status", "disabled"), ("organizationIntegrationStatus", "disabled")] {
        let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
        sentry.data().integrations[0][field] = status.into();
        assert_completes(&sentry.opsgenie(), "complete true 1");
    }
}

#[test]
fn reauth_renews_the_named_integration_and_is_refused_for_another_account() {
    let sentry = FakeSentry::new()
        .with_integration("opsgenie", "acme-ops")
        .with_integration("opsgenie", "other");
    let run = sentry.opsgenie().var("FINISHLINE_MODE", "reauth");
    let ended =
        assert_completes(&run.clone().var("FINISHLINE_INTEGRATION_ID", "1"), "complete true 1");
    assert_eq!(ended.output("pipeline-type"), "reauth");
    let before = sentry.peer.count(POST_PIPELINE);
    let ended =
        assert_fails(&run.clone().var("FINISHLINE_INTEGRATION_ID", "2"), 4, "integration-mismatch");
    let words = "`state` describes a different account than integration 2 (other)";
    assert_eq!(ended.output("error-message"), words);
    assert_fails(&run.var("FINISHLINE_INTEGRATION_ID", "3"), 2, "bad-field");
    assert_eq!(sentry.peer.count(POST_PIPELINE), before);
}

#[test]
fn a_finish_that_is_not_active_is_no_finish() {
    let mut data = integration(1, "opsgenie", "acme-ops");
    data["organizationIntegrationStatus"] = "pending_deletion".into();
    let sentry = answering(1, 200, json!({"status": "complete", "data": data}));
    assert_fails(&sentry.opsgenie(), 4, "refused");
}

#[test]
fn a_session_that_is_gone_is_told_so() {
    let sentry = answering(1, 404, json!({"detail": "No active pipeline session."}));
    let ended = assert_fails(&sentry.opsgenie(), 4, "session-expired");
    assert_eq!(ended.output("error-status"), "404");
    assert!(ended.stderr.contains("start again with `finishline run`"), "{}", ended.stderr);
}
