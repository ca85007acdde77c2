//! Which projects a step of a workflow is about, where its calls do not make the release.

use super::MigrationNote;
use super::plan::{CommandPlace, StepGroup};
use super::script_part::JobPart;
use super::shell_word::WordPiece;
use super::shell_word::pieces;
use super::workflow_job::JobSteps;
use crate::sentry_cli::SentryCliTask;
use std::collections::BTreeMap;

/// What is the matter with a step, and what to do.
pub(super) type StepProblem = (&'static str, &'static str);

impl JobSteps<'_> {
    /// What the step must be told of its projects, so that it adds none to the release.
    pub(super) fn other_projects(
        &self,
        group: &StepGroup,
        maker: Option<&StepGroup>,
        parts: &[JobPart],
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
            (None, _) if self.has_variable("SENTRY_PROJECT") => Ok(None),
            (None, _) => own_word(group, parts).map(Some).ok_or(NO_PROJECTS),
        }
    }

    /// What a step does that its calls do not, or may not.
    pub(super) fn group_notes(&self, group: &StepGroup, parts: &[JobPart]) -> Vec<MigrationNote> {
        let note =
            |place, message: &str| MigrationNote::advice(self.line_of(place, parts), message);
        let goes_on = |(part, index): &&CommandPlace| match &parts[*part] {
            JobPart::Script(script) => script.step_call(*index).is_some_and(|step| step.goes_on),
            JobPart::Other { .. } => false,
        };
        let first = group.calls.iter().find(goes_on).filter(|_| group.is_tolerated());
        let message = "the script goes on where this call fails, and so does the job with \
            `continue-on-error: true`";
        let mut notes: Vec<_> = first.map(|place| note(*place, message)).into_iter().collect();
        let is_named = group.inputs.get("projects").is_some();
        if is_named && !self.has_variable("SENTRY_PROJECT") {
            let unnamed = group.calls.iter().filter(|place| is_without_projects(**place, parts));
            let message = "nothing in this file tells the projects of this call: the step takes those \
                of the release, where `.sentryclirc` may name others";
            notes.extend(unnamed.map(|place| note(*place, message)));
        }
        notes
    }

    /// For each group the one before it that makes its release, wherever the group's own step runs.
    pub(super) fn makers(&self, groups: &[StepGroup]) -> Vec<Option<usize>> {
        let mut known: BTreeMap<([Option<&str>; 3], &str), usize> = BTreeMap::new();
        let mut makers = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let release = ["org", "url", "release"].map(|name| group.target.get(name));
            let condition = self.steps[group.last().0].written("if");
            let found = ["", condition].map(|condition| known.get(&(release, condition)).copied());
            makers.push(found.into_iter().max().flatten());
            if makes_release(group) {
                known.insert((release, condition), index);
            }
        }
        makers
    }

    /// The projects that the calls themselves or a variable of the file name.
    fn known(&self, group: &StepGroup, own: &str) -> Result<Option<String>, StepProblem> {
        let is_known = group.inputs.get("projects").is_some()
            || !own.contains('\0')
            || self.has_variable("SENTRY_PROJECT");
        if is_known { Ok(None) } else { Err(NO_PROJECTS) }
    }

    fn has_variable(&self, name: &str) -> bool {
        self.is_composite || self.environment.contains(name)
    }
}

const NO_PROJECTS: StepProblem = (
    "nothing in this file tells the projects of the release, which a step needs",
    "set SENTRY_PROJECT in `env:`",
);

const NO_RELEASE: StepProblem = (
    "no call before it in this job makes the release: sentry-cli fails where it is missing, and a \
     step would make it",
    "make the release in this job, or install finishline and call `finishline sentry-cli`",
);

/// Whether a step makes its release where it is not there, as its calls do.
fn makes_release(group: &StepGroup) -> bool {
    let makes = [SentryCliTask::NewRelease, SentryCliTask::SetCommits];
    makes.iter().any(|task| group.inputs.does(*task))
}

fn is_among(own: &str, made: &str) -> bool {
    own == made || own.split(',').all(|one| made.split(',').any(|other| one == other))
}

/// Whether a call takes projects and names none.
fn is_without_projects((part, index): CommandPlace, parts: &[JobPart]) -> bool {
    let JobPart::Script(script) = &parts[part] else { return false };
    let takes = [SentryCliTask::SetCommits, SentryCliTask::NewDeploy];
    script.step_call(index).is_some_and(|step| {
        takes.contains(&step.call.task) && !step.call.inputs.contains_key("projects")
    })
}

/// The projects that a call names which leaves those of the release alone.
fn own_word(group: &StepGroup, parts: &[JobPart]) -> Option<String> {
    let word = |(part, index): &(usize, usize)| match &parts[*part] {
        JobPart::Script(script) => script.step_call(*index)?.call.inputs.get("projects").cloned(),
        JobPart::Other { .. } => None,
    };
    let word = group.calls.iter().find_map(word)?;
    match pieces(&word).as_slice() {
        [WordPiece::Text(text)] => Some(text.clone()),
        _ => None,
    }
}
