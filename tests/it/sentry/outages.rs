//! How an outage ends that outlasts the `timeout`: which request, how often and how long it was
//! tried, and which `timeout` would have done.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, GET_PIPELINE, OPSGENIE, POST_PIPELINE,
    assert_completes, assert_fails, step,
};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::RunResult;

/// What ends a failure that waited for the listing of integrations.
const GAVE_UP: &str = "; gave up on GET /api/0/organizations/acme/integrations/ after ";

/// A Sentry that answers a request with this line in another way.
fn always(line: &'static str, reply: impl Fn() -> Response + Send + Sync + 'static) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == line {
        true => reply(),
        false => world.answer(request),
    })
}

/// How many attempts the failure names, and how many seconds.
fn attempts_and_seconds(message: &str, gave_up: &str) -> (usize, f64) {
    let (_, end) = message.split_once(gave_up).unwrap_or_else(|| panic!("{message}"));
    let words: Vec<_> = end.split(' ').collect();
    let [attempts, _, "in", seconds, ..] = words[..] else { panic!("{message}") };
    (attempts.parse().unwrap(), seconds.parse().unwrap())
}

/// The waits in the log, each with its number, the time spent and what comes next.
fn logged_waits(ended: &RunResult) -> Vec<String> {
    let lines = ended.stderr.lines().filter(|line| line.contains("retrying after a pause"));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_end_of_an_outage_names_the_request_the_attempts_and_the_seconds() {
    let failing = || Response::detail(503, "down for maintenance");
    let (down, closing) =
        (always(GET_INTEGRATIONS, failing), always(GET_INTEGRATIONS, Response::close));
    for (url, code, reason) in [
        (down.peer.url(), "backend-error", "HTTP 503: down for maintenance"),
        (closing.peer.url(), "unreachable", " was lost: "),
        (HttpServer::unused_url(), "unreachable", "cannot connect to 127.0.0.1"),
    ] {
        let run = step(&url, "opsgenie", OPSGENIE).var("FINISHLINE_TIMEOUT", "2");
        let ended = assert_fails(&run, 6, code);
        let message = ended.output("error-message");
        assert!(message.contains(reason), "{message}");
        let (attempts, seconds) = attempts_and_seconds(&message, GAVE_UP);
        assert!(attempts > 1 && seconds > 1.0, "{message}");
        let waits = logged_waits(&ended);
        assert!(waits.len() + 2 >= attempts, "{}", ended.stderr);
        for wait in waits {
            let fields = ["attempt=", "spent=", "seconds=", "request=\"GET /api/0/", "reason="];
            assert!(fields.iter().all(|field| wait.contains(field)), "{wait}");
        }
        assert!(ended.stderr.contains("no time is left for another attempt"), "{}", ended.stderr);
    }
    assert!(down.peer.count(GET_INTEGRATIONS) > 2);
}

#[test]
fn a_rate_limit_beyond_the_deadline_ends_at_once_and_names_the_timeout_that_would_do() {
    for (after, timeout) in [("100", "90"), ("3600", "120"), ("1000000000", "3h")] {
        let sentry = always(GET_INTEGRATIONS, move || {
            Response::detail(429, "slow").with("Retry-After", after)
        });
        let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", timeout);
        let ended = assert_fails(&run, 6, "rate-limited");
        assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
        let message = ended.output("error-message");
        let after = after.parse::<u64>().unwrap();
        assert!(message.contains(&format!("; the rate limit ends in {after} s")), "{message}");
        assert_eq!(attempts_and_seconds(&message, GAVE_UP).0, 1);
        let (_, hint) = ended.stderr.split_once("set `timeout` to at least ").unwrap();
        let seconds: u64 = hint.split_once('s').unwrap().0.parse().unwrap();
        assert!((after + 1..after + 60).contains(&seconds), "{}", ended.stderr);
    }
}

#[test]
fn a_rate_limit_within_the_timeout_is_waited_for_however_long_the_server_says() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_INTEGRATIONS {
        true if request.nth == 0 => Response::detail(429, "slow").with("Retry-After", "1"),
        _ => world.answer(request),
    });
    let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
    assert!(logged_waits(&ended)[0].contains("seconds=1"), "{}", ended.stderr);
}

/// The rest of the run has the other half of the time.
#[test]
fn an_outage_of_what_the_run_can_do_without_leaves_time_for_the_rest() {
    let sentry = always(GET_ORGANIZATION, || Response::detail(500, "no"));
    let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "4");
    assert_completes(&run, "complete true 1");
    assert!(sentry.peer.count(GET_ORGANIZATION) > 2);
}

#[test]
fn a_silent_server_is_named_with_the_request_that_it_never_answered() {
    let sentry = always(GET_INTEGRATIONS, || Response::html(200, " ").drip());
    let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1");
    let message = assert_fails(&run, 6, "deadline").output("error-message");
    assert!(message.starts_with("127.0.0.1 did not send a complete response"), "{message}");
    assert_eq!(attempts_and_seconds(&message, GAVE_UP).0, 1);
}

/// An answer that may have arrived is sent again after a look only, and the look has an end.
#[test]
fn what_may_have_taken_effect_is_looked_for_and_named_at_the_end() {
    let sentry = FakeSentry::with(|world, request| match request.line().as_str() {
        GET_PIPELINE => Response::detail(500, "no"),
        POST_PIPELINE if request.json()["action"] != "initialize" => Response::detail(502, "no"),
        _ => world.answer(request),
    });
    let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "3");
    let message = assert_fails(&run, 6, "backend-error").output("error-message");
    let gave_up =
        "; gave up on POST /api/0/organizations/acme/pipeline/integration_pipeline/ after ";
    assert_eq!(attempts_and_seconds(&message, gave_up).0, 1, "{message}");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
    assert_eq!(sentry.peer.lines().last().map(String::as_str), Some(GET_INTEGRATIONS));
}
