//! What `serve` keeps from other sites, from the curious and from the greedy.

use crate::support::serve::{ServeProcess, ServeResponse, TOKEN};
use serde_json::{Value, json};

const ACME: &str = "/api/0/organizations/acme/";

fn post(serve: &ServeProcess, path: &str, headers: &[(&str, &str)]) -> ServeResponse {
    let own = [("Authorization", "Bearer ".to_owned() + TOKEN)];
    let body = json!({"version": "1", "projects": ["web"]}).to_string();
    let kind = [("Content-Type", "application/json".to_owned())];
    let more = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let headers: Vec<_> = own.into_iter().chain(kind).chain(more).collect();
    serve.send("POST", path, &headers, &body)
}

#[test]
fn another_sites_page_changes_nothing_even_with_a_token() {
    let serve = ServeProcess::start();
    let releases = format!("{ACME}releases/");
    for headers in [
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ] {
        assert_eq!(post(&serve, &releases, headers).status, 403, "{headers:?}");
        assert_eq!(post(&serve, "/extensions/example/setup/", headers).status, 403, "{headers:?}");
    }
    assert_eq!(serve.get(&releases).json(), json!([]));
    let origin = serve.url();
    for headers in [&[("Origin", &*origin)][..], &[("Sec-Fetch-Site", "same-origin")], &[]] {
        assert!(post(&serve, &releases, headers).status < 300, "{headers:?}");
    }
}

#[test]
fn every_answer_keeps_a_browser_from_guessing_framing_and_telling() {
    let serve = ServeProcess::start();
    let refused = post(&serve, ACME, &[("Origin", "https://evil.example")]);
    let nobody = serve.request_as("", "GET", ACME, Value::Null);
    let answers =
        ["/", ACME, "/api/0/nothing", "/nothing", "/auth/login/"].map(|path| serve.get(path));
    for answer in answers.iter().chain([&refused, &nobody]) {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("x-frame-options"), "deny");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
}

#[test]
fn an_api_answer_runs_nothing_in_a_browser() {
    let answer = ServeProcess::start().get(ACME);
    assert!(!answer.header("content-security-policy").contains("script-src"));
    assert_eq!(answer.header("content-type"), "application/json");
}
