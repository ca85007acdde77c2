//! Which address of a Sentry is meant: the one of a page is cut to its base, and a token's own is
//! compared with the one that is given.

use crate::support::fake_sentry::{FakeSentry, OPSGENIE, assert_completes, assert_fails, step};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::{ProgramRun, RunResult};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Value, json};

/// An organization's token of `acme` with these claims.
fn token(url: &Value, region: &Value) -> String {
    let payload = json!({"iat": 1.5, "url": url, "region_url": region, "org": "acme"}).to_string();
    format!("sntrys_{}_{}", STANDARD.encode(payload), STANDARD_NO_PAD.encode([7; 32]))
}

#[test]
fn the_address_of_a_page_or_of_the_api_is_cut_to_the_base_with_a_warning() {
    for (page, base) in [
        ("/api/0", "/"),
        ("/api/0/", "/"),
        ("/api/0/organizations/acme/", "/"),
        ("/organizations/acme/issues/?project=1&statsPeriod=14d", "/"),
        ("/sentry/organizations/acme/", "/sentry/"),
        ("/settings/acme/auth-tokens/#new", "/"),
        ("/sentry/settings", "/sentry/"),
        ("/auth/login/acme/", "/"),
    ] {
        let peer = HttpServer::new(|_| Response::detail(401, "no"));
        let run = step(&format!("{}{page}", peer.url()), "opsgenie", OPSGENIE);
        let ended = assert_fails(&run, 5, "unauthorized");
        let path = peer.requests()[0].path().to_owned();
        assert_eq!(path, format!("{base}api/0/organizations/acme/integrations/"), "{page}");
        let lines: Vec<_> = ended.stderr.lines().filter(|line| line.contains("WARN")).collect();
        assert_eq!(lines.len(), 1, "{page}: {}", ended.stderr);
        let words =
            format!("`url` (SENTRY_URL) is the address of a page: using {}{base}", peer.url());
        assert!(lines[0].contains(&words), "{page}: {}", lines[0]);
    }
}

#[test]
fn a_base_with_a_path_is_left_as_it_is() {
    for path in ["/", "/sentry", "/organizations-of/x", "/api/1", "/my-settings/"] {
        let peer = HttpServer::new(|_| Response::detail(401, "no"));
        let run = step(&format!("{}{path}", peer.url()), "opsgenie", OPSGENIE);
        let ended = assert_fails(&run, 5, "unauthorized");
        let expected = format!("{}/api/0/", path.trim_end_matches('/'));
        assert!(peer.requests()[0].path().starts_with(&expected), "{path}");
        assert!(!ended.stderr.contains("WARN"), "{}", ended.stderr);
    }
}

#[test]
fn the_address_of_a_page_in_a_manifest_is_cut_too() {
    let sentry = FakeSentry::new();
    let url = sentry.peer.url();
    let run = sentry.opsgenie().without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: a, apiKey: '${KEY}'}";
    run.file(
        "m.yml",
        format!(
            "version: 1\nintegrations:\n  - url: {url}/settings/acme/\n    provider: opsgenie\n    \
             state: {state}\n"
        ),
    );
    let run = run.var("FINISHLINE_MANIFEST", "m.yml").var("KEY", "s3cr3t-key");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("is the address of a page: using"), "{}", ended.stderr);
}

/// A release plan with this token and address, through a proxy that answers every request.
fn planned(url: &str, token: &str) -> (HttpServer, RunResult) {
    let proxy = HttpServer::new(|_| Response::detail(401, "asked"));
    let run = ProgramRun::github()
        .var("SENTRY_URL", url)
        .var("SENTRY_AUTH_TOKEN", token)
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_DRY_RUN", "true")
        .var("FINISHLINE_TIMEOUT", "1")
        .var("HTTP_PROXY", proxy.url());
    let ended = run.var("HTTPS_PROXY", proxy.url()).execute();
    (proxy, ended)
}

#[test]
fn a_token_that_names_no_server_contradicts_none() {
    let server = "http://sentry.invalid";
    for (url, region) in [
        (json!(""), json!("")),
        (json!(null), json!(null)),
        (json!(""), json!(null)),
        (json!("http://sentry.invalid"), json!(null)),
        (json!(null), json!("http://sentry.invalid/")),
    ] {
        let (proxy, ended) = planned(server, &token(&url, &region));
        assert_eq!(ended.output("error-code"), "unauthorized", "{url} {region}: {}", ended.stderr);
        assert!(proxy.requests()[0].target.starts_with("http://sentry.invalid/api/0/"));
    }
}

#[test]
fn the_organizations_own_domain_and_https_are_no_mismatch() {
    for (given, url, region) in [
        ("https://acme.sentry.io", "https://sentry.io", "https://us.sentry.io"),
        ("https://acme.sentry.io/", "https://sentry.io", ""),
        ("https://us.sentry.io", "https://sentry.io", "https://us.sentry.io"),
        ("https://sentry.io", "", "https://us.sentry.io"),
        ("https://sentry.example.com", "http://sentry.example.com", "http://sentry.example.com"),
    ] {
        let (proxy, ended) = planned(given, &token(&json!(url), &json!(region)));
        assert_ne!(ended.output("error-code"), "token-mismatch", "{given}: {}", ended.stderr);
        // Nothing goes in the clear where https was asked for.
        let requests = proxy.requests();
        assert!(requests.iter().all(|one| one.method == "CONNECT"), "{given}: {requests:?}");
    }
}

#[test]
fn a_real_mismatch_says_what_differs_and_sends_the_token_nowhere_else() {
    let saas = ("https://sentry.io", "https://us.sentry.io");
    let own = ("https://sentry.example.com", "https://sentry.example.com");
    for (given, (url, region), words) in [
        (
            "https://sentry.example.com",
            saas,
            "the token belongs to https://sentry.io, but `url` is",
        ),
        ("https://other.sentry.io", saas, "the token belongs to https://sentry.io, but `url` is"),
        (
            "https://acme.sentry.io.evil.example",
            saas,
            "the token belongs to https://sentry.io, but",
        ),
        ("http://sentry.example.com", own, "the host is the same, but the scheme or port differs"),
        ("https://sentry.example.com:9000", own, "the host is the same, but the scheme or port"),
    ] {
        let (proxy, ended) = planned(given, &token(&json!(url), &json!(region)));
        assert_eq!(ended.output("error-code"), "token-mismatch", "{given}: {}", ended.stderr);
        assert!(ended.output("error-message").contains(words), "{given}: {}", ended.stderr);
        assert!(proxy.lines().is_empty());
        let (_, hint) = ended.stderr.split_once("hint: ").unwrap();
        assert!(hint.starts_with("use a token created on the server in `url`"), "{hint}");
        assert!(!hint.contains("remove") && !hint.contains("sentry.io"), "{hint}");
    }
}

#[test]
fn a_token_of_its_own_server_still_completes() {
    let sentry = FakeSentry::new();
    let claims = token(&json!(sentry.peer.url()), &json!(null));
    let run = sentry.opsgenie().var("SENTRY_AUTH_TOKEN", claims);
    let user = crate::support::fake_sentry::TOKEN;
    assert_completes(&run.var("FINISHLINE_PIPELINE_TOKEN", user), "complete true 1");
}
