//! Where the commits of a release are read: the checkout, or GitHub's API.

use super::server_access::tls_trust;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::git::{Checkout, CommitRange, GitEnvironment, GitError};
use crate::github::{CommitComparison, GitHubApi};
use crate::inputs::Inputs;
use crate::inputs::release::{CommitSource, DEFAULT_REMOTE, PreviousCommit};
use crate::inputs::types::BackendName;
use crate::job::{self, Job};
use crate::os::awaited::AwaitedResource;
use crate::release::{
    CheckoutInfo, Commit, CommitList, CommitPlan, CommitReader, FoundAncestors, HistorySource,
    ReleaseTask,
};
use crate::text::quote;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use tokio::time::{Instant, timeout};
use url::Url;

/// How many commits are taken where the commit of the release before is not known.
const DEFAULT_COMMITS: usize = 20;

/// GitHub's own API, where the host names no other.
const GITHUB_API: &str = "https://api.github.com/";

/// The checkout and GitHub, each read when it is needed.
pub(crate) struct CommitSources<'a> {
    inputs: &'a Inputs,
    job: &'a Job,
    checkout: Result<Option<Checkout>, GitError>,
    /// Whether a repository is named by git's variables, and not found around the working folder.
    is_named: bool,
    /// The repository that is released, once that is decided.
    pub(crate) repository: Option<String>,
    deadline: Instant,
}

impl<'a> CommitSources<'a> {
    /// Looks for a checkout in the working folder.
    pub(crate) fn new(inputs: &'a Inputs, job: &'a Job, env: &Env, deadline: Instant) -> Self {
        let environment = GitEnvironment::new(env, job.workspace.as_deref());
        let _awaited = AwaitedResource::GitRepository.enter();
        let checkout = Checkout::find_in(Path::new("."), &environment);
        let is_named = environment.names_repository();
        Self { inputs, job, checkout, is_named, repository: None, deadline }
    }

    /// The facts of the checkout; none where there is no checkout, or where it cannot be read.
    pub(crate) fn checkout_info(&self) -> CheckoutInfo {
        let _awaited = AwaitedResource::GitRepository.enter();
        let checkout = match &self.checkout {
            Ok(Some(checkout)) => checkout,
            Ok(None) => return CheckoutInfo { is_absent: true, ..Default::default() },
            Err(error) => {
                return CheckoutInfo { unreadable: Some(no_version(error)), ..Default::default() };
            }
        };
        let name = &self.inputs.release.remote;
        let (head, remote) = (checkout.head(), checkout.remote(name));
        CheckoutInfo {
            no_remote: no_remote(name, &checkout.remotes()),
            unreadable: head.as_ref().err().map(no_version),
            is_unborn: matches!(head, Err(GitError::Unborn)),
            head: head.ok(),
            subject: checkout.head_subject(),
            repository: remote.as_deref().and_then(job::repository_of_url),
            has_event: self.job.commits().any(|sha| checkout.has_commit(sha)),
            is_bare: checkout.is_bare(),
            tagged: self.tagged(checkout),
            named: self.named(checkout),
            is_absent: false,
        }
    }

    /// Why the checkout that is there cannot be read.
    fn unreadable(&self) -> Option<Error> {
        match &self.checkout {
            Ok(Some(checkout)) => checkout.head().err().as_ref().map(git_error),
            Ok(None) => None,
            Err(error) => Some(git_error(error)),
        }
    }

    /// Why the checkout cannot give what the release needs of it, where one is there.
    pub(crate) fn problem(&self, fetches: bool) -> Option<Error> {
        let checkout = self.checkout_info();
        let reason = checkout.unreadable.clone()?;
        match ReleaseTask::new(self.inputs, self.job, &checkout, fetches) {
            Ok(ReleaseTask { commits: CommitPlan::Upload(HistorySource::Checkout), .. }) => {
                self.unreadable()
            }
            Ok(_) => None,
            Err(error) => (error == reason || error.errors.contains(&reason)).then_some(reason),
        }
    }

    /// In a hook of the server, or a mirror, no commit is checked out: the tag says what is meant.
    fn tagged(&self, checkout: &Checkout) -> Option<String> {
        let version = self.inputs.release.version.as_deref()?;
        let tag = version.strip_prefix("refs/tags/").unwrap_or(version);
        (self.is_named || checkout.is_bare()).then(|| checkout.tag_commit(tag))?
    }

