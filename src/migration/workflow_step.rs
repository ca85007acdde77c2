//! The text of one step of a workflow: its lines, and its keys with theirs.

use super::edit::TextEdit;
use super::yaml_tree::{YamlNode, plain_or_quoted};
use crate::inputs::table::{FlagKind, InputSpec};
use std::ops::Range;

/// How the action is taken.
pub(super) const ACTION: &str = "OWNER/finishline@v0";
/// What a step says whose script goes on after a failure.
const TOLERATES: &str = "continue-on-error: true";

/// A step as it is written.
pub(super) struct StepText<'a> {
    pub(super) source: &'a str,
    pub(super) node: &'a YamlNode,
}

impl<'a> StepText<'a> {
    /// Its value under a key.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(YamlNode::text)
    }

    /// An input of the action that it uses, whose name GitHub takes in any letter case.
    pub(super) fn input(&self, name: &str) -> Option<&'a YamlNode> {
        let with = self.node.get("with").map_or(&[][..], YamlNode::map);
        let is_it = |key: &YamlNode| key.text().is_some_and(|key| key.eq_ignore_ascii_case(name));
        with.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value)
    }

    /// What is written for a key, without what stands around it.
    pub(super) fn written(&self, key: &str) -> &'a str {
        self.entry(key).map_or("", |range| self.source[range].trim_end())
    }

    /// Where the dash of its item in the list stands; `None` where more than blanks follows it.
    fn dash(&self) -> Option<usize> {
        let before = self.source[..self.node.range.start].trim_end();
        before.ends_with('-').then_some(before.len().saturating_sub(1))
    }

    /// Whether its keys stand below each other behind a dash, and nothing takes them from there.
    pub(super) fn is_block(&self) -> bool {
        let run = self.node.entry("run").map(|(key, value)| key.range.end..value.range.start);
        let is_anchor = self.source[self.node.range.start..].starts_with('&')
            || run.is_some_and(|between| self.source[between].contains(": &"));
        let dash = self.dash().filter(|_| !self.node.is_flow && !is_anchor);
        dash.is_some_and(|at| self.source[line_start(self.source, at)..at].trim().is_empty())
    }

    /// Its lines, the first with the dash.
    pub(super) fn lines(&self) -> Range<usize> {
        let dash = self.dash().unwrap_or(self.node.range.start);
        let start = line_start(self.source, dash);
        start..block_end(self.source, start, dash - start)
    }

    /// A key with its value, from the key to the end of the last line.
    fn entry(&self, key: &str) -> Option<Range<usize>> {
        let (name, _) = self.node.entry(key)?;
        let start = name.range.start;
        let line = line_start(self.source, start);
        Some(start..block_end(self.source, line, start - line))
    }

    /// The blanks before its keys.
    fn indent(&self) -> String {
        let start = self.node.range.start;
        " ".repeat(start - line_start(self.source, start))
    }

    /// The change that takes it out.
    pub(super) fn removal(&self) -> TextEdit {
        TextEdit::new(self.lines(), "")
    }

    /// The changes that make `run` a use of the action. What is true of both stays as it is.
    pub(super) fn conversion(
        &self,
        with: &[(String, String)],
        is_tolerated: bool,
    ) -> Vec<TextEdit> {
        let Some(run) = self.entry("run") else { return Vec::new() };
        let indent = self.indent();
        let mut text = use_of_action(&indent, with);
        let replace = |entry: Range<usize>, text: String| {
            let written = self.source[entry.clone()].trim_end().len();
            TextEdit::new(entry.start..entry.start + written, text)
        };
        let mut edits = Vec::new();
        match self.entry("continue-on-error").filter(|_| is_tolerated) {
            Some(entry) => edits.push(replace(entry, TOLERATES.to_owned())),
            None if is_tolerated => text.push_str(&format!("\n{indent}{TOLERATES}")),
            None => {}
        }
        edits.push(replace(run, text));
        edits.extend(["shell", "working-directory"].iter().filter_map(|key| self.key_removal(key)));
        edits
    }

    /// The change that takes a key out, also where the dash stands in its line.
    fn key_removal(&self, key: &str) -> Option<TextEdit> {
        let entry = self.entry(key)?;
        let line = line_start(self.source, entry.start);
        let is_first = self.source[line..entry.start].trim() == "-";
        let range = if is_first {
            let indent = self.source[entry.end..].len()
                - self.source[entry.end..].trim_start_matches(' ').len();
            entry.start..entry.end + indent
        } else {
            line..entry.end
        };
        Some(TextEdit::new(range, ""))
    }

    /// A step of its own behind this one, under the same conditions.
    pub(super) fn insertion(&self, with: &[(String, String)], is_tolerated: bool) -> TextEdit {
        let (indent, place) = (self.indent(), self.lines().end);
        let dash = self.dash().unwrap_or_default();
        let column = dash - line_start(self.source, dash);
        let blanks = " ".repeat(indent.len().saturating_sub(column + 1));
        let dash = format!("{}-{blanks}", " ".repeat(column));
        let mut text = format!("{dash}{}", use_of_action(&indent, with));
        let mut keys = vec!["if", "continue-on-error", "timeout-minutes", "env"];
        if is_tolerated {
            keys.retain(|key| *key != "continue-on-error");
            text.push_str(&format!("\n{indent}{TOLERATES}"));
        }
        let written = keys.into_iter().map(|key| self.written(key));
        for key in written.filter(|written| !written.is_empty()) {
            text.push_str(&format!("\n{indent}{key}"));
        }
        let is_open = !self.source[..place].ends_with('\n') && place > 0;
        TextEdit::new(place..place, if is_open { format!("\n{text}") } else { format!("{text}\n") })
    }
}

fn use_of_action(indent: &str, with: &[(String, String)]) -> String {
    let mut text = format!("uses: {ACTION}");
    if !with.is_empty() {
        text.push_str(&format!("\n{indent}with:"));
    }
    for (name, value) in with {
        let is_switch = InputSpec::find(name).is_some_and(|input| input.flag == FlagKind::Switch);
        let value = if is_switch { value.clone() } else { plain_or_quoted(value) };
        text.push_str(&format!("\n{indent}  {name}: {value}"));
    }
    text
}

pub(super) fn line_start(source: &str, at: usize) -> usize {
    source[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Where the lines end that belong to what begins in a line at a column: the deeper ones.
fn block_end(source: &str, line: usize, column: usize) -> usize {
    let mut at = line;
    let mut end = line;
    for (index, text) in source[line..].split_inclusive('\n').enumerate() {
        let indent = text.len() - text.trim_start_matches(' ').len();
        let is_blank = text.trim().is_empty();
        if index > 0 && !is_blank && indent <= column {
            break;
        }
        at += text.len();
        if !is_blank {
            end = at;
        }
    }
    end
}
