//! A server that no connection leads to: the words for each stage, and the proxy between.

use crate::support::fake_sentry::{FakeSentry, OPSGENIE, assert_completes, assert_fails, step};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use std::net::TcpListener;

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
fn a_proxy_that_cannot_be_reached_is_named_and_not_the_server() {
    for (url, variable) in
        [("http://sentry.invalid", "HTTP_PROXY"), ("https://sentry.invalid", "all_proxy")]
    {
        let run = opsgenie(url).var(variable, "http://127.0.0.1:1").var("FINISHLINE_TIMEOUT", "1");
        let ended = assert_fails(&run, 6, "unreachable");
        let message = ended.output("error-message");
        let words = format!("cannot connect to the proxy 127.0.0.1:1 ({variable}) on the way to ");
        assert!(message.starts_with(&words), "{message}");
        assert!(
            ended.stderr.contains(&format!("check the proxy in {variable}")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_proxy_that_lets_nobody_through_or_speaks_no_tls_is_named() {
    let proxy = HttpServer::new(|_| Response::html(403, "<title>Blocked</title>"));
    let plain = proxy.url();
    let address = plain.trim_start_matches("http://").to_owned();
    let tls = plain.replace("http://", "https://");
    for (proxy, words, hint) in [
        (&plain, "does not let it through", "whether the proxy lets this host through"),
        (
            &tls,
            "on the way to sentry.invalid:443",
            "before the host in HTTPS_PROXY if the proxy speaks plain HTTP",
        ),
    ] {
        let run = opsgenie("https://sentry.invalid").var("HTTPS_PROXY", proxy);
        let ended = assert_fails(&run.var("FINISHLINE_TIMEOUT", "1"), 6, "unreachable");
        let message = ended.output("error-message");
        let named = format!("the proxy {address} (HTTPS_PROXY)");
        assert!(message.contains(&named) && message.contains(words), "{message}");
        assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    }
}

#[test]
fn a_proxy_that_never_answers_is_named_beside_the_server() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = silent.local_addr().unwrap();
    for (url, variable) in
        [("https://sentry.invalid", "HTTPS_PROXY"), ("http://sentry.invalid", "HTTP_PROXY")]
    {
        let run = opsgenie(url).var(variable, format!("http://{proxy}"));
        let ended = assert_fails(&run.var("FINISHLINE_TIMEOUT", "2"), 6, "unreachable");
        let message = ended.output("error-message");
        let words = format!("through the proxy {proxy} ({variable}) within");
        assert!(message.contains(&words), "{message}");
    }
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

#[test]
fn no_proxy_takes_a_star_and_ports() {
    for (host, excepted, is_direct) in [
        ("127.0.0.1", (|_| "*".to_owned()) as fn(&str) -> String, true),
        ("127.0.0.1", |_| "example.com, *".to_owned(), true),
        ("127.0.0.1", |port| format!("127.0.0.1:{port}"), true),
        ("localhost", |port| format!("example.com,localhost:{port}"), true),
        ("localhost", |port| format!(".localhost:{port}"), true),
        ("127.0.0.1", |_| "127.0.0.1:1".to_owned(), false),
        ("127.0.0.1", |_| "27.0.0.1:1,*.example.com".to_owned(), false),
        ("127.0.0.1", |_| "example.com:1, 127.0.0.0/8".to_owned(), true),
    ] {
        let proxy = HttpServer::new(|_| Response::detail(401, "from the proxy"));
        let sentry = FakeSentry::new();
        let url = sentry.peer.url().replace("127.0.0.1", host);
        let excepted = excepted(url.rsplit(':').next().unwrap());
        let run = opsgenie(&url).var("http_proxy", proxy.url()).var("NO_PROXY", &excepted);
        match is_direct {
            true => drop(assert_completes(&run, "complete true 1")),
            false => drop(assert_fails(&run, 5, "unauthorized")),
        }
        assert_eq!(proxy.lines().is_empty(), is_direct, "{excepted}");
    }
}

#[test]
fn a_proxys_password_is_sent_also_where_some_servers_are_excepted_by_port() {
    let proxy = HttpServer::new(|_| Response::detail(401, "from the proxy"));
    let url = proxy.url().replace("http://", "http://ada:pa%20ss@");
    let run =
        opsgenie("http://sentry.invalid").var("HTTP_PROXY", url).var("NO_PROXY", "a.example:1");
    assert_fails(&run, 5, "unauthorized");
    let request = &proxy.requests()[0];
    assert!(request.target.starts_with("http://sentry.invalid/api/0/"), "{}", request.target);
    assert_eq!(request.header("proxy-authorization"), "Basic YWRhOnBhIHNz");
}
