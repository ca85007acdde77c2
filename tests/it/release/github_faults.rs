//! A GitHub that refuses, limits the rate, fails or answers something else: what is asked again,
//! what is not, and the words for it.

use super::github::{BASE, HEAD, TOKEN, ask, ask_within, listed};
use crate::support::http_server::{HttpServer, Request, Response};
use finishline::error::Error;
use finishline::github::{CommitState, CommitStatus, GitHubApi};
use serde_json::{Value, json};
use std::time::Duration;

fn compare(api: &str, token: Option<&str>) -> Result<usize, Error> {
    let compare = async |github: &GitHubApi| github.compare("acme/widget", BASE, HEAD).await;
    ask(api, token, compare).map(|found| found.commits.len())
}

fn within_two_seconds(api: &str) -> Error {
    let compare = async |github: &GitHubApi| github.compare("acme/widget", BASE, HEAD).await;
    ask_within(Duration::from_secs(2), api, Some(TOKEN), compare).unwrap_err()
}

fn set_status(api: &str) -> Result<(), Error> {
    let status =
        CommitStatus { state: CommitState::Success, target: "", description: "d", context: "c" };
    let set = async |github: &GitHubApi| github.set_status("acme/widget", HEAD, &status).await;
    ask(api, Some(TOKEN), set)
}

fn successful_response(request: &Request) -> Response {
    match request.method.as_str() {
        "POST" => Response::json(201, &json!({})),
        _ => Response::json(200, &json!({"total_commits": 1, "commits": [listed(1)]})),
    }
}

/// A GitHub that answers each line's first request in another way, and then well.
fn once(reply: impl Fn() -> Response + Send + Sync + 'static) -> HttpServer {
    HttpServer::new(
        move |request| if request.nth == 0 { reply() } else { successful_response(request) },
    )
}

fn always(reply: impl Fn() -> Response + Send + Sync + 'static) -> HttpServer {
    HttpServer::new(move |_| reply())
}

fn message(status: u16, message: &str) -> Response {
    Response::json(status, &json!({"message": message, "documentation_url": "https://x"}))
}

/// The slug, the status and the hint of a failure whose message holds these words.
fn checked_error(failure: &Error, words: &[&str]) -> (&'static str, Option<u16>, String) {
    for words in words {
        assert!(failure.message.contains(words), "{failure}");
    }
    assert!(!failure.message.contains(TOKEN), "{failure}");
    (failure.code.slug(), failure.status, failure.hint.clone())
}

#[test]
fn a_403_names_the_permission_that_lacks() {
    let peer = always(|| {
        message(403, "Resource not accessible by integration")
            .with("x-accepted-github-permissions", "statuses=write")
    });
    let failure = set_status(&peer.url()).unwrap_err();
    let words = ["cannot set a commit status in acme/widget", "403", "not accessible"];
    let (slug, status, hint) = checked_error(&failure, &words);
    assert_eq!((slug, status), ("missing-scope", Some(403)));
    assert!(hint.contains("`statuses: write`") && hint.contains("`permissions`"), "{hint}");
    assert_eq!(peer.lines().len(), 1);

    let several = "pull_requests=read,contents=read; contents=write";
    let peer = always(move || message(403, "").with("x-accepted-github-permissions", several));
    let failure = compare(&peer.url(), Some(TOKEN)).unwrap_err();
    assert!(failure.hint.contains("`pull-requests: read,contents: read`"), "{}", failure.hint);

    for hostile in ["x", "A=B", "a=b`", "`=::error::"] {
        let peer =
            always(move || message(403, "no").with("x-accepted-github-permissions", hostile));
        let failure = compare(&peer.url(), Some(TOKEN)).unwrap_err();
        assert!(failure.hint.contains("`contents: read`"), "{}", failure.hint);
    }
}

