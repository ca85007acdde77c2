//! Calls of one job as one step of ours.

use super::arguments::SentryCliCall;
use super::table::SentryCliTask;
use std::collections::BTreeMap;

/// The inputs in the order of the docs.
const ORDER: &[&str] = &[
    "org",
    "url",
    "auth-token",
    "headers",
    "release",
    "release-prefix",
    "projects",
    "environment",
    "commits",
    "previous-commit",
    "finalize",
    "deploy",
    "release-url",
    "released-at",
    "deploy-name",
    "deploy-url",
    "started-at",
    "finished-at",
    "sourcemaps",
    "inject",
    "dist",
    "url-prefix",
    "url-suffix",
    "strip-prefix",
    "strip-common-prefix",
    "sourcemaps-ignore",
    "sourcemaps-ignore-file",
    "sourcemaps-extensions",
    "sourcemaps-wait",
    "allow-unmapped",
    "dry-run",
    "log-level",
];

/// The inputs of one step that does what several calls do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepInputs {
    values: BTreeMap<&'static str, String>,
    tasks: Vec<SentryCliTask>,
    is_strict: bool,
}

/// The input for which two calls have different values, so that they are no one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepConflict(pub &'static str);

impl StepInputs {
    /// Adds a call.
    ///
    /// # Errors
    ///
    /// An input of the call has another value already; nothing is added then.
    pub fn add(&mut self, call: &SentryCliCall) -> Result<(), StepConflict> {
        // The files were uploaded as they were.
        if call.task == SentryCliTask::InjectDebugIds && self.does(SentryCliTask::UploadSourcemaps)
        {
            return Err(StepConflict("sourcemaps"));
        }
        let mut values = self.values.clone();
        for (name, value) in &call.inputs {
            let Some(known) = values.get(name).filter(|known| *known != value) else {
                values.insert(name, value.clone());
                continue;
            };
            match *name {
                "projects" if self.adds_projects(call) => {
                    values.insert(name, format!("{known},{value}"));
                }
                // What is injected and what is uploaded are the same files in one step.
                "sourcemaps" if self.adds_files(call) => {
                    values.insert(name, format!("{known},{value}"));
                }
                "log-level" => {}
                _ => return Err(StepConflict(name)),
            }
        }
        self.is_strict |= call.has("strict");
        if call.has("finalize") {
            self.tasks.push(SentryCliTask::FinalizeRelease);
        }
        self.tasks.push(call.task);
        self.values = values;
        Ok(())
    }

    /// Whether the call makes the release in more projects: files and deploys are of their own.
    pub fn adds_projects(&self, call: &SentryCliCall) -> bool {
        let only = [SentryCliTask::NewRelease, SentryCliTask::FinalizeRelease];
        self.tasks.iter().chain([&call.task]).all(|task| only.contains(task))
    }

    /// Whether the call does with more files what the others do with theirs.
    fn adds_files(&self, call: &SentryCliCall) -> bool {
        let files = [SentryCliTask::InjectDebugIds, SentryCliTask::UploadSourcemaps];
        let is_other = |task: &&SentryCliTask| files.contains(task) && **task != call.task;
        self.tasks.iter().find(is_other).is_none()
    }

    /// Whether one of the calls does this.
    pub fn does(&self, task: SentryCliTask) -> bool {
        self.tasks.contains(&task)
    }

    /// Whether one run does what a call does behind those that it does already, and fails before it
    /// where one of them does: a release before its deploy, and files in a run of their own.
    pub fn may_go_on_with(&self, call: &SentryCliCall) -> bool {
        let rank = place_in_run(call.task);
        let is_behind = |task: &SentryCliTask| {
            let (place, is_of_files) = place_in_run(*task);
            is_of_files == rank.1 && place <= rank.0
        };
        self.tasks.iter().all(is_behind)
    }

    /// Whether they make or change a release, and not only upload files.
    pub fn is_of_release(&self) -> bool {
        let files = [SentryCliTask::InjectDebugIds, SentryCliTask::UploadSourcemaps];
        self.tasks.iter().any(|task| !files.contains(task))
    }

    /// The inputs in the order of the docs, without those that hold by default.
    pub fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = self.values.clone();
        if self.is_of_release() {
            let commits = values.entry("commits").or_insert_with(|| "none".to_owned());
            match commits.as_str() {
                "auto" => drop(values.remove("commits")),
                // sentry-cli begins where the release before ended, and not with the push.
                "local" => drop(values.insert("previous-commit", "lookup".to_owned())),
                _ => {}
            }
            if !self.does(SentryCliTask::FinalizeRelease) {
                values.insert("finalize", "false".to_owned());
            }
        }
        let [uploads, injects] = [SentryCliTask::UploadSourcemaps, SentryCliTask::InjectDebugIds]
            .map(|task| self.does(task));
        if uploads && !injects {
            values.insert("inject", "false".to_owned());
        }
        // sentry-cli warns of a script without a map, unless it is to be strict.
        if (uploads || injects) && !self.is_strict {
            values.insert("allow-unmapped", "true".to_owned());
        }
        let place = |name: &str| ORDER.iter().position(|known| *known == name);
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by_key(|(name, _)| place(name));
        values
    }

    /// The value of an input that a call names.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Sets an input of the step.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.insert(name, value.into());
    }
}

/// Where in a run a call is carried out, and whether it is about files, which are sent beside that.
fn place_in_run(task: SentryCliTask) -> (u8, bool) {
    match task {
        SentryCliTask::InjectDebugIds => (0, true),
        SentryCliTask::UploadSourcemaps => (1, true),
        SentryCliTask::NewRelease => (0, false),
        SentryCliTask::SetCommits => (1, false),
        SentryCliTask::FinalizeRelease => (2, false),
        _ => (3, false),
    }
}
