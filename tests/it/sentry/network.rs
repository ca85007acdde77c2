//! A server that no connection leads to: the words for each stage, and the proxy between.

use crate::support::fake_sentry::{FakeSentry, OPSGENIE, assert_completes, assert_fails, step};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;

fn opsgenie(url: &str) -> ProgramRun {
    step(url, "opsgenie", OPSGENIE)
}

#[test]
fn a_name_without_an_address_is_told_from_a_server_that_refuses() {
    let run = opsgenie("http://sentry.invalid:8123").var("FINISHLINE_TIMEOUT", "1");
    let message = assert_fails(&run, 6, "unreachable").output("error-message");
    let words = "cannot connect to sentry.invalid:8123: DNS lookup failed: ";
    assert!(message.starts_with(words) && message.len() > words.len(), "{message}");
}

#[test]
fn a_proxy_that_wants_a_password_is_named_with_its_status() {
    let proxy = HttpServer::new(|_| Response::html(407, "<title>Cache Access Denied</title>"));
    let run = opsgenie("https://sentry.invalid").var("HTTPS_PROXY", proxy.url());
    let ended = assert_fails(&run.var("FINISHLINE_TIMEOUT", "1"), 6, "unreachable");
    let message = ended.output("error-message");
    assert!(
        message.starts_with("cannot connect to sentry.invalid:443: the proxy answered HTTP 407")
    );
}

#[test]
fn a_proxy_variable_that_cannot_be_read_is_a_mistake_by_name() {
    for bad in
        ["://", "socks5://127.0.0.1:1080", "http://", "http://us er:s3cr3t@proxy:1", "/proxy"]
    {
        for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            let sentry = FakeSentry::new();
            let ended = assert_fails(&sentry.opsgenie().var(name, bad), 2, "usage");
            let message = ended.output("error-message");
            assert!(message.contains(name) && !message.contains("s3cr3t"), "{message}");
            assert_eq!(sentry.peer.lines(), [""; 0]);
        }
    }
}

#[test]
fn no_proxy_takes_addresses_and_networks() {
    for excepted in ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "example.com,127.0.0.1"] {
        let proxy = HttpServer::new(|_| Response::detail(401, "from the proxy"));
        let sentry = FakeSentry::new();
        let run = sentry.opsgenie().var("HTTP_PROXY", proxy.url()).var("NO_PROXY", excepted);
        assert_completes(&run, "complete true 1");
        assert_eq!(proxy.lines(), [""; 0], "{excepted}");
    }
}
