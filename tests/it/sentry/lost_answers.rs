//! A request whose answer was lost, at a Sentry whose replica lags: what it made is looked for more
//! than once before anything is sent again.

use crate::release::requests::{add_repository, released};
use crate::support::fake_sentry::{FakeSentry, GET_INTEGRATIONS, POST_PIPELINE, assert_completes};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{ProxyAction, ServeProxy};
use serde_json::json;
use std::sync::Mutex;

const DEPLOYS: &str = "releases/web%401.0.0/deploys/";

fn is_deploy(request: &Request, method: &str) -> bool {
    request.line() == format!("{method} {DEPLOYS}")
}

/// A Sentry that loses the first answer to a deploy like this, and whose replica then has nothing
/// of it for two looks.
fn lagging(lost: fn() -> Response, not_yet: fn() -> Response) -> ServeProxy {
    let relay = ServeProxy::with(move |request| match request.nth {
        0 if is_deploy(request, "POST") => ProxyAction::ReplaceResponse(lost()),
        0 | 1 if is_deploy(request, "GET") => ProxyAction::Intercept(not_yet()),
        _ => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    relay
}

#[test]
fn a_deploy_whose_answer_was_lost_is_found_although_the_replica_lags() {
    let empty = || Response::json(200, &json!([]));
    for (lost, not_yet) in [
        (Response::close as fn() -> Response, empty as fn() -> Response),
        (|| Response::html(502, "<h1>Bad Gateway</h1>"), empty),
        (|| Response::detail(503, "later"), || Response::detail(404, "no such release")),
    ] {
        let relay = lagging(lost, not_yet);
        let ended = released(&relay).execute().expect(0);
        assert_eq!(ended.joined(["status", "changed", "deploy-id"]), "complete true 1");
        assert_eq!(relay.peer.count(&format!("POST {DEPLOYS}")), 1, "{:?}", relay.peer.lines());
        assert_eq!(relay.get(DEPLOYS).as_array().unwrap().len(), 1);
        assert!(ended.stderr.contains("looking again after a pause"), "{}", ended.stderr);
    }
}

#[test]
fn a_deploy_that_keeps_failing_is_sent_twice_with_looks_in_between() {
    let relay = ServeProxy::with(|request| match is_deploy(request, "POST") {
        true => ProxyAction::Intercept(Response::detail(500, "Internal Error")),
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let ended = released(&relay).var("FINISHLINE_TIMEOUT", "3").execute().expect(6);
    assert_eq!(ended.joined(["error-code", "error-status"]), "backend-error 500");
    let lines = relay.requests_since(0);
    let after_first = lines.split(|line| *line == format!("POST {DEPLOYS}")).skip(1);
    let looks: Vec<_> = after_first.map(<[String]>::len).collect();
    assert!(looks.len() == 2 && looks.iter().all(|looks| *looks > 2), "{lines:?}");
    let message = ended.output("error-message");
    let end = format!("; gave up on POST /api/0/organizations/acme/{DEPLOYS} after 2 attempts in ");
    let (_, seconds) = message.split_once(&end).unwrap_or_else(|| panic!("{message}"));
    // The pauses between the looks are a part of it.
    let seconds = seconds.split_once(" s").map_or(seconds, |(seconds, _)| seconds);
    assert!(seconds.parse::<f64>().unwrap() >= 0.5, "{message}");
    assert_eq!(message.matches("gave up on").count(), 1, "{message}");
}

#[test]
fn a_repository_and_a_finish_are_found_although_the_replica_lags() {
    let lists = Mutex::new((0, 0));
    let sentry = FakeSentry::with(move |world, request| {
        let body = request.json();
        let mut after = lists.lock().unwrap();
        match request.line().as_str() {
            POST_PIPELINE if body["action"] != "initialize" => {
                world.answer(request);
                after.0 = 1;
                Response::close()
            }
            "POST repos/" => {
                world.answer(request);
                after.1 = 1;
                Response::html(504, "<h1>Gateway Timeout</h1>")
            }
            GET_INTEGRATIONS if (1..3).contains(&after.0) => {
                after.0 += 1;
                Response::json(200, &json!([]))
            }
            "GET repos/" if (1..3).contains(&after.1) => {
                after.1 += 1;
                Response::json(200, &json!([]))
            }
            _ => world.answer(request),
        }
    });
    let run = sentry.opsgenie().var("FINISHLINE_REPOSITORIES", "acme/web");
    let ended = assert_completes(&run, "complete true 1");
    assert_eq!(ended.output("warnings"), "", "{}", ended.stderr);
    assert!(ended.stdout.contains("linked repository acme/web"), "{}", ended.stdout);
    assert_eq!(sentry.peer.count("POST repos/"), 1);
    assert_eq!(sentry.posts().len(), 2);
}