    /// The commits of the names in the inputs that are no whole hashes.
    fn named(&self, checkout: &Checkout) -> HashMap<String, Result<String>> {
        let names = self.inputs.release.commit_names().filter(|name| !is_whole_hash(name));
        let commit = |name: &str| checkout.named_commit(name).map_err(|error| git_error(&error));
        names.map(|name| (name.clone(), commit(name))).collect()
    }

    async fn read_checkout(&self, head: &str, previous: Option<&str>) -> Result<CommitList> {
        let checkout = match &self.checkout {
            Ok(Some(checkout)) => checkout,
            Ok(None) => return Err(no_checkout()),
            Err(error) => return Err(git_error(error)),
        };
        if head.is_empty() {
            checkout.head().map_err(|error| git_error(&error))?;
        }
        let paths = &self.inputs.release.paths;
        let range = CommitRange { head, previous, most: DEFAULT_COMMITS, paths };
        // The release can do without them: the rest of the time is its own.
        let within = self.deadline.saturating_duration_since(Instant::now()) / 2;
        let history = timeout(within, checkout.history(&range)).await;
        let history = history.unwrap_or(Err(GitError::Overdue { within }));
        let history = history.map_err(|error| git_error(&error))?;
        let warnings = history
            .warnings
            .iter()
            .map(|warning| Warning::new(warning.slug(), warning.to_string()));
        let mut list = self.with_warnings(history.commits, warnings.collect(), previous);
        if list.commits.is_empty() {
            list.warnings.push(no_commits(previous, !paths.is_empty()));
        }
        Ok(list)
    }

    async fn read_github(&self, head: &str, previous: Option<&str>) -> Result<CommitList> {
        let repository = self.repository().ok_or_else(|| {
            let unknown = Error::new(
                ErrorCode::Usage,
                "cannot tell the GitHub repository from the CI host or the git remote",
            )
            .with_hint(
                "run in GitHub Actions or in a git checkout, or set `commits` to `REPO@SHA`",
            );
            self.unreadable().unwrap_or(unknown)
        })?;
        if head.is_empty() {
            let message = "cannot tell the commit to release from the CI host or a git checkout";
            let unknown = Error::new(ErrorCode::Usage, message).with_hint("run in a git checkout");
            return Err(self.unreadable().unwrap_or(unknown));
        }
        let github = github(self.inputs, self.job, self.deadline)?;
        let Some(previous) = previous else {
            let commits = github.commits(&repository, head, DEFAULT_COMMITS).await?;
            let none = commits.is_empty().then(|| {
                Warning::new("no-commits", format!("no commits: GitHub returned none of {head}"))
            });
            return Ok(self.with_warnings(commits, none.into_iter().collect(), None));
        };
        let CommitComparison { commits, total } =
            github.compare(&repository, previous, head).await?;
        let warning = compare_warning(commits.len(), total, previous);
        Ok(self.with_warnings(commits, warning.into_iter().collect(), Some(previous)))
    }

    /// What was read, and why it may be less or more than was meant.
    fn with_warnings(
        &self,
        commits: Vec<Commit>,
        mut warnings: Vec<Warning>,
        previous: Option<&str>,
    ) -> CommitList {
        if (commits.len(), previous) == (DEFAULT_COMMITS, None) {
            let message = match self.was_asked() {
                true => format!(
                    "Sentry knows no earlier release with commits, so the last {DEFAULT_COMMITS} commits are sent"
                ),
                false => format!(
                    "the commit of the previous release is unknown, so the last {DEFAULT_COMMITS} commits \
                     are sent; set `previous-commit` to that commit or to `lookup`"
                ),
            };
            warnings.push(Warning::new("no-previous", message));
        }
        CommitList { commits, warnings }
    }

    /// Whether the backend was asked for the release before.
    fn was_asked(&self) -> bool {
        let release = &self.inputs.release;
        let is_fetched = release.commits == CommitSource::Auto && release.paths.is_empty();
        let is_sentry = matches!(self.inputs.backend(self.job), Ok(BackendName::Sentry));
        release.previous == PreviousCommit::LookUp || (is_fetched && is_sentry)
    }

