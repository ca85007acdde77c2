//! Which commit of which repository a release is made of: what was built.

use super::limits::short_sha;
use crate::error::{Error, Result, Warning};
use crate::job::{self, Job};
use crate::text::quote;
use std::collections::HashMap;

/// What the checkout tells, where there is one.
#[derive(Clone, Debug, Default)]
pub struct CheckoutInfo {
    /// The commit that is checked out.
    pub head: Option<String>,
    /// The first line of its message.
    pub subject: String,
    /// The repository that its remote leads to, as `owner/name`.
    pub repository: Option<String>,
    /// The commits of the names that the inputs have in the place of a hash, or why there is none.
    pub named: HashMap<String, Result<String>>,
    /// What to say where no remote has the name that was given.
    pub no_remote: Option<Warning>,
    /// Whether it has the commit of the job's event, or of its base.
    pub has_event: bool,
    /// Whether it is a bare repository, in which nothing is checked out.
    pub is_bare: bool,
    /// The commit of the tag that `release` names, where a repository and no checkout is meant.
    pub tagged: Option<String>,
    /// Why it does not tell its commit, where it is there and cannot be read.
    pub unreadable: Option<Error>,
    /// Whether that is because nothing was ever committed or checked out there.
    pub is_unborn: bool,
    /// Whether there is no checkout at all.
    pub is_absent: bool,
}

impl CheckoutInfo {
    /// Why it is not known what was built in it.
    pub(super) fn damage(&self) -> Option<Error> {
        self.unreadable.clone().filter(|_| !self.is_unborn)
    }

    /// Why there is no version, where only the checkout could have told one.
    pub(super) fn explain(&self, error: Error, is_named: bool, job: &Job) -> Error {
        let is_told = is_named || job.sha.is_some() || job.deleted;
        self.unreadable.clone().filter(|_| !is_told).unwrap_or(error)
    }
}

/// The commit and the repository that are released.
#[derive(Debug, Default)]
pub(super) struct CodeVersion {
    pub(super) head: Option<String>,
    pub(super) repository: Option<String>,
    /// Whether the checkout decided it, against what the event says.
    pub(super) is_checkout: bool,
    /// Whether the repository is another one than the job's.
    pub(super) is_elsewhere: bool,
    /// What to report of that, in one line.
    pub(super) note: Option<String>,
    pub(super) warning: Option<Warning>,
    /// Why it is not known what was built, where the checkout is there and does not tell.
    pub(super) unreadable: Option<Error>,
}

impl CodeVersion {
    /// Where there is a checkout, it is what was built. Only a merge commit that the host made of
    /// the event's commit stands for that commit, because nobody pushed it.
    pub(super) fn new(job: &Job, checkout: &CheckoutInfo) -> Self {
        let repository = job.repository.as_ref().or(checkout.repository.as_ref()).cloned();
        let of_event = Self { repository, ..Self::default() };
        if job.deleted {
            return of_event;
        }
        let Some(event) = event_commit(job) else {
            let head = checkout.tagged.as_ref().or(checkout.head.as_ref()).cloned();
            return Self { head, ..of_event };
        };
        let of_event = Self { head: Some(event.clone()), ..of_event };
        if has_strangers_code(job) {
            return of_event.without_fork(job, &event);
        }
        let Some(head) = checkout.head.as_ref().filter(|_| !checkout.is_bare) else {
            return Self { unreadable: checkout.damage(), ..of_event };
        };
        if is_same(head, &event) || (!runs_for_base(job) && is_hosts_merge(job, checkout)) {
            return of_event;
        }
        of_event.at_checkout(job, checkout, head)
    }

