//! What a call asks of the releases that are there, and what it changes of them as a whole.

use super::SentryCliCall;
use super::table::SentryCliTask;
use crate::error::{Error, ErrorCode, Result};

/// What a call does beside the release job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledOperation {
    /// To list the newest releases.
    ListReleases {
        /// Whether with their projects.
        with_projects: bool,
        /// What stands between versions that are listed alone.
        delimiter: Option<char>,
    },
    /// To list the repositories of the organization.
    ListRepositories,
    /// To tell who the token is.
    ReadToken {
        /// Whether the organization and the project must be named.
        needs_defaults: bool,
        /// Whether as JSON, in which a refusal is an answer.
        as_json: bool,
    },
    /// It is about one release.
    OnRelease(ReleaseOperation),
}

/// What a call does with a release as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseOperation {
    /// To tell whether it is there.
    Read,
    /// To list its deploys.
    ListDeploys,
    /// To delete it.
    Delete,
    /// To put it away, or back.
    SetStatus(ReleaseStatus),
}

/// Whether a release is among those that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseStatus {
    /// It is.
    Open,
    /// It was put away.
    Archived,
}

impl ReleaseStatus {
    /// Sentry's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Archived => "archived",
        }
    }
}

impl CalledOperation {
    /// The operation of a call, if it is one.
    ///
    /// # Errors
    ///
    /// A delimiter of more than one character.
    pub fn of_call(call: &SentryCliCall) -> Result<Option<Self>> {
        let on_release = match call.task {
            SentryCliTask::ListReleases => {
                let delimiter = call.has("raw").then(|| delimiter(call)).transpose()?;
                let with_projects = call.has("show-projects");
                return Ok(Some(Self::ListReleases { with_projects, delimiter }));
            }
            SentryCliTask::ListRepositories => return Ok(Some(Self::ListRepositories)),
            SentryCliTask::ServerInfo => {
                let needs_defaults = !call.has("no-defaults");
                let as_json = call.has("config-status-json");
                return Ok(Some(Self::ReadToken { needs_defaults, as_json }));
            }
            SentryCliTask::ReleaseInfo => ReleaseOperation::Read,
            SentryCliTask::ListDeploys => ReleaseOperation::ListDeploys,
            SentryCliTask::DeleteRelease => ReleaseOperation::Delete,
            SentryCliTask::ArchiveRelease => ReleaseOperation::SetStatus(ReleaseStatus::Archived),
            SentryCliTask::RestoreRelease => ReleaseOperation::SetStatus(ReleaseStatus::Open),
            _ => return Ok(None),
        };
        Ok(Some(Self::OnRelease(on_release)))
    }
}

fn delimiter(call: &SentryCliCall) -> Result<char> {
    let given = call.fact("delimiter").unwrap_or("\n");
    let mut characters = given.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Error::new(ErrorCode::Unsupported, "`--delimiter` is not a single character")
            .with_hint("use one character, and replace it in the script")),
    }
}
