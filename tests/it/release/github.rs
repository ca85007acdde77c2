//! What is asked of GitHub and what is read of its answers: comparisons over pages, the last
//! commits, a commit's status.

use crate::support::http_server::{HttpServer, Request, Response};
use finishline::error::Error;
use finishline::github::{CommitComparison, CommitState, CommitStatus, GitHubApi};
use finishline::http::TlsTrust;
use finishline::secret::Secret;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

pub(crate) const TOKEN: &str = "ghs_s3cr3tt0ken";
pub(crate) const BASE: &str = "1111111111111111111111111111111111111111";
pub(crate) const HEAD: &str = "2222222222222222222222222222222222222222";

/// Does something with the API of this address, with a minute for it.
pub(crate) fn ask<T>(
    api: &str,
    token: Option<&str>,
    asking: impl AsyncFnOnce(&GitHubApi) -> Result<T, Error>,
) -> Result<T, Error> {
    ask_within(Duration::from_secs(60), api, token, asking)
}

pub(crate) fn ask_within<T>(
    time: Duration,
    api: &str,
    token: Option<&str>,
    asking: impl AsyncFnOnce(&GitHubApi) -> Result<T, Error>,
) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (url, token) = (Url::parse(api).unwrap(), token.map(Secret::from));
    let trust = TlsTrust::Roots(Vec::new());
    let github = GitHubApi::new(&url, token.as_ref(), &trust, time, Instant::now() + time)?;
    runtime.block_on(asking(&github))
}

/// A commit as GitHub lists it; the number is in its sha.
pub(crate) fn listed(number: usize) -> Value {
    let date = format!("2026-01-02T03:04:{:02}Z", number % 60);
    let person = json!({"name": "Ada", "email": "ada@acme.example", "date": date});
    json!({
        "sha": format!("{number:040x}"),
        "node_id": "x",
        "commit": {"author": person, "committer": person, "message": format!("commit {number}")},
        "author": null,
        "parents": [],
    })
}

/// A page of a comparison of this many commits, oldest first.
fn compared(total: usize, request: &Request) -> Response {
    let number = |name: &str| request.parameter(name).parse::<usize>().unwrap();
    let (size, page) = (number("per_page"), number("page"));
    let commits: Vec<_> = (0..total).skip(size * (page - 1)).take(size).map(listed).collect();
    Response::json(200, &json!({"status": "ahead", "total_commits": total, "commits": commits}))
}

#[test]
fn a_comparison_of_650_commits_is_read_over_its_pages_newest_first() {
    let peer = HttpServer::new(|request| compared(650, request));
    let commits = ask(&peer.url(), Some(TOKEN), async |github| {
        github.compare("acme/widget", BASE, HEAD).await
    });
    let CommitComparison { commits, total } = commits.unwrap();
    assert_eq!((commits.len(), total), (650, 650));
    let expected: Vec<_> = (0..650).rev().map(|number| format!("{number:040x}")).collect();
    assert!(commits.iter().map(|commit| &commit.id).eq(&expected));
    let newest = &commits[0];
    let message = newest.message.as_deref();
    assert_eq!((message, newest.time), (Some("commit 649"), Some(1_767_323_089_000)));
    let author = (newest.author_name.as_deref(), newest.author_email.as_deref());
    assert_eq!(author, (Some("Ada"), Some("ada@acme.example")));
    assert_eq!(newest.changes, []);
    let line = format!("GET /repos/acme/widget/compare/{BASE}...{HEAD}");
    assert_eq!(peer.lines(), vec![line; 7]);
}

#[test]
fn of_more_commits_than_are_read_the_newest_are() {
    let peer = HttpServer::new(|request| compared(20_150, request));
    let found = ask(&peer.url(), None, async |github| github.compare("a/b", BASE, HEAD).await);
    let CommitComparison { commits, total } = found.unwrap();
    let [newest, oldest] =
        [&commits[0], commits.last().unwrap()].map(|commit| commit.message.as_deref());
    assert_eq!((total, commits.len()), (20_150, 19_950));
    assert_eq!([newest, oldest], [Some("commit 20149"), Some("commit 200")]);
    assert_eq!(peer.lines().len(), 201);
}

#[test]
fn a_request_says_who_asks_and_for_what() {
    let peer = HttpServer::new(|request| compared(1, request));
    for (token, said) in [(Some(TOKEN), format!("Bearer {TOKEN}")), (None, String::new())] {
        let asked = ask(&peer.url(), token, async |github| github.compare("a/b", BASE, HEAD).await);
        assert_eq!(asked.unwrap().commits.len(), 1);
        let request = peer.requests().pop().unwrap();
        assert_eq!(request.header("authorization"), said);
        let accepted = "application/vnd.github+json, application/json;q=0.9";
        assert_eq!(request.header("accept"), accepted);
        assert!(request.header("user-agent").starts_with("finishline/"));
        assert_eq!(request.header("x-github-api-version"), "2022-11-28");
        let count = |name: &str| request.headers.iter().filter(|(known, _)| known == name).count();
        assert_eq!([count("accept"), count("user-agent"), count("cookie")], [1, 1, 0]);
    }
}

