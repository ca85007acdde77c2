//! Changes to a script that stands in a YAML file, as changes to the file.

use super::edit::{TextEdit, apply};
use super::yaml_tree::YamlNode;
use std::ops::Range;

/// The changes to the file that are these changes to the script of a node.
pub(super) fn script_edits(
    source: &str,
    node: &YamlNode,
    script: &str,
    edits: &[TextEdit],
) -> Vec<TextEdit> {
    if !node.is_literal() {
        return node.rewrite(source, &apply(script, edits)).into_iter().collect();
    }
    let block = LiteralBlock::new(source, node, script);
    edits.iter().map(|edit| block.edit(edit)).collect()
}

/// A line of a block scalar, and of the script that it is.
struct BlockLine {
    /// Where it begins in the script.
    script: usize,
    /// Where it begins in the file.
    source: usize,
    /// How many blanks of the file's line are not the script's.
    indent: usize,
}

/// A script whose lines are lines of the file.
struct LiteralBlock {
    lines: Vec<BlockLine>,
    indent: String,
    script_end: usize,
    source_end: usize,
}

impl LiteralBlock {
    fn new(source: &str, node: &YamlNode, script: &str) -> Self {
        let (mut in_script, mut in_source) = (0, node.range.start);
        let mut lines = Vec::new();
        let written = source[node.range.clone()].split_inclusive('\n');
        for (text, line) in script.split_inclusive('\n').zip(written) {
            let indent = line.len() - text.len();
            lines.push(BlockLine { script: in_script, source: in_source, indent });
            in_script += text.len();
            in_source += line.len();
        }
        let indent = lines.iter().map(|line| line.indent).max().unwrap_or_default();
        let (indent, source_end) = (" ".repeat(indent), node.range.end);
        Self { lines, indent, script_end: script.len(), source_end }
    }

    fn edit(&self, edit: &TextEdit) -> TextEdit {
        let Range { start, end } = edit.range;
        let is_whole = self.line_start(start).is_some() && self.line_start(end).is_some();
        match (self.line_start(start), self.line_start(end)) {
            (Some(start), Some(end)) if is_whole => {
                let indented = edit.text.split_inclusive('\n').map(|line| self.indented(line));
                TextEdit::new(start..end, indented.collect::<String>())
            }
            _ => {
                let mut lines = edit.text.split_inclusive('\n');
                let first = lines.next().unwrap_or_default().to_owned();
                let text = lines.fold(first, |text, line| text + &self.indented(line));
                TextEdit::new(self.place(start)..self.place(end), text)
            }
        }
    }

    fn indented(&self, line: &str) -> String {
        let indent = if line.trim().is_empty() { "" } else { &self.indent };
        format!("{indent}{line}")
    }

    /// The line that a place of the script is in.
    fn line(&self, at: usize) -> Option<&BlockLine> {
        let count = self.lines.partition_point(|line| line.script <= at);
        self.lines.get(count.checked_sub(1)?)
    }

    /// Where the file's line begins, if one of the script begins at a place, or the script ends there.
    fn line_start(&self, at: usize) -> Option<usize> {
        if at == self.script_end {
            return Some(self.source_end);
        }
        self.line(at).filter(|line| line.script == at).map(|line| line.source)
    }

    fn place(&self, at: usize) -> usize {
        match self.line(at).filter(|_| at < self.script_end) {
            Some(line) => line.source + line.indent + at - line.script,
            None => self.source_end,
        }
    }
}
