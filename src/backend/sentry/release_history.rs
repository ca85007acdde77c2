//! The commits of a release at a Sentry, and the release before it.

use super::client::permission::Permission;
use super::deploys::LISTED_RELEASES;
use super::release::SentryReleases;
use super::release_json::bare_commit;
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::RetryPolicy;
use crate::release::Commit;
use crate::text::segment;
use serde_json::Value;

impl SentryReleases {
    /// The commits of the release, newest first.
    pub(super) async fn listed_commits(&self) -> Result<Vec<Commit>> {
        let path = format!("releases/{}/commits/?per_page=100", segment(self.version.as_str()));
        let items = self.list(&path, RetryPolicy::Optional, Permission::Releases).await?;
        Ok(items.iter().filter_map(bare_commit).collect())
    }

    /// The last commit of the release before, in one of the same projects.
    pub(super) async fn earlier_head(&self) -> Result<Option<String>> {
        let projects = self.projects.iter().map(|(_, id)| format!("&project={}", id.as_str()));
        let query = format!("releases/?per_page={LISTED_RELEASES}{}", projects.collect::<String>());
        let response = self.client.get(self.path(&query)).await?;
        let items = match response.json() {
            Value::Array(items) if response.is_success() => items,
            _ => return Err(self.denied(&response)),
        };
        let is_own = |item: &Value| item["version"] == self.version.as_str();
        let own = items.iter().position(is_own).ok_or_else(|| self.unlisted())?;
        let head = |item: &Value| item["lastCommit"]["id"].as_str().map(str::to_owned);
        match items.iter().skip(own + 1).find_map(head) {
            None if items.len() >= LISTED_RELEASES => Err(self.unlisted()),
            head => Ok(head),
        }
    }

    fn unlisted(&self) -> Error {
        let version = self.version.as_str();
        let message =
            format!("the release before {version} is not among the newest {LISTED_RELEASES}");
        Error::new(ErrorCode::Refused, message).with_hint("set `previous-commit` to its commit")
    }
}
