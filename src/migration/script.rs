//! A shell script with its calls replaced in their places.

use super::edit::TextEdit;
use super::plan::StepGroup;
use super::program;
use super::script_part::{CommandUse, ScriptPart};
use super::shell_reader::CommandSeparator;
use crate::sentry_cli::StepInputs;
use std::collections::BTreeSet;
use std::ops::Range;

/// The command that takes a call as it is.
const AS_IT_IS: &str = "finishline sentry-cli";

/// The changes to one script: each group that ends in it is one command, and its other calls go.
pub(super) fn edits(
    text: &str,
    part: usize,
    script: &ScriptPart,
    groups: &[StepGroup],
) -> Vec<TextEdit> {
    let mut edits = Vec::new();
    let mut removed = BTreeSet::new();
    for group in groups {
        removed.extend(group.calls.iter().filter(|(of, _)| *of == part).map(|(_, index)| *index));
        let (of, last) = group.last();
        if of == part {
            removed.remove(&last);
            let line = command_line(&group.inputs);
            edits.push(TextEdit::new(script.commands[last].span.clone(), line));
        }
    }
    edits.extend(removals(text, script, &removed));
    for (command, command_use) in script.commands.iter().zip(&script.uses) {
        if matches!(command_use, CommandUse::Call)
            && let Some(found) = program::find(command)
        {
            edits.push(TextEdit::new(found.program, AS_IT_IS));
        }
    }
    edits
}

/// The command of ours that is one step.
fn command_line(inputs: &StepInputs) -> String {
    let mut variables = String::new();
    let is_of_release = inputs.is_of_release();
    let mut line =
        String::from(if is_of_release { "finishline run" } else { "finishline sourcemaps" });
    let mut folders = String::new();
    for (name, value) in inputs.values() {
        match (name, value.as_str()) {
            ("auth-token", value) => variables.push_str(&format!("SENTRY_AUTH_TOKEN={value} ")),
            ("headers", value) => variables.push_str(&format!("FINISHLINE_HEADERS={value} ")),
            ("sourcemaps", value) if !is_of_release => {
                let is_plain = !value.contains(['"', '\'', '$']);
                folders = if is_plain { value.replace(',', " ") } else { value.to_owned() };
            }
            (name, "true") => line.push_str(&format!(" --{name}")),
            (name, "false") => line.push_str(&format!(" --{name}=false")),
            (name, value) => line.push_str(&format!(" --{name} {value}")),
        }
    }
    // A variable of the job that names an environment would be a deploy.
    if is_of_release && inputs.get("environment").is_none() {
        line.push_str(" --deploy=false");
    }
    if !folders.is_empty() {
        line.push_str(&format!(" {folders}"));
    }
    variables + &line
}

/// The changes that take commands out of a script, with what joins them to others.
pub(super) fn removals(
    text: &str,
    script: &ScriptPart,
    removed: &BTreeSet<usize>,
) -> Vec<TextEdit> {
    let lists = lists(script);
    lists.iter().flat_map(|list| removals_of_list(text, script, list, removed)).collect()
}

/// The commands that `&&` and `||` join, and an installer with the pipe to it, by their places.
fn lists(script: &ScriptPart) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = Vec::new();
    let commands = script.commands.iter().enumerate();
    for (index, command) in commands.filter(|(_, one)| !one.is_substitution) {
        let is_joined = matches!(command.before, CommandSeparator::And | CommandSeparator::Or)
            || script.is_piped_installer(index);
        match lists.last_mut().filter(|_| is_joined) {
            Some(list) => list.push(index),
            None => lists.push(vec![index]),
        }
    }
    lists
}

fn removals_of_list(
    text: &str,
    script: &ScriptPart,
    list: &[usize],
    removed: &BTreeSet<usize>,
) -> Vec<TextEdit> {
    let commands = &script.commands;
    let mut gone: Vec<bool> = list.iter().map(|index| removed.contains(index)).collect();
    for at in 1..list.len() {
        // What is done when a call fails goes with it.
        let is_fallback = commands[list[at]].before == CommandSeparator::Or;
        let is_tolerated = script.step_call(list[at - 1]).is_some_and(|step| step.is_tolerated);
        gone[at] |= is_fallback && is_tolerated && gone[at - 1];
    }
    let span = |at: usize| &commands[list[at]].span;
    let Some(first_kept) = gone.iter().position(|gone| !gone) else {
        let whole = span(0).start..span(list.len() - 1).end;
        return vec![TextEdit::new(statement(text, whole), "")];
    };
    let edit = |at: usize| {
        let range = match at < first_kept {
            true => span(at).start..span(at + 1).start,
            false => operator_between(text, span(at - 1).end..span(at).start)..span(at).end,
        };
        TextEdit::new(range, "")
    };
    (0..list.len()).filter(|at| gone[*at]).map(edit).collect()
}

/// Where the sign between two commands begins that joins them, with the blanks before it.
fn operator_between(text: &str, range: Range<usize>) -> usize {
    let between = &text[range.clone()];
    let operator = between.rfind("&&").max(between.rfind("||")).or_else(|| between.rfind('|'));
    let blanks = [' ', '\t', '\\', '\n', '\r'];
    range.start + between[..operator.unwrap_or(between.len())].trim_end_matches(blanks).len()
}

/// A statement with its line if it is alone there, else with the `;` behind it.
fn statement(text: &str, span: Range<usize>) -> Range<usize> {
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let rest = &text[span.end..];
    let line_end = rest.find('\n').map_or(text.len(), |at| span.end + at + 1);
    let behind = text[span.end..line_end].trim();
    let behind = behind.strip_prefix(';').unwrap_or(behind).trim();
    let is_first = text[line_start..span.start].trim().is_empty();
    if is_first && (behind.is_empty() || behind.starts_with('#')) {
        return line_start..line_end;
    }
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t', ';']).len();
    if is_first {
        return span.start..span.end + blanks;
    }
    let start = text[..span.start].trim_end_matches([' ', '\t', ';']).len();
    start..span.end
}