#[test]
fn a_404_says_that_a_private_repository_needs_a_token() {
    let peer = always(|| message(404, "Not Found"));
    let failure = compare(&peer.url(), None).unwrap_err();
    let words = ["cannot read the commits of acme/widget", "HTTP 404: Not Found"];
    let (slug, status, hint) = checked_error(&failure, &words);
    assert_eq!((slug, status), ("provider-error", Some(404)));
    assert!(hint.contains("set `github-token` if the repository is private"), "{hint}");
    let failure = compare(&peer.url(), Some(TOKEN)).unwrap_err();
    assert!(failure.hint.contains("`contents: read`"), "{}", failure.hint);
    assert!(set_status(&peer.url()).unwrap_err().hint.contains("`statuses: write`"));
    assert_eq!(peer.lines().len(), 3);
}

#[test]
fn every_other_refusal_is_told_in_githubs_words_and_not_repeated() {
    for (reply, slug, status, words) in [
        (message(401, "Bad credentials"), "unauthorized", 401, "HTTP 401: Bad credentials"),
        (message(422, "No commit found for SHA"), "provider-error", 422, "No commit found"),
        (message(409, "Git Repository is empty."), "provider-error", 409, "is empty"),
        (Response::redirect("https://elsewhere.example/"), "provider-error", 302, "HTTP 302"),
        (Response::html(400, "<html>"), "backend-error", 400, "HTTP 400, text/html"),
        (message(400, "a\r\n::error::b"), "provider-error", 400, "a"),
        (
            Response::json(
                422,
                &json!({"message": "Validation Failed", "errors": [{"message": "m"}]}),
            ),
            "provider-error",
            422,
            "Validation Failed; m",
        ),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let peer = always(move || reply.lock().unwrap().take().unwrap());
        let failure = compare(&peer.url(), Some(TOKEN)).unwrap_err();
        let (found, code, hint) = checked_error(&failure, &[words]);
        assert_eq!((found, code), (slug, Some(status)));
        assert!(!hint.is_empty());
        assert!(!failure.message.contains(['\r', '\n']), "{failure}");
    }
}

#[test]
fn a_rate_limit_is_waited_for_also_before_a_status() {
    let limits: [fn() -> Response; 3] = [
        || message(429, "slow down").with("retry-after", "1"),
        || message(403, "You have exceeded a secondary rate limit").with("retry-after", "1"),
        || {
            message(403, "API rate limit exceeded")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", "1")
        },
    ];
    std::thread::scope(|scope| {
        for limit in limits {
            scope.spawn(move || {
                let peer = once(limit);
                assert_eq!(compare(&peer.url(), Some(TOKEN)), Ok(1));
                assert_eq!(set_status(&peer.url()), Ok(()));
                assert_eq!(peer.lines().len(), 4);
            });
        }
    });
}

#[test]
fn a_rate_limit_that_outlasts_the_deadline_is_said_at_once() {
    for after in ["3600", "18446744073709551615"] {
        let peer = always(move || message(429, "slow down").with("retry-after", after));
        let failure = compare(&peer.url(), None).unwrap_err();
        let (slug, status, hint) = checked_error(&failure, &["HTTP 429: slow down"]);
        assert_eq!((slug, status), ("rate-limited", Some(429)));
        assert!(hint.contains("`github-token`"), "{hint}");
        assert_eq!(peer.lines().len(), 1);
    }
    // Without a time, GitHub wants to be left alone for a minute.
    let peer = always(|| message(403, "You have exceeded a secondary rate limit."));
    assert_eq!(compare(&peer.url(), Some(TOKEN)).unwrap_err().code.slug(), "rate-limited");
    assert_eq!(peer.lines().len(), 1);
}

#[test]
fn a_server_that_fails_once_is_asked_again_but_a_status_is_not_posted_again() {
    for status in [500, 502, 503] {
        let peer = once(move || Response::html(status, "<html>"));
        assert_eq!(compare(&peer.url(), Some(TOKEN)), Ok(1));
        let failure = set_status(&peer.url()).unwrap_err();
        assert_eq!((failure.code.slug(), failure.status), ("backend-error", Some(status)));
        assert_eq!(peer.lines().len(), 3);
    }
    for broken in [Response::close as fn() -> Response, || message(200, "x").cut_short()] {
        let peer = once(broken);
        assert_eq!(compare(&peer.url(), Some(TOKEN)), Ok(1));
        let failure = set_status(&peer.url()).unwrap_err();
        let words = ["cannot set a commit status", "was lost: "];
        assert_eq!(checked_error(&failure, &words).0, "unreachable");
        assert_eq!(peer.lines().len(), 3);
    }
}

