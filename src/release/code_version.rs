//! Which commit of which repository a release is made of: what was built.

use super::limits::short_sha;
use crate::error::Warning;
use crate::job::{self, Job};
use crate::text::quote;

/// What the checkout tells, where there is one.
#[derive(Clone, Debug, Default)]
pub struct CheckoutInfo {
    /// The commit that is checked out.
    pub head: Option<String>,
    /// Its parents; more than one where it is a merge.
    pub parents: Vec<String>,
    /// The repository that its remote leads to, as `owner/name`.
    pub repository: Option<String>,
}

/// The commit and the repository that are released.
#[derive(Debug, Default)]
pub(super) struct CodeVersion {
    pub(super) head: Option<String>,
    pub(super) repository: Option<String>,
    /// Whether the checkout decided it, against what the event says.
    pub(super) is_checkout: bool,
    /// What to report of that, in one line.
    pub(super) note: Option<String>,
    pub(super) warning: Option<Warning>,
}

impl CodeVersion {
    /// Where there is a checkout, it is what was built. Only a merge commit that the host made of
    /// the event's commit stands for that commit, because nobody pushed it.
    pub(super) fn new(job: &Job, checkout: &CheckoutInfo) -> Self {
        let event = event_commit(job);
        let repository = job.repository.as_ref().or(checkout.repository.as_ref()).cloned();
        let of_event = Self { head: event.clone(), repository, ..Self::default() };
        let Some(head) = checkout.head.as_ref().filter(|_| !job.deleted) else {
            return Self { head: event.filter(|_| !job.deleted), ..of_event };
        };
        if let Some(other) = other_repository(job, checkout) {
            let note = format!(
                "the checkout is of {}, so its commit {} is released",
                quote(other),
                short_sha(head)
            );
            return Self { repository: Some(other.to_owned()), ..of_event.replaced(head, note) };
        }
        let is_head = is_same_as(job.sha.as_deref(), head) || is_hosts_merge(job, checkout);
        match &event {
            _ if runs_for_base(job) && is_head => of_event.of_head(job),
            None => Self { head: Some(head.clone()), ..of_event },
            Some(event) if is_same_as(Some(head), event) || is_hosts_merge(job, checkout) => {
                of_event
            }
            Some(event) => {
                let note = format!(
                    "the checked-out commit {} is released, not {} of the event",
                    short_sha(head),
                    short_sha(event)
                );
                of_event.replaced(head, note)
            }
        }
    }

    /// The pull request's own commit, which the job has checked out beside the secrets of the base
    /// branch; of a fork's pull request that of the base branch.
    fn of_head(self, job: &Job) -> Self {
        if job.is_fork == Some(false) {
            return Self { head: job.sha.clone(), is_checkout: true, ..self };
        }
        let message = "the checkout is at a commit from a fork, so the commit of the base branch is released instead";
        Self { warning: Some(Warning::new("fork-not-released", message)), ..self }
    }

    fn replaced(self, head: &str, note: String) -> Self {
        Self { head: Some(head.to_owned()), is_checkout: true, note: Some(note), ..self }
    }
}

/// The commit that the job is about: of a merged pull request what it became, and of one that runs
/// for the base branch that branch's own.
fn event_commit(job: &Job) -> Option<String> {
    let base = || job.checkout_sha.as_ref().or(job.base_sha.as_ref());
    let merged = job.merge_sha.as_ref().filter(|_| job.merged);
    merged.or_else(|| base().filter(|_| runs_for_base(job))).or(job.sha.as_ref()).cloned()
}

/// The repository of the checkout, where it is another one than the job's.
fn other_repository<'a>(job: &Job, checkout: &'a CheckoutInfo) -> Option<&'a str> {
    let (own, other) = (job.repository.as_ref()?, checkout.repository.as_ref()?);
    (!job::same_repository(own, other) && job.is_fork != Some(true)).then_some(other)
}

/// Whether the job has the base branch's secrets, whoever opened the pull request.
fn runs_for_base(job: &Job) -> bool {
    job.event.as_deref() == Some("pull_request_target")
}

/// Whether the checkout is at a merge commit that the host made of the pushed commit.
fn is_hosts_merge(job: &Job, checkout: &CheckoutInfo) -> bool {
    let Some(pushed) = job.sha.as_ref().filter(|_| job.pull_request.is_some()) else {
        return false;
    };
    checkout.parents.len() > 1
        && checkout.parents.iter().any(|parent| is_same_as(Some(parent), pushed))
}

/// Whether two shas, of which one may be abbreviated, are of one commit.
fn is_same_as(one: Option<&str>, other: &str) -> bool {
    let Some(one) = one else { return false };
    let length = one.len().min(other.len());
    one.get(..length).zip(other.get(..length)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
}
