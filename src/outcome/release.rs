//! The outcome of a release job, in words: what became of the release and its deploy.

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
        Outcome {
            changed: done.changed(),
            details: self.details(done),
            warnings: done.warnings.clone(),
            release: Some(self.released(done)),
            ..Outcome::new(OutcomeStatus::Complete, self.headline("is", &self.verbs(done)))
        }
    }

    /// The job failed; what it had done until then is told all the same.
    pub fn failed(&self, done: &ReleaseProgress, failure: Error) -> Outcome {
        let message = match self.verbs(done).as_slice() {
            [] => failure.message,
            verbs => format!("{} (the release is {} all the same)", failure.message, joined(verbs)),
        };
        Outcome {
            changed: done.changed(),
            warnings: done.warnings.clone(),
            release: done.exists.then(|| self.released(done)),
            ..Outcome::failed(Error { message, ..failure })
        }
    }

    /// What a run would do about what is there; `requests` as far as they can be told.
    pub fn planned(&self, standing: Option<&ReleaseState>, requests: Vec<String>) -> Outcome {
        let verbs = self.planned_verbs(standing);
        Outcome {
            details: [self.version_source(), requests].concat(),
            release: standing.map(|_| self.released(&ReleaseProgress::default())),
            warnings: self.task.warnings.clone(),
            has_changes: !verbs.is_empty(),
            ..Outcome::new(OutcomeStatus::Planned, self.headline("would be", &verbs))
        }
    }

    fn headline(&self, auxiliary: &str, verbs: &[String]) -> String {
        let (version, org) = (&self.task.version, &self.task.org);
        match verbs {
            [] => format!("release {version} is there for {org}, nothing to do"),
            verbs => format!("release {version} {auxiliary} {} for {org}", joined(verbs)),
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
        let has_deploys = standing.is_some_and(|standing| standing.deploy_count > 0);
        let deployed = task.deploy.as_ref().map(|deploy| match task.attempts && has_deploys {
            true => format!("deployed to {}, unless this run has done so", deploy.environment),
            false => format!("deployed to {}", deploy.environment),
        });
        verbs(first, task.finalize && !is_out, deployed)
    }

    fn verbs(&self, done: &ReleaseProgress) -> Vec<String> {
        let first = match (done.created, done.updated) {
            (true, _) => Some("created"),
            (false, true) => Some("updated"),
            (false, false) => None,
        };
        let is_noted = matches!(done.deploy, Some((_, true)));
        let deploy = self.task.deploy.as_ref().filter(|_| is_noted);
        let deployed = deploy.map(|deploy| format!("deployed to {}", deploy.environment));
        verbs(first, done.finalized, deployed)
    }

    fn details(&self, done: &ReleaseProgress) -> Vec<String> {
        let mut details = self.version_source();
        details.extend(Some(done.commits.clone()).filter(|words| !words.is_empty()));
        if let (Some((id, new)), Some(deploy)) = (&done.deploy, &self.task.deploy) {
            let earlier = if *new { "" } else { ", noted by an earlier attempt" };
            details.push(format!("deploy {id} to {}{earlier}", deploy.environment));
        }
        details.push(format!("release: {}", self.url()));
        details
    }

    fn version_source(&self) -> Vec<String> {
        match self.task.origin {
            VersionSource::Input => Vec::new(),
            origin => vec![format!("the version is {}", origin.words())],
        }
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
