//! Commands that go from a shell script, with what joins them to others.

use super::edit::TextEdit;
use super::script_part::ScriptPart;
use super::shell_reader::CommandSeparator;
use std::collections::BTreeSet;
use std::ops::Range;

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
