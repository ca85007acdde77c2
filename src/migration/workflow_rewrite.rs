//! The steps of a workflow's job with their calls replaced in their places.

use super::command_effect::is_uncertain;
use super::edit::TextEdit;
use super::failure_mode::{ends_at_failure, failure_switch};
use super::harmless_command::is_harmless;
use super::plan::StepGroup;
use super::script::removals;
use super::script_part::{CommandUse, JobPart, ScriptPart, is_installation};
use super::workflow::ConvertedGroup;
use super::workflow_installations::ProgramNeeds;
use super::workflow_job::{JobSteps, scripts};
use super::workflow_step::StepAdditions;
use super::workflow_values::handed_name;
use super::yaml_edits::script_edits;
use std::collections::{BTreeMap, BTreeSet};

/// A group with the step that it becomes.
type ConvertedStep<'a> = (&'a StepGroup, &'a ConvertedGroup);

impl JobSteps<'_> {
    pub(super) fn rewrite(
        &self,
        parts: &[JobPart],
        groups: &[StepGroup],
        converted: &[ConvertedGroup],
    ) -> Vec<TextEdit> {
        let needs = self.program_needs(parts);
        let mut by_step: BTreeMap<usize, Vec<ConvertedStep<'_>>> = BTreeMap::new();
        for one in groups.iter().zip(converted) {
            let steps: BTreeSet<_> = one.0.calls.iter().map(|(step, _)| *step).collect();
            steps.into_iter().for_each(|step| by_step.entry(step).or_default().push(one));
        }
        let mut edits = Vec::new();
        for (step, script) in scripts(parts) {
            let own = by_step.remove(&step).unwrap_or_default();
            let gone = removable_installations(step, script, &needs);
            let goes_whole = !groups.is_empty()
                && installs_only(script)
                && self.steps[step].is_block()
                && !self.is_read(step)
                && gone.len() == script.installations().count();
            if !own.is_empty() || goes_whole {
                edits.extend(self.rewrite_step(step, script, &own, &gone));
            }
        }
        edits
    }

    /// The changes to one step, of which these groups have calls.
    fn rewrite_step(
        &self,
        step: usize,
        script: &ScriptPart,
        own: &[ConvertedStep<'_>],
        gone: &BTreeSet<usize>,
    ) -> Vec<TextEdit> {
        let rest = self.rest(step, script, gone, &handed_on(own));
        let ending = own.iter().filter(|(group, _)| group.last().0 == step);
        let mut ending = ending.map(|(group, converted)| (self.additions(group), converted));
        let text = &self.steps[step];
        let mut edits = match (rest, text.node.get("run")) {
            (Some(rest), Some(run)) => {
                script_edits(self.source, run, self.script(step).unwrap_or_default(), &rest)
            }
            _ => match ending.next() {
                Some((added, converted)) => text.conversion(&converted.with, &added),
                None => vec![text.removal()],
            },
        };
        edits.extend(ending.map(|(added, converted)| {
            let place = if converted.is_before { text.lines().start } else { text.lines().end };
            text.insertion(&converted.with, &added, place)
        }));
        edits
    }

    /// What stays of a script without its calls; `None` if that does nothing.
    fn rest(
        &self,
        step: usize,
        script: &ScriptPart,
        installations: &BTreeSet<usize>,
        handed_on: &BTreeMap<&str, bool>,
    ) -> Option<Vec<TextEdit>> {
        let does_more = script.installations().any(|index| !installations.contains(&index))
            || script.commands.iter().zip(&script.uses).any(|(command, command_use)| {
                // A message may tell the host something, as `::add-mask::` does.
                let is_told = command.words.iter().any(|word| word.raw.contains("::"))
                    && matches!(command_use, CommandUse::Neutral);
                let is_more =
                    matches!(command_use, CommandUse::Other) || command.is_redirected || is_told;
                is_more && !command.is_substitution && !is_installation(command)
            });
        if !does_more && handed_on.is_empty() {
            return None;
        }
        let text = self.script(step)?;
        let is_gone = |index: &usize| {
            let is_installed = |index: usize| installations.contains(&index);
            script.step_call(*index).is_some()
                || is_installed(*index)
                || script.is_piped_installer(*index) && is_installed(*index - 1)
        };
        let removed = (0..script.commands.len()).filter(is_gone).collect();
        let mut edits = removals(text, script, &removed);
        edits.extend(self.proposals(step, script));
        let line = |(name, is_needed): (&&str, &bool)| {
            handing_line(name, script.is_token(name), *is_needed)
        };
        let mut lines: String = handed_on.iter().map(line).collect();
        if lines.is_empty() && self.ends_otherwise(step, script, &removed) {
            lines = "true\n".to_owned();
        }
        if !lines.is_empty() {
            let is_open = !text.ends_with('\n');
            let lines = if is_open { format!("\n{lines}") } else { lines };
            edits.push(TextEdit::new(text.len()..text.len(), lines));
        }
        Some(edits)
    }

    /// Whether a script without its last calls would end as a command that did not end it.
    fn ends_otherwise(&self, step: usize, script: &ScriptPart, removed: &BTreeSet<usize>) -> bool {
        let commands = &script.commands;
        let is_kept = |index: &usize| !commands[*index].is_substitution && !removed.contains(index);
        let Some(last) = (0..commands.len()).rev().find(is_kept) else { return false };
        let may_fail = is_uncertain(&commands[last])
            || !ends_at_failure(self.shell_of(step))
            || commands.iter().any(|one| failure_switch(one) == Some(false));
        may_fail && removed.iter().any(|index| *index > last && script.step_call(*index).is_some())
    }

    /// The changes that let a script propose a version without the program.
    fn proposals(&self, step: usize, script: &ScriptPart) -> Vec<TextEdit> {
        let is_named = self.may_name_release(&self.environment_of(step));
        let proposal = if is_named { NAMED_RELEASE } else { "git rev-parse HEAD" };
        let commands = script.commands.iter().zip(&script.uses);
        let calls = commands.filter(|(_, one)| matches!(one, CommandUse::Call));
        calls.map(|(command, _)| TextEdit::new(command.span.clone(), proposal)).collect()
    }

    /// What the steps of a group have that its last one lacks.
    fn additions(&self, group: &StepGroup) -> StepAdditions {
        let last = group.last().0;
        let mut known: BTreeSet<_> =
            self.steps[last].environment().into_iter().map(|(name, _)| name).collect();
        let mut environment = Vec::new();
        for (step, _) in &group.calls {
            for (name, line) in self.steps[*step].environment() {
                if known.insert(name) {
                    environment.push(line.to_owned());
                }
            }
        }
        StepAdditions { environment, is_tolerated: group.is_tolerated() }
    }
}

