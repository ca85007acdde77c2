//! How Sentry's own code answers around a finish: without data, with a dead session after a refusal,
//! with rejected fields and no `detail`; and a server that closes its connections without a word.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_PIPELINE, OPSGENIE, POST_PIPELINE, SentryData, TOKEN,
    assert_completes, assert_fails, step,
};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

const GITLAB: &str =
    "{url: 'https://gitlab.example.com', clientId: app, clientSecret: gitl4b-secret}";
const CALLBACK: &str = "http://127.0.0.1/extensions/gitlab/setup/?code=c0de-x&state=0auth-state-1";

fn is_answer(request: &Request) -> bool {
    request.line() == POST_PIPELINE && request.json()["action"] != "initialize"
}

/// A Sentry whose serializer fails at a finish.
fn bare(world: &mut SentryData, request: &Request) -> Response {
    let reply = world.answer(request);
    let is_finish = is_answer(request) && reply.body().contains("\"complete\"");
    if is_finish { Response::json(200, &json!({"status": "complete"})) } else { reply }
}

#[test]
fn a_finish_without_data_is_a_success_whose_integration_is_looked_up() {
    // Another account of the same provider is not taken for it.
    let sentry = FakeSentry::with(bare).with_integration("opsgenie", "another");
    assert_completes(&sentry.opsgenie(), "complete true 2");
    // Renewed in place, nothing new is listed.
    let renewed = sentry.opsgenie().var("FINISHLINE_MODE", "reauth");
    assert_completes(&renewed.var("FINISHLINE_INTEGRATION_ID", "2"), "complete true 2");
    let installed = sentry.opsgenie().var("FINISHLINE_MODE", "install");
    assert_completes(&installed, "complete true 2");
    assert_eq!(sentry.data().integrations.len(), 2);
}

#[test]
fn a_finish_without_data_is_looked_up_although_the_replica_lags() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_INTEGRATIONS {
        true if matches!(request.nth, 1 | 2) => Response::json(200, &json!([])),
        _ => bare(world, request),
    });
    assert_completes(&sentry.opsgenie(), "complete true 1");
}

#[test]
fn a_finish_of_which_nothing_is_listed_is_no_success() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_INTEGRATIONS {
        true => Response::json(200, &json!([])),
        false => bare(world, request),
    });
    let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "3");
    let message = assert_fails(&run, 6, "backend-error").output("error-message");
    assert!(message.starts_with("the pipeline finished, but"), "{message}");
}

/// A pipeline that waits for its callback, with its resume file.
fn waiting(sentry: &FakeSentry) -> ProgramRun {
    let run = sentry.step("gitlab", GITLAB);
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    run.args(&["resume"])
        .without("FINISHLINE_PROVIDER")
        .without("FINISHLINE_STATE")
        .var("FINISHLINE_CALLBACK_URL", CALLBACK)
}

fn entries(run: &ProgramRun) -> usize {
    let file: Value = serde_json::from_str(&run.text("waiting.json")).unwrap();
    file["waiting"].as_object().unwrap().len()
}

/// Sentry's answer to whatever it did not expect.
fn internal_error() -> Response {
    Response::json(500, &json!({"detail": "Internal Error", "errorId": "5f"}))
}

#[test]
fn a_failure_at_the_first_read_of_a_resume_is_the_end_of_the_session_at_once() {
    for answer in [internal_error as fn() -> Response, || Response::html(500, "<h1>no</h1>")] {
        let sentry = FakeSentry::with(move |world, request| match request.line() == GET_PIPELINE {
            true => answer(),
            false => world.answer(request),
        });
        let run = waiting(&sentry);
        let ended = assert_fails(&run, 4, "session-expired");
        assert_eq!(ended.output("error-status"), "500");
        assert_eq!(sentry.peer.count(GET_PIPELINE), 1);
        // Another try is a person's choice: nothing says that the failure lasts.
        assert_eq!(entries(&run), 1);
    }
}

#[test]
fn a_gateway_in_front_that_fails_is_no_end_of_the_session() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_PIPELINE {
        true if request.nth == 0 => Response::html(502, "<h1>Bad Gateway</h1>"),
        _ => world.answer(request),
    });
    assert_completes(&waiting(&sentry), "complete true 1");
}

/// A Sentry that refuses each finish in these words; what it has of the session afterwards.
fn refusing(afterwards: fn() -> Response) -> FakeSentry {
    let is_dead = Mutex::new(false);
    FakeSentry::with(move |world, request| {
        let mut is_dead = is_dead.lock().unwrap();
        match request.line().as_str() {
            GET_PIPELINE if *is_dead => afterwards(),
            POST_PIPELINE if request.json().get("code").is_some() => {
                *is_dead = true;
                let data = json!({"detail": "The group could not be found."});
                Response::json(400, &json!({"status": "error", "data": data}))
            }
            _ => world.answer(request),
        }
    })
}

