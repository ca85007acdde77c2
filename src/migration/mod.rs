//! Files that use sentry-cli or action-release, rewritten for finishline.
//!
//! Only the calls change: the rest of a file stays byte for byte. What cannot be translated stays
//! too, and a note names its line.

mod action_release;
mod call_target;
mod command_effect;
mod edit;
mod leftovers;
mod package_json;
mod plan;
mod program;
mod script;
mod script_part;
mod shell_reader;
mod shell_state;
mod shell_word;
pub mod starter;
mod workflow;
mod workflow_exports;
mod workflow_job;
mod workflow_projects;
mod workflow_reasons;
mod workflow_step;
mod workflow_values;
mod yaml_scripts;
mod yaml_tree;

use crate::error::Error;
use edit::TextEdit;
use script_part::{JobPart, ScriptPart};
use similar::TextDiff;
use yaml_tree::YamlNode;

/// A file as it is to be.
#[derive(Debug, PartialEq, Eq)]
pub struct FileMigration {
    /// The new text.
    pub text: String,
    /// What the reader should know, in the order of the lines.
    pub notes: Vec<MigrationNote>,
}

/// What is to be known of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationNote {
    /// The line in the file as it was, from 1.
    pub line: usize,
    /// What is the matter with it.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether it could not be translated and stays as it was.
    pub is_untranslated: bool,
}

impl MigrationNote {
    fn refused(line: usize, error: &Error) -> Self {
        let (message, hint) = (error.message.clone(), error.hint.clone());
        Self { line, message, hint, is_untranslated: true }
    }

    fn untranslated(line: usize, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { line, message: message.into(), hint: hint.into(), is_untranslated: true }
    }

    fn advice(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into(), hint: String::new(), is_untranslated: false }
    }
}

/// How a file is read.
enum FileKind {
    Workflow(Vec<YamlNode>),
    Yaml(Vec<YamlNode>),
    Package,
    Script,
    Unknown,
}

/// Rewrites the text of the file called `name`.
pub fn migrate(name: &str, text: &str) -> FileMigration {
    if !text.contains("sentry") {
        return FileMigration { text: text.to_owned(), notes: Vec::new() };
    }
    // Lines that all end as on Windows do so afterwards.
    let is_windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    let old = if is_windows { text.replace("\r\n", "\n") } else { text.to_owned() };
    let mut notes = Vec::new();
    let edits = match file_kind(name, &old) {
        FileKind::Workflow(documents) => workflow::edits(&old, &documents, &mut notes),
        FileKind::Yaml(documents) => yaml_scripts::edits(&old, &documents, &mut notes),
        FileKind::Package => package_json::edits(&old, &mut notes).unwrap_or_default(),
        FileKind::Script => script_edits(&old, &mut notes),
        FileKind::Unknown => Vec::new(),
    };
    let new = edit::apply(&old, &edits);
    notes.extend(leftovers::find(&old, &new, &notes));
    notes.sort_by_key(|note| note.line);
    notes.dedup();
    let text = if is_windows { new.replace('\n', "\r\n") } else { new };
    FileMigration { text, notes }
}

fn script_edits(text: &str, notes: &mut Vec<MigrationNote>) -> Vec<TextEdit> {
    let commands = shell_reader::read(text);
    let mut parts = [JobPart::Script(ScriptPart::new(commands, String::new()))];
    let groups = plan::plan(&mut parts);
    let [JobPart::Script(part)] = &parts else { return Vec::new() };
    notes.extend(yaml_scripts::script_notes(part, |at| edit::line_number(text, at)));
    script::edits(text, 0, part, &groups)
}

fn file_kind(name: &str, text: &str) -> FileKind {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "yml" | "yaml" => match yaml_tree::read(text) {
            Some(documents) if documents.iter().any(workflow::is_workflow) => {
                FileKind::Workflow(documents)
            }
            Some(documents) => FileKind::Yaml(documents),
            None => FileKind::Unknown,
        },
        "json" => FileKind::Package,
        "sh" | "bash" | "zsh" | "ksh" => FileKind::Script,
        _ if text.starts_with("#!")
            && text.lines().next().is_some_and(|line| line.contains("sh")) =>
        {
            FileKind::Script
        }
        _ => FileKind::Unknown,
    }
}

/// The difference of two texts of a file, as `patch` and `git apply` take it; empty if there is none.
pub fn unified_diff(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
