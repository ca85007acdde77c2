//! The order in which a release reaches a backend: the release with its commits, what is
//! missing of it, the deploy. The only place that knows that order.

pub(crate) mod commits;
pub(crate) mod deploy;
mod own_commits;
mod taken_heads;

pub use deploy::planned_earlier_deploy;

use super::backend::{
    CommitReader, FieldRejection, HistorySource, ReleaseBackend, ReleaseState, ReleaseUpdate,
    UpdateResult,
};
use super::other_repository::{self, CommitConflict};
use super::task::{CommitPlan, ReleaseTask};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::release::PreviousCommit;
use crate::model::RecordId;
use crate::text::quote;
use futures_util::future::join;

/// What was done, as far as it came: a failure leaves here what is there all the same.
#[derive(Debug, Default)]
pub struct ReleaseProgress {
    /// Whether the release is there.
    pub exists: bool,
    /// Whether this run made it, or added a project to it.
    pub created: bool,
    /// Whether anything of a release that was there is different now.
    pub updated: bool,
    /// Whether it came out by this run.
    pub finalized: bool,
    /// The deploy, and whether this run noted it.
    pub deploy: Option<(RecordId, bool)>,
    /// How many commits it has, as far as that is known.
    pub commit_count: Option<u64>,
    /// Where its commits come from, for a person.
    pub commits: String,
    /// What the reader should know all the same.
    pub warnings: Vec<Warning>,
    /// The same of the commits that are sent, as long as they are.
    pub commit_warnings: Vec<Warning>,
}

impl ReleaseProgress {
    /// Whether anything at the backend is different now.
    pub fn changed(&self) -> bool {
        self.created || self.updated || self.deploy.as_ref().is_some_and(|(_, new)| *new)
    }

    /// Everything that the reader should know.
    pub fn all_warnings(&self) -> Vec<Warning> {
        [self.warnings.as_slice(), &self.commit_warnings].concat()
    }

    /// The commits are not sent after all, and nothing is said of them.
    fn withdraw_commits(&mut self) {
        self.commit_warnings.clear();
        self.commits.clear();
        self.commit_count = None;
    }

    fn warn_of_commits(&mut self, message: impl Into<String>) {
        self.commit_warnings.push(Warning::new("commits-cut", message));
    }

    fn warn(&mut self, slug: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning::new(slug, message));
    }
}

/// Makes a release, from its beginning to its deploy. What was done before a failure stands in
/// `progress`. What runs `beside` the release goes before its deploy, which says that all is there.
pub async fn drive(
    backend: &mut impl ReleaseBackend,
    histories: &mut impl CommitReader,
    task: &ReleaseTask,
    now: i64,
    beside: impl Future<Output = Result>,
    progress: &mut ReleaseProgress,
) -> Result {
    progress.warnings.extend(task.warnings.iter().cloned());
    let mut driver = ReleaseDriver { backend, histories, task, now, progress };
    let (standing, beside) = join(driver.release(), beside).await;
    let standing = standing?;
    beside?;
    driver.deploy(&standing).await
}

