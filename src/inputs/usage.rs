//! Which jobs use which inputs: what the asked job does not use is warned about by name.

use super::Inputs;
use super::raw::RawInputs;
use super::table::{ANY, INPUTS, InputSpec, JobKind, ManifestScope, SET};
use super::types::BackendName;
use crate::error::Warning;

impl Inputs {
    /// The jobs that a run of these inputs does, or a check looks at.
    pub fn jobs(&self) -> Vec<JobKind> {
        let release = &self.release;
        let has_deploy = release.deploy.unwrap_or(release.environment.is_some());
        let asked = match self.manifest {
            Some(_) => [(JobKind::Manifest, true); 3],
            None => [
                (JobKind::Integration, self.provider.is_some()),
                (JobKind::Release, release.requested),
                (JobKind::Deploy, release.requested && has_deploy),
            ],
        };
        let status = (JobKind::CommitStatus, release.github_status.is_some());
        let asked = asked.into_iter().chain([status]).filter(|(_, is_asked)| *is_asked);
        asked.map(|(job, _)| job).collect()
    }
}

/// Says which inputs were given for this program and are used by none of these jobs, or not by this
/// backend. Variables that other programs read too are given for those.
pub fn unused(raw: &RawInputs, jobs: &[JobKind], backend: Option<BackendName>) -> Vec<Warning> {
    let given = INPUTS.iter().filter(|input| raw.is_explicit(input.name));
    let given = given.map(|input| (format!("`{}`", input.name), input));
    let set = InputSpec::find("state").filter(|_| !raw.sets.is_empty());
    let set = set.map(|input| (format!("`--{SET}`"), input));
    let warning = |(name, input): (String, &InputSpec)| {
        let user = unasked_user(input, jobs, backend)?;
        Some(Warning::new("unused-input", format!("{name} is not used by {user}")))
    };
    given.chain(set).filter_map(warning).collect()
}

/// What does not use the input.
fn unasked_user(
    input: &InputSpec,
    jobs: &[JobKind],
    backend: Option<BackendName>,
) -> Option<&'static str> {
    let is_used = input.used_by == ANY || input.used_by.iter().any(|job| jobs.contains(job));
    match (backend, input.backend) {
        _ if !is_used && !is_refused(input, jobs) => Some(describe(jobs)),
        (Some(BackendName::Embedded), Some(BackendName::Sentry)) => Some("the embedded backend"),
        (Some(BackendName::Sentry), Some(BackendName::Embedded)) => Some("the Sentry backend"),
        _ => None,
    }
}

/// What a manifest's entries name is an error beside it.
fn is_refused(input: &InputSpec, jobs: &[JobKind]) -> bool {
    let is_per_entry = matches!(
        input.manifest,
        ManifestScope::Entry(_) | ManifestScope::Identity(_) | ManifestScope::Job(_)
    );
    is_per_entry && jobs.contains(&JobKind::Manifest)
}

fn describe(jobs: &[JobKind]) -> &'static str {
    let has = |job| jobs.contains(&job);
    match (has(JobKind::Integration), has(JobKind::Release), has(JobKind::Deploy)) {
        (true, true, true) => "an integration or a release",
        (true, true, false) => "an integration or a release without a deploy",
        (true, false, _) => "an integration",
        (false, true, true) => "a release",
        (false, true, false) => "a release without a deploy",
        _ if has(JobKind::Manifest) => "a manifest",
        _ if has(JobKind::Resume) => "`finishline resume`",
        _ if has(JobKind::Import) => "`finishline import`",
        _ => "a run that asks for no integration and no release",
    }
}
