//! The seam between the release job and whoever keeps releases: our engine, or a Sentry.

use super::commit::Commit;
use crate::error::{Error, Result, Warning};
use crate::inputs::release::Ref;
use crate::model::RecordId;
use std::collections::HashSet;

/// What one request says of a release; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub struct ReleaseUpdate {
    /// The commit that it was made of.
    pub r#ref: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// When it came out, in milliseconds since 1970.
    pub date_released: Option<i64>,
    /// Heads whose commits the backend fetches by itself.
    pub refs: Vec<Ref>,
    /// Commits in full, newest first.
    pub commits: Vec<Commit>,
    /// The repository of those commits.
    pub repository: Option<String>,
}

impl ReleaseUpdate {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        let Self { r#ref, url, date_released, refs, commits, repository: _ } = self;
        r#ref.is_none()
            && url.is_none()
            && date_released.is_none()
            && refs.is_empty()
            && commits.is_empty()
    }
}

/// A release as the backend tells it.
#[derive(Clone, Debug, Default)]
pub struct ReleaseState {
    /// When it came out.
    pub date_released: Option<i64>,
    /// The commit that it was made of.
    pub r#ref: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// The hash of its newest commit.
    pub last_commit: Option<String>,
    /// The name of that commit's repository.
    pub last_repository: Option<String>,
    /// How many commits it has.
    pub commit_count: u64,
    /// How many deploys it has.
    pub deploy_count: u64,
}

/// A release that is there, with the slugs of its projects.
#[derive(Clone, Debug, Default)]
pub struct ExistingRelease {
    /// What the backend tells of it.
    pub state: ReleaseState,
    /// Its projects.
    pub projects: Vec<String>,
}

/// What became of a release that was said.
#[derive(Debug)]
pub enum UpdateResult {
    /// It is there. `made`: the version or one of its projects is new.
    Stored {
        /// As it is now.
        standing: ReleaseState,
        /// Whether this request made it.
        made: bool,
    },
    /// A field cannot be taken. For `refs` the release may be there all the same, without them.
    Rejected(FieldRejection),
    /// Nothing was written: the request is larger than the server takes.
    TooLarge,
}

/// A field that the backend does not take, and why.
#[derive(Clone, Debug)]
pub struct FieldRejection {
    /// The field's name in Sentry's API.
    pub field: String,
    /// The backend's own words.
    pub reason: String,
    /// The whole of it as a failure, for whoever cannot do without the field.
    pub failure: Error,
}

/// A repository that the backend knows.
#[derive(Clone, Debug)]
pub struct KnownRepository {
    /// Its name there.
    pub name: String,
    /// Its page.
    pub url: Option<String>,
    /// The third party's own name for it.
    pub slug: Option<String>,
    /// Whether an integration is linked to it.
    pub is_linked: bool,
    /// Whether its commits can be fetched through that.
    pub is_fetched: bool,
}

/// A deploy to note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// Where the release runs.
    pub environment: String,
    /// Its name.
    pub name: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: Option<i64>,
    /// When it was through.
    pub finished: i64,
}

/// A deploy that the backend has.
#[derive(Clone, Debug)]
pub struct ExistingDeploy {
    /// Its id.
    pub id: RecordId,
    /// What it is.
    pub deploy: Deploy,
}

/// The deploy of an earlier attempt of this run.
pub struct OwnDeploy<'a> {
    /// The deploy.
    pub deploy: &'a ExistingDeploy,
    /// The page of the run, where its deploys have it: one run may deploy several releases.
    pub run_page: Option<&'a str>,
}

impl OwnDeploy<'_> {
    /// Whether a deploy of another release, to the same place, was recorded later and is not of this
    /// run. Its end may be any time that its inputs name; ids only grow.
    pub fn is_replaced_by(&self, other: &ExistingDeploy) -> bool {
        let is_of_run = self.run_page.is_some() && other.deploy.url.as_deref() == self.run_page;
        let is_later = match (self.deploy.id.number(), other.id.number()) {
            (Some(own), Some(other)) => other > own,
            _ => other.deploy.finished > self.deploy.deploy.finished,
        };
        is_later && !is_of_run
    }
}

/// What became of a deploy.
#[derive(Debug)]
pub enum DeployResult {
    /// It is there, with this id.
    There(RecordId),
    /// Another run has noted the same one meanwhile, with this id.
    Existing(RecordId),
    /// A field cannot be taken, and nothing was written.
    Rejected(FieldRejection),
    /// Nobody knows.
    Unknown(Error),
}

