//! Which projects a step of a workflow is about, where its calls do not make the release.

use super::MigrationNote;
use super::plan::StepGroup;
use super::pure_script::PureCall;
use super::script_part::JobPart;
use super::workflow_job::JobSteps;
use crate::sentry_cli::SentryCliTask;
use std::collections::BTreeMap;

/// What is the matter with a step, and what to do.
pub(super) type StepProblem = (&'static str, &'static str);

const OTHER_PROJECTS: &str = "nothing in this file tells the projects of this call: the step takes those of \
    the release, where `.sentryclirc` may name others";

const LENIENT_COMMITS: &str = "this call fails if Sentry does not know the repository, or the commits cannot be \
    read: the step warns and goes on";

impl JobSteps<'_> {
    /// What the step must be told of its projects, so that it adds none to the release.
    pub(super) fn other_projects(
        &self,
        group: &StepGroup,
        maker: Option<&StepGroup>,
    ) -> Result<Option<String>, StepProblem> {
        if group.inputs.does(SentryCliTask::NewRelease) {
            return Ok(None);
        }
        if maker.is_none() && group.inputs.is_of_release() && !makes_release(group) {
            return Err(NO_RELEASE);
        }
        let (own, made) =
            (group.target.get("projects"), maker.map(|maker| maker.target.get("projects")));
        match (own, made) {
            (_, None) if !group.inputs.is_of_release() => Err((
                "files are uploaded and no release is made: a step would make one",
                "make the release in this job, or call `finishline sourcemaps DIR`",
            )),
            // It makes the release in its projects, as the call does.
            (Some(own), _) if group.inputs.does(SentryCliTask::SetCommits) => {
                self.known(group, own)
            }
            (Some(own), None) => self.known(group, own),
            (Some(own), Some(Some(made))) if is_among(own, made) => Ok(None),
            (Some(_), Some(_)) => Err((
                "the release is made in other projects in this job: a step would add these",
                "name the same projects in each call",
            )),
            (None, Some(Some(made))) if !made.contains('\0') => Ok(Some(made.to_owned())),
            (None, _) if self.has_variable(group.step, "SENTRY_PROJECT") => Ok(None),
            (None, _) => own_projects(group).map(Some).ok_or(NO_PROJECTS),
        }
    }

    /// What a step does that its calls do not, or may not.
    pub(super) fn group_notes(&self, group: &StepGroup, parts: &[JobPart]) -> Vec<MigrationNote> {
        let is_named = group.inputs.get("projects").is_some();
        let is_unsure = is_named && !self.has_variable(group.step, "SENTRY_PROJECT");
        let unnamed = group.calls.iter().filter(|call| is_unsure && is_without_projects(call));
        let strict = group.calls.iter().filter(|call| names_commits(call));
        let notes = unnamed.map(|call| (call, OTHER_PROJECTS));
        let notes = notes.chain(strict.map(|call| (call, LENIENT_COMMITS)));
        let line = |call: &PureCall| self.line_of(group.step, call.index, parts);
        notes.map(|(call, message)| MigrationNote::advice(line(call), message)).collect()
    }

    /// For each group the one before it that makes its release, wherever the group's own step runs.
    pub(super) fn makers(&self, groups: &[StepGroup]) -> Vec<Option<usize>> {
        let mut known: BTreeMap<([Option<&str>; 3], &str), usize> = BTreeMap::new();
        let mut makers = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let release = ["org", "url", "release"].map(|name| group.target.get(name));
            let condition = self.steps[group.step].written("if");
            let found = ["", condition].map(|condition| known.get(&(release, condition)).copied());
            let found = found.into_iter().max().flatten();
            makers.push(found.filter(|_| !runs_after_failure(condition)));
            if makes_release(group) && !group.is_tolerated && !self.may_fail(group.step) {
                known.insert((release, condition), index);
            }
        }
        makers
    }

    /// The projects that the calls themselves or a variable of the file name.
    fn known(&self, group: &StepGroup, own: &str) -> Result<Option<String>, StepProblem> {
        let is_known = group.inputs.get("projects").is_some()
            || !own.contains('\0')
            || self.has_variable(group.step, "SENTRY_PROJECT");
        if is_known { Ok(None) } else { Err(NO_PROJECTS) }
    }

    fn has_variable(&self, step: usize, name: &str) -> bool {
        !self.environment_of(step).is_unset(name)
    }

    /// Whether the job goes on where a step fails.
    fn may_fail(&self, step: usize) -> bool {
        self.steps[step].value("continue-on-error").is_some_and(|value| value != "false")
    }
}

const NO_PROJECTS: StepProblem = (
    "nothing in this file tells the projects of the release, which a step needs",
    "set SENTRY_PROJECT in `env:`",
);

const NO_RELEASE: StepProblem = (
    "no step of finishline before it makes the release in this job: sentry-cli fails where it is \
     missing, and a step would make it",
    "make the release in this job, or install finishline and call `finishline sentry-cli`",
);

/// Whether a step with this `if:` runs although one before it failed.
pub(super) fn runs_after_failure(condition: &str) -> bool {
    let condition = condition.to_ascii_lowercase().replace(char::is_whitespace, "");
    ["always()", "failure()", "cancelled()"].iter().any(|word| condition.contains(word))
}

/// Whether a step makes its release where it is not there, as its calls do.
fn makes_release(group: &StepGroup) -> bool {
    let makes = [SentryCliTask::NewRelease, SentryCliTask::SetCommits];
    makes.iter().any(|task| group.inputs.does(*task))
}

fn is_among(own: &str, made: &str) -> bool {
    own == made || own.split(',').all(|one| made.split(',').any(|other| one == other))
}

/// Whether the commits are those that the call names or the checkout has, without which it fails.
fn names_commits(call: &PureCall) -> bool {
    let commits =
        call.call.inputs.get("commits").filter(|_| call.call.task == SentryCliTask::SetCommits);
    commits.is_some_and(|commits| commits != "auto")
}

/// Whether a call takes projects and names none.
fn is_without_projects(call: &PureCall) -> bool {
    let takes = [SentryCliTask::SetCommits, SentryCliTask::NewDeploy];
    takes.contains(&call.call.task) && !call.call.inputs.contains_key("projects")
}

/// The projects that a call names which leaves those of the release alone.
fn own_projects(group: &StepGroup) -> Option<String> {
    let named = group.calls.iter().find_map(|call| call.call.inputs.get("projects"));
    named.filter(|projects| !projects.contains("${{")).cloned()
}
