//! The scripts of a CI file in YAML, whatever the host.

use super::MigrationNote;
use super::edit::{TextEdit, apply};
use super::line_index::LineIndex;
use super::script_session::ScriptSession;
use super::yaml_edits::script_edits;
use super::yaml_tree::{YamlNode, YamlValue};
use std::collections::BTreeMap;

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

/// A scalar that a shell runs, with the list that it is an item of.
#[derive(Clone, Copy)]
struct ScriptScalar<'a> {
    node: &'a YamlNode,
    list: Option<&'a YamlNode>,
}

/// Finds the scalars that one shell runs, one list for each shell.
fn collect<'a>(node: &'a YamlNode, sessions: &mut Vec<Vec<ScriptScalar<'a>>>) {
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

fn scalars(node: &YamlNode) -> Vec<ScriptScalar<'_>> {
    fn add<'a>(node: &'a YamlNode, list: Option<&'a YamlNode>, found: &mut Vec<ScriptScalar<'a>>) {
        match &node.value {
            YamlValue::Scalar(..) => found.push(ScriptScalar { node, list }),
            YamlValue::List(items) => items.iter().for_each(|item| add(item, Some(node), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    add(node, None, &mut found);
    found
}

fn session_edits(
    source: &str,
    session: &[ScriptScalar<'_>],
    notes: &mut Vec<MigrationNote>,
) -> Vec<TextEdit> {
    let texts: Vec<_> =
        session.iter().map(|one| one.node.script(source).unwrap_or_default()).collect();
    if !texts.iter().any(|text| text.contains("sentry")) {
        return Vec::new();
    }
    let planned = ScriptSession::new(texts.iter().map(String::as_str));
    let mut changed = Vec::new();
    for (part, (scalar, text)) in session.iter().zip(&texts).enumerate() {
        let lines = LineIndex::new(text);
        let line = |at: usize| scalar.node.line_of(lines.line(at));
        notes.extend(planned.notes(part, line));
        let changes = planned.edits(part, text);
        if !changes.is_empty() {
            changed.push(ChangedScript {
                scalar: *scalar,
                script: text,
                edits: changes,
                is_kept: true,
                is_last: false,
            });
        }
    }
    keep_lists(&mut changed);
    changed.iter().flat_map(|script| script.write_back(source)).collect()
}

/// Leaves a command in each list of which no other item stays: a key without a value is an error.
fn keep_lists(changed: &mut [ChangedScript<'_>]) {
    let mut gone = BTreeMap::new();
    for script in changed {
        script.is_kept = !apply(script.script, &script.edits).trim().is_empty();
        let (Some(list), false) = (script.scalar.list, script.is_kept) else { continue };
        let count = gone.entry((list.range.start, list.range.end)).or_insert(0);
        *count += 1;
        script.is_last = *count == list.list().len();
    }
}

/// A script with its changes.
struct ChangedScript<'a> {
    scalar: ScriptScalar<'a>,
    script: &'a str,
    edits: Vec<TextEdit>,
    /// Whether anything of it stays.
    is_kept: bool,
    /// Whether it is the last of a list of which nothing stays.
    is_last: bool,
}

impl ChangedScript<'_> {
    /// The changes to the file; an item of a list that has become empty goes with its line.
    fn write_back(&self, source: &str) -> Vec<TextEdit> {
        let node = self.scalar.node;
        if self.is_kept {
            return script_edits(source, node, self.script, &self.edits);
        }
        let line_start = source[..node.range.start].rfind('\n').map_or(0, |at| at + 1);
        let before = source[line_start..node.range.start].trim();
        if before == "-" && !node.is_flow && !self.is_last {
            let rest = &source[node.range.end..];
            let line_end = rest.find('\n').map_or(source.len(), |at| node.range.end + at + 1);
            return vec![TextEdit::new(line_start..line_end, "")];
        }
        node.rewrite(source, "true\n").into_iter().collect()
    }
}