#[test]
fn a_server_of_ones_own_is_asked_below_its_prefix_whatever_that_is() {
    let peer = HttpServer::new(|request| compared(1, request));
    for (prefix, path) in
        [("", ""), ("/", ""), ("/api/v3", "/api/v3"), ("/api/v3/", "/api/v3"), ("/r", "/r")]
    {
        let api = format!("{}{prefix}", peer.url());
        let asked = ask(&api, Some(TOKEN), async |github| github.compare("a/b", BASE, HEAD).await);
        assert_eq!(asked.unwrap().commits.len(), 1);
        let request = peer.requests().pop().unwrap();
        assert_eq!(request.path(), format!("{path}/repos/a/b/compare/{BASE}...{HEAD}"));
        assert_eq!(request.header("authorization"), format!("Bearer {TOKEN}"));
    }
}

#[test]
fn pages_that_end_early_end_the_reading() {
    let peer = HttpServer::new(|request| match &*request.parameter("page") {
        "1" | "2" => compared(1_000, request),
        _ => Response::json(200, &json!({"total_commits": 1_000, "commits": []})),
    });
    let read = ask(&peer.url(), None, async |github| github.compare("a/b", BASE, HEAD).await);
    assert_eq!(read.unwrap().commits.len(), 200);
    assert_eq!(peer.lines().len(), 3);
}

#[test]
fn pages_without_an_end_are_left_at_a_bound() {
    let peer = HttpServer::new(|_| {
        Response::json(200, &json!({"total_commits": 9_999_999, "commits": [listed(1)]}))
    });
    let read = ask(&peer.url(), None, async |github| github.compare("a/b", BASE, HEAD).await);
    assert_eq!(read.unwrap().commits.len(), 200);
    assert_eq!(peer.lines().len(), 201);
}

#[test]
fn the_last_commits_are_read_as_many_as_are_asked_for() {
    let peer = HttpServer::new(|request| {
        assert_eq!(request.parameter("sha"), HEAD);
        let number = |name: &str| request.parameter(name).parse::<usize>().unwrap();
        let (size, page) = (number("per_page"), number("page"));
        let commits: Vec<_> =
            (0..250).rev().skip(size * (page - 1)).take(size).map(listed).collect();
        Response::json(200, &json!(commits))
    });
    for (most, found, requests) in [(0, 0, 0), (1, 1, 1), (100, 100, 1), (120, 120, 2)] {
        let before = peer.lines().len();
        let read =
            ask(&peer.url(), None, async |github| github.commits("a/b", HEAD, most).await).unwrap();
        assert_eq!((read.len(), peer.lines().len() - before), (found, requests), "{most}");
        assert!(read.first().is_none_or(|newest| newest.message.as_deref() == Some("commit 249")));
    }
    let all = ask(&peer.url(), None, async |github| github.commits("a/b", HEAD, 1000).await);
    assert_eq!(all.unwrap().len(), 250);
    assert_eq!(peer.lines().last().unwrap(), "GET /repos/a/b/commits");
}

#[test]
fn a_status_is_posted_once_and_with_these_words() {
    let peer = HttpServer::new(|_| Response::json(201, &json!({"id": 1, "state": "success"})));
    let long = "é".repeat(141);
    for (state, word) in [
        (CommitState::Success, "success"),
        (CommitState::Failure, "failure"),
        (CommitState::Error, "error"),
        (CommitState::Pending, "pending"),
    ] {
        let target = "https://sentry.example/releases/1/";
        let status = CommitStatus { state, target, description: &long, context: "finishline" };
        let set = async |github: &GitHubApi| github.set_status("acme/widget", HEAD, &status).await;
        ask(&peer.url(), Some(TOKEN), set).unwrap();
        let request = peer.requests().pop().unwrap();
        assert_eq!(request.line(), format!("POST /repos/acme/widget/statuses/{HEAD}"));
        assert_eq!(request.header("content-type"), "application/json");
        let cut = "é".repeat(140);
        let body = json!({
            "state": word, "target_url": target, "description": cut, "context": "finishline",
        });
        assert_eq!(request.json(), body);
    }
    assert_eq!(peer.lines().len(), 4);
    let status =
        CommitStatus { state: CommitState::Pending, target: "", description: "d", context: "c" };
    let set = async |github: &GitHubApi| github.set_status("acme/widget", HEAD, &status).await;
    ask(&peer.url(), Some(TOKEN), set).unwrap();
    let body = json!({"state": "pending", "description": "d", "context": "c"});
    assert_eq!(peer.requests().pop().unwrap().json(), body);
}

#[test]
fn what_is_no_repository_or_no_commit_is_never_asked_for() {
    let peer = HttpServer::new(|request| compared(1, request));
    for (repository, base) in [("widget", BASE), ("acme/../x", BASE), ("acme/widget", "main")] {
        let asked =
            ask(&peer.url(), None, async |github| github.compare(repository, base, HEAD).await);
        let failure = asked.unwrap_err();
        assert_eq!(failure.code.slug(), "usage");
        assert!(failure.message.contains(if base == BASE { repository } else { base }));
    }
    assert_eq!(peer.lines(), [""; 0]);
}