/// The installations of a script that nothing needs.
fn removable_installations(
    step: usize,
    script: &ScriptPart,
    needs: &ProgramNeeds,
) -> BTreeSet<usize> {
    let is_needed = |index: &usize| needs.reason(script, (step, *index)).is_some();
    script.installations().filter(|index| !is_needed(index)).collect()
}

fn installs_only(script: &ScriptPart) -> bool {
    let installs = script.commands.iter().any(is_installation);
    installs
        && script.commands.iter().zip(&script.uses).all(|(command, one)| {
            let is_said = is_harmless(command) || is_installation(command);
            matches!(one, CommandUse::Neutral) && !(command.is_redirected && is_said)
        })
}

/// What proposes a version, where a variable may.
const NAMED_RELEASE: &str = "{ printenv SENTRY_RELEASE | grep . || git rev-parse HEAD; }";

/// Inputs that a call fails without, where a step would take another value.
const NEEDED: &[&str] =
    &["release", "environment", "org", "projects", "sourcemaps", "url", "auth-token", "headers"];

/// The variables that a script hands on, and whether its first call fails where it is empty.
fn handed_on<'a>(own: &[ConvertedStep<'a>]) -> BTreeMap<&'a str, bool> {
    let mut names = BTreeMap::new();
    for (index, (group, converted)) in own.iter().enumerate() {
        for name in &converted.handed_on {
            let value = format!("${{{{ env.{} }}}}", handed_name(name));
            let mut inputs = converted.with.iter();
            let is_needed =
                inputs.any(|(input, text)| *text == value && NEEDED.contains(&input.as_str()));
            *names.entry(name.as_str()).or_default() |=
                index == 0 && is_needed && !group.is_tolerated();
        }
    }
    names
}

/// The lines that hand a variable to later steps. A line end in its value would set another one.
fn handing_line(name: &str, is_token: bool, is_needed: bool) -> String {
    let needed = if is_needed { format!(": \"${{{name}:?}}\"\n") } else { String::new() };
    let mask = if is_token { format!("echo \"::add-mask::${name}\"\n") } else { String::new() };
    let value = format!("$(printf %s \"${name}\" | tr -d '\\r\\n')");
    format!("{needed}{mask}echo \"{}={value}\" >> \"$GITHUB_ENV\"\n", handed_name(name))
}
