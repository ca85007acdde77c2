//! What a plan changes, as a table of the job summary; foreign text escaped.

use super::markdown::cell;
use super::plan_text;
use crate::outcome::Outcome;
use crate::outcome::changes::{EntryPlan, PlannedChange};

/// The changes of a plan, a row for each field; of a manifest with the entry before each.
pub(super) fn changes(outcome: &Outcome) -> Vec<String> {
    let rows: Vec<_> = match outcome.entries.is_empty() {
        true => outcome.plan.iter().flat_map(|plan| rows(plan, "")).collect(),
        false => {
            let plans = outcome.entries.iter().filter(|entry| entry.outcome.has_changes);
            let plans = plans.filter_map(|entry| Some((entry, entry.outcome.plan.as_deref()?)));
            plans
                .flat_map(|(entry, plan)| rows(plan, &format!("{} | ", cell(&entry.title))))
                .collect()
        }
    };
    if rows.is_empty() {
        return rows;
    }
    let (first, line) = if outcome.entries.is_empty() { ("", "") } else { ("entry | ", "--- | ") };
    let head = format!("| {first}change | field | there | wanted |");
    [head, format!("| {line}--- | --- | --- | --- |")].into_iter().chain(rows).collect()
}

fn rows(plan: &EntryPlan, entry: &str) -> Vec<String> {
    let of_change = |change: &PlannedChange| -> Vec<String> {
        let what = format!("{} {}", change.action.sign(), cell(&change.words));
        if change.fields.is_empty() {
            return vec![format!("| {entry}{what} | – | – | – |")];
        }
        let fields = change.fields.iter().map(|one| (one.field.as_str(), plan_text::cells(one)));
        let row = |(field, (there, wanted)): (&str, (String, String))| {
            let [field, there, wanted] = [field, &there, &wanted].map(cell);
            format!("| {entry}{what} | {field} | {there} | {wanted} |")
        };
        fields.map(row).collect()
    };
    plan.changes.iter().flat_map(of_change).collect()
}

/// What no entry of the manifest names.
pub(super) fn unmanaged(outcome: &Outcome) -> Vec<String> {
    let all = outcome.unmanaged.iter().flatten();
    let rows: Vec<_> =
        all.map(|one| format!("| {} | {} |", cell(&one.org), cell(&one.words()))).collect();
    if rows.is_empty() {
        return rows;
    }
    let head = ["| organization | unmanaged: no entry names it |", "| --- | --- |"];
    head.into_iter().map(str::to_owned).chain(rows).collect()
}

/// A text that stands on standard output by itself, to the letter.
pub(super) fn document(outcome: &Outcome) -> String {
    let Some(text) = &outcome.document else { return String::new() };
    let ticks = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks.max(2) + 1);
    format!("{fence}yaml\n{text}{fence}\n")
}