    /// A repository on GitHub: the job's own there, elsewhere the one that the remote leads to.
    fn repository(&self) -> Option<String> {
        if self.job.host.is_github_like() {
            return self.repository.clone().or_else(|| self.job.repository.clone());
        }
        let Ok(Some(checkout)) = &self.checkout else { return None };
        let remote = checkout.remote(&self.inputs.release.remote)?;
        remote.contains("github.com").then(|| job::repository_of_url(&remote))?
    }
}

impl CommitReader for CommitSources<'_> {
    async fn read(
        &mut self,
        source: HistorySource,
        head: &str,
        previous: Option<&str>,
    ) -> Result<CommitList> {
        match source {
            HistorySource::Checkout => self.read_checkout(head, previous).await,
            HistorySource::GitHub => self.read_github(head, previous).await,
        }
    }

    fn has_checkout(&self) -> bool {
        matches!(self.checkout, Ok(Some(_)))
    }

    fn leading_to(&self, commit: &str, wanted: &HashSet<String>) -> Option<FoundAncestors> {
        let _awaited = AwaitedResource::GitRepository.enter();
        self.checkout.as_ref().ok()?.as_ref()?.leading_to(commit, wanted)
    }

    fn is_lacking(&self, sha: &str) -> bool {
        let _awaited = AwaitedResource::GitRepository.enter();
        let checkout = self.checkout.as_ref().ok().and_then(Option::as_ref);
        checkout.is_some_and(|checkout| !checkout.is_shallow() && !checkout.has_commit(sha))
    }
}

fn is_whole_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && job::sha(text).is_some()
}

/// What to say where a remote was named that is none of these.
fn no_remote(name: &str, remotes: &[String]) -> Option<Warning> {
    if name == DEFAULT_REMOTE || remotes.iter().any(|one| one == name) {
        return None;
    }
    let there: Vec<_> = remotes.iter().map(|one| quote(one)).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let message = format!(
        "the checkout has no remote {}, so `remote` names no repository; it has {there}",
        quote(name)
    );
    Some(Warning::new("remote-unknown", message))
}

/// GitHub's API as this job reaches it.
pub(crate) fn github(inputs: &Inputs, job: &Job, deadline: Instant) -> Result<GitHubApi> {
    let api = job.api_url.as_deref().filter(|_| job.host.is_github_like()).unwrap_or(GITHUB_API);
    let api = Url::parse(api).map_err(|_| {
        Error::new(ErrorCode::Usage, "the CI host's URL of GitHub's API is invalid")
    })?;
    let token = inputs.release.github_token.as_ref();
    GitHubApi::new(&api, token, &tls_trust(inputs, &api), inputs.timeout, deadline)
}

/// What is missing of a comparison of GitHub's.
fn compare_warning(listed: usize, total: usize, previous: &str) -> Option<Warning> {
    match (listed, total) {
        (0, 0) => Some(no_commits(Some(previous), false)),
        (0, _) => {
            let message =
                format!("no commits: GitHub returned none of the {total} since {previous}");
            Some(Warning::new("no-commits", message))
        }
        _ if listed < total => {
            let message =
                format!("GitHub returned only {listed} of the {total} commits since {previous}");
            Some(Warning::new("commits-cut", message))
        }
        _ => None,
    }
}

/// Why there are none; `is_filtered` by `paths`.
fn no_commits(previous: Option<&str>, is_filtered: bool) -> Warning {
    let message = match (previous, is_filtered) {
        (Some(previous), true) => {
            format!("no commits: none were made since {previous}, or none of them touch `paths`")
        }
        (Some(previous), false) => format!("no commits: none were made since {previous}"),
        (None, true) => {
            "no commits: none of the commits examined touch `paths`, which are relative \
                         to the root of the repository"
                .to_owned()
        }
        (None, false) => "no commits: the checkout has none".to_owned(),
    };
    Warning::new("no-commits", message)
}

fn no_checkout() -> Error {
    Error::new(ErrorCode::Usage, "the working directory is not inside a git checkout").with_hint(
        "check out the code, or set `commits: github` (which needs no checkout) or `commits: none`",
    )
}

fn no_version(error: &GitError) -> Error {
    let message = format!("cannot tell the release version: {error}");
    Error::new(ErrorCode::BadRelease, message).with_hint(error.hint())
}

fn git_error(error: &GitError) -> Error {
    Error::new(ErrorCode::Usage, error.to_string()).with_hint(error.hint())
}