    /// What is checked out, where that is something else than the event's commit.
    fn at_checkout(self, job: &Job, checkout: &CheckoutInfo, head: &str) -> Self {
        let event = self.head.clone().unwrap_or_default();
        if let Some(pushed) = job.sha.as_ref().filter(|_| is_hosts_merge(job, checkout)) {
            let note = instead("commit of the pull request", pushed, &event);
            return self.replaced(pushed, note);
        }
        match (&checkout.repository, &job.repository) {
            (Some(other), Some(own))
                if !is_same_repository(own, other) && !is_forks(job, other) =>
            {
                let note = format!(
                    "the checkout is of {}, so its commit {} is released",
                    quote(other),
                    short_sha(head)
                );
                Self {
                    repository: Some(other.clone()),
                    is_elsewhere: true,
                    ..self.replaced(head, note)
                }
            }
            (None, Some(_)) if !checkout.has_event => {
                let message = format!(
                    "cannot tell whether the checkout is of this job's repository, so the commit {} of the event is released, not the checked-out {}; set `remote` to a remote of the checkout",
                    short_sha(&event),
                    short_sha(head)
                );
                Self { warning: Some(Warning::new("checkout-unknown", message)), ..self }
            }
            _ => self.replaced(head, instead("checked-out commit", head, &event)),
        }
    }

    /// The base's commit, and not that of a stranger, whom nobody has looked over.
    fn without_fork(self, job: &Job, base: &str) -> Self {
        let message = format!(
            "the job runs for a pull request from a fork, so the commit {} of the base branch is released; set `release` and `commits: REPO@SHA` to release another one",
            short_sha(base)
        );
        let warning = (!job.merged).then(|| Warning::new("fork-not-released", message));
        Self { warning, ..self }
    }

    fn replaced(self, head: &str, note: String) -> Self {
        Self { head: Some(head.to_owned()), is_checkout: true, note: Some(note), ..self }
    }
}

fn instead(what: &str, head: &str, event: &str) -> String {
    format!("the {what} {} is released, not {} of the event", short_sha(head), short_sha(event))
}

/// The commit that the job is about: of a merged pull request what it became, and of one that runs
/// for the base branch that branch's own.
fn event_commit(job: &Job) -> Option<String> {
    let base = || job.checkout_sha.as_ref().or(job.base_sha.as_ref());
    let is_of_base = runs_for_base(job) || has_strangers_code(job);
    let merged = job.merge_sha.as_ref().filter(|_| job.merged);
    merged.or_else(|| base().filter(|_| is_of_base)).or(job.sha.as_ref()).cloned()
}

/// Whether the job has the base branch's secrets, whoever opened the pull request.
fn runs_for_base(job: &Job) -> bool {
    job.event.as_deref() == Some("pull_request_target")
}

/// Whether the job has these secrets and is about code that anybody may have written.
fn has_strangers_code(job: &Job) -> bool {
    let is_of_run = job.event.as_deref() == Some("workflow_run") && job.is_fork == Some(true);
    is_of_run || (runs_for_base(job) && job.is_fork != Some(false))
}

/// Whether the addresses are of one repository: a server may be below a path, and a host may tell
/// the last part alone.
fn is_same_repository(own: &str, other: &str) -> bool {
    let rest = other.len().checked_sub(own.len()).filter(|at| other.is_char_boundary(*at));
    let Some((before, name)) = rest.map(|at| other.split_at(at)) else { return false };
    job::same_repository(own, name) && (before.is_empty() || before.ends_with('/'))
}

/// Whether the checkout is of the fork that the pull request comes from: it has the name of ours.
fn is_forks(job: &Job, other: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().map(str::to_ascii_lowercase);
    job.is_fork == Some(true) && job.repository.as_deref().and_then(name) == name(other)
}

/// Whether the checkout is at a merge commit that the host made of the pushed commit: the one that
/// it tells, or one whose subject is as GitHub writes it.
fn is_hosts_merge(job: &Job, checkout: &CheckoutInfo) -> bool {
    let (Some(pushed), Some(head)) = (&job.sha, &checkout.head) else { return false };
    // Of the events that strangers can start, the host tells the tip of the default branch.
    let told = job.checkout_sha.as_ref().filter(|_| !job.privileged);
    let is_worded = || checkout.subject.starts_with(&format!("Merge {pushed} into "));
    job.pull_request.is_some() && (told.is_some_and(|told| is_same(told, head)) || is_worded())
}

/// Whether two shas, of which one may be abbreviated, are of one commit.
fn is_same(one: &str, other: &str) -> bool {
    let length = one.len().min(other.len());
    one.get(..length).zip(other.get(..length)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}
