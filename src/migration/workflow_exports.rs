//! What scripts of a workflow tell sentry-cli, and the steps behind them, by variables.

use super::client_variables::{VARIABLES, decides};
use super::plan::StepGroup;
use super::script_part::JobPart;
use super::shell_reader::ShellCommand;
use super::workflow_job::JobSteps;
use super::workflow_values::{ValueError, WorkflowVariables};
use super::yaml_tree::YamlNode;
use crate::sentry_cli::{SentryCliTask, StepInputs};
use std::collections::BTreeSet;

/// The variables that a script of the file hands on to the steps behind it.
pub(super) fn handed_on(node: &YamlNode, names: &mut BTreeSet<String>) {
    for (_, value) in node.map() {
        names.extend(value.text().into_iter().flat_map(handed_on_by).map(str::to_owned));
        handed_on(value, names);
    }
    node.list().iter().for_each(|item| handed_on(item, names));
}

/// The variables that one script hands on.
fn handed_on_by(script: &str) -> impl Iterator<Item = &str> {
    let text = if script.contains("GITHUB_ENV") { script } else { "" };
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_=".contains(c)));
    let assigned = parts.filter_map(|part| part.split_once('='));
    assigned.map(|(name, _)| name).filter(|name| !name.is_empty())
}

impl JobSteps<'_> {
    /// Whether a variable may name the release, which is the commit otherwise.
    pub(super) fn may_name_release(&self, environment: &BTreeSet<String>) -> bool {
        // What is written there by no name may be any.
        let is_unreadable = |step: usize| {
            let script = self.script(step).unwrap_or_default();
            script.contains("GITHUB_ENV") && handed_on_by(script).next().is_none()
        };
        self.is_composite
            || environment.contains("SENTRY_RELEASE")
            || (0..self.steps.len()).any(is_unreadable)
    }

    /// Refuses what the script itself changes for later steps, of which the new one is the first.
    pub(super) fn check_handed_on(
        &self,
        group: &StepGroup,
        variables: &WorkflowVariables,
    ) -> Result<(), ValueError> {
        let script = self.script(group.last().0).unwrap_or_default();
        let matters = |name: &&str| {
            let input = VARIABLES.iter().find(|(_, variable)| variable == name);
            let is_inherited = input.is_some_and(|(input, _)| group.inputs.get(input).is_none());
            is_inherited || decides(name) || variables.is_declared(name)
        };
        match handed_on_by(script).find(matters) {
            Some(name) => Err(ValueError::Changed(name.to_owned())),
            None => Ok(()),
        }
    }
}

/// The commands behind a group in the script of its last call.
pub(super) fn behind<'a>(group: &StepGroup, parts: &'a [JobPart]) -> &'a [ShellCommand] {
    let (step, last) = group.last();
    match &parts[step] {
        JobPart::Script(script) => &script.commands[last + 1..],
        JobPart::Other { .. } => &[],
    }
}

/// Takes what the script tells sentry-cli by variables, which the step does not have.
pub(super) fn set_exported(
    inputs: &mut StepInputs,
    variables: &WorkflowVariables,
    group: &StepGroup,
    parts: &[JobPart],
    environment: &BTreeSet<String>,
) -> Result<(), ValueError> {
    let (step, last) = group.last();
    let JobPart::Script(script) = &parts[step] else { return Ok(()) };
    let exports = |name: &str| {
        let exports = |one: &ShellCommand| {
            let is_export =
                matches!(one.word(0), "export" | "declare" | "typeset" | "set" | "unset");
            let names = |word: &str| word.split('=').next() == Some(name);
            let is_switch =
                |word: &str| word == "allexport" || word.starts_with('-') && word.contains('a');
            let is_all =
                one.word(0) == "set" && (1..one.words.len()).any(|at| is_switch(one.word(at)));
            is_all || is_export && (1..one.words.len()).any(|at| names(one.word(at)))
        };
        environment.contains(name) || script.commands[..last].iter().any(exports)
    };
    for name in variables.assigned_names().filter(|name| exports(name)) {
        let input = VARIABLES.iter().find(|(_, variable)| *variable == name);
        match (input, variables.assigned(name)) {
            (Some((input, _)), _) if inputs.get(input).is_some() => {}
            (Some(("dist", _)), _) if !inputs.does(SentryCliTask::UploadSourcemaps) => {}
            (Some(_), Some(None)) => return Err(ValueError::Changed(name.to_owned())),
            (Some((input, _)), _) => inputs.set(input, format!("\"${name}\"")),
            (None, _) if decides(name) => return Err(ValueError::Changed(name.to_owned())),
            (None, _) => {}
        }
    }
    Ok(())
}
