//! Why steps of a workflow stay as they are.

use super::command_effect::{is_uncertain, runs_text};
use super::failure_mode::failure_switch;
use super::harmless_command::{is_harmless, never_fails};
use super::plan::StepGroup;
use super::script_part::{CommandUse, JobPart, ScriptPart, is_installation};
use super::shell_reader::ShellCommand;
use super::shell_word::has_dollar_quote;
use super::workflow_job::{JobSteps, is_proposal, scripts};
use crate::text::quote;
use std::collections::{BTreeMap, BTreeSet};

/// Why a step stays as it is: the line, what is the matter, and what to do.
pub(super) type StuckStep = (usize, String, String);

/// Why the calls of a step that runs or goes on after a failure are no steps of their own.
const GOES_ON: (&str, &str) = (
    "the step runs or goes on after a failure, and a step of its own for the calls would run although a \
     command before them failed",
    "give the calls a step whose `if:` asks for the outcome of this one",
);

/// How many steps one script may become.
const MAX_STEPS: usize = 100;

/// The steps of which a file reads something, by their ids; `*` for any.
pub(super) fn read_steps(source: &str) -> BTreeSet<&str> {
    let behind = source.match_indices("steps").map(|(at, word)| &source[at + word.len()..]);
    behind.filter_map(read_step).collect()
}

/// The step that an expression reads, from behind the word.
fn read_step(behind: &str) -> Option<&str> {
    let line = behind.lines().next().unwrap_or_default();
    if let Some(rest) = line.strip_prefix('.') {
        return rest.split(['.', ' ', '[', '}', ')']).next();
    }
    if let Some(rest) = line.strip_prefix("['").or(line.strip_prefix("[\"")) {
        return rest.split(['\'', '"']).next();
    }
    line.trim_start().starts_with([')', '[']).then_some("*")
}