#[test]
fn the_resume_file_forgets_a_pipeline_that_was_refused_for_good() {
    let gone = || Response::detail(404, "No active pipeline session.");
    for afterwards in [internal_error as fn() -> Response, gone] {
        let sentry = refusing(afterwards);
        let run = waiting(&sentry);
        let message = assert_fails(&run, 4, "refused").output("error-message");
        assert_eq!((message.as_str(), entries(&run)), ("The group could not be found.", 0));
    }
    // A step that can be read can be answered again.
    let step = || Response::json(200, &json!({"step": "oauth_login", "data": {}}));
    let sentry = refusing(step);
    let run = waiting(&sentry);
    assert_fails(&run, 4, "refused");
    assert_eq!(entries(&run), 1);
}

#[test]
fn a_failed_finish_is_read_once_and_its_integration_looked_for_once() {
    let sentry = FakeSentry::with(|world, request| match request.line().as_str() {
        GET_PIPELINE => internal_error(),
        _ if is_answer(request) => internal_error(),
        _ => world.answer(request),
    });
    let message = assert_fails(&sentry.opsgenie(), 6, "backend-error").output("error-message");
    assert!(message.contains("Internal Error"), "{message}");
    assert_eq!(sentry.peer.count(GET_PIPELINE), 1);
    assert_eq!(sentry.peer.lines().last().map(String::as_str), Some(GET_INTEGRATIONS));
    assert_eq!(sentry.peer.count(GET_INTEGRATIONS), 2);
}

#[test]
fn what_a_pipeline_begins_with_is_a_bad_field_where_sentry_rejects_it() {
    for (body, message) in [
        (json!({"config": ["Invalid config."]}), "`config`: Invalid config."),
        (json!({"nonFieldErrors": ["The signature is wrong."]}), "The signature is wrong."),
        (json!({"non_field_errors": ["No."], "userId": ["Required."]}), "No.; `userId`: Required."),
    ] {
        let sentry =
            FakeSentry::with(move |world, request| match request.line() == POST_PIPELINE {
                true => {
                    Response::json(400, &body).with("Set-Cookie", "sentrysid=left-behind; Path=/")
                }
                false => world.answer(request),
            });
        let run = sentry.step("gitlab", GITLAB);
        let file = run.path("waiting.json");
        let run = run.var("FINISHLINE_RESUME_FILE", &file);
        let ended = assert_fails(&run, 2, "bad-field");
        assert_eq!(ended.joined(["error-message", "error-status"]), format!("{message} 400"));
        assert!(!std::path::Path::new(&file).exists(), "nothing waits");
        assert_eq!(sentry.posts().len(), 1);
    }
    let gated = FakeSentry::with(|world, request| match request.line() == POST_PIPELINE {
        true => Response::json(400, &json!({"detail": "At least one feature must be enabled."})),
        false => world.answer(request),
    });
    assert_fails(&gated.opsgenie(), 4, "unsupported");
}

/// Two hundred entries of a manifest, one after the other, at a server that closes each connection
/// behind so many answers.
fn install_two_hundred(answers: usize) {
    let data = Arc::new(Mutex::new(SentryData::default()));
    let world = Arc::clone(&data);
    let peer =
        HttpServer::closing_silently(answers, move |request| world.lock().unwrap().answer(request));
    let entry = |number: usize| {
        format!(
            "  - {{provider: opsgenie, state: {{baseUrl: 'https://api.opsgenie.com/', \
             provider: account-{number}, apiKey: '${{KEY}}'}}}}\n"
        )
    };
    let entries: String = (0..200).map(entry).collect();
    let run = step(&peer.url(), "opsgenie", OPSGENIE)
        .without("FINISHLINE_PROVIDER")
        .without("FINISHLINE_STATE")
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("KEY", "s3cr3t-key")
        .var("FINISHLINE_MAX_PARALLEL", "1")
        .var("FINISHLINE_MANIFEST", "m.yml");
    run.file("m.yml", format!("version: 1\nintegrations:\n{entries}"));
    let ended = run.execute().expect(0);
    let data = data.lock().unwrap();
    let accounts: HashSet<_> =
        data.integrations.iter().map(|one| one["externalId"].to_string()).collect();
    assert_eq!((data.integrations.len(), accounts.len()), (200, 200), "{answers}");
    // A server that closes every connection gets each request on a fresh one.
    assert!(answers > 1 || peer.count(POST_PIPELINE) == 400, "{:?}", peer.lines());
    assert!(answers > 1 || !ended.stderr.contains("response lost"), "{}", ended.stderr);
}

#[test]
fn two_hundred_installs_at_a_server_that_closes_in_silence_fail_never_and_double_nothing() {
    [1, 3].into_iter().for_each(install_two_hundred);
}
