//! The words of a release job: what became of the release and its deploy.

use super::{Outcome, OutcomeStatus, ReleaseOutcome};
use crate::error::Error;
use crate::model::site::Site;
use crate::release::backend::ReleaseState;
use crate::release::driver::ReleaseProgress;
use crate::release::{ReleaseTask, VersionSource};

/// Puts what happened to a release into words.
pub struct ReleaseReport<'a> {
    /// What was asked for.
    pub task: &'a ReleaseTask,
    /// Where the backend's pages are.
    pub site: &'a Site,
}

impl ReleaseReport<'_> {
    /// The job is through.
    pub fn complete(&self, done: &ReleaseProgress) -> Outcome {
        let (version, org) = (&self.task.version, &self.task.org);
        let headline = match self.verbs(done).as_slice() {
            [] => format!("release {version} is there for {org}, nothing to do"),
            verbs => format!("release {version} is {} for {org}", joined(verbs)),
        };
        let outcome = Outcome::new(OutcomeStatus::Complete, headline);
        let (details, warnings) = (self.details(done), done.warnings.clone());
        let release = Some(self.released(done));
        Outcome { changed: done.changed(), details, warnings, release, ..outcome }
    }

    /// The job failed; what it had done until then is told all the same.
    pub fn failed(&self, done: &ReleaseProgress, failure: Error) -> Outcome {
        let message = match self.verbs(done).as_slice() {
            [] => failure.message,
            verbs => format!("{} (the release is {} all the same)", failure.message, joined(verbs)),
        };
        let outcome = Outcome::failed(Error { message, ..failure });
        let release = done.exists.then(|| self.released(done));
        let warnings = done.warnings.clone();
        Outcome { changed: done.changed(), warnings, release, ..outcome }
    }

    /// What a run would do about what is there; `requests` as far as they can be told.
    pub fn planned(&self, standing: Option<&ReleaseState>, requests: Vec<String>) -> Outcome {
        let (version, org) = (&self.task.version, &self.task.org);
        let verbs = self.planned_verbs(standing);
        let headline = match verbs.as_slice() {
            [] => format!("release {version} is there for {org}, nothing to do"),
            verbs => format!("release {version} would be {} for {org}", joined(verbs)),
        };
        let mut details = self.version_from();
        details.extend(requests);
        let release = standing.map(|_| self.released(&ReleaseProgress::default()));
        let warnings = self.task.warnings.clone();
        let to_do = !verbs.is_empty();
        Outcome {
            details,
            release,
            warnings,
            has_changes: to_do,
            ..Outcome::new(OutcomeStatus::Planned, headline)
        }
    }

    fn planned_verbs(&self, standing: Option<&ReleaseState>) -> Vec<String> {
        let task = self.task;
        let is_out = standing.is_some_and(|standing| standing.date_released.is_some());
        let is_old = |standing: &ReleaseState| task.head.is_some() && standing.r#ref != task.head;
        let first = match standing {
            None => Some("created"),
            Some(standing) if is_old(standing) => Some("updated"),
            Some(_) => None,
        };
        let finalized = (task.finalize && !is_out).then_some("finalized");
        let mut verbs: Vec<_> = first.into_iter().chain(finalized).map(str::to_owned).collect();
        let has_deploys = standing.is_some_and(|standing| standing.deploy_count > 0);
        verbs.extend(task.deploy.as_ref().map(|deploy| match task.attempts && has_deploys {
            true => format!("deployed to {}, unless this run has done so", deploy.environment),
            false => format!("deployed to {}", deploy.environment),
        }));
        verbs
    }

    fn verbs(&self, done: &ReleaseProgress) -> Vec<String> {
        let first = match (done.created, done.updated) {
            (true, _) => Some("created"),
            (false, true) => Some("updated"),
            (false, false) => None,
        };
        let finalized = done.finalized.then_some("finalized");
        let mut verbs: Vec<_> = first.into_iter().chain(finalized).map(str::to_owned).collect();
        if let (Some((_, true)), Some(deploy)) = (&done.deploy, &self.task.deploy) {
            verbs.push(format!("deployed to {}", deploy.environment));
        }
        verbs
    }

    fn details(&self, done: &ReleaseProgress) -> Vec<String> {
        let mut details = self.version_from();
        details.extend(Some(done.commits.clone()).filter(|words| !words.is_empty()));
        if let (Some((id, new)), Some(deploy)) = (&done.deploy, &self.task.deploy) {
            let again = if *new { "" } else { ", noted by an earlier attempt" };
            details.push(format!("deploy {id} to {}{again}", deploy.environment));
        }
        details.push(format!("release: {}", self.url()));
        details
    }

    fn version_from(&self) -> Vec<String> {
        let origin = self.task.origin;
        let told = origin != VersionSource::Input;
        told.then(|| format!("the version is {}", origin.words())).into_iter().collect()
    }

    fn released(&self, done: &ReleaseProgress) -> ReleaseOutcome {
        ReleaseOutcome {
            version: self.task.version.to_string(),
            url: self.url(),
            deploy_id: done.deploy.as_ref().map(|(id, _)| id.clone()),
            commit_count: done.commit_count,
        }
    }

    /// The release's page.
    pub fn url(&self) -> String {
        self.site.release_url(self.task.org.as_str(), self.task.version.as_str())
    }
}

/// `a, b and c`.
fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
