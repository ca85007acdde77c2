//! A Sentry that cannot be reached, breaks off, fails or limits the rate: what is sent again, what
//! is not, and how the run ends. The token goes nowhere else.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, GET_PIPELINE, OPSGENIE, POST_PIPELINE,
    SentryData, TOKEN, assert_completes, assert_fails, step,
};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use serde_json::json;
use std::io::Write;
use std::net::TcpListener;
use std::sync::Mutex;

const AGAIN: &str = "retrying after a pause";
/// What the limiter of a server of 2023 sends: a JSON string, called HTML.
const LIMITED: &str =
    "\"{\\\"detail\\\": \\\"You are attempting to use this endpoint too often\\\"}\"";

/// A Sentry that answers a request with this line once, its first time, in another way.
fn once(line: &'static str, reply: impl Fn() -> Response + Send + Sync + 'static) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == line && request.nth == 0 {
        true => reply(),
        false => world.answer(request),
    })
}

/// A Sentry that always answers a request with this line in another way.
fn always(line: &'static str, reply: impl Fn() -> Response + Send + Sync + 'static) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == line {
        true => reply(),
        false => world.answer(request),
    })
}

fn is_answer(request: &Request) -> bool {
    request.line() == POST_PIPELINE && request.json()["action"] != "initialize"
}

/// Tries cases side by side, for each of them waits.
fn at_once<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

fn opsgenie(url: &str) -> ProgramRun {
    step(url, "opsgenie", OPSGENIE)
}

#[expect(clippy::disallowed_methods, reason = "a rate limit's end is a time of day")]
fn in_a_second() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (since.as_secs() + 1).to_string()
}

#[test]
fn a_server_that_never_answers_is_asked_again_until_the_deadline() {
    let sentry = always(GET_INTEGRATIONS, Response::stall);
    let ended = assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "2"), 6, "unreachable");
    assert!(sentry.peer.count(GET_INTEGRATIONS) > 1);
    assert!(ended.stderr.contains("did not answer within"), "{}", ended.stderr);
    assert_eq!(ended.output("error-status"), "");
}

#[test]
fn a_server_that_drips_forever_is_left_at_the_deadline() {
    let sentry = always(GET_INTEGRATIONS, || Response::html(200, " ").drip());
    assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1"), 6, "deadline");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
}

#[test]
fn an_answer_that_breaks_off_once_is_asked_for_again_without_a_warning() {
    for broken in
        [Response::close as fn() -> Response, || Response::json(200, &json!([])).cut_short()]
    {
        let sentry = once(GET_INTEGRATIONS, broken);
        let ended = assert_completes(
            &sentry.opsgenie().var("FINISHLINE_LOG_LEVEL", "debug"),
            "complete true 1",
        );
        assert_eq!(
            sentry.peer.lines(),
            [GET_INTEGRATIONS, GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE]
        );
        let why = ended
            .stderr
            .lines()
            .find(|line| line.contains("retrying the request on a new connection"))
            .unwrap();
        assert!(why.contains("DEBUG") && why.contains("was lost: "), "{why}");
    }
}