struct ReleaseDriver<'a, B, H> {
    backend: &'a mut B,
    histories: &'a mut H,
    task: &'a ReleaseTask,
    now: i64,
    progress: &'a mut ReleaseProgress,
}

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// The release with its commits, and what is missing of one that was there.
    async fn release(&mut self) -> Result<ReleaseState> {
        let mut change = ReleaseUpdate { refs: self.task.refs(), ..self.task.change(self.now) };
        let mut differs = false;
        let looks_up_previous = self.task.previous == PreviousCommit::LookUp;
        match &self.task.commits {
            CommitPlan::None | CommitPlan::Refs(_) | CommitPlan::FromJob(_) => {}
            // Only a release that is there can be asked for the one before it.
            CommitPlan::Upload(_) if looks_up_previous => {}
            CommitPlan::Upload(source) => {
                self.read(*source, &mut change, self.task.known_previous()).await?;
                let existing = self.existing(&change).await?;
                self.keep_own_commits(existing.as_ref(), &mut change).await;
                differs = self.skip_known_commits(existing.as_ref(), &mut change);
                self.name_commits(&mut change).await;
                self.warn_of_conflict(existing.as_ref(), &change, CommitConflict::Replaces);
            }
        }
        self.note_commits(&change);
        let heads = change.refs.clone();
        let mut standing = match self.task.must_exist {
            true => self.change_existing(&mut change).await?,
            false => self.submit(&mut change, UpdateOperation::Ensure).await?,
        };
        if !change.refs.is_empty() {
            // The server fetches commits later: these are the ones that were there.
            self.warn_of_conflict(Some(&standing), &change, CommitConflict::Replaces);
        }
        // What was refused at first was looked up.
        if self.task.checks_heads && change.refs == heads {
            standing = self.check_heads(standing, heads).await?;
        }
        self.progress.updated |= differs;
        if let (CommitPlan::Upload(source), true) = (&self.task.commits, looks_up_previous) {
            standing = self.send_since_previous(*source, standing).await?;
        }
        let standing = self.fill_missing(standing).await?;
        self.warn_of_clock();
        let sent = (standing.commit_count > 0).then_some(standing.commit_count);
        self.progress.commit_count = sent.or(self.progress.commit_count);
        Ok(standing)
    }

    /// Sets the commits of a release that must be there; what else it lacks is set afterwards.
    async fn change_existing(&mut self, change: &mut ReleaseUpdate) -> Result<ReleaseState> {
        let standing = self.backend.read().await?.ok_or_else(|| self.task.not_there())?;
        self.progress.exists = true;
        if change.refs.is_empty() && change.commits.is_empty() {
            return Ok(standing);
        }
        (change.r#ref, change.url, change.date_released) = (None, None, None);
        self.progress.updated = true;
        self.submit(change, UpdateOperation::Change).await
    }

    /// Says the release until the backend takes it: what it rejects is left out, with a warning,
    /// and commits that are too large for the request follow in parts.
    async fn submit(
        &mut self,
        change: &mut ReleaseUpdate,
        operation: UpdateOperation,
    ) -> Result<ReleaseState> {
        let mut large = Vec::new();
        // Each round leaves something out, so there are few.
        loop {
            let result = match operation {
                UpdateOperation::Ensure => self.backend.ensure(&self.task.projects, change).await?,
                UpdateOperation::Change => self.backend.change(change).await?,
            };
            match result {
                UpdateResult::Stored { standing, made } => {
                    self.progress.exists = true;
                    self.progress.created |= made;
                    self.progress.finalized |= made && self.task.finalize;
                    let repository = change.repository.as_deref();
                    return match large.is_empty() {
                        true => Ok(standing),
                        false => self.send_in_parts(large, repository).await,
                    };
                }
                UpdateResult::TooLarge if !change.commits.is_empty() => {
                    large = std::mem::take(&mut change.commits);
                }
                UpdateResult::TooLarge => return Err(too_large()),
                UpdateResult::Rejected(rejection) => self.drop_rejected(rejection, change).await?,
            }
        }
    }

    /// Takes what was rejected out of the change, or puts something better in its place.
    async fn drop_rejected(
        &mut self,
        rejection: FieldRejection,
        change: &mut ReleaseUpdate,
    ) -> Result {
        let FieldRejection { field, reason, failure } = rejection;
        match field.as_str() {
            "refs" if !change.refs.is_empty() => {
                self.resolve_repositories(Some(&reason), change).await?;
                Ok(())
            }
            "url" if change.url.is_some() => {
                let url = quote(&change.url.take().unwrap_or_default());
                let message = format!("the release is sent without its URL {url}: {reason}");
                self.progress.warn("url-left-out", message);
                Ok(())
            }
            "commits" if change.commits.iter().any(|one| !commits::is_hash_only(one)) => {
                let message = format!("the commits are sent without authors and files: {reason}");
                self.progress.warn_of_commits(message);
                change.commits.iter_mut().for_each(commits::keep_hash);
                Ok(())
            }
            "commits" if !change.commits.is_empty() => {
                change.commits.clear();
                self.progress.withdraw_commits();
                self.progress
                    .warn("no-commits", format!("the release is sent without commits: {reason}"));
                Ok(())
            }
            _ => Err(failure),
        }
    }

    /// The release as it is before commits are sent.
    pub(crate) async fn existing(
        &mut self,
        change: &ReleaseUpdate,
    ) -> Result<Option<ReleaseState>> {
        match change.commits.is_empty() {
            true => Ok(None),
            false => self.backend.read().await,
        }
    }

    /// Commits that the release has already are not sent again: nothing would be different. Whether
    /// it is there with others.
    fn skip_known_commits(
        &mut self,
        existing: Option<&ReleaseState>,
        change: &mut ReleaseUpdate,
    ) -> bool {
        let Some(existing) = existing.filter(|_| !change.commits.is_empty()) else { return false };
        let is_same = own_commits::has_same(existing, change);
        if is_same {
            change.commits.clear();
            self.progress.commit_warnings.clear();
        }
        !is_same
    }

    /// Warns of commits of another repository, where these are sent.
    pub(crate) fn warn_of_conflict(
        &mut self,
        existing: Option<&ReleaseState>,
        change: &ReleaseUpdate,
        conflict: CommitConflict,
    ) {
        if change.commits.is_empty() && change.refs.is_empty() {
            return;
        }
        let named = self.task.head_of(change.repository.as_deref());
        let ours: Vec<_> = change.refs.iter().cloned().chain(named).collect();
        let replaces = matches!(conflict, CommitConflict::Replaces) && !change.commits.is_empty();
        let is_lacking = |sha: &str| replaces && self.histories.is_lacking(sha);
        let warning = existing.and_then(|existing| {
            let named = self.task.conflict(existing, &ours, conflict);
            named.or_else(|| other_repository::warn_of_unnamed(existing, is_lacking))
        });
        self.progress.warnings.extend(warning);
    }

    /// Warns of a clock that is wrong, by which the release and its deploy have their times.
    fn warn_of_clock(&mut self) {
        let lead = self.backend.clock_lead().filter(|lead| lead.abs() > MAX_CLOCK_LEAD);
        let has_own_time = self.task.finalize && self.task.released_at.is_none()
            || self.task.deploy.is_some() && self.task.finished_at.is_none();
        let Some(lead) = lead.filter(|_| has_own_time) else { return };
        let (seconds, side) = (lead.abs(), if lead > 0 { "ahead of" } else { "behind" });
        let difference = match (seconds / 86_400, seconds / 3600) {
            (0, 0) => format!("{} minutes", seconds / 60),
            (0, hours) => format!("{hours} h"),
            (days, _) => format!("{days} days"),
        };
        let message = format!(
            "the clock of this machine is {difference} {side} the server's, so the release and its deploy have \
             wrong times: set the clock, or `released-at` and `finished-at`"
        );
        self.progress.warn("clock-wrong", message);
    }

    /// Asks for the release before, and sends the commits since.
    async fn send_since_previous(
        &mut self,
        source: HistorySource,
        standing: ReleaseState,
    ) -> Result<ReleaseState> {
        if standing.commit_count > 0 {
            let keeps = self.task.conflict(&standing, &[], CommitConflict::Keeps);
            let has_head = !self.task.is_part && standing.last_commit == self.task.head;
            let is_kept = keeps.is_some() || has_head;
            self.progress.warnings.extend(keeps);
            if is_kept {
                return Ok(standing);
            }
        }
        // Once it has commits of another part, the release itself is the one before.
        let previous = match self.task.is_part && standing.commit_count > 0 {
            true => self.backend.earlier().await?,
            false => self.backend.previous().await?,
        };
        let mut change = ReleaseUpdate::default();
        self.read(source, &mut change, previous.as_deref()).await?;
        self.keep_own_commits(Some(&standing), &mut change).await;
        self.name_commits(&mut change).await;
        if change.commits.is_empty() {
            return Ok(standing);
        }
        let standing = self.submit(&mut change, UpdateOperation::Change).await?;
        self.progress.updated = true;
        Ok(standing)
    }

    /// Sets what a release that was there lacks.
    async fn fill_missing(&mut self, standing: ReleaseState) -> Result<ReleaseState> {
        let planned = self.task.change(self.now);
        let mut change = ReleaseUpdate {
            r#ref: planned.r#ref.filter(|head| standing.r#ref.as_ref() != Some(head)),
            url: planned
                .url
                .filter(|_| self.task.sets_page(&standing) && !self.warned("url-left-out")),
            date_released: planned.date_released.filter(|_| self.task.sets_date(&standing)),
            ..ReleaseUpdate::default()
        };
        if change.is_empty() {
            return Ok(standing);
        }
        let standing = self.submit(&mut change, UpdateOperation::Change).await?;
        self.progress.finalized |= change.date_released.is_some();
        self.progress.updated = true;
        Ok(standing)
    }

    fn warned(&self, slug: &str) -> bool {
        self.progress.warnings.iter().any(|warning| warning.slug == slug)
    }
}

/// How many seconds a clock may be wrong by without a word.
const MAX_CLOCK_LEAD: i64 = 600;

/// Whether the release is made or changed.
#[derive(Clone, Copy)]
enum UpdateOperation {
    Ensure,
    Change,
}

fn too_large() -> Error {
    Error::new(ErrorCode::BackendError, "the server does not accept a request of this size")
        .with_hint(
            "raise the maximum request body size of the server, or of a proxy in front of it",
        )
}
