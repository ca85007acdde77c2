//! A plan for a person and for a program: what is there beside what is wanted.

use crate::outcome::changes::{
    ChangeAction, DifferenceKind, EntryPlan, FieldDifference, PLAN_SCHEMA, PlannedChange,
};
use crate::outcome::unmanaged::UnmanagedThing;
use serde_json::{Value, json};

/// Stands for what is not there, or not wanted.
const NOTHING: &str = "(none)";
/// Stands for a value that is not shown.
const SECRET: &str = "(secret)";

/// The changes as lines; what stays as it is shows only what cannot be told of it.
pub(super) fn lines(plan: &EntryPlan, has_heads: bool) -> Vec<String> {
    let of_change = |change: &PlannedChange| {
        let head = format!("{} {}", change.action.sign(), change.words);
        let indent = if has_heads { "    " } else { "" };
        let fields = field_lines(change).into_iter().map(move |line| format!("{indent}{line}"));
        Some(head).filter(|_| has_heads).into_iter().chain(fields).collect::<Vec<_>>()
    };
    plan.changes.iter().flat_map(of_change).collect()
}

fn field_lines(change: &PlannedChange) -> Vec<String> {
    let line = |one: &FieldDifference| {
        let words = match &one.kind {
            DifferenceKind::Values(None, wanted) if change.action == ChangeAction::Create => {
                shown(wanted.as_deref())
            }
            DifferenceKind::Values(there, wanted) => {
                format!("{} → {}", shown(there.as_deref()), shown(wanted.as_deref()))
            }
            DifferenceKind::SecretDiffers => "differs (secret)".to_owned(),
            DifferenceKind::NewSecret => SECRET.to_owned(),
            DifferenceKind::NotCompared => return None,
        };
        Some(format!("{}: {words}", one.field))
    };
    let unseen: Vec<_> = not_compared(change).collect();
    let unseen = (!unseen.is_empty()).then(|| format!("cannot be compared: {}", unseen.join(", ")));
    change.fields.iter().filter_map(line).chain(unseen).collect()
}

fn not_compared(change: &PlannedChange) -> impl Iterator<Item = &str> {
    let is_unseen = |one: &&FieldDifference| one.kind == DifferenceKind::NotCompared;
    change.fields.iter().filter(is_unseen).map(|one| one.field.as_str())
}

/// A value as it is shown; one whose ends nobody would see is quoted.
fn shown(value: Option<&str>) -> String {
    match value {
        None => NOTHING.to_owned(),
        Some(text) if text.trim() != text || text.is_empty() || text == NOTHING => {
            format!("\"{text}\"")
        }
        Some(text) => text.to_owned(),
    }
}

/// What stands in the columns of a table: there, and wanted.
pub(super) fn cells(one: &FieldDifference) -> (String, String) {
    let words = |text: &str| text.to_owned();
    match &one.kind {
        DifferenceKind::Values(there, wanted) => {
            (shown(there.as_deref()), shown(wanted.as_deref()))
        }
        DifferenceKind::SecretDiffers => (SECRET.to_owned(), words("differs (secret)")),
        DifferenceKind::NewSecret => (NOTHING.to_owned(), SECRET.to_owned()),
        DifferenceKind::NotCompared => (words("not shown"), words("cannot be compared")),
    }
}

/// The plan as JSON of a form of its own.
pub(super) fn json(plan: &EntryPlan) -> Value {
    json!({
        "schema": PLAN_SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "backend": plan.backend,
        "there": plan.there,
        "wanted": plan.wanted,
        "changes": plan.changes.iter().map(change_json).collect::<Vec<_>>(),
    })
}

fn change_json(change: &PlannedChange) -> Value {
    json!({
        "action": change.action.as_str(),
        "kind": change.kind.as_str(),
        "name": change.name,
        "summary": change.words,
        "fields": change.fields.iter().map(field_json).collect::<Vec<_>>(),
    })
}

fn field_json(one: &FieldDifference) -> Value {
    let (there, wanted) = match &one.kind {
        DifferenceKind::Values(there, wanted) => (there.as_deref(), wanted.as_deref()),
        _ => (None, None),
    };
    let is_shown = matches!(one.kind, DifferenceKind::Values(..));
    json!({
        "field": one.field,
        "comparison": one.kind.word(),
        "shown": is_shown,
        "there": there,
        "wanted": wanted,
    })
}

/// What no entry names, as JSON.
pub(super) fn unmanaged_json(one: &UnmanagedThing) -> Value {
    json!({
        "org": one.org,
        "kind": one.kind.as_str(),
        "provider": one.provider,
        "integration": one.integration,
        "name": one.name,
        "status": one.status,
    })
}
