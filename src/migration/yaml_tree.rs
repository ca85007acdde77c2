//! A YAML document with the place of each value in its text.

use super::edit::TextEdit;
use super::shell_reader::excess_nesting;
use super::shell_scan::MAX_NESTING;
use crate::text::yaml_writer::is_other_than_text;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// A value with its place.
pub(super) struct YamlNode {
    pub(super) value: YamlValue,
    /// Where it begins and ends; of a block scalar, the lines below its sign.
    pub(super) range: Range<usize>,
    /// Its line, from 1; of a block scalar, that of its first line of text.
    pub(super) line: usize,
    /// Whether it, or what it is in, is written in brackets.
    pub(super) is_flow: bool,
}

/// What a value is.
pub(super) enum YamlValue {
    Scalar(String, ScalarStyle),
    List(Vec<YamlNode>),
    Map(Vec<(YamlNode, YamlNode)>),
    /// An alias, or what comes to it.
    Other,
}

impl YamlNode {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            YamlValue::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> &[Self] {
        match &self.value {
            YamlValue::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn map(&self) -> &[(Self, Self)] {
        match &self.value {
            YamlValue::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(super) fn entry(&self, key: &str) -> Option<&(Self, Self)> {
        self.map().iter().find(|(name, _)| name.text() == Some(key))
    }

    /// The line of the first scalar that is nested too deep to be read as a script.
    pub(super) fn excess_line(&self) -> Option<usize> {
        match &self.value {
            YamlValue::Scalar(text, _) => excess_nesting(text).map(|_| self.line),
            YamlValue::List(items) => items.iter().find_map(Self::excess_line),
            YamlValue::Map(entries) => {
                entries.iter().find_map(|(key, value)| key.excess_line().or(value.excess_line()))
            }
            YamlValue::Other => None,
        }
    }

    fn is_block(&self) -> bool {
        matches!(&self.value, YamlValue::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded))
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(&self.value, YamlValue::Scalar(_, ScalarStyle::Literal))
    }

    /// The text of a scalar, and of one that is written literally its own lines.
    pub(super) fn script(&self, source: &str) -> Option<String> {
        let text = self.text()?;
        if !self.is_literal() {
            return Some(text.to_owned());
        }
        let lines = &source[self.range.clone()];
        let indent = block_indent(lines);
        let without_indent =
            |line: &str| line.get(indent..).unwrap_or(line.trim_start_matches(' ')).to_owned();
        Some(lines.split_inclusive('\n').map(without_indent).collect())
    }

    /// The line in the file of a line of its script, which count from 1.
    pub(super) fn line_of(&self, line_in_script: usize) -> usize {
        if self.is_block() { self.line + line_in_script - 1 } else { self.line }
    }

    /// The change that makes another text of a scalar, in the style it has.
    pub(super) fn rewrite(&self, source: &str, text: &str) -> Option<TextEdit> {
        let YamlValue::Scalar(_, style) = &self.value else { return None };
        let new = match style {
            ScalarStyle::Literal => {
                let indent = " ".repeat(block_indent(&source[self.range.clone()]));
                let with_indent = |line: &str| match line.trim().is_empty() {
                    true => line.to_owned(),
                    false => format!("{indent}{line}"),
                };
                text.split_inclusive('\n').map(with_indent).collect()
            }
            ScalarStyle::Folded => {
                let indent = " ".repeat(block_indent(&source[self.range.clone()]));
                let lines = text.trim_end().lines();
                lines
                    .map(|line| format!("{indent}{}\n", line.trim_start()))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            ScalarStyle::Plain => plain_or_quoted(text.trim_end()),
            ScalarStyle::SingleQuoted => format!("'{}'", text.trim_end().replace('\'', "''")),
            ScalarStyle::DoubleQuoted => double_quoted(text.trim_end()),
        };
        Some(TextEdit::new(self.range.clone(), new))
    }
}

/// The blanks before the first line of a block scalar.
fn block_indent(lines: &str) -> usize {
    let first = lines.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.len() - first.trim_start_matches(' ').len()
}

fn double_quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A text as a plain scalar where every reader takes it for a string, else in quotes.
pub(super) fn plain_or_quoted(text: &str) -> String {
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric() || "$./".contains(c));
    let is_home = text.starts_with("~/");
    let has_sign = text.contains(": ")
        || text.contains(" #")
        || text.ends_with([':', ' '])
        || text.contains(['\n', '\t']);
    let is_other = is_other_than_text(text)
        || matches!(
            serde_yaml::from_str::<serde_yaml::Value>(text),
            Ok(value) if !value.is_string()
        );
    match (starts_well || is_home) && !has_sign && !is_other {
        true => text.to_owned(),
        false if text.contains('"') && !text.contains(['\n', '\t']) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        false => double_quoted(text),
    }
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum YamlFault {
    /// It is no YAML.
    Unreadable,
    /// It is nested too deep in this line.
    TooDeep(usize),
}

/// Reads every document of a text.
pub(super) fn read(source: &str) -> Result<Vec<YamlNode>, YamlFault> {
    let mut reader =
        TreeReader { source, lines: line_starts(source), open: Vec::new(), done: Vec::new() };
    for event in Parser::new_from_str(source.strip_prefix('\u{feff}').unwrap_or(source)) {
        let (event, span) = event.map_err(|_| YamlFault::Unreadable)?;
        let line = span.start.line();
        reader.step(event, span);
        if reader.open.len() > MAX_NESTING {
            return Err(YamlFault::TooDeep(line));
        }
    }
    Ok(reader.done)
}

fn line_starts(source: &str) -> Vec<usize> {
    let ends = source.match_indices('\n').map(|(at, _)| at + 1);
    // The reader does not count the mark of Windows.
    let first = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    [first].into_iter().chain(ends).collect()
}

/// A collection that is being read.
struct OpenNode {
    node: YamlNode,
    key: Option<YamlNode>,
}

struct TreeReader<'a> {
    source: &'a str,
    lines: Vec<usize>,
    open: Vec<OpenNode>,
    done: Vec<YamlNode>,
}

impl TreeReader<'_> {
    fn step(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, ..) => {
                let node = self.scalar(text.into_owned(), style, span);
                self.add(node);
            }
            Event::Alias(_) => {
                let node = self.node(YamlValue::Other, span);
                self.add(node);
            }
            Event::SequenceStart(..) => self.begin(YamlValue::List(Vec::new()), span),
            Event::MappingStart(..) => self.begin(YamlValue::Map(Vec::new()), span),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else { return };
                open.node.range.end =
                    self.offset(span.end.line(), span.end.col()).max(open.node.range.start);
                self.add(open.node);
            }
            _ => {}
        }
    }

    fn begin(&mut self, value: YamlValue, span: Span) {
        let mut node = self.node(value, span);
        let is_within = self.open.last().is_some_and(|open| open.node.is_flow);
        node.is_flow = is_within || self.source[node.range.start..].starts_with(['[', '{']);
        self.open.push(OpenNode { node, key: None });
    }

    fn node(&self, value: YamlValue, span: Span) -> YamlNode {
        let start = self.offset(span.start.line(), span.start.col());
        let end = self.offset(span.end.line(), span.end.col()).max(start);
        let is_flow = self.open.last().is_some_and(|open| open.node.is_flow);
        YamlNode { value, range: start..end, line: span.start.line(), is_flow }
    }

    /// A scalar; of a block the lines below its sign, whose indentation is that of the first.
    fn scalar(&self, text: String, style: ScalarStyle, span: Span) -> YamlNode {
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let mut node = self.node(YamlValue::Scalar(text, style), span);
        if !is_block {
            let written = &self.source[node.range.clone()];
            node.range.end -= written.len() - written.trim_end().len();
            return node;
        }
        // The place of a block scalar may be that of its text.
        let mut line = node.line;
        while line > 1 && !has_block_sign(self.line(line)) {
            line -= 1;
        }
        let start = self.lines.get(line).copied().unwrap_or(self.source.len());
        let indent = block_indent(&self.source[start..]);
        let mut end = start;
        for text in self.source[start..].split_inclusive('\n') {
            let is_deeper = text.len() - text.trim_start_matches(' ').len() >= indent;
            if !text.trim().is_empty() && !is_deeper {
                break;
            }
            end += text.len();
        }
        let written = self.source[start..end].trim_end();
        let end = start + written.len();
        let end = self.source[end..].find('\n').map_or(self.source.len(), |at| end + at + 1);
        node.range = start..end.max(start);
        node.line = line + 1;
        node
    }

    fn line(&self, number: usize) -> &str {
        let start = self.lines.get(number - 1).copied().unwrap_or(self.source.len());
        self.source[start..].lines().next().unwrap_or_default()
    }

    fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.source.len());
        let rest = &self.source[start..];
        start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
    }

    fn add(&mut self, node: YamlNode) {
        let Some(open) = self.open.last_mut() else {
            self.done.push(node);
            return;
        };
        match (&mut open.node.value, open.key.take()) {
            (YamlValue::List(items), _) => items.push(node),
            (YamlValue::Map(entries), Some(key)) => entries.push((key, node)),
            (YamlValue::Map(_), None) => open.key = Some(node),
            _ => {}
        }
    }
}

/// Whether a line ends with the sign of a block scalar.
fn has_block_sign(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let sign = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    sign.ends_with(['|', '>'])
}
