//! The outcome of a release job, in words: what became of the release and its deploy.

use super::changes::{ChangeAction, ChangedKind, EntryPlan, PlannedChange};
use super::{Outcome, OutcomeStatus, ReleaseOutcome, release_changes};
use crate::error::Error;
use crate::model::RecordId;
use crate::model::site::Site;
use crate::release::driver::ReleaseProgress;
use crate::release::{ExistingRelease, ReleaseTask, VersionSource};
use crate::text::page::PageUrl;

/// Puts what happened to a release into words.
pub struct ReleaseReport<'a> {
    /// What was asked for.
    pub task: &'a ReleaseTask,
    /// Where the backend's pages are.
    pub site: &'a Site,
}

impl ReleaseReport<'_> {
    /// The job is through.
    pub fn complete(&self, progress: &ReleaseProgress) -> Outcome {
        Outcome {
            changed: progress.changed(),
            details: self.details(progress),
            warnings: progress.all_warnings(),
            release: Some(self.released(progress)),
            ..Outcome::new(OutcomeStatus::Complete, self.headline("is", &self.verbs(progress)))
        }
    }

    /// The job failed; what it had done until then is told all the same.
    pub fn failed(&self, progress: &ReleaseProgress, failure: Error) -> Outcome {
        let message = match self.verbs(progress).as_slice() {
            [] => failure.message,
            verbs => format!("{} (the release was still {})", failure.message, joined(verbs)),
        };
        Outcome {
            changed: progress.changed(),
            // They say how a release was made, and without one they would be wrong.
            warnings: if progress.exists { progress.all_warnings() } else { Vec::new() },
            release: progress.exists.then(|| self.released(progress)),
            ..Outcome::failed(Error { message, ..failure })
        }
    }

    /// What a run would do about what is there; `requests` as far as they can be told. `earlier` is the
    /// deploy of an earlier attempt, which is not recorded again.
    pub fn planned(
        &self,
        existing: Option<&ExistingRelease>,
        earlier: Option<RecordId>,
        requests: Vec<String>,
    ) -> Outcome {
        let plan = release_changes::plan(self.task, existing, earlier.is_some());
        let progress =
            ReleaseProgress { deploy: earlier.map(|id| (id, false)), ..ReleaseProgress::default() };
        let state = existing.map(|existing| &existing.state);
        let verbs = self.planned_verbs(&plan);
        let conflict = state.and_then(|state| self.task.planned_conflict(state));
        Outcome {
            details: [self.origin_lines(), self.deploy_line(&progress), requests].concat(),
            release: existing.map(|_| self.released(&progress)),
            warnings: self.task.warnings.iter().cloned().chain(conflict).collect(),
            has_changes: !verbs.is_empty(),
            plan: Some(Box::new(plan)),
            ..Outcome::new(OutcomeStatus::Planned, self.headline("would be", &verbs))
        }
    }

    fn headline(&self, auxiliary: &str, verbs: &[String]) -> String {
        let (version, org) = (&self.task.version, &self.task.org);
        match verbs {
            [] => format!("release {version} exists for {org}, nothing to do"),
            verbs => format!("release {version} {auxiliary} {} for {org}", joined(verbs)),
        }
    }

    fn planned_verbs(&self, plan: &EntryPlan) -> Vec<String> {
        let of_kind = |kind| plan.changes.iter().find(move |change| change.kind == kind);
        let release = of_kind(ChangedKind::Release);
        let has = |release: &PlannedChange, is: fn(&str) -> bool| {
            release.fields.iter().any(|one| is(&one.field))
        };
        let first = release.and_then(|release| match release.action {
            ChangeAction::Create => Some("created"),
            _ => has(release, |field| field != release_changes::RELEASED).then_some("updated"),
        });
        let is_finalized =
            release.is_some_and(|release| has(release, |field| field == release_changes::RELEASED));
        let deploy = of_kind(ChangedKind::Deploy);
        verbs(
            first,
            is_finalized,
            deploy.map(|deploy| deploy.words.replacen("deploy", "deployed", 1)),
        )
    }

    fn verbs(&self, progress: &ReleaseProgress) -> Vec<String> {
        let first = match (progress.created, progress.updated) {
            (true, _) => Some("created"),
            (false, true) => Some("updated"),
            (false, false) => None,
        };
        let is_noted = matches!(progress.deploy, Some((_, true)));
        let deploy = self.task.deploy.as_ref().filter(|_| is_noted);
        let deployed = deploy.map(|deploy| format!("deployed to {}", deploy.environment));
        verbs(first, progress.finalized, deployed)
    }

    fn details(&self, progress: &ReleaseProgress) -> Vec<String> {
        let mut details = self.origin_lines();
        details.extend(Some(progress.commits.clone()).filter(|words| !words.is_empty()));
        details.extend(self.deploy_line(progress));
        details.extend(self.url().map(|url| format!("release: {url}")));
        details
    }

    fn deploy_line(&self, progress: &ReleaseProgress) -> Vec<String> {
        let (Some((id, new)), Some(deploy)) = (&progress.deploy, &self.task.deploy) else {
            return Vec::new();
        };
        let earlier = if *new { "" } else { ", recorded by an earlier attempt" };
        vec![format!("deploy {id} to {}{earlier}", deploy.environment)]
    }

    fn origin_lines(&self) -> Vec<String> {
        let version = match self.task.origin {
            VersionSource::Input => None,
            VersionSource::Detected(origin) => Some(format!("the version is that of {origin}")),
            origin => Some(format!("the version is {}", origin.words())),
        };
        version.into_iter().chain(self.task.notes.iter().cloned()).collect()
    }

    fn released(&self, progress: &ReleaseProgress) -> ReleaseOutcome {
        ReleaseOutcome {
            version: self.task.version.to_string(),
            url: self.url(),
            deploy_id: progress.deploy.as_ref().map(|(id, _)| id.clone()),
            commit_count: progress.commit_count,
        }
    }

    /// The release's page.
    pub fn url(&self) -> Option<PageUrl> {
        let url = self.site.release_url(self.task.org.as_str(), self.task.version.as_str());
        PageUrl::parse(&url).ok()
    }
}

/// What was or would be done, in its order.
fn verbs(first: Option<&str>, is_finalized: bool, deployed: Option<String>) -> Vec<String> {
    let finalized = is_finalized.then_some("finalized");
    first.into_iter().chain(finalized).map(str::to_owned).chain(deployed).collect()
}

/// `a, b and c`.
fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
