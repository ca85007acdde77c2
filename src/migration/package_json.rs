//! The scripts of a `package.json`.

use super::edit::{TextEdit, apply, line_number};
use super::script_part::{JobPart, ScriptPart};
use super::{MigrationNote, plan, script, shell_reader, yaml_scripts};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What of the file is read: each script as it is written.
#[derive(Deserialize)]
struct PackageScripts<'a> {
    #[serde(borrow, default)]
    scripts: BTreeMap<String, &'a RawValue>,
}

/// Rewrites the scripts; `None` if the file is no JSON with scripts.
pub(super) fn edits(source: &str, notes: &mut Vec<MigrationNote>) -> Option<Vec<TextEdit>> {
    let package: PackageScripts<'_> = serde_json::from_str(source).ok()?;
    let mut edits = Vec::new();
    for raw in package.scripts.values() {
        let Ok(text) = serde_json::from_str::<String>(raw.get()) else { continue };
        // The values are parts of the source.
        let start = raw.get().as_ptr().addr() - source.as_ptr().addr();
        let line = line_number(source, start);
        let commands = shell_reader::read(&text);
        let mut parts = [JobPart::Script(ScriptPart::new(commands, String::new()))];
        let groups = plan::plan(&mut parts);
        let [JobPart::Script(part)] = &parts else { continue };
        notes.extend(yaml_scripts::script_notes(part, |_| line));
        let changes = script::edits(&text, 0, part, &groups);
        if !changes.is_empty() {
            let text = serde_json::to_string(&apply(&text, &changes)).ok()?;
            edits.push(TextEdit::new(start..start + raw.get().len(), text));
        }
    }
    Some(edits)
}
