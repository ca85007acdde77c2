//! The steps of one job of a workflow.

use super::edit::line_number;
use super::plan::{CommandPlace, JobPart, ScriptPart};
use super::shell_reader::ShellCommand;
use super::workflow_step::StepText;
use std::collections::BTreeSet;

/// The steps of a job, and what they can read.
pub(super) struct JobSteps<'a> {
    pub(super) source: &'a str,
    pub(super) steps: Vec<StepText<'a>>,
    pub(super) environment: BTreeSet<String>,
    pub(super) folder: Option<&'a str>,
}

impl JobSteps<'_> {
    /// The text of a step's script.
    pub(super) fn script(&self, step: usize) -> Option<String> {
        let is_action = self.steps[step].node.get("uses").is_some();
        self.steps[step].node.get("run").filter(|_| !is_action)?.script(self.source)
    }

    pub(super) fn line(&self, step: usize, at: usize) -> usize {
        let Some(run) = self.steps[step].node.get("run") else { return self.steps[step].node.line };
        run.line_of(line_number(&self.script(step).unwrap_or_default(), at))
    }

    /// The line of a command.
    pub(super) fn line_of(&self, (step, index): CommandPlace, parts: &[JobPart]) -> usize {
        match &parts[step] {
            JobPart::Script(script) => self.line(step, script.commands[index].span.start),
            JobPart::Other => self.steps[step].node.line,
        }
    }
}

/// Whether a command proposes a version, in a substitution.
pub(super) fn is_proposal(command: &ShellCommand) -> bool {
    command.words.last().is_some_and(|word| word.raw == "propose-version")
}

/// The scripts among the parts of a job, with the numbers of their steps.
pub(super) fn scripts(parts: &[JobPart]) -> impl Iterator<Item = (usize, &ScriptPart)> {
    parts.iter().enumerate().filter_map(|(step, part)| match part {
        JobPart::Script(script) => Some((step, script)),
        JobPart::Other => None,
    })
}
