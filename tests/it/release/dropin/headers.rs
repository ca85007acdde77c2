//! Headers for a backend behind an identity proxy: sent to its own address, masked, and nowhere else.

use super::super::requests::{add_repository, pushed, released};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::json;

const HEADERS: &str = "X-Access-Id: acme.id\nProxy-Authorization: Bearer pr0xy-s3cret\n";

fn has_headers(request: &Request) -> bool {
    request.header("x-access-id") == "acme.id"
        && request.header("proxy-authorization") == "Bearer pr0xy-s3cret"
}

#[test]
fn every_request_to_the_backend_has_them_and_no_output_shows_them() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("FINISHLINE_HEADERS", HEADERS);
    let run = run.var("FINISHLINE_LOG_LEVEL", "trace").var("FINISHLINE_COMMITS", "none");
    let ended = run.clone().execute().expect(0);
    let check = run.clone().args(&["check"]).execute().expect(0);
    let plan = run.args(&["plan"]).execute().expect(0);
    let requests = relay.peer.requests();
    assert!(requests.len() > 4 && requests.iter().all(has_headers));
    for ended in [ended, check, plan] {
        let shown = ended.everything().replace("::add-mask::", "");
        let masked: Vec<_> = shown.lines().filter(|line| line.contains("pr0xy-s3cret")).collect();
        assert!(masked.iter().all(|line| line.ends_with("pr0xy-s3cret")), "{masked:?}");
        assert!(masked.len() <= 2, "{masked:?}");
    }
}

#[test]
fn sentry_clis_variable_gives_one() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("CUSTOM_HEADER", "X-Access-Id:acme.id");
    run.var("FINISHLINE_COMMITS", "none").execute().expect(0);
    assert!(relay.peer.requests().iter().all(|one| one.header("x-access-id") == "acme.id"));
}

#[test]
fn what_a_server_quotes_of_them_is_masked() {
    let relay = ServeProxy::with(|request| {
        let words = format!("not you: {}", request.header("proxy-authorization"));
        ProxyAction::Intercept(Response::detail(403, &words))
    });
    let ended = pushed(&relay).var("FINISHLINE_HEADERS", HEADERS).execute();
    assert!(ended.exit != Some(0) && !ended.output("error-message").contains("pr0xy-s3cret"));
}

#[test]
fn neither_github_nor_the_target_of_a_redirect_gets_them() {
    let other = HttpServer::new(|_| Response::json(201, &json!({})));
    let target = format!("{}/api/0/organizations/acme/releases/", other.url());
    let relay = ServeProxy::with(move |_| ProxyAction::Intercept(Response::redirect(&target)));
    let run = pushed(&relay).var("FINISHLINE_HEADERS", HEADERS);
    assert!(run.execute().exit != Some(0));
    assert!(!relay.peer.requests().is_empty() && other.requests().is_empty());
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).var("FINISHLINE_HEADERS", HEADERS);
    let run = run.var("FINISHLINE_GITHUB_STATUS", "sentry").var("GITHUB_API_URL", other.url());
    run.var("FINISHLINE_GITHUB_TOKEN", "ghs_t0ken").execute().expect(0);
    assert!(!other.requests().is_empty(), "the status is set");
    let is_clean = |one: &Request| one.headers.iter().all(|(_, value)| !value.contains("s3cret"));
    assert!(other.requests().iter().all(is_clean));
    assert!(other.requests().iter().all(|one| one.header("x-access-id").is_empty()));
}

#[test]
fn an_entry_of_a_manifest_has_headers_of_its_own() {
    let (relay, second) = (ServeProxy::new(), ServeProxy::new());
    let run = pushed(&relay).without("SENTRY_URL").var("OWN_HEADERS", "X-Access-Id: second");
    let entry = |url: &str, more: &str| {
        format!("  - {{url: '{url}', projects: web, release: v1, commits: none{more}}}\n")
    };
    let (first, other) = (relay.peer.url(), second.peer.url());
    let entries = entry(&first, "") + &entry(&other, ", headers: '${OWN_HEADERS}'");
    run.file("m.yml", format!("version: 1\nreleases:\n{entries}"));
    let run: ProgramRun = run.without("SENTRY_PROJECT").var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    let run =
        run.var("FINISHLINE_HEADERS", "X-Access-Id: first").var("FINISHLINE_MANIFEST", "m.yml");
    run.execute().expect(0);
    for (peer, id) in [(&relay.peer, "first"), (&second.peer, "second")] {
        let requests = peer.requests();
        assert!(!requests.is_empty() && requests.iter().all(|one| one.header("x-access-id") == id));
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_without_its_value() {
    let relay = ServeProxy::new();
    for bad in
        ["X-Access s3cret-value", "Authorization: s3cret-value", "X-A: ok\nX B: s3cret-value"]
    {
        let ended = pushed(&relay).var("FINISHLINE_HEADERS", bad).execute().expect(2);
        assert!(!ended.everything().contains("s3cret-value"), "{}", ended.everything());
        assert!(ended.output("error-message").contains("`headers` (FINISHLINE_HEADERS): line "));
    }
    assert!(relay.peer.requests().is_empty());
}
