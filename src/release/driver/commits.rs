//! The commits of a release: who has them, and how they reach the backend.

use super::ReleaseDriver;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::release::{PreviousCommit, Ref};
use crate::release::backend::{
    CommitReader, FieldRejection, HistorySource, ReleaseBackend, ReleaseState, ReleaseUpdate,
    UpdateResult,
};
use crate::release::commit::Commit;
use crate::release::limits::{self, short_sha};
use crate::release::other_repository::CommitConflict;
use crate::release::repository_match::{self, RepositoryMatch};
use crate::release::task::CommitPlan;
use crate::text::quote;

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// Finds the backend's own name for each repository that it did not know by ours, for this reason.
    /// Without one it took all, and what it does not tell stays.
    pub(crate) async fn resolve_repositories(
        &mut self,
        refusal: Option<&str>,
        change: &mut ReleaseUpdate,
    ) -> Result {
        self.progress.exists = true;
        let (mut unknown, mut is_ambiguous) = (Vec::new(), false);
        for one in std::mem::take(&mut change.refs) {
            let is_refused = |name: &str| refusal.is_some_and(|reason| reason.contains(name));
            match self.backend_name(&one.repository).await {
                Ok(RepositoryMatch::Found { is_fetched: false, .. }) => {
                    unknown.push(quote(&one.repository));
                }
                Ok(RepositoryMatch::Found { name, .. }) if name != one.repository => {
                    let (repository, known_as) = (&one.repository, &name);
                    tracing::info!(repository, known_as, "repository found under another name");
                    change.refs.push(Ref { repository: name, ..one });
                }
                // A name that was refused once is refused again.
                Ok(RepositoryMatch::Found { name, .. }) if !is_refused(&name) => {
                    change.refs.push(one);
                }
                Ok(RepositoryMatch::Ambiguous(_)) | Err(_) if refusal.is_none() => {
                    change.refs.push(one);
                }
                Ok(RepositoryMatch::Ambiguous(matching)) => {
                    self.warn_ambiguous(&one.repository, &matching);
                    is_ambiguous = true;
                }
                Ok(_) => unknown.push(quote(&one.repository)),
                // A token that makes releases need not be one that lists repositories.
                Err(failure) => unknown.push(format!("{} ({failure})", quote(&one.repository))),
            }
        }
        self.progress.commits.clear();
        self.note_commits(change);
        let is_lacking = is_ambiguous || !unknown.is_empty();
        let index = self.progress.warnings.len();
        if is_lacking && matches!(self.task.commits, CommitPlan::FromJob(_)) {
            self.read_instead(change).await?;
        }
        self.warn_of_unknown(&unknown, refusal, index, change)
    }

    /// Warns of repositories from which nothing is fetched, before what was said of the commits that were read.
    fn warn_of_unknown(
        &mut self,
        unknown: &[String],
        refusal: Option<&str>,
        index: usize,
        change: &ReleaseUpdate,
    ) -> Result {
        if !unknown.is_empty() {
            self.check_needed(unknown, refusal)?;
            let warning = self.unknown_repositories(unknown, change.commits.is_empty());
            self.progress.warnings.insert(index, warning);
        }
        Ok(())
    }

    /// Reads the commits that the backend cannot fetch.
    async fn read_instead(&mut self, change: &mut ReleaseUpdate) -> Result {
        self.read_since_previous(change).await?;
        let existing = self.existing(change).await.ok().flatten();
        self.keep_own_commits(existing.as_ref(), change).await;
        self.progress.updated |= existing.is_some() && !change.commits.is_empty();
        self.warn_of_conflict(existing.as_ref(), change, CommitConflict::Replaces);
        Ok(())
    }

    /// A call of sentry-cli that names commits does nothing else, and fails as that does.
    fn check_needed(&self, unknown: &[String], refusal: Option<&str>) -> Result {
        if !self.task.needs_repositories || refusal.is_none() {
            return Ok(());
        }
        let message =
            format!("no repository {} is linked to {}", unknown.join(", "), self.task.org);
        Err(Error::new(ErrorCode::Refused, message)
            .with_hint("link it to an integration in Sentry, or check its name"))
    }

    fn unknown_repositories(&self, unknown: &[String], has_no_commits: bool) -> Warning {
        let result = match has_no_commits {
            true => "so it cannot fetch commits",
            false => "so its commits are read from the checkout",
        };
        let (names, org) = (unknown.join(", "), &self.task.org);
        let message = format!("no repository {names} is linked to {org}, {result}");
        Warning::new("repository-unknown", message)
    }

    /// The backend's name for a repository. The search goes by display names, which may hide the
    /// one with the right address: where no address matches, all that are listed are looked at.
    async fn backend_name(&mut self, name: &str) -> Result<RepositoryMatch> {
        let part = name.rsplit('/').next().unwrap_or(name).trim();
        let page = self.task.url.as_deref();
        let found = repository_match::find(&self.backend.repositories(part).await?, name, page);
        let is_enough = match found {
            RepositoryMatch::Found { by_address, .. } => by_address,
            RepositoryMatch::Unlisted => !self.task.by_display_name,
            RepositoryMatch::Ambiguous(_) => false,
        };
        if is_enough {
            return Ok(found);
        }
        Ok(repository_match::find(&self.backend.repositories("").await?, name, page))
    }

    fn warn_ambiguous(&mut self, name: &str, matching: &[String]) {
        let message = format!(
            "{} repositories match {} equally, so none of them is taken: {}; name one in `commits`, as NAME@SHA",
            matching.len(),
            quote(name),
            matching.join(", ")
        );
        self.progress.warn("repository-ambiguous", message);
    }

    /// Puts what the checkout has since the release before into the change.
    async fn read_since_previous(&mut self, change: &mut ReleaseUpdate) -> Result {
        // Without a checkout there is no range to ask about.
        let previous = match self.histories.has_checkout() {
            true => self.previous_commit().await,
            false => None,
        };
        if previous.is_some() && previous == self.task.head && self.has_own_head().await {
            return Ok(());
        }
        self.read(HistorySource::Checkout, change, previous.as_deref()).await
    }

    /// Whether the head is a commit that the release has already.
    async fn has_own_head(&mut self) -> bool {
        let own = self.backend.read().await.ok().flatten();
        own.is_some_and(|own| own.last_commit == self.task.head)
    }

    /// The commit that the range begins after, where the backend does not fetch it: that of the release
    /// before, which only the backend knows, and not that of the last push.
    async fn previous_commit(&mut self) -> Option<String> {
        if let PreviousCommit::Sha(sha) = &self.task.previous {
            return Some(sha.clone());
        }
        match self.backend.previous().await {
            Ok(previous) => previous,
            Err(failure) => {
                let message = format!(
                    "cannot look up the commit of the previous release, so the commits of this push are \
                     sent: {failure}"
                );
                self.progress.warn("no-previous", message);
                self.task.base.clone()
            }
        }
    }

    /// Puts the commits since `previous` that are read here into the change; the reason why not is a
    /// warning, and an error where commits are all that was asked for.
    pub(crate) async fn read(
        &mut self,
        source: HistorySource,
        change: &mut ReleaseUpdate,
        previous: Option<&str>,
    ) -> Result {
        let head = self.task.head.as_deref().unwrap_or_default();
        match self.histories.read(source, head, previous).await {
            Ok(history) => {
                let (commits, warnings) = limits::apply_limits(history.commits);
                self.progress.commit_warnings.extend(history.warnings);
                self.progress.commit_warnings.extend(warnings);
                self.progress.commit_count = Some(commits.len() as u64);
                let count = match commits.len() {
                    0 => "no new commits".to_owned(),
                    1 => "1 commit".to_owned(),
                    more => format!("{more} commits"),
                };
                self.progress.commits = format!("{count} from {}", source.describe());
                change.commits = commits;
            }
            Err(failure) if self.task.needs_commits => return Err(failure),
            Err(failure) => {
                let message =
                    format!("the release is sent without commits: {failure} ({})", failure.hint);
                self.progress.warn("no-commits", message);
            }
        }
        Ok(())
    }

    /// The name that commits carry. At a backend that fetches commits, a name that no linked
    /// repository has would make one, from which the next release could fetch nothing and would
    /// not be told so.
    async fn name_of_repository(&mut self) -> Option<String> {
        let name = self.task.repository.clone()?;
        let known = match self.backend.fetches_commits() {
            // A token that may not list repositories leaves it as it was told.
            true => match self.backend_name(&name).await {
                Ok(RepositoryMatch::Found { name, .. }) => Some(name),
                Ok(RepositoryMatch::Unlisted) => None,
                Ok(RepositoryMatch::Ambiguous(matching)) => {
                    self.warn_ambiguous(&name, &matching);
                    None
                }
                Err(_) => Some(name),
            },
            false => Some(name),
        };
        known.filter(|name| name.chars().count() <= limits::REPOSITORY)
    }

    /// Tells of the commits which repository they are of.
    pub(crate) async fn name_commits(&mut self, change: &mut ReleaseUpdate) {
        if !change.commits.is_empty() {
            change.repository = self.name_of_repository().await;
        }
    }

    pub(crate) fn note_commits(&mut self, change: &ReleaseUpdate) {
        let named = |one: &Ref| format!("{} up to {}", one.repository, short_sha(&one.commit));
        let heads: Vec<_> = change.refs.iter().map(named).collect();
        if !heads.is_empty() {
            self.progress.commits = format!("commits of {}", heads.join(", "));
        }
    }

    /// Sends commits that are too large for one request. Each request replaces the release's
    /// commits, but what it told of each stays: so parts with everything go first, and last goes
    /// the whole list with the hashes alone.
    pub(crate) async fn send_in_parts(
        &mut self,
        commits: Vec<Commit>,
        repository: Option<&str>,
    ) -> Result<ReleaseState> {
        tracing::info!(
            commits = commits.len(),
            "commits are too large for one request; sending them in parts"
        );
        let part = |commits: Vec<Commit>| ReleaseUpdate {
            commits,
            repository: repository.map(str::to_owned),
            ..ReleaseUpdate::default()
        };
        // The whole was too large already.
        let (newer, older) = commits.split_at(commits.len() / 2);
        let mut parts = vec![part(older.to_vec()), part(newer.to_vec())];
        while let Some(mut one) = parts.pop() {
            let count = one.commits.len();
            if count == 0 {
                continue;
            }
            match self.backend.change(&one).await? {
                UpdateResult::TooLarge if count > 1 => {
                    let rest = one.commits.split_off(count / 2);
                    parts.extend([part(rest), one]);
                }
                UpdateResult::TooLarge => {
                    let id = short_sha(&one.commits[0].id);
                    let message = format!("commit {id} is too large, so only its SHA is sent");
                    self.progress.warn_of_commits(message);
                }
                UpdateResult::Rejected(FieldRejection { failure, .. }) => return Err(failure),
                UpdateResult::Stored { .. } => {}
            }
        }
        self.send_hashes(part(commits)).await
    }

    /// The whole list by the hashes alone, or as much of its newest as the server takes.
    async fn send_hashes(&mut self, mut change: ReleaseUpdate) -> Result<ReleaseState> {
        let all = change.commits.len();
        change.commits.iter_mut().for_each(keep_hash);
        loop {
            let count = change.commits.len();
            match self.backend.change(&change).await? {
                UpdateResult::Stored { standing, .. } => {
                    if count < all {
                        let message =
                            format!("the server accepts only the newest {count} of {all} commits");
                        self.progress.warn_of_commits(message);
                    }
                    return Ok(standing);
                }
                UpdateResult::TooLarge if count > 1 => change.commits.truncate(count / 2),
                UpdateResult::TooLarge => return Err(super::too_large()),
                UpdateResult::Rejected(FieldRejection { failure, .. }) => return Err(failure),
            }
        }
    }
}

/// Whether a commit is its hash and time alone.
pub(crate) fn is_hash_only(commit: &Commit) -> bool {
    let Commit { id: _, time: _, message, author_name, author_email, changes } = commit;
    message.is_none() && author_name.is_none() && author_email.is_none() && changes.is_empty()
}

pub(crate) fn keep_hash(commit: &mut Commit) {
    *commit = Commit { id: std::mem::take(&mut commit.id), time: commit.time, ..Commit::default() };
}
