//! The outcome as JSON: what `--format json` prints and the `result` output carries.

use super::plan_text;
use crate::model::RecordId;
use crate::outcome::{EntryOutcome, Outcome, OutcomeStatus};
use crate::text::page::PageUrl;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const LARGEST_RESULT: usize = 64 * 1024;

/// The whole result as JSON of a shape of its own.
pub(crate) fn result(outcome: &Outcome) -> Value {
    let mut result = result_fields(outcome);
    if !outcome.entries.is_empty() {
        let entry = |entry: &EntryOutcome| {
            let mut fields = result_fields(&entry.outcome);
            fields["entry"] = json!(entry.key);
            fields["title"] = json!(entry.title);
            fields
        };
        result["entries"] = outcome.entries.iter().map(entry).collect();
        result["exit"] = json!(outcome.exit().number());
    }
    if let Some(unmanaged) = &outcome.unmanaged {
        result["unmanaged"] = unmanaged.iter().map(plan_text::unmanaged_json).collect();
    }
    if let Some(document) = &outcome.document {
        result["manifest"] = json!(document);
    }
    result
}

/// One end as JSON.
pub(crate) fn result_fields(outcome: &Outcome) -> Value {
    let (subject, failure) = (outcome.subject.as_ref(), outcome.failure.as_ref());
    let integration = subject.and_then(|subject| subject.integration.as_ref());
    json!({
        "schema": 1,
        "status": outcome.status.as_str(),
        "changed": outcome.changed,
        "to_do": (outcome.status == OutcomeStatus::Planned).then_some(outcome.has_changes),
        "redirect_url": subject.and_then(|subject| subject.redirect_url.as_ref()).map(PageUrl::as_str),
        "provider": subject.map(|subject| &subject.provider),
        "pipeline_type": pipeline_type(outcome),
        "integration": integration.map(|(id, name)| json!({ "id": id, "name": name })),
        "release": outcome.release.as_ref().map(|release| json!({
            "version": release.version,
            "url": release.url.as_ref().map(PageUrl::as_str),
            "deploy_id": release.deploy_id.as_ref().map(RecordId::as_str),
            "commit_count": release.commit_count,
        })),
        "plan": outcome.plan.as_deref().map(plan_text::json),
        "sourcemaps": outcome.sourcemaps.as_ref().map(|sourcemaps| json!({
            "count": sourcemaps.count,
            "bundle_id": sourcemaps.bundle_id,
        })),
        "error": failure.map(|failure| json!({
            "code": failure.code.slug(),
            "exit": failure.code.exit().number(),
            "message": failure.message,
            "hint": failure.hint,
            "page": failure.code.page(),
            "status": failure.status,
        })),
        "skipped_reason": outcome.skipped_reason,
        "warnings": outcome.warnings.iter()
            .map(|warning| json!({ "slug": warning.slug, "message": warning.message }))
            .collect::<Vec<_>>(),
        "headline": outcome.headline,
        "next": outcome.next_steps,
        "details": outcome.details,
    })
}

pub(crate) fn bounded_result(outcome: &Outcome) -> String {
    let whole = result(outcome).to_string();
    if whole.len() <= LARGEST_RESULT {
        return whole;
    }
    let status = outcome.status.as_str();
    let mut cut =
        json!({ "schema": 1, "truncated": true, "status": status, "changed": outcome.changed });
    if outcome.status == OutcomeStatus::Planned {
        cut["to_do"] = json!(outcome.has_changes);
    }
    cut.to_string()
}

pub(crate) fn pipeline_type(outcome: &Outcome) -> Option<&'static str> {
    Some(outcome.subject.as_ref()?.pipeline_type?.as_str())
}

/// The kinds of the warnings, each once.
pub(crate) fn slugs(outcome: &Outcome) -> Vec<&'static str> {
    let mut slugs: Vec<_> = outcome.warnings.iter().map(|warning| warning.slug).collect();
    let mut seen = BTreeSet::new();
    slugs.retain(|slug| seen.insert(*slug));
    slugs
}
