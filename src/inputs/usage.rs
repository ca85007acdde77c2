//! Which jobs use which inputs: what the asked job does not use is warned about by name.

use super::Inputs;
use super::raw::RawInputs;
use super::release::CommitSource;
use super::table::{ANY, INPUTS, InputSpec, JobKind, ManifestScope, SET};
use super::types::{BackendName, Mode};
use crate::error::{UNUSED_INPUT, Warning};
use crate::job::Job;

impl Inputs {
    /// The jobs that a run of these inputs does, or a check looks at.
    pub fn jobs(&self) -> Vec<JobKind> {
        let release = &self.release;
        let has_deploy = release.deploy.unwrap_or(release.environment.is_some());
        let has_commits = release.commits != CommitSource::None;
        let are_named = matches!(release.commits, CommitSource::Refs(_));
        let of_release = [
            (JobKind::Release, true),
            (JobKind::Deploy, has_deploy),
            (JobKind::Sourcemaps, self.sourcemaps.is_requested()),
            (JobKind::Commits, has_commits),
            (JobKind::History, has_commits && !are_named),
            (JobKind::GithubCommits, release.commits == CommitSource::GitHub),
        ];
        let is_single = self.manifest.is_none();
        let integration = match self.mode {
            Mode::Ensure | Mode::Install | Mode::Reauth => JobKind::Integration,
            Mode::Remove => JobKind::Removal,
            Mode::Link => JobKind::Links,
        };
        let is_install = integration == JobKind::Integration;
        let asked = [
            (JobKind::Manifest, !is_single),
            (integration, is_single && self.asks_integration()),
            (JobKind::OwnApp, is_single && self.has_own_app() && is_install),
            (JobKind::CommitStatus, release.github_status.is_some()),
        ];
        let of_release = of_release.into_iter().filter(|_| is_single && release.requested);
        let asked = asked.into_iter().chain(of_release).filter(|(_, is_asked)| *is_asked);
        asked.map(|(job, _)| job).collect()
    }

    fn has_own_app(&self) -> bool {
        let is_of = |key: &String| self.apps.entries.iter().any(|entry| entry.name == *key);
        self.provider.as_ref().is_some_and(is_of)
    }

    /// What `finishline resume` does with these inputs.
    pub fn resume_jobs(&self, backend: Option<BackendName>) -> Vec<JobKind> {
        // A manifest's entry has a backend of its own, and without one an entry is picked at a Sentry.
        let at_sentry = backend.map_or(self.manifest.is_some(), |it| it == BackendName::Sentry);
        let jobs = [
            (JobKind::Resume, true),
            (JobKind::EntryResume, at_sentry || self.manifest.is_some()),
            (JobKind::SentryResume, at_sentry),
        ];
        jobs.into_iter().filter(|(_, is_done)| *is_done).map(|(job, _)| job).collect()
    }

    /// What `finishline import` does.
    pub fn import_jobs(backend: Option<BackendName>) -> Vec<JobKind> {
        let at_sentry = (backend == Some(BackendName::Sentry)).then_some(JobKind::SentryImport);
        [JobKind::Import].into_iter().chain(at_sentry).collect()
    }

    /// The backend of all that is done, where that is one: each entry of a manifest has its own.
    pub fn common_backend(&self, job: &Job) -> Option<BackendName> {
        match self.manifest {
            Some(_) => self.backend,
            None => self.backend(job).ok(),
        }
    }
}

/// Says which inputs were given for this program and are used by none of these jobs, or not by this
/// backend. Variables that other programs read too are given for those.
pub fn unused(raw: &RawInputs, jobs: &[JobKind], backend: Option<BackendName>) -> Vec<Warning> {
    let set = InputSpec::find("state").filter(|_| !raw.sets.is_empty());
    let set = set.and_then(|input| Some((SET, unasked_user(input, jobs, backend)?)));
    let set = set.map(|(name, user)| warning(&format!("--{name}"), user));
    let names = unused_names(raw, jobs, backend).into_iter();
    names.map(|(name, user)| warning(name, user)).chain(set).collect()
}

