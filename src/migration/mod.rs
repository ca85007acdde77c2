//! Files that use sentry-cli or action-release, rewritten for finishline.
//!
//! Only the calls change: the rest of a file stays byte for byte. What cannot be translated stays
//! too, and a note names its line.

mod action_release;
mod action_variables;
mod client_variables;
mod edit;
mod leftovers;
mod line_diff;
mod line_index;
mod package_json;
mod plain_programs;
mod plan;
mod program;
mod program_probe;
mod pure_script;
mod script_part;
mod script_session;
mod shell_reader;
mod shell_scan;
mod shell_word;
pub mod starter;
mod step_environment;
mod value_error;
mod workflow;
mod workflow_host;
mod workflow_installations;
mod workflow_job;
mod workflow_projects;
mod workflow_reasons;
mod workflow_rewrite;
mod workflow_step;
mod workflow_values;
mod yaml_edits;
mod yaml_scripts;
mod yaml_tree;

use crate::error::Error;
use edit::TextEdit;
use line_diff::LineDiff;
use line_index::LineIndex;
use script_session::ScriptSession;
use shell_scan::MAX_NESTING;
use yaml_tree::{YamlFault, YamlNode};

/// A file as it is to be.
#[derive(Debug, PartialEq, Eq)]
pub struct FileMigration {
    /// The new text.
    pub text: String,
    /// What the reader should know, in the order of the lines.
    pub notes: Vec<MigrationNote>,
    diff: LineDiff,
}

impl FileMigration {
    fn unchanged(text: &str, notes: Vec<MigrationNote>) -> Self {
        Self { text: text.to_owned(), notes, diff: LineDiff::default() }
    }

    /// The difference to the old text, as `patch` and `git apply` take it; empty if there is none.
    pub fn unified_diff(&self, name: &str, old: &str) -> String {
        self.diff.unified(name, old, &self.text)
    }
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
    /// YAML that is nested too deep, with its line.
    TooDeep(usize),
}

impl FileKind {
    /// The line in which something begins that is nested too deep to be read.
    fn excess_line(&self, text: &str) -> Option<usize> {
        match self {
            Self::Workflow(documents) | Self::Yaml(documents) => {
                documents.iter().find_map(YamlNode::excess_line)
            }
            Self::Package => package_json::excess_line(text),
            Self::Script => {
                shell_reader::excess_nesting(text).map(|at| LineIndex::new(text).line(at))
            }
            Self::Unknown => None,
            Self::TooDeep(line) => Some(*line),
        }
    }
}

/// Rewrites the text of the file called `name`.
pub fn migrate(name: &str, text: &str) -> FileMigration {
    if !text.to_ascii_lowercase().contains("sentry") {
        return FileMigration::unchanged(text, Vec::new());
    }
    // Lines that all end as on Windows do so afterwards.
    let is_windows = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    let old = if is_windows { text.replace("\r\n", "\n") } else { text.to_owned() };
    let kind = file_kind(name, &old);
    if let Some(line) = kind.excess_line(&old) {
        let message = format!("what begins here is nested deeper than {MAX_NESTING} levels");
        let hint = "nest it less deep: the file was not looked at";
        let notes = vec![MigrationNote::untranslated(line, message, hint)];
        return FileMigration::unchanged(text, notes);
    }
    let mut notes = Vec::new();
    let edits = match kind {
        FileKind::Workflow(documents) => workflow::edits(&old, &documents, &mut notes),
        FileKind::Yaml(documents) => yaml_scripts::edits(&old, &documents, &mut notes),
        FileKind::Package => package_json::edits(&old, &mut notes).unwrap_or_default(),
        FileKind::Script => script_edits(&old, &mut notes),
        FileKind::Unknown | FileKind::TooDeep(_) => Vec::new(),
    };
    notes.extend(dotenv_note(&old).filter(|_| !edits.is_empty()));
    let new = edit::apply(&old, &edits);
    let diff = LineDiff::new(&old, &new, &edits);
    notes.extend(leftovers::find(&old, &diff.kept(&old, &new), &notes));
    notes.sort_by_key(|note| note.line);
    notes.dedup();
    let text = if is_windows { new.replace('\n', "\r\n") } else { new };
    FileMigration { text, notes, diff }
}

/// What is to be known of a file of which sentry-cli reads more.
fn dotenv_note(text: &str) -> Option<MigrationNote> {
    let (at, _) = text.match_indices("SENTRY_DOTENV_PATH").next()?;
    let message = "of a `.env` file finishline takes the organization and the projects alone: set the other \
        variables that it holds for the job, at least `SENTRY_URL`";
    Some(MigrationNote::advice(LineIndex::new(text).line(at), message))
}

fn script_edits(text: &str, notes: &mut Vec<MigrationNote>) -> Vec<TextEdit> {
    let session = ScriptSession::new([text].into_iter());
    let lines = LineIndex::new(text);
    notes.extend(session.notes(0, |at| lines.line(at)));
    session.edits(0)
}

fn file_kind(name: &str, text: &str) -> FileKind {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "yml" | "yaml" => match yaml_tree::read(text) {
            Ok(documents) if documents.iter().any(workflow::is_workflow) => {
                FileKind::Workflow(documents)
            }
            Ok(documents) => FileKind::Yaml(documents),
            Err(YamlFault::TooDeep(line)) => FileKind::TooDeep(line),
            Err(YamlFault::Unreadable) => FileKind::Unknown,
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