#[test]
fn a_server_that_keeps_failing_is_left() {
    let peer = always(|| message(502, "Server Error"));
    let failure = within_two_seconds(&peer.url());
    assert_eq!(checked_error(&failure, &["HTTP 502: Server Error"]).0, "backend-error");
    assert!(peer.lines().len() > 2);
}

#[test]
fn a_server_that_is_not_there_or_never_answers_is_left_at_the_deadline() {
    let url = HttpServer::unused_url();
    let failure = within_two_seconds(&url);
    let words = format!("cannot connect to {}: ", url.replace("http://", ""));
    let (slug, status, hint) = checked_error(&failure, &[&words, "refused"]);
    assert_eq!((slug, status), ("unreachable", None));
    assert!(hint.contains("`GITHUB_API_URL`"), "{hint}");
    let peer = always(Response::stall);
    let words = ["did not answer within", "; gave up on GET /repos/acme/widget/compare/"];
    assert_eq!(checked_error(&within_two_seconds(&peer.url()), &words).0, "unreachable");
    // The second attempt may have no time left for it.
    assert!((1..=2).contains(&peer.lines().len()));
    let (peer, _) = HttpServer::tls("elsewhere.example", successful_response);
    let words = format!("TLS connection to {} failed: ", peer.url().replace("https://", ""));
    let failure = within_two_seconds(&peer.url());
    let (slug, _, hint) = checked_error(&failure, &[&words, "the certificate's issuer is unknown"]);
    assert_eq!(slug, "unreachable");
    assert!(hint.contains("`GITHUB_API_URL`") && hint.contains("`ca-file`"), "{hint}");
}

#[test]
fn an_answer_of_another_shape_is_no_panic_and_not_quoted() {
    let shapes: [Value; 6] = [
        json!(null),
        json!([]),
        json!({"total_commits": "many", "commits": []}),
        json!({"total_commits": 1, "commits": [{"sha": "::error::x", "commit": {}}]}),
        json!({"total_commits": 1, "commits": [{"sha": HEAD}]}),
        json!({"total_commits": -1, "commits": []}),
    ];
    let answers = shapes.iter().map(Value::to_string).chain(["<html>".into(), String::new()]);
    for answer in answers {
        let peer = always(move || Response::html(200, answer.clone()));
        let failure = compare(&peer.url(), None).unwrap_err();
        let (slug, status, hint) =
            checked_error(&failure, &["unexpected response from 127.0.0.1 at line"]);
        assert_eq!((slug, status), ("backend-error", Some(200)));
        assert!(hint.contains("`GITHUB_API_URL`") && !failure.message.contains("::error"));
    }
}

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    let peer = always(|| Response::html(200, " ".repeat(1024 * 1024)).endless());
    let failure = compare(&peer.url(), None).unwrap_err();
    assert_eq!(checked_error(&failure, &["larger than 32 MiB"]).0, "backend-error");
    assert_eq!(peer.lines().len(), 1);
}

#[test]
fn a_token_that_cannot_be_one_is_said_without_it() {
    let peer = HttpServer::new(successful_response);
    let failure = compare(&peer.url(), Some("ghs_a\nghs_b")).unwrap_err();
    assert_eq!(failure.code.slug(), "unauthorized");
    assert!(!failure.message.contains("ghs_") && failure.hint.contains("on one line"));
    assert_eq!(compare(&peer.url(), Some(&format!(" {TOKEN}\n"))), Ok(1));
    assert_eq!(peer.requests()[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(compare("ftp://api.example", None).unwrap_err().code.slug(), "usage");
}
