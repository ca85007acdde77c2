//! The scripts of a CI file in YAML, whatever the host.

use super::edit::{TextEdit, line_number};
use super::plan;
use super::script;
use super::script_part::{CommandUse, JobPart, ScriptPart};
use super::shell_reader;
use super::yaml_tree::{YamlNode, YamlValue};
use super::{MigrationNote, edit};

/// Keys whose values are no scripts, though they may name the program.
const NO_SCRIPTS: &[&str] = &[
    "name",
    "description",
    "label",
    "title",
    "key",
    "id",
    "image",
    "group",
    "stage",
    "uses",
    "if",
    "needs",
    "paths",
    "changes",
    "depends_on",
    "displayName",
    "task",
    "plugin",
];

/// Rewrites the scripts of the documents; notes what of them is not taken.
pub(super) fn edits(
    source: &str,
    documents: &[YamlNode],
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let mut sessions = Vec::new();
    documents.iter().for_each(|document| collect(document, &mut sessions));
    sessions.iter().flat_map(|session| session_edits(source, session, notes)).collect()
}

/// Finds the scalars that one shell runs, one list for each shell.
fn collect<'a>(node: &'a YamlNode, sessions: &mut Vec<Vec<&'a YamlNode>>) {
    match &node.value {
        YamlValue::Map(entries) => {
            let mut before = Vec::new();
            for (key, value) in entries {
                let key = key.text().unwrap_or_default();
                if NO_SCRIPTS.contains(&key) {
                    continue;
                }
                // GitLab runs both in one shell, wherever each is written.
                match key {
                    "before_script" => before.splice(0..0, scalars(value)).for_each(drop),
                    "script" => before.extend(scalars(value)),
                    _ if matches!(value.value, YamlValue::Scalar(..)) => sessions.push(vec![value]),
                    _ => collect(value, sessions),
                }
            }
            sessions.push(before);
        }
        YamlValue::List(items) => {
            sessions.push(scalars(node));
            items
                .iter()
                .filter(|item| item.text().is_none())
                .for_each(|item| collect(item, sessions));
        }
        _ => {}
    }
}

fn scalars(node: &YamlNode) -> Vec<&YamlNode> {
    match &node.value {
        YamlValue::Scalar(..) => vec![node],
        YamlValue::List(items) => items.iter().flat_map(scalars).collect(),
        _ => Vec::new(),
    }
}

fn session_edits(
    source: &str,
    session: &[&YamlNode],
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let texts: Vec<_> =
        session.iter().map(|node| node.script(source).unwrap_or_default()).collect();
    if !texts.iter().any(|text| text.contains("sentry")) {
        return Vec::new();
    }
    let read =
        |text: &String| JobPart::Script(ScriptPart::new(shell_reader::read(text), String::new()));
    let mut parts: Vec<_> = texts.iter().map(read).collect();
    let groups = plan::plan(&mut parts);
    let mut edits = Vec::new();
    for (part, (node, text)) in session.iter().zip(&texts).enumerate() {
        let JobPart::Script(script) = &parts[part] else { continue };
        let line = |at: usize| node.line_of(line_number(text, at));
        notes.extend(script_notes(script, line));
        let changes = script::edits(text, part, script, &groups);
        if !changes.is_empty() {
            edits.extend(write_back(source, node, &edit::apply(text, &changes)));
        }
    }
    edits
}

/// A changed script in its place; an item of a list that has become empty goes with its line.
fn write_back(source: &str, node: &YamlNode, text: &str) -> Option<TextEdit> {
    if !text.trim().is_empty() {
        return node.rewrite(source, text);
    }
    let line_start = source[..node.range.start].rfind('\n').map_or(0, |at| at + 1);
    let before = source[line_start..node.range.start].trim();
    if before == "-" && !node.is_flow {
        let rest = &source[node.range.end..];
        let line_end = rest.find('\n').map_or(source.len(), |at| node.range.end + at + 1);
        return Some(TextEdit::new(line_start..line_end, ""));
    }
    node.rewrite(source, "true\n")
}

/// What of a script is not taken, and what is not used.
pub(super) fn script_notes(
    script: &ScriptPart,
    line: impl Fn(usize) -> usize,
) -> Vec<MigrationNote> {
    let mut notes = Vec::new();
    for (command, command_use) in script.commands.iter().zip(&script.uses) {
        let line = line(command.span.start);
        match command_use {
            CommandUse::Refused(error) => notes.push(MigrationNote::refused(line, error)),
            CommandUse::Step(step) => {
                let warnings = step.call.warnings.iter();
                notes.extend(warnings.map(|warning| MigrationNote::advice(line, warning.clone())));
            }
            _ => {}
        }
    }
    notes
}
