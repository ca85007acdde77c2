//! Outcomes as plain text for a person.

use super::{color, github, plan_text};
use crate::error::Error;
use crate::outcome::{EntryOutcome, Outcome, OutcomeStatus};
use crate::text::one_line;

/// What failed and what to change; each of several mistakes on lines of its own.
pub(super) fn error_lines(failure: &Error, exit_note: &str) -> Vec<String> {
    let message = |failure: &Error| one_line(&failure.message);
    let hint = |failure: &Error| format!("hint: {}", one_line(&failure.hint));
    if failure.errors.is_empty() {
        return vec![message(failure), format!("{} {exit_note}", hint(failure))];
    }
    let mut lines = vec![format!("{} errors {exit_note}", failure.errors.len())];
    for (index, one) in failure.errors.iter().enumerate() {
        lines.push(format!("- {}", message(one)));
        if failure.errors.get(index + 1).is_none_or(|next| next.hint != one.hint) {
            lines.push(format!("  {}", hint(one)));
        }
    }
    lines
}

/// The last line of a failure: where it is explained.
pub(super) fn page_line(failure: &Error) -> String {
    format!("\nsee: {}", failure.code.page())
}

/// What an entry has to say, with the entry before it.
pub(super) fn with_entry_title(entry: &EntryOutcome) -> Outcome {
    let mut titled = entry.outcome.clone();
    titled.messages_mut().for_each(|message| *message = format!("{}: {message}", entry.title));
    titled
}

/// The result for a person, with nothing in it that a host or a terminal obeys.
pub(super) fn text(outcome: &Outcome, colors: bool) -> String {
    let text = github::neutralize_commands(&whole(outcome));
    if colors { color::plan_changes(&text) } else { text }
}

/// The whole of it; a failure speaks on standard error alone.
fn whole(outcome: &Outcome) -> String {
    if let Some(document) = &outcome.document {
        return document.clone();
    }
    if !outcome.entries.is_empty() {
        return entries_text(outcome);
    }
    if outcome.status == OutcomeStatus::Error {
        return String::new();
    }
    let changes = outcome.plan.iter().flat_map(|plan| plan_text::lines(plan, true));
    let (next_steps, details) = (outcome.next_steps.iter(), outcome.details.iter().cloned());
    let lines = next_steps.cloned().chain(changes).chain(details);
    let lines = lines.map(|line| format!("  {line}\n"));
    std::iter::once(format!("{}\n", outcome.headline)).chain(lines).collect()
}

/// A line for each entry, and what a person does next below it.
fn entries_text(outcome: &Outcome) -> String {
    let mut text = format!("{}\n", outcome.headline);
    for entry in &outcome.entries {
        let end = &entry.outcome;
        text.push_str(&format!("  {}: {}\n", entry.title, end.headline));
        let changes = end.plan.iter().flat_map(|plan| plan_text::lines(plan, end.has_changes));
        changes.for_each(|line| text.push_str(&format!("    {line}\n")));
        let below = if end.has_changes { &end.details } else { &end.next_steps };
        below.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    let unmanaged = outcome.unmanaged.iter().flatten();
    let lines: String = unmanaged.map(|one| format!("  {}: {}\n", one.org, one.words())).collect();
    if !lines.is_empty() {
        text.push_str(&format!("unmanaged, for no entry names it:\n{lines}"));
    }
    text
}
