//! The scripts of a CI file in YAML, whatever the host.

use super::MigrationNote;
use super::edit::TextEdit;
use super::line_index::LineIndex;
use super::script_session::ScriptSession;
use super::yaml_edits::script_edits;
use super::yaml_tree::{YamlNode, YamlValue};

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
                    _ if value.text().is_some() => sessions.push(scalars(value)),
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
    let planned = ScriptSession::new(texts.iter().map(String::as_str));
    let mut edits = Vec::new();
    for (part, (node, text)) in session.iter().zip(&texts).enumerate() {
        let lines = LineIndex::new(text);
        notes.extend(planned.notes(part, |at| node.line_of(lines.line(at))));
        let changes = planned.edits(part);
        if !changes.is_empty() {
            edits.extend(script_edits(source, node, text, &changes));
        }
    }
    edits
}