#[test]
fn a_server_that_always_breaks_off_is_unreachable() {
    let sentry = always(GET_INTEGRATIONS, || Response::json(200, &json!([])).cut_short());
    let ended = assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "2"), 6, "unreachable");
    assert!(sentry.peer.count(GET_INTEGRATIONS) > 2);
    assert!(ended.output("error-message").contains("was lost: "));
    let why = ended.stderr.lines().find(|line| line.contains(AGAIN)).unwrap();
    assert!(why.contains("attempt=2") && why.contains("was lost: "), "{why}");
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let url = HttpServer::unused_url();
    let ended = assert_fails(&opsgenie(&url).var("FINISHLINE_TIMEOUT", "1"), 6, "unreachable");
    let host = url.trim_start_matches("http://");
    let message = format!("cannot connect to {host}: Connection refused (os error 111)");
    assert!(ended.output("error-message").starts_with(&message));
    assert!(ended.stderr.contains(AGAIN), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("check the host and port in `url` (SENTRY_URL)"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_is_no_http_is_unreachable() {
    let sentry = always(GET_INTEGRATIONS, || Response::raw("SSH-2.0-OpenSSH_9.2\r\n"));
    assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1"), 6, "unreachable");
}

#[test]
fn a_redirect_is_never_followed_and_the_token_goes_nowhere_else() {
    for line in [GET_INTEGRATIONS, POST_PIPELINE] {
        for status in [301, 302, 303, 307, 308] {
            let other = HttpServer::new(|_| Response::json(200, &json!([])));
            let there = format!("{}/api/0/organizations/acme/integrations/", other.url());
            let sentry = always(line, move || Response::html(status, "").with("Location", &there));
            let ended = assert_fails(&sentry.opsgenie(), 6, "backend-error");
            assert_eq!(other.lines(), [""; 0]);
            assert_eq!(ended.output("error-status"), status.to_string());
            assert!(
                ended
                    .output("error-message")
                    .contains("which is not followed so that the token stays with this server")
            );
            assert_eq!(sentry.peer.count(line), 1);
        }
    }
}

#[test]
fn a_redirect_within_the_server_is_not_followed_either() {
    let sentry = always(GET_INTEGRATIONS, || Response::redirect("/auth/login/acme/"));
    assert_fails(&sentry.opsgenie(), 6, "backend-error");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
}

fn certified(name: &str) -> (HttpServer, ProgramRun) {
    let world = Mutex::new(SentryData::default());
    let (peer, authority) =
        HttpServer::tls(name, move |request| world.lock().unwrap().answer(request));
    let run = opsgenie(&peer.url()).var("FINISHLINE_TIMEOUT", "20");
    run.file("authority.pem", authority);
    (peer, run)
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent() {
    let (peer, run) = certified("127.0.0.1");
    let ended = assert_fails(&run, 6, "unreachable");
    let host = peer.url().replace("https://", "");
    let message = format!("TLS connection to {host} failed: the certificate's issuer is unknown");
    assert_eq!(ended.output("error-message"), message);
    assert!(ended.stderr.contains("`ca-file`") && !ended.stderr.contains(AGAIN));
    assert_eq!(peer.lines(), [""; 0]);
}

#[test]
fn an_own_authority_is_trusted_by_ca_file_and_by_the_usual_variable() {
    for name in ["FINISHLINE_CA_FILE", "SSL_CERT_FILE"] {
        let (peer, run) = certified("127.0.0.1");
        let file = run.path("authority.pem");
        assert_completes(&run.var(name, file), "complete true 1");
        assert_eq!(
            peer.lines(),
            [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE]
        );
    }
}

#[test]
fn a_ca_file_is_added_to_bundled_roots_on_a_machine_that_has_none() {
    let (_peer, run) = certified("127.0.0.1");
    let (file, empty) = (run.path("authority.pem"), run.file("empty.pem", ""));
    let run = run.var("FINISHLINE_CA_FILE", file).var("SSL_CERT_FILE", empty);
    let run = run.var("FINISHLINE_LOG_LEVEL", "debug");
    let ended = assert_completes(&run.var("SSL_CERT_DIR", "/nowhere"), "complete true 1");
    assert!(ended.stderr.contains("using the bundled ones"), "{}", ended.stderr);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_apart_from_one_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let run = opsgenie(&format!("https://{}", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        drop(std::io::copy(&mut stream, &mut std::io::sink()));
    });
    let ended = assert_fails(&run.var("FINISHLINE_TIMEOUT", "20"), 6, "unreachable");
    let message = ended.output("error-message");
    assert!(message.starts_with("TLS connection to 127.0.0.1:"), "{message}");
    assert!(message.ends_with("the server does not speak TLS on this port"), "{message}");
    server.join().unwrap();
}

#[test]
fn a_certificate_for_another_name_is_refused_though_its_authority_is_trusted() {
    let (peer, run) = certified("sentry.example.com");
    let file = run.path("authority.pem");
    let ended = assert_fails(&run.var("FINISHLINE_CA_FILE", file), 6, "unreachable");
    let message = ended.output("error-message");
    assert!(message.contains("the certificate is for another name: "), "{message}");
    assert!(message.contains("sentry.example.com"), "{message}");
    assert_eq!(peer.lines(), [""; 0]);
}

#[test]
fn a_ca_file_without_a_certificate_is_a_mistake_of_the_inputs() {
    for text in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
    {
        let sentry = FakeSentry::new();
        let run = sentry.opsgenie();
        let file = run.file("authority.pem", text);
        let ended = assert_fails(&run.var("FINISHLINE_CA_FILE", file), 2, "usage");
        assert!(ended.output("error-message").contains("FINISHLINE_CA_FILE"));
        assert_eq!(sentry.peer.lines(), [""; 0]);
    }
}

#[test]
fn a_rate_limit_is_waited_for_until_the_time_that_the_server_names() {
    let answers: [fn() -> Response; 3] = [
        || Response::detail(429, "slow down").with("X-Sentry-Rate-Limit-Reset", &in_a_second()),
        || Response::detail(429, "slow down").with("Retry-After", "1"),
        || Response::detail(429, "slow down"),
    ];
    at_once(answers, |answer| {
        let sentry = once(GET_INTEGRATIONS, answer);
        let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
        assert_eq!(
            sentry.peer.lines(),
            [GET_INTEGRATIONS, GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE]
        );
        let why = ended.stderr.lines().find(|line| line.contains(AGAIN)).unwrap();
        assert!(why.contains("is reached: HTTP 429: slow down"), "{why}");
        assert!(why.contains("seconds=1"), "{why}");
    });
}

#[test]
fn a_limited_answer_of_a_step_is_sent_again_for_it_was_not_taken() {
    let sentry = FakeSentry::with(|world, request| match is_answer(request) && request.nth == 1 {
        true => Response::html(429, LIMITED),
        false => world.answer(request),
    });
    let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
    assert_eq!(
        sentry.peer.lines(),
        [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE, POST_PIPELINE]
    );
    assert!(ended.stderr.contains("429: You are attempting to use this endpoint too often"));
}

#[test]
fn a_rate_limit_beyond_the_deadline_is_not_waited_for() {
    let sentry =
        always(GET_INTEGRATIONS, || Response::html(429, LIMITED).with("Retry-After", "100"));
    let ended = assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "90"), 6, "rate-limited");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
    assert_eq!(ended.output("error-status"), "429");
    assert!(ended.output("error-message").contains("too often"));
}

#[test]
fn a_rate_limit_that_holds_ends_the_run_before_the_deadline_does() {
    let sentry = always(GET_INTEGRATIONS, || Response::html(429, LIMITED));
    let ended = assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "3"), 6, "rate-limited");
    assert!(ended.stderr.contains("raise `timeout`, or run fewer jobs"), "{}", ended.stderr);
    assert!(sentry.peer.count(GET_INTEGRATIONS) > 1);
}