/// The same by name, each with what does not use it.
pub fn unused_names(
    raw: &RawInputs,
    jobs: &[JobKind],
    backend: Option<BackendName>,
) -> Vec<(&'static str, &'static str)> {
    let given = INPUTS.iter().filter(|input| raw.is_explicit(input.name));
    given.filter_map(|input| Some((input.name, unasked_user(input, jobs, backend)?))).collect()
}

/// The warning about an input that was given, and what does not use it.
pub fn warning(name: &str, user: &str) -> Warning {
    Warning::new(UNUSED_INPUT, format!("`{name}` is not used by {user}"))
}

/// Whether one of these jobs uses the input, at this backend.
pub fn is_used(input: &InputSpec, jobs: &[JobKind], backend: BackendName) -> bool {
    is_used_by(input, jobs) && input.backend.is_none_or(|only| only == backend)
}

/// Whether one of these jobs uses the input.
pub fn is_used_by(input: &InputSpec, jobs: &[JobKind]) -> bool {
    input.used_by == ANY || input.used_by.iter().any(|job| jobs.contains(job))
}

/// What does not use the input.
fn unasked_user(
    input: &InputSpec,
    jobs: &[JobKind],
    backend: Option<BackendName>,
) -> Option<&'static str> {
    match (backend, input.backend) {
        _ if !is_used_by(input, jobs) && !is_refused(input, jobs) => Some(describe(input, jobs)),
        (Some(BackendName::Embedded), Some(BackendName::Sentry)) => Some("the embedded backend"),
        (Some(BackendName::Sentry), Some(BackendName::Embedded)) => Some("the Sentry backend"),
        _ => None,
    }
}

/// What a manifest's entries name is an error beside it.
fn is_refused(input: &InputSpec, jobs: &[JobKind]) -> bool {
    let is_per_entry =
        matches!(input.manifest, ManifestScope::Entry(_) | ManifestScope::Identity(_));
    is_per_entry && jobs.contains(&JobKind::Manifest)
}

fn describe(input: &InputSpec, jobs: &[JobKind]) -> &'static str {
    let has = |job| jobs.contains(&job);
    match (input.used_by.first(), has(JobKind::Release)) {
        (Some(JobKind::History), true) if has(JobKind::Commits) => {
            "a release whose `commits` are named"
        }
        (Some(JobKind::Commits | JobKind::History), true) => "a release without commits",
        (Some(JobKind::Sourcemaps), true) => "a release without `sourcemaps`",
        (Some(JobKind::GithubCommits), true) => "a release without `commits: github`",
        (Some(JobKind::EntryResume), _) if has(JobKind::Resume) => {
            "`finishline resume` without `manifest`"
        }
        (Some(JobKind::OwnApp), _) if has(JobKind::Integration) => {
            "an integration whose provider it does not name"
        }
        _ => describe_jobs(jobs),
    }
}

fn describe_jobs(jobs: &[JobKind]) -> &'static str {
    let has = |job| jobs.contains(&job);
    match (has(JobKind::Integration), has(JobKind::Release), has(JobKind::Deploy)) {
        (true, true, true) => "an integration or a release",
        (true, true, false) => "an integration or a release without a deploy",
        (true, false, _) => "an integration",
        (false, true, true) => "a release",
        (false, true, false) => "a release without a deploy",
        _ if has(JobKind::Removal) => "the removal of an integration",
        _ if has(JobKind::Links) => "`mode: link`",
        _ if has(JobKind::Sourcemaps) => "`finishline sourcemaps`",
        _ if has(JobKind::Manifest) => "a manifest",
        _ if has(JobKind::Resume) => "`finishline resume`",
        _ if has(JobKind::Import) => "`finishline import`",
        _ => "a run that asks for no integration and no release",
    }
}
