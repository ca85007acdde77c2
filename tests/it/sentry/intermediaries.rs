//! What stands before a server, or answers instead of it: login pages, firewalls, proxies, load
//! balancers, other APIs. Whatever was asked, the end says that it was not Sentry that answered, and
//! with what; the token is not blamed for it.

use crate::support::fake_sentry::{FakeSentry, GET_INTEGRATIONS, POST_PIPELINE, TOKEN};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::proxy::{ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use crate::{release::github, release::requests};
use finishline::github::{CommitState, CommitStatus, GitHubApi};

/// One that answers: its name, status, content type, body, and what the message quotes of it.
type Intermediary = (&'static str, u16, &'static str, &'static str, &'static str);

const HTML: &str = "text/html; charset=utf-8";

const INTERMEDIARIES: &[Intermediary] = &[
    (
        "Django's CSRF page",
        403,
        HTML,
        "<!DOCTYPE html>\n<html lang=\"en\"><head>\n  <title>403 Forbidden</title>\n</head><body>\
         <h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p>",
        "HTTP 403, text/html, titled \"403 Forbidden\"",
    ),
    (
        "Cloudflare's block",
        403,
        "text/html; charset=UTF-8",
        "<!DOCTYPE html>\n<!--[if IE 8]> <html class=\"ie8\"> <![endif]-->\n<head>\n\
         <title>Attention Required! | Cloudflare</title>\n<meta charset=\"UTF-8\" /></head>\
         <body><h1>Sorry, you have been blocked</h1></body></html>",
        "HTTP 403, text/html, titled \"Attention Required! | Cloudflare\"",
    ),
    (
        "Cloudflare's challenge",
        403,
        "text/html; charset=UTF-8",
        "<!DOCTYPE html><html lang=\"en-US\"><head><title>Just a moment...</title>\
         <meta http-equiv=\"refresh\" content=\"390\"></head></html>",
        "HTTP 403, text/html, titled \"Just a moment...\"",
    ),
    (
        "Istio's policy",
        403,
        "text/plain",
        "RBAC: access denied",
        "HTTP 403, text/plain: \"RBAC: access denied\"",
    ),
    (
        "Envoy without an upstream",
        503,
        "text/plain",
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        "HTTP 503, text/plain: \"upstream connect error or disconnect/reset",
    ),
    (
        "Squid's access list",
        403,
        "text/html;charset=utf-8",
        "<!DOCTYPE html>\n<html><head>\n<meta type=\"copyright\" content=\"Squid\">\n\
         <title>ERROR: The requested URL could not be retrieved</title>\n</head>\
         <body id=\"ERR_ACCESS_DENIED\"></body></html>",
        "HTTP 403, text/html, titled \"ERROR: The requested URL could not be retrieved\"",
    ),
    (
        "Squid's password",
        407,
        "text/html;charset=utf-8",
        "<html><head><title>ERROR: Cache Access Denied</title></head></html>",
        "HTTP 407, text/html, titled \"ERROR: Cache Access Denied\"",
    ),
    (
        "nginx's password",
        401,
        "text/html",
        "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n\
         <center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx/1.25.3</center>",
        "HTTP 401, text/html, titled \"401 Authorization Required\"",
    ),
    (
        "nginx without an upstream",
        502,
        "text/html",
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
         <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>",
        "HTTP 502, text/html, titled \"502 Bad Gateway\"",
    ),
    (
        "oauth2-proxy's login page",
        200,
        HTML,
        "<!DOCTYPE html>\n<html lang=\"en\" charset=\"utf-8\">\n<head>\n  <title>\n    Sign In\n  \
         </title></head><body><form method=\"GET\" action=\"/oauth2/start\">",
        "HTTP 200, text/html, titled \"Sign In\"",
    ),
    (
        "a login page of Azure AD",
        200,
        HTML,
        "<!-- Copyright (C) Microsoft Corporation. -->\n<html dir=\"ltr\"><head>\n\
         <title>Sign in to your account</title></head>",
        "HTTP 200, text/html, titled \"Sign in to your account\"",
    ),
    (
        "AWS's load balancer",
        503,
        "text/html",
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n",
        "HTTP 503, text/html, titled \"503 Service Temporarily Unavailable\"",
    ),
    (
        "HAProxy",
        503,
        "text/html",
        "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this \
         request.\n</body></html>\n",
        "HTTP 503, text/html: \"503 Service Unavailable No server is available",
    ),
    (
        "Akamai",
        403,
        "text/html",
        "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n",
        "HTTP 403, text/html, titled \"Access Denied\"",
    ),
    (
        "F5",
        200,
        "text/html; charset=utf-8",
        "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. \
         Your support ID is: 1234567890</body></html>",
        "HTTP 200, text/html, titled \"Request Rejected\"",
    ),
    (
        "Google's IAP",
        401,
        HTML,
        "Invalid IAP credentials: empty token",
        "HTTP 401, text/html: \"Invalid IAP credentials: empty token\"",
    ),
    (
        "Varnish",
        503,
        HTML,
        "<!DOCTYPE html>\n<html>\n  <head>\n    <title>503 Backend fetch failed</title>\n  </head>",
        "HTTP 503, text/html, titled \"503 Backend fetch failed\"",
    ),
    (
        "another API",
        401,
        "application/json",
        "{\"error\":\"unauthorized\",\"error_description\":\"no session\"}",
        "HTTP 401, application/json: \"{\"error\":\"unauthorized\"",
    ),
    (
        "an API gateway",
        403,
        "application/json",
        "{\"message\":\"Missing Authentication Token\"}",
        "HTTP 403, application/json: \"{\"message\":\"Missing Authentication Token\"}\"",
    ),
    (
        "another API that wants other fields",
        400,
        "application/problem+json",
        "{\"error\":\"bad_request\",\"message\":\"unknown path\"}",
        "HTTP 400, application/problem+json: \"{\"error\":\"bad_request\"",
    ),
    ("one without a word", 403, "", "", "HTTP 403, an empty body"),
];

fn reply(one: &Intermediary) -> Response {
    let (_, status, content_type, body, _) = one;
    Response::new(*status, content_type, *body)
}

/// A message about whoever answered, and no word of the token.
#[track_caller]
fn assert_blames_no_token(one: &Intermediary, kind: &str, ended: &RunResult) {
    let (name, status, _, body, quoted) = one;
    let case = format!("{name}, {kind}: {}{}", ended.stdout, ended.stderr);
    let code = if *status == 407 { "unreachable" } else { "backend-error" };
    assert_eq!(ended.output("error-code"), code, "{case}");
    let message = ended.output("error-message");
    assert!(message.contains(quoted), "{message}\n{case}");
    let hint = hint(ended);
    for words in ["token", "scope", "member", "role"] {
        let is_quoted = body.to_lowercase().contains(words);
        assert!(is_quoted || !message.contains(words), "{message}\n{case}");
        assert!(!hint.contains(words), "{hint}\n{case}");
    }
    assert!(hint.contains("`url`") || *status == 407, "{hint}\n{case}");
    assert!(hint.contains("proxy"), "{hint}\n{case}");
}

/// What the end advises.
fn hint(ended: &RunResult) -> String {
    let lines = ended.stderr.lines().filter_map(|line| line.split_once("hint: "));
    lines.map(|(_, hint)| hint.to_owned()).collect::<Vec<_>>().join("\n")
}

/// One kind of request: its name, its line, and the run that sends it to the peer behind `relay`.
type Kind = (&'static str, &'static str, fn(&ServeProxy) -> ProgramRun);

fn planned(relay: &ServeProxy) -> ProgramRun {
    requests::released(relay).var("FINISHLINE_DRY_RUN", "true")
}

fn checked(relay: &ServeProxy) -> ProgramRun {
    requests::released(relay).args(&["check"])
}

const RELEASE_MADE: &str = "a release is made";
const RELEASE_READ: &str = "a release is read";

const KINDS: &[Kind] = &[
    (RELEASE_MADE, "POST releases/", requests::released),
    ("a deploy is recorded", "POST releases/web%401.0.0/deploys/", requests::released),
    (RELEASE_READ, "GET releases/web%401.0.0/", planned),
    ("a project is read", "GET /api/0/projects/acme/web/", planned),
    ("the server is looked at", "GET /api/0/", checked),
    ("the organization is looked at", "GET releases/", checked),
    ("a project is looked at", "GET /api/0/projects/acme/web/", checked),
    ("a repository is looked at", "GET repos/", checked),
];

/// Each intermediary, a few side by side, for some are asked again.
fn for_each(test: impl Fn(&'static Intermediary) + Sync) {
    std::thread::scope(|scope| {
        for few in INTERMEDIARIES.chunks(4) {
            scope.spawn(|| few.iter().for_each(&test));
        }
    });
}

#[test]
fn whoever_answers_instead_of_sentry_is_quoted_and_no_token_is_blamed() {
    for_each(|one| {
        for (kind, line, run) in KINDS {
            // Who fails is asked again, which takes its time: one write, one read.
            if one.1 >= 500 && !matches!(*kind, RELEASE_MADE | RELEASE_READ) {
                continue;
            }
            let relay = ServeProxy::with(move |request| match request.line() == *line {
                true => ProxyAction::Intercept(reply(one)),
                false => ProxyAction::Forward,
            });
            requests::add_repository(&relay, "acme/web", None);
            let ended = run(&relay).var("FINISHLINE_TIMEOUT", "1").execute().expect(6);
            assert_blames_no_token(one, kind, &ended);
        }
    });
}

#[test]
fn a_pipeline_that_somebody_else_answers_blames_no_token() {
    let is_start = |request: &Request| request.json()["action"] == "initialize";
    for_each(|one| {
        for (kind, line, starts) in [
            ("a listing", GET_INTEGRATIONS, false),
            ("a start", POST_PIPELINE, true),
            ("an answer", POST_PIPELINE, false),
        ] {
            let response = *one;
            let sentry = FakeSentry::with(move |world, request| {
                match request.line() == line && is_start(request) == starts {
                    true => reply(&response),
                    false => world.answer(request),
                }
            });
            let run = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1");
            assert_blames_no_token(one, kind, &run.execute().expect(6));
        }
    });
}

#[test]
fn a_redirect_to_a_login_page_names_the_page_without_its_query() {
    let location = "https://login.microsoftonline.com/7f/oauth2/authorize?client_id=s3cr3t-client";
    for (_, line, run) in KINDS {
        let relay = ServeProxy::with(move |request| match request.line() == *line {
            true => ProxyAction::Intercept(Response::redirect(location)),
            false => ProxyAction::Forward,
        });
        requests::add_repository(&relay, "acme/web", None);
        let ended = run(&relay).execute().expect(6);
        let message = ended.output("error-message");
        let page =
            "redirect to https://login.microsoftonline.com/7f/oauth2/authorize, which is not";
        assert!(message.contains(page), "{line}: {message}");
        assert!(!ended.everything().contains("s3cr3t-client"));
        assert!(hint(&ended).contains("login page"), "{line}: {}", hint(&ended));
    }
}

/// A page may quote the request; its token is not shown.
#[test]
fn what_a_page_quotes_of_the_request_is_scrubbed() {
    let sentry = FakeSentry::with(|_, _| {
        Response::html(403, format!("<title>blocked: Bearer {TOKEN}</title>"))
    });
    let ended = crate::support::fake_sentry::assert_fails(&sentry.opsgenie(), 6, "backend-error");
    assert!(ended.output("error-message").contains("titled \"blocked: Bearer ***\""));
}

/// Sentry's own words stay what they are, in each of its shapes.
#[test]
fn sentrys_own_refusals_are_still_its_own() {
    for (status, body, code) in [
        (401, "{\"detail\": \"Invalid token\"}", "unauthorized"),
        (403, "{\"detail\": {\"code\": \"sso-required\", \"message\": \"SSO\"}}", "missing-scope"),
        (404, "{\"detail\": \"The requested resource does not exist\"}", "not-a-member"),
        (400, "{\"version\": [\"Invalid release name\"]}", "bad-release"),
        (400, "{\"projects\": [\"Invalid project slugs\"]}", "bad-field"),
    ] {
        let relay = ServeProxy::with(move |_| {
            ProxyAction::Intercept(Response::new(status, "application/json", body))
        });
        let ended = requests::released(&relay).execute();
        assert_eq!(ended.output("error-code"), code, "{body}: {}", ended.stderr);
    }
}

const STATUS: CommitStatus<'_> =
    CommitStatus { state: CommitState::Success, target: "", description: "d", context: "c" };

/// The same before GitHub's API, whose own word is JSON with `message`.
#[test]
fn whoever_answers_instead_of_github_is_quoted_and_no_token_is_blamed() {
    let is_githubs = |one: &Intermediary| one.3.contains("\"message\"");
    for_each(|one| {
        if is_githubs(one) {
            return;
        }
        let response = *one;
        let peer = HttpServer::new(move |_| reply(&response));
        let (name, status, .., quoted) = one;
        // What is sent once is not sent again; a read shows what a success means.
        let ask = async |api: &GitHubApi| match status {
            200 => api.compare("acme/widget", github::BASE, github::HEAD).await.map(drop),
            _ => api.set_status("acme/widget", github::HEAD, &STATUS).await,
        };
        let failure = github::ask(&peer.url(), Some(github::TOKEN), ask).unwrap_err();
        assert_eq!(failure.code.slug(), "backend-error", "{name}: {failure}");
        assert!(failure.message.contains(quoted), "{name}: {failure}");
        assert!(failure.hint.contains("`GITHUB_API_URL`"), "{name}: {}", failure.hint);
        assert!(failure.hint.contains("proxy"), "{name}: {}", failure.hint);
        assert!(!failure.hint.contains("token"), "{name}: {}", failure.hint);
    });
}
