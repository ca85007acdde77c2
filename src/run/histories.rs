//! Where the commits of a release are read: the checkout, or GitHub's API.

use super::trust;
use crate::failure::{Code, Failure, Warning};
use crate::git::{Checkout, GitError, Range};
use crate::github::{Comparison, GitHub};
use crate::inputs::Inputs;
use crate::job::{self, Job};
use crate::release::seam::{Gathered, Histories, Source};
use crate::release::{CheckedOut, Commit};
use std::path::Path;
use tokio::time::Instant;
use url::Url;

/// How many commits are taken where nobody knows the one of the release before.
const MOST: usize = 20;

/// GitHub's own API, where the host tells no other.
const API: &str = "https://api.github.com/";

/// The checkout and GitHub, each asked when it is needed.
pub(super) struct Readers<'a> {
    inputs: &'a Inputs,
    job: &'a Job,
    checkout: Result<Option<Checkout>, GitError>,
    deadline: Instant,
}

impl<'a> Readers<'a> {
    /// Looks for a checkout in the working folder.
    pub(super) fn new(inputs: &'a Inputs, job: &'a Job, deadline: Instant) -> Self {
        Self { inputs, job, checkout: Checkout::find(Path::new(".")), deadline }
    }

    /// What the checkout tells; nothing where there is none, or where it cannot be read.
    pub(super) fn checked_out(&self) -> CheckedOut {
        let Ok(Some(checkout)) = &self.checkout else { return CheckedOut::default() };
        let remote = checkout.remote(&self.inputs.release.remote);
        CheckedOut {
            head: checkout.head().ok(),
            repository: remote.as_deref().and_then(job::repository_of_url),
        }
    }

    async fn read_checkout(&self, head: &str, previous: Option<&str>) -> Result<Gathered, Failure> {
        let checkout = match &self.checkout {
            Ok(Some(checkout)) => checkout,
            Ok(None) => return Err(no_checkout()),
            Err(error) => return Err(failure(error)),
        };
        if head.is_empty() {
            checkout.head().map_err(|error| failure(&error))?;
        }
        let paths = &self.inputs.release.paths;
        let range = Range { head, previous, most: MOST, paths };
        let history = checkout.history(&range).await.map_err(|error| failure(&error))?;
        let notes = history.notes.iter().map(|note| Warning::new(note.slug(), note.to_string()));
        Ok(told(history.commits, notes.collect(), previous))
    }

    async fn read_github(&self, head: &str, previous: Option<&str>) -> Result<Gathered, Failure> {
        let repository = self.repository().ok_or_else(|| {
            Failure::new(Code::Usage, "neither the host nor a remote tells a repository on GitHub")
                .hint("run in GitHub Actions or in a checkout, or name the commits as `REPO@SHA`")
        })?;
        if head.is_empty() {
            let message = "neither the host nor a checkout tells the commit that is released";
            return Err(Failure::new(Code::Usage, message).hint("run in a checkout"));
        }
        let github = github(self.inputs, self.job, self.deadline)?;
        let Some(previous) = previous else {
            let commits = github.commits(&repository, head, MOST).await?;
            return Ok(told(commits, Vec::new(), None));
        };
        let Comparison { commits, total } = github.compare(&repository, previous, head).await?;
        let cut = (commits.len() < total).then(|| {
            let told = commits.len();
            let message = format!("of {total} commits since {previous}, GitHub tells {told}");
            Warning::new("commits-cut", message)
        });
        Ok(told(commits, cut.into_iter().collect(), Some(previous)))
    }

    /// A repository on GitHub: the job's own there, elsewhere the one that the remote leads to.
    fn repository(&self) -> Option<String> {
        if self.job.host.is_github_like() {
            return self.job.repository.clone();
        }
        let Ok(Some(checkout)) = &self.checkout else { return None };
        let remote = checkout.remote(&self.inputs.release.remote)?;
        remote.contains("github.com").then(|| job::repository_of_url(&remote))?
    }
}

impl Histories for Readers<'_> {
    async fn read(
        &mut self,
        source: Source,
        head: &str,
        previous: Option<&str>,
    ) -> Result<Gathered, Failure> {
        match source {
            Source::Checkout => self.read_checkout(head, previous).await,
            Source::GitHub => self.read_github(head, previous).await,
        }
    }
}

/// GitHub's API as this job reaches it.
pub(super) fn github(inputs: &Inputs, job: &Job, deadline: Instant) -> Result<GitHub, Failure> {
    let api = job.api_url.as_deref().filter(|_| job.host.is_github_like()).unwrap_or(API);
    let api = Url::parse(api).map_err(|_| {
        Failure::new(Code::Usage, "the host tells no address of GitHub's API that can be used")
    })?;
    let token = inputs.release.github_token.as_ref();
    GitHub::new(&api, token, &trust(inputs, &api), deadline)
}

/// What was read, and why it may be less or more than was meant.
fn told(commits: Vec<Commit>, mut warnings: Vec<Warning>, previous: Option<&str>) -> Gathered {
    let message = match (commits.len(), previous) {
        (0, Some(previous)) => {
            format!("no commits: nothing was committed since {previous}, or nothing of `paths`")
        }
        (0, None) => "no commits: none of those that were looked at touches one of `paths`, \
                      which are below the root of the repository"
            .to_owned(),
        (MOST, None) => format!(
            "the commit of the release before is not known, so the last {MOST} commits are sent; \
             name it with `previous`, or set `previous: lookup`"
        ),
        _ => return Gathered { commits, warnings },
    };
    warnings
        .push(Warning::new(if commits.is_empty() { "no-commits" } else { "no-previous" }, message));
    Gathered { commits, warnings }
}

fn no_checkout() -> Failure {
    Failure::new(Code::Usage, "the working folder is in no checkout")
        .hint("check the code out, or set `commits: github`, which needs none, or `commits: none`")
}

fn failure(error: &GitError) -> Failure {
    Failure::new(Code::Usage, error.to_string()).hint(error.hint())
}
