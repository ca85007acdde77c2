//! Warnings and failures: annotations where the host has them, lines of standard error elsewhere.

use super::plain_text::{error_lines, page_line, with_entry_title};
use super::{OutputSinks, StdoutKind, WriteOp, azure, color, github};
use crate::error::Warning;
use crate::inputs::types::ToleratedExit;
use crate::job::Host;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::text::neutral::without_links;
use crate::text::one_line;
use std::collections::HashSet;

impl OutputSinks {
    /// Warnings and the failure on standard error; annotations where the host has them.
    pub fn diagnostics(&self, outcome: &Outcome) -> Vec<WriteOp> {
        if outcome.entries.is_empty() {
            return self.diagnostics_of(outcome);
        }
        let of_entries: HashSet<_> =
            outcome.entries.iter().flat_map(|entry| &entry.outcome.warnings).collect();
        let own = outcome.warnings.iter().filter(|warning| !of_entries.contains(warning));
        let entries = outcome.entries.iter().map(with_entry_title);
        let of_entries = entries.flat_map(|titled| self.diagnostics_of(&titled));
        own.map(|warning| self.warning(warning)).chain(of_entries).collect()
    }

    fn warning(&self, warning: &Warning) -> WriteOp {
        self.annotation("warning", warning.slug, &[one_line(&warning.message)])
    }

    fn diagnostics_of(&self, outcome: &Outcome) -> Vec<WriteOp> {
        let mut notes: Vec<_> =
            outcome.warnings.iter().map(|warning| self.warning(warning)).collect();
        // A person at a terminal reads what waits for them on standard output.
        let is_shown = outcome.status == OutcomeStatus::ActionRequired && self.host == Host::Local;
        if let Some(failure) = outcome.failure.as_ref().filter(|_| !is_shown) {
            let kind = if outcome.tolerated { "warning" } else { "error" };
            let lines = error_lines(failure, &self.exit_note(outcome));
            notes.push(self.note(kind, failure.code.slug(), &lines, &page_line(failure)));
        }
        notes
    }

    /// What the host will do with the exit code, and how to have it otherwise.
    fn exit_note(&self, outcome: &Outcome) -> String {
        let number = outcome.exit().number();
        // A call of sentry-cli has its exit codes, and its flag for this.
        if self.stdout_kind == StdoutKind::CallReport && number != 0 {
            return "(exit 1; `--allow-failure` lets the job continue)".to_owned();
        }
        match &outcome.failure {
            Some(failure) if failure.is_tolerable() && number != 0 && self.host.is_ci() => {
                let exit = outcome.exit();
                let word = ToleratedExit::ALL.into_iter().find(|word| word.covers(exit));
                let word = word.unwrap_or(ToleratedExit::All).as_str();
                format!("(exit {number} fails the job; `tolerate: {word}` lets it continue)")
            }
            _ => format!("(exit {number})"),
        }
    }

    pub(super) fn annotation(&self, kind: &str, slug: &str, lines: &[String]) -> WriteOp {
        self.note(kind, slug, lines, "")
    }

    /// One annotation, or a line with more lines below it; the last one is our own words.
    fn note(&self, kind: &str, slug: &str, lines: &[String], last: &str) -> WriteOp {
        let words = github::neutralize_commands(&lines.join("\n"));
        // Where it is an annotation, the host makes a link of an address.
        let data = without_links(&words) + last;
        if self.host.is_github_like() {
            let title = format!("finishline: {slug}");
            return self.host_command(github::command(kind, &[("title", &title)], &data));
        }
        if self.host == Host::Azure {
            let properties = [("type", kind), ("code", slug)];
            return self.host_command(azure::command("task.logissue", &properties, &data));
        }
        let shown = if self.colors_notes { color::note_kind(kind) } else { kind.to_owned() };
        WriteOp::Stderr(format!("{shown}: {}\n", (words + last).replace('\n', "\n  ")))
    }
}