impl JobSteps<'_> {
    /// The scripts with calls that no step can do.
    pub(super) fn stuck_scripts(&self, parts: &[JobPart]) -> Vec<(usize, StuckStep)> {
        let mut found = Vec::new();
        for (step, script) in scripts(parts).filter(|(_, script)| script.has_calls()) {
            let reason = self.layout_reason(step, script).or_else(|| {
                let of_command = |index: usize| self.command_reason(step, script, index);
                (0..script.commands.len()).find_map(of_command)
            });
            found.extend(reason.map(|reason| (step, reason)));
        }
        found
    }

    fn layout_reason(&self, step: usize, script: &ScriptPart) -> Option<StuckStep> {
        let text = &self.steps[step];
        let line = text.node.line;
        if script.may_end_early() {
            let at = |one: &ShellCommand| matches!(one.word(0), "exit" | "return" | "exec");
            let command = script.commands.iter().find(|one| at(one))?;
            let message = "the script may end here, before or after its calls";
            let hint = "write the condition as `if:` of a step; `without-token: skip` ends a run that has no token";
            return Some((
                self.line(step, command.span.start),
                message.to_owned(),
                hint.to_owned(),
            ));
        }
        if !text.is_block() {
            let message = "the step is written in braces, or something else follows its dash";
            return Some((
                line,
                message.to_owned(),
                "write each key on a line of its own".to_owned(),
            ));
        }
        if let Some(reason) = self.order_reason(step, script) {
            return Some(reason);
        }
        let decides = |one: &&ShellCommand| is_uncertain(one) && failure_switch(one).is_some();
        if let Some(command) = script.commands.iter().find(decides) {
            let message = "a condition decides here whether the script ends at a failure";
            let hint = "write the steps by hand".to_owned();
            return Some((self.line(step, command.span.start), message.to_owned(), hint));
        }
        let shell = self
            .shell_of(step)
            .filter(|shell| !shell.starts_with("bash") && !shell.starts_with("sh"))?;
        let message = format!("the calls are in a script of {}", quote(shell));
        Some((line, message, "write the step by hand".to_owned()))
    }

    /// Why the calls cannot go behind the rest of the script.
    fn order_reason(&self, step: usize, script: &ScriptPart) -> Option<StuckStep> {
        let text = &self.steps[step];
        let is_status =
            |word: &str| ["$?", "${?}", "PIPESTATUS"].iter().any(|name| word.contains(name));
        let reads = |one: &&ShellCommand| {
            one.words.iter().any(|word| is_status(&word.raw))
                || one.assignments.iter().any(|(_, value)| is_status(value))
        };
        if let Some(command) = script.commands.iter().find(reads) {
            let message = "the script reads how a command ended, which may be one of its calls";
            let hint = "write the steps by hand, with `if:` and `outcome`".to_owned();
            return Some((self.line(step, command.span.start), message.to_owned(), hint));
        }
        let may_fail = |(command, one): (&ShellCommand, &CommandUse)| {
            let is_other = matches!(one, CommandUse::Other | CommandUse::Neutral);
            let is_own = command.is_substitution || is_installation(command);
            is_other && !is_own && !never_fails(command)
        };
        let mut commands = script.commands.iter().zip(&script.uses);
        (script.goes_on && commands.any(may_fail))
            .then(|| (text.node.line, GOES_ON.0.to_owned(), GOES_ON.1.to_owned()))
    }

    fn command_reason(&self, step: usize, script: &ScriptPart, index: usize) -> Option<StuckStep> {
        let command = &script.commands[index];
        if matches!(script.uses[index], CommandUse::Other | CommandUse::Neutral) {
            return None;
        }
        let line = self.line(step, command.span.start);
        match &script.uses[index] {
            CommandUse::Refused(error) => Some((line, error.message.clone(), error.hint.clone())),
            // The commit, which any script has without it.
            CommandUse::Call if command.is_substitution && is_proposal(command) => None,
            CommandUse::Call if command.words.iter().any(|word| has_dollar_quote(&word.raw)) => {
                let message = "this call has a quote that not every shell knows, as in `$'…'`";
                Some((line, message.to_owned(), "write the text in `'…'` or `\"…\"`".to_owned()))
            }
            CommandUse::Call => {
                let message =
                    "this call is part of a condition, a pipe or a command line that is no step";
                Some((line, message.to_owned(), "write the step by hand".to_owned()))
            }
            CommandUse::Step(_) => self.id_reason(step, line),
            CommandUse::Other | CommandUse::Neutral => None,
        }
    }

    /// A step whose outputs are read stays.
    fn id_reason(&self, step: usize, line: usize) -> Option<StuckStep> {
        let id = self.steps[step].value("id")?;
        let message = format!("other steps read the outputs of the step `{id}`");
        self.is_read(step)
            .then(|| (line, message, "move the calls into a step of their own".to_owned()))
    }

    /// The scripts that would be more steps than anybody reads.
    pub(super) fn crowded_scripts(&self, groups: &[StepGroup]) -> Vec<(usize, StuckStep)> {
        let mut counts = BTreeMap::new();
        groups.iter().for_each(|group| *counts.entry(group.last().0).or_insert(0) += 1);
        let goes_on = |step: &usize| self.goes_on(*step);
        let crowded = counts
            .into_iter()
            .filter(|(step, count)| *count > MAX_STEPS || *count > 1 && goes_on(step));
        let reason = |(step, count): (usize, usize)| {
            if count <= MAX_STEPS {
                let line = self.steps[step].node.line;
                return (step, (line, GOES_ON.0.to_owned(), GOES_ON.1.to_owned()));
            }
            let message =
                format!("this script would be {count} steps, and at most {MAX_STEPS} are made");
            let hint = "call `finishline` in a script of its own".to_owned();
            (step, (self.line(step, 0), message, hint))
        };
        crowded.map(reason).collect()
    }

    /// Why a group is no step, whatever its inputs are.
    pub(super) fn group_reason(
        &self,
        group: &StepGroup,
        maker: Option<&StepGroup>,
        parts: &[JobPart],
    ) -> Option<StuckStep> {
        let (message, hint) = if let Err(problem) = self.other_projects(group, maker, parts) {
            problem
        } else if group.has_condition() {
            let message = "another command decides whether this is called";
            (message, "write the condition as `if:` of a step")
        } else {
            place_reason(group, parts)?
        };
        let line = self.line_of(group.last(), parts);
        Some((line, message.to_owned(), hint.to_owned()))
    }
}

/// Why a step of its own is not the same as the calls in a script.
fn place_reason(group: &StepGroup, parts: &[JobPart]) -> Option<(&'static str, &'static str)> {
    let (step, last) = group.last();
    let JobPart::Script(script) = &parts[step] else { return None };
    let before = &script.commands[..last];
    let moves = |one: &ShellCommand| matches!(one.word(0), "cd" | "pushd" | "popd");
    if before.iter().any(moves) {
        let message = "the script changes its folder before this call";
        return Some((message, "set `working-directory` instead"));
    }
    let message =
        "the script runs a text or a function before this call, which may set any variable";
    runs_text(before).then_some((message, "set the variables in `env:`"))
}

/// Whether the step of a group stands before the rest of the script, where that may need what it does:
/// then nothing may stand before its calls that the step needs.
pub(super) fn is_before(
    group: &StepGroup,
    is_computed: bool,
    parts: &[JobPart],
) -> Result<bool, (&'static str, &'static str)> {
    let (step, last) = group.last();
    let JobPart::Script(script) = &parts[step] else { return Ok(false) };
    let has_names = script.commands.iter().any(|one| one.is_definition || one.word(0) == "alias");
    let passes = |index: usize| {
        let command = &script.commands[index];
        script.step_call(index).is_some()
            || command.is_substitution
            || is_installation(command)
            || script.is_piped_installer(index)
            || is_harmless(command) && !has_names
    };
    let first = group.calls.iter().find(|(of, _)| *of == step).map_or(last, |(_, index)| *index);
    if (last + 1..script.commands.len()).all(passes) {
        Ok(false)
    } else if !is_computed && (0..first).all(passes) {
        Ok(true)
    } else {
        let message = "commands follow this call in the same script, and may need what it does";
        Err((message, "move them into a step behind it"))
    }
}