#[test]
fn a_server_that_fails_once_is_asked_again() {
    at_once([408, 500, 502, 503, 504], |status| {
        let sentry = once(GET_INTEGRATIONS, move || Response::html(status, "<html>"));
        let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
        assert_eq!(sentry.peer.count(GET_INTEGRATIONS), 2);
        let reason = format!("is not Sentry's: HTTP {status}, text/html");
        assert!(ended.stderr.contains(AGAIN) && ended.stderr.contains(&reason));
    });
}

#[test]
fn a_server_that_goes_on_failing_is_told_with_its_status_and_words() {
    let sentry = always(GET_INTEGRATIONS, || Response::detail(503, "down for\nmaintenance"));
    let ended = assert_fails(&sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1"), 6, "backend-error");
    assert_eq!(ended.output("error-status"), "503");
    assert!(ended.output("error-message").contains("HTTP 503: down for maintenance; gave up on"));
}

#[test]
fn a_start_is_sent_again_for_a_second_one_replaces_the_first() {
    for broken in [Response::close as fn() -> Response, || Response::html(500, "")] {
        let sentry = once(POST_PIPELINE, broken);
        assert_completes(&sentry.opsgenie(), "complete true 1");
        assert_eq!(
            sentry.peer.lines(),
            [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, POST_PIPELINE, POST_PIPELINE]
        );
    }
}

/// The answer fails before it is taken: the current step says so, and only then is it sent again.
#[test]
fn an_answer_of_a_step_is_never_sent_again_without_a_look() {
    for broken in [Response::close as fn() -> Response, || Response::html(502, "")] {
        let sentry = FakeSentry::with(move |world, request| match is_answer(request) {
            true => broken(),
            false => world.answer(request),
        });
        let ended = sentry.opsgenie().execute().expect(6);
        assert_eq!(
            sentry.peer.lines(),
            [
                GET_INTEGRATIONS,
                GET_ORGANIZATION,
                POST_PIPELINE,
                POST_PIPELINE,
                GET_PIPELINE,
                POST_PIPELINE,
                GET_INTEGRATIONS,
                GET_INTEGRATIONS,
                GET_INTEGRATIONS,
                GET_INTEGRATIONS,
                GET_INTEGRATIONS
            ]
        );
        assert!(
            ended.stderr.contains("response lost: checking whether the server applied the request"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains(AGAIN), "{}", ended.stderr);
    }
}

#[test]
fn a_proxy_is_used_unless_the_server_is_excepted_from_it() {
    let proxy = HttpServer::new(|_| Response::detail(401, "from the proxy"));
    let run = opsgenie("http://sentry.invalid").var("HTTP_PROXY", proxy.url());
    let ended = assert_fails(&run, 5, "unauthorized");
    assert!(ended.output("error-message").contains("from the proxy"));
    assert!(proxy.requests()[0].target.starts_with("http://sentry.invalid/api/0/"));
    let sentry = FakeSentry::new();
    assert_completes(&sentry.opsgenie().var("HTTP_PROXY", proxy.url()), "complete true 1");
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn a_server_behind_a_path_is_asked_below_that_path() {
    let peer = HttpServer::new(|_| Response::detail(401, "no"));
    let run = opsgenie(&format!("{}/base/", peer.url()));
    assert_fails(&run, 5, "unauthorized");
    let request = &peer.requests()[0];
    assert_eq!(request.path(), "/base/api/0/organizations/acme/integrations/");
    assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
}
