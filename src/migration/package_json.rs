//! The scripts of a `package.json`.

use super::MigrationNote;
use super::edit::{TextEdit, apply};
use super::line_index::LineIndex;
use super::script_session::ScriptSession;
use super::shell_reader;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What of the file is read: each script as it is written.
#[derive(Deserialize)]
struct PackageScripts<'a> {
    #[serde(borrow, default)]
    scripts: BTreeMap<String, &'a RawValue>,
}

/// The line of the first script that is nested too deep to be read.
pub(super) fn excess_line(source: &str) -> Option<usize> {
    let package: PackageScripts<'_> = serde_json::from_str(source).ok()?;
    let is_too_deep = |raw: &&&RawValue| {
        let text = serde_json::from_str::<String>(raw.get()).unwrap_or_default();
        shell_reader::excess_nesting(&text).is_some()
    };
    let raw = package.scripts.values().find(is_too_deep)?;
    Some(LineIndex::new(source).line(raw.get().as_ptr().addr() - source.as_ptr().addr()))
}

/// Rewrites the scripts; `None` if the file is no JSON with scripts.
pub(super) fn edits(source: &str, notes: &mut Vec<MigrationNote>) -> Option<Vec<TextEdit>> {
    let package: PackageScripts<'_> = serde_json::from_str(source).ok()?;
    let lines = LineIndex::new(source);
    let mut edits = Vec::new();
    for raw in package.scripts.values() {
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else { continue };
        // The values are parts of the source.
        let start = raw.get().as_ptr().addr() - source.as_ptr().addr();
        let line = lines.line(start);
        let session = ScriptSession::new([text.as_str()].into_iter());
        notes.extend(session.notes(0, |_| line));
        let changes = session.edits(0);
        if !changes.is_empty() {
            let text = serde_json::to_string(&apply(&text, &changes)).ok()?;
            edits.push(TextEdit::new(start..start + raw.get().len(), text));
        }
    }
    Some(edits)
}
