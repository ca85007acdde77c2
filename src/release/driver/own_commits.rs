//! The commits that a release has already, where it is made again.

use super::ReleaseDriver;
use crate::inputs::release::PreviousCommit;
use crate::release::backend::{CommitReader, ReleaseBackend, ReleaseState, ReleaseUpdate};
use crate::release::commit::Commit;
use crate::release::other_repository::{self, CommitConflict};
use std::cmp::Reverse;
use std::collections::HashSet;

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// Puts the commits that the release has beside those that are sent: a server keeps those of one request
    /// alone. Who names the commit before the first means these and no others.
    pub(crate) async fn keep_own_commits(
        &mut self,
        existing: Option<&ReleaseState>,
        change: &mut ReleaseUpdate,
    ) {
        let is_named = !self.task.is_part && matches!(self.task.previous, PreviousCommit::Sha(_));
        let Some(existing) = existing.filter(|_| !is_named && !change.commits.is_empty()) else {
            return;
        };
        let Some(last) = existing.last_commit.as_deref() else { return };
        let is_of_others = self.task.conflict(existing, &[], CommitConflict::Keeps).is_some();
        if is_of_others || has_same(existing, change) {
            return;
        }
        match self.backend.own_commits().await {
            Ok(own) if own.len() as u64 >= existing.commit_count => {
                self.add_own(existing, last, own, change);
            }
            Ok(own) => self.leave_own(existing, &format!("it lists {}", own.len()), change),
            Err(failure) => self.leave_own(existing, &failure.message, change),
        }
    }

    /// Sends no commits, since those that the release has would go.
    fn leave_own(&mut self, existing: &ReleaseState, why: &str, change: &mut ReleaseUpdate) {
        let message = format!(
            "cannot list the {} commits that the release has, so these stay, and others are not sent: {why}",
            existing.commit_count
        );
        change.commits.clear();
        self.progress.withdraw_commits();
        self.progress.warn("no-commits", message);
    }

    /// Puts the release's own commits, of which `last` is the newest, beside those that are sent. What a
    /// rewritten history left behind is left out.
    fn add_own(
        &mut self,
        existing: &ReleaseState,
        last: &str,
        own: Vec<Commit>,
        change: &mut ReleaseUpdate,
    ) {
        let ids = |commits: &[Commit]| commits.iter().map(|one| one.id.clone()).collect();
        let (sent, had): (HashSet<String>, HashSet<String>) = (ids(&change.commits), ids(&own));
        let has_new = !sent.is_subset(&had);
        let mut others: Vec<_> = own.into_iter().filter(|one| !sent.contains(&one.id)).collect();
        let count = others.len();
        let head = self.task.head.as_deref().unwrap_or_default();
        let is_older = self.leads_to(head, last);
        // What the clone of an older job has not is newer, and was not left behind.
        let newest = change.commits.iter().filter_map(|one| one.time).max();
        let is_newer = |one: &Commit| one.time > newest && self.histories.is_lacking(&one.id);
        if let Some(history) = self.histories.leading_to(head, &had).filter(|_| !is_older) {
            let is_kept = |one: &Commit| history.found.contains(&one.id) || is_newer(one);
            others.retain(|one| !history.is_whole || is_kept(one));
        }
        let is_mixed = self.task.is_part || (!is_older && others.iter().any(is_newer));
        if others.len() < count {
            self.warn_of_rewritten(existing, count - others.len());
        } else if !has_new {
            change.commits.clear();
            self.progress.withdraw_commits();
            return;
        }
        if !others.is_empty() {
            let beside = format!(", beside {} that the release had", others.len());
            self.progress.commits.push_str(&beside);
        }
        let (front, back) = if is_older { (others, vec![]) } else { (vec![], others) };
        change.commits = [front, std::mem::take(&mut change.commits), back].concat();
        if is_mixed {
            change.commits.sort_by_key(|one| Reverse(one.time));
        }
        self.progress.commit_count = Some(change.commits.len() as u64);
    }

    fn warn_of_rewritten(&mut self, existing: &ReleaseState, count: usize) {
        let is_lacking = |sha: &str| self.histories.is_lacking(sha);
        // Then that is said, with what else may be the reason.
        if other_repository::warn_of_unnamed(existing, is_lacking).is_none() {
            let message = format!(
                "{count} of the commits that the release had are no longer in its history, and are left out"
            );
            self.progress.warn("commits-rewritten", message);
        }
    }

    /// Whether the clone knows that a commit leads to another one, which is not itself.
    fn leads_to(&self, one: &str, other: &str) -> bool {
        let wanted = HashSet::from([one.to_owned()]);
        let history = self.histories.leading_to(other, &wanted).filter(|_| one != other);
        history.is_some_and(|history| history.found.contains(one))
    }
}

/// Whether the release has as many commits with the same newest one: then it has these.
pub(super) fn has_same(existing: &ReleaseState, change: &ReleaseUpdate) -> bool {
    let newest = change.commits.first().map(|newest| newest.id.as_str());
    existing.commit_count == change.commits.len() as u64
        && existing.last_commit.as_deref() == newest
}
