//! Statuses that are easily taken for others, and the forms in which a server asks to be left alone.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, assert_completes, assert_fails, step,
};
use crate::support::http_server::{HttpServer, Response};
use crate::support::proxy::{PROXY_TOKEN, forward};
use crate::support::serve::ServeProcess;
use serde_json::json;

/// A Sentry that answers the first listing of integrations in another way.
fn answering(first: impl Fn() -> Response + Send + Sync + 'static) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == GET_INTEGRATIONS {
        true if request.nth == 0 => first(),
        _ => world.answer(request),
    })
}

#[test]
fn only_a_redirect_with_an_address_is_one() {
    for (status, location, is_redirect) in [
        (301, true, true),
        (302, true, true),
        (303, true, true),
        (307, true, true),
        (308, true, true),
        (302, false, false),
        (300, true, false),
        (304, false, false),
        (304, true, false),
        (305, true, false),
        (306, true, false),
        (399, true, false),
    ] {
        let sentry = answering(move || {
            let response = Response::html(status, "");
            if location { response.with("Location", "https://login.example") } else { response }
        });
        let message = assert_fails(&sentry.opsgenie(), 6, "backend-error").output("error-message");
        let words = if is_redirect { "answered with a redirect to" } else { "unexpected response" };
        assert!(message.contains(words), "{status}: {message}");
        assert!(is_redirect || message.contains(&format!("HTTP {status}")), "{message}");
        assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS], "{status}");
    }
}

#[test]
fn a_success_without_an_answer_or_with_a_part_of_one_is_no_listing() {
    for status in [204, 205, 206, 226] {
        let sentry = answering(move || Response::json(status, &json!([])));
        let message = assert_fails(&sentry.opsgenie(), 6, "backend-error").output("error-message");
        let words = format!("HTTP {status}");
        assert!(message.contains("unexpected response") && message.contains(&words), "{message}");
    }
    let sentry = answering(|| Response::json(203, &json!([])));
    assert_completes(&sentry.opsgenie(), "complete true 1");
}

#[test]
fn a_setup_page_that_names_an_address_is_no_redirect() {
    let serve = ServeProcess::start();
    let peer = HttpServer::new(move |request| {
        let response = forward(&serve, request);
        let is_page = request.line() == "POST /extensions/example/setup/";
        if is_page { response.with("Location", "https://elsewhere.example/") } else { response }
    });
    let run = step(&peer.url(), "example", "{name: demo}").var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    assert_completes(&run.var("FINISHLINE_DIALECT", "web"), "complete true 1");
}

/// The clock of that server, which is not ours.
const DATE: &str = "Fri, 29 Nov 2030 08:00:00 GMT";

#[test]
fn a_wait_until_a_date_in_any_form_is_known_before_it_begins() {
    for after in [
        "Fri, 29 Nov 2030 09:00:00 GMT",
        "Friday, 29-Nov-30 09:00:00 GMT",
        "Fri Nov 29 09:00:00 2030",
        "3599.5",
    ] {
        let sentry = answering(move || {
            Response::detail(429, "slow").with("Date", DATE).with("Retry-After", after)
        });
        let ended = assert_fails(&sentry.opsgenie(), 6, "rate-limited");
        let message = ended.output("error-message");
        assert!(message.contains("; the rate limit ends in 3600 s, at "), "{after}: {message}");
        assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
    }
    let sentry = answering(|| Response::detail(429, "slow").with("Retry-After", "200000"));
    let message = assert_fails(&sentry.opsgenie(), 6, "rate-limited").output("error-message");
    assert!(message.ends_with("; the rate limit ends in 200000 s"), "{message}");
}

#[test]
fn a_wait_that_is_over_is_short_and_an_outage_lasts_as_long_as_the_server_says() {
    for (status, after) in [(429, "Thu, 29 Nov 1990 08:00:00 GMT"), (429, "-5"), (503, "1")] {
        let sentry = answering(move || {
            Response::detail(status, "slow").with("Date", DATE).with("Retry-After", after)
        });
        let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
        let waits = ended.stderr.lines().filter(|line| line.contains("retrying after a pause"));
        let waits: Vec<_> = waits.collect();
        assert!(waits.len() == 1 && waits[0].contains("seconds=1"), "{}", ended.stderr);
    }
}

#[test]
fn a_request_that_the_server_calls_wrong_is_refused_and_no_outage() {
    for (status, exit, code) in
        [(400, 4, "refused"), (422, 4, "refused"), (409, 6, "backend-error")]
    {
        let sentry = answering(move || Response::detail(status, "no such cursor"));
        let run = sentry.opsgenie().var("FINISHLINE_TOLERATE", "auth");
        let ended = assert_fails(&run, exit, code);
        assert!(ended.output("error-message").contains("no such cursor"));
        assert_eq!(ended.stderr.contains("run again later"), code != "refused", "{}", ended.stderr);
    }
    let sentry = answering(|| Response::detail(400, "no such cursor"));
    assert_fails(&sentry.opsgenie().var("FINISHLINE_TOLERATE", "unavailable"), 4, "refused");
}
