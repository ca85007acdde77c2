//! GitHub's API: the commits of a range without a checkout, and the status of a commit.
//!
//! By octocrab on our own HTTP stack. The range and the text of a status are the caller's.

mod client;
mod error;
mod response;
#[cfg_attr(not(feature = "github"), path = "no_transport.rs")]
mod transport;

use crate::error::{Error, ErrorCode, Result};
use crate::http::TlsTrust;
use crate::release::Commit;
use crate::secret::Secret;
use crate::text::quote;
use client::{GitHubClient, GitHubRequest};
use response::{CommitItem, ComparePage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How many commits GitHub lists on a page.
const PAGE_SIZE: usize = 100;
/// How many pages are read: more commits than any release has.
const MAX_PAGES: usize = 200;
/// How long GitHub lets the description of a status be.
const MAX_DESCRIPTION: usize = 140;

/// GitHub, or a server of one's own that speaks its API.
pub struct GitHubApi {
    client: GitHubClient,
}

/// What lies between two commits.
#[derive(Debug)]
pub struct CommitComparison {
    /// The commits, newest first.
    pub commits: Vec<Commit>,
    /// How many there are, of which GitHub may list fewer.
    pub total: usize,
}

/// A commit status, without its commit.
#[derive(Clone, Copy, Debug)]
pub struct CommitStatus<'a> {
    /// Whether it is well.
    pub state: CommitState,
    /// The page behind it; none when it is empty.
    pub target: &'a str,
    /// A few words; GitHub takes 140 characters, and what is beyond them is cut.
    pub description: &'a str,
    /// What tells this status from those of others; a later one of the same context replaces it.
    pub context: &'a str,
}

/// Whether a commit is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitState {
    /// It could not be found out.
    Error,
    /// It is not.
    Failure,
    /// It is not known yet.
    Pending,
    /// It is.
    Success,
}

impl GitHubApi {
    /// Prepares a client for the API whose root is `api`, with a token or without one. Nothing is
    /// sent yet; whatever is sent later is given up at the deadline, where the `timeout` of the run
    /// ends.
    pub fn new(
        api: &Url,
        token: Option<&Secret>,
        trust: &TlsTrust,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Self> {
        Ok(Self { client: GitHubClient::new(api, token, trust, timeout, deadline)? })
    }

    /// The commits that lead to `head` and not to `base`, at most the newest 20,000. GitHub does
    /// not list their files.
    pub async fn compare(
        &self,
        repository: &str,
        base: &str,
        head: &str,
    ) -> Result<CommitComparison> {
        check(repository, &[base, head])?;
        let page = async |page: usize| -> Result<ComparePage> {
            let path = format!(
                "/repos/{repository}/compare/{base}...{head}?per_page={PAGE_SIZE}&page={page}"
            );
            self.read(repository, path).await
        };
        let ComparePage { mut commits, total_commits: total } = page(1).await?;
        let last = total.div_ceil(PAGE_SIZE);
        // GitHub lists the oldest first, and it is the newest that a release is known by.
        let first = last.saturating_sub(MAX_PAGES) + 1;
        for number in first.max(2)..=last {
            let listed = page(number).await?.commits;
            if listed.is_empty() {
                break;
            }
            if number == first {
                commits.clear();
            }
            commits.extend(listed);
        }
        let commits = commits.into_iter().rev().map(Commit::from).collect();
        Ok(CommitComparison { commits, total })
    }

    /// The last commits that lead to `head`, newest first, without their files.
    pub async fn commits(&self, repository: &str, head: &str, max: usize) -> Result<Vec<Commit>> {
        check(repository, &[head])?;
        let (mut commits, size) = (Vec::new(), max.min(PAGE_SIZE));
        for page in 1..=MAX_PAGES.min(max.div_ceil(PAGE_SIZE)) {
            let path =
                format!("/repos/{repository}/commits?sha={head}&per_page={size}&page={page}");
            let listed: Vec<CommitItem> = self.read(repository, path).await?;
            let is_last = listed.len() < size;
            commits.extend(listed.into_iter().map(Commit::from));
            if is_last {
                break;
            }
        }
        commits.truncate(max);
        Ok(commits)
    }

    /// Sets a commit status. It is sent once, and again only when GitHub surely has not taken it.
    pub async fn set_status(
        &self,
        repository: &str,
        sha: &str,
        status: &CommitStatus<'_>,
    ) -> Result {
        check(repository, &[sha])?;
        let description: String = status.description.chars().take(MAX_DESCRIPTION).collect();
        let mut body = json!({
            "state": status.state,
            "description": description,
            "context": status.context,
        });
        if !status.target.is_empty() {
            body["target_url"] = Value::from(status.target);
        }
        let request = GitHubRequest {
            what: format!("set a commit status in {repository}"),
            path: format!("/repos/{repository}/statuses/{sha}"),
            body: Some(&body),
            permission: "statuses: write",
        };
        self.client.send(&request).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, repository: &str, path: String) -> Result<T> {
        let what = format!("read the commits of {repository}");
        let request = GitHubRequest { what, path, body: None, permission: "contents: read" };
        let response = self.client.send(&request).await?;
        serde_json::from_str(&response.body)
            .map_err(|error| self.client.unexpected_body(&request, &response, &error))
    }
}

/// Checks what becomes a part of a path.
fn check(repository: &str, shas: &[&str]) -> Result {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_segment = |text: &str| !matches!(text, "" | "." | "..") && text.chars().all(is_plain);
    let parts = repository.split_once('/');
    if !parts.is_some_and(|(owner, name)| is_segment(owner) && is_segment(name)) {
        let message = format!("{} is not a GitHub repository", quote(repository));
        return Err(Error::new(ErrorCode::Usage, message).with_hint("write it as `owner/name`"));
    }
    let Some(sha) = shas.iter().find(|sha| !is_sha(sha)) else { return Ok(()) };
    let message = format!("{} is not a commit: a SHA has 7 to 64 hex digits", quote(sha));
    Err(Error::new(ErrorCode::Usage, message).with_hint("use the commit's SHA"))
}

fn is_sha(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owner_with_a_name_and_shas_get_into_a_path() {
        let sha = "a".repeat(40);
        assert!(check("acme/widget.js", &[&sha, "abc1234"]).is_ok());
        for bad in ["widget", "acme/", "/widget", "a/b/c", "acme/..", "a/b?c", "a/b c", "a%2f/b"] {
            assert_eq!(check(bad, &[&sha]).unwrap_err().code, ErrorCode::Usage, "{bad}");
        }
        for bad in ["HEAD", "main", "abc123", "abc1234...def", "../../../x", &"a".repeat(65)] {
            assert_eq!(
                check("acme/widget", &[&sha, bad]).unwrap_err().code,
                ErrorCode::Usage,
                "{bad}"
            );
        }
    }
}
