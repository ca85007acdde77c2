//! Steps that use action-release.

use super::MigrationNote;
use super::action_variables::VariableReader;
use super::edit::TextEdit;
use super::workflow_step::{ACTION, StepText};
use super::yaml_tree::YamlNode;
use crate::inputs::compat::{NameMeaning, OTHER_NAMES};
use crate::inputs::table::InputSpec;
use crate::text::quote;

/// Names that action-release does not have, and that ours refuses or takes by name.
const ACTION_INPUTS: &[&str] = &[
    "environment",
    "release",
    "version",
    "projects",
    "finalize",
    "started_at",
    "release_prefix",
    "version_prefix",
    "set_commits",
    "repo",
    "commit",
    "previous_commit",
    "ignore_missing",
    "ignore_empty",
    "sourcemaps",
    "inject",
    "dist",
    "url_prefix",
    "strip_common_prefix",
    "working_directory",
    "disable_telemetry",
    "disable_safe_directory",
    "project",
    "org",
    "auth_token",
    "sentry_token",
    "sourcemap",
];

/// What is the matter with an input that action-release does not have, and what to do.
fn foreign_input(name: &str) -> (String, &'static str) {
    let lower = name.to_ascii_lowercase();
    let other = OTHER_NAMES.iter().find(|other| other.name == lower);
    let has_effect = other.is_some_and(|other| !matches!(other.meaning, NameMeaning::Replaced(_)));
    match InputSpec::find(&lower).is_some() || has_effect {
        true => (
            format!("`{name}` has no effect in action-release, and has one in finishline"),
            "keep the line if you mean what it says, and remove it otherwise",
        ),
        false => (
            format!("`{name}` is no input of action-release, nor of finishline"),
            "remove the line",
        ),
    }
}

/// The changes of a step that uses action-release: all its inputs have the same names here.
pub(super) fn edits(
    step: &StepText<'_>,
    is_composite: bool,
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let Some(edit) = edit(step, notes) else { return Vec::new() };
    let injects = injects_by_default(step);
    let inputs = VariableReader { step, is_composite, injects }.inputs_edit(notes);
    std::iter::once(edit).chain(inputs).collect()
}

/// What is to be known where the step names no version, and its default may be another commit.
pub(super) fn version_note(step: &StepText<'_>, has_variable: bool) -> Option<MigrationNote> {
    let given = ["release", "version"].iter().filter_map(|name| step.input(name)?.text());
    let is_named = has_variable || given.into_iter().any(|text| !text.trim().is_empty());
    let message = "without `release`, finishline may take another version than action-release, which takes \
        the checked-out commit: at pull requests, the head and not the merge commit";
    (!is_named).then(|| MigrationNote::advice(step.node.line, message))
}

fn edit(step: &StepText<'_>, notes: &mut Vec<MigrationNote>) -> Option<TextEdit> {
    let uses = step.node.get("uses")?;
    let name = uses.text()?.split('@').next()?;
    name.eq_ignore_ascii_case("getsentry/action-release").then_some(())?;
    for (key, value) in step.node.get("with").map_or(&[][..], YamlNode::map) {
        let name = key.text().unwrap_or_default();
        let text = value.text().unwrap_or_default();
        if !ACTION_INPUTS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let (message, hint) = foreign_input(name);
            notes.push(MigrationNote::untranslated(key.line, message, hint));
        }
        let is_known = matches!(text, "" | "auto" | "skip" | "manual") || text.contains("${{");
        if name.eq_ignore_ascii_case("set_commits") && !is_known {
            let message = format!("`set_commits` is {}", quote(text));
            notes.push(MigrationNote::untranslated(
                key.line,
                message,
                "use `auto`, `skip` or `manual`",
            ));
        }
    }
    if step.value("if").is_some_and(|condition| condition.contains("SENTRY_AUTH_TOKEN")) {
        let line = step.node.entry("if").map_or(uses.line, |(key, _)| key.line);
        let message =
            "`without-token: skip` in `with:` does what this condition does for the token";
        notes.push(MigrationNote::advice(line, message));
    }
    // The version in a comment is that of the other action.
    let comment = version_comment(step, uses).filter(|comment| major_version(comment).is_some());
    let end = comment.map_or(uses.range.end, |comment| {
        let at = step.source[uses.range.end..].find(comment).unwrap_or_default();
        uses.range.end + at + comment.len()
    });
    Some(TextEdit::new(uses.range.start..end, ACTION))
}

/// The version of action-release that began to inject debug ids by itself.
const FIRST_INJECTING: u32 = 3;

/// Whether the step's version of action-release injects debug ids where it is not told to; none where that
/// cannot be told.
fn injects_by_default(step: &StepText<'_>) -> Option<bool> {
    let uses = step.node.get("uses")?;
    let (_, reference) = uses.text()?.split_once('@')?;
    let comment = || version_comment(step, uses).and_then(major_version);
    // A whole hash may begin with a digit.
    let version = major_version(reference).filter(|_| reference.len() < 40).or_else(comment);
    let is_newest = matches!(reference, "master" | "main");
    version.map(|version| version >= FIRST_INJECTING).or(is_newest.then_some(true))
}

/// The comment behind the action's name.
fn version_comment<'a>(step: &StepText<'a>, uses: &YamlNode) -> Option<&'a str> {
    let rest = step.source[uses.range.end..].lines().next()?;
    rest.trim_start().strip_prefix('#').map(str::trim)
}

/// The first number of `v3.1`, `3` or `tag=v3`.
fn major_version(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches("tag=").trim_start_matches('v');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}