/// Whoever keeps releases, at work for one release of one organization.
#[expect(async_fn_in_trait, reason = "one thread: nobody needs the futures to be Send")]
pub trait ReleaseBackend {
    /// Whether it fetches the commits of a head by itself.
    fn fetches_commits(&self) -> bool;

    /// By how many seconds this machine's clock is ahead of the backend's, or behind it, as far as an
    /// answer told.
    fn clock_lead(&self) -> Option<i64> {
        None
    }

    /// Makes the release, or adds projects to the one that is there. Saying it twice equals saying
    /// it once; of a release that is there, only its commits and heads follow the change.
    async fn ensure(&mut self, projects: &[String], change: &ReleaseUpdate)
    -> Result<UpdateResult>;

    /// Changes the release.
    async fn change(&mut self, change: &ReleaseUpdate) -> Result<UpdateResult>;

    /// The release; `None` when it is not there.
    async fn read(&mut self) -> Result<Option<ReleaseState>>;

    /// The repositories that may be found by a part of their name.
    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>>;

    /// The newest commit of the newest release that has some, this one or one before it.
    async fn previous(&mut self) -> Result<Option<String>>;

    /// The newest commit of the newest release before this one that has some.
    async fn earlier(&mut self) -> Result<Option<String>>;

    /// The commits that the release has, newest first, by their hashes and times alone.
    async fn own_commits(&mut self) -> Result<Vec<Commit>>;

    /// The release's deploys of these projects in an environment, the latest first. Where the backend
    /// does not say which projects a deploy has, it may have others too.
    async fn deploys(
        &mut self,
        projects: &[String],
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>>;

    /// The id of this deploy, whose answer was lost. Whoever is asked over a network looks more than
    /// once: what was written may not be read at once.
    async fn find_deploy(
        &mut self,
        projects: &[String],
        deploy: &Deploy,
    ) -> Result<Option<RecordId>> {
        Ok(same_deploy(self.deploys(projects, &deploy.environment).await?, deploy))
    }

    /// Whether the release with this deploy is what runs in the deploy's environment of each of
    /// these projects: the deploy is of it, and no other run deployed another release there since.
    async fn is_current(&mut self, projects: &[String], existing: &OwnDeploy<'_>) -> Result<bool>;

    /// Notes a deploy of these projects of the release.
    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult>;

    /// The failure of a deploy that is given up, of which the last answer says only so much.
    fn lost_deploy(&mut self, failure: Error) -> Error {
        failure
    }
}

/// The id of the deploy that is equal to this one: its time is that of the run that sent it.
pub fn same_deploy(listed: Vec<ExistingDeploy>, deploy: &Deploy) -> Option<RecordId> {
    listed.into_iter().find(|one| one.deploy == *deploy).map(|one| one.id)
}

/// Commits that were read, newest first.
#[derive(Debug, Default)]
pub struct CommitList {
    /// The commits.
    pub commits: Vec<Commit>,
    /// What the reader should know of them.
    pub warnings: Vec<Warning>,
}

/// Which of some commits lead to another.
#[derive(Debug)]
pub struct FoundAncestors {
    /// Those that do.
    pub found: HashSet<String>,
    /// Whether all of the history is there, so that no other does.
    pub is_whole: bool,
}

/// Where commits are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistorySource {
    /// The checkout.
    Checkout,
    /// GitHub's API.
    GitHub,
}

impl HistorySource {
    /// The words for it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Checkout => "the checkout",
            Self::GitHub => "GitHub",
        }
    }
}

/// Whoever reads commits.
#[expect(async_fn_in_trait, reason = "one thread: nobody needs the futures to be Send")]
pub trait CommitReader {
    /// The commits that lead to `head`, without those that lead to `previous`.
    async fn read(
        &mut self,
        from: HistorySource,
        head: &str,
        previous: Option<&str>,
    ) -> Result<CommitList>;

    /// Whether there is a checkout to read from.
    fn has_checkout(&self) -> bool;

    /// Which of these commits lead to another, or are it; none where no clone tells.
    fn leading_to(&self, commit: &str, wanted: &HashSet<String>) -> Option<FoundAncestors>;

    /// Whether there is a clone with its whole history, and the commit is not in it.
    fn is_lacking(&self, sha: &str) -> bool;
}
