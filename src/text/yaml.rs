//! YAML with places: what a document says, where it says it, and what we will not read.
//!
//! serde_yaml decides what the values are. A second pass over the events finds lines and columns,
//! and refuses what serde_yaml lets pass: a key twice, anchors, a second document, deep nests.
//! An error here never quotes the document, which may be full of secrets.

use super::surrogates;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The kind of what no YAML reader takes.
pub const BROKEN: &str = "is not valid YAML";

const MAX_DEPTH: usize = 64;

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for LineColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}", self.line, self.column)
    }
}

/// Where a value stands and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPosition {
    /// Where its key stands, or the value itself when it has none.
    pub place: LineColumn,
    /// Whether it is a scalar without quotes or a tag, so that other readers may see a number.
    pub plain: bool,
}

/// Why a document is not read. `kind` is a fixed text and never quotes the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct YamlError {
    /// What is wrong, to stand after "it".
    pub kind: &'static str,
    /// Where, when that is known.
    pub place: Option<LineColumn>,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{} at {place}", self.kind),
            None => f.write_str(self.kind),
        }
    }
}

/// A document that was read. It has no `Debug`, for its values may be secrets.
pub struct YamlDocument {
    /// The values; an empty document is `Null`.
    pub value: serde_yaml::Value,
    positions: BTreeMap<Vec<String>, KeyPosition>,
}

impl YamlDocument {
    /// Where the value at `path` stands: keys of mappings, indexes of lists.
    pub fn position(&self, path: &[String]) -> Option<KeyPosition> {
        self.positions.get(path).copied()
    }

    /// The value at `path`.
    pub fn at(&self, path: &[String]) -> Option<&serde_yaml::Value> {
        path.iter().try_fold(&self.value, |value, key| match value {
            serde_yaml::Value::Sequence(items) => items.get(key.parse::<usize>().ok()?),
            _ => value.get(key.as_str()),
        })
    }

    /// Every path with its spot.
    pub fn positions(&self) -> impl Iterator<Item = (&[String], KeyPosition)> {
        self.positions.iter().map(|(path, position)| (path.as_slice(), *position))
    }
}

/// Reads one document, with or without the byte-order mark that editors of Windows begin a file with.
pub fn read(text: &str) -> Result<YamlDocument, YamlError> {
    let text = &*surrogates::join(text.strip_prefix('\u{feff}').unwrap_or(text));
    let positions = DocumentParser::index_positions(text)?;
    let value = serde_yaml::from_str(text).map_err(|error| YamlError {
        kind: BROKEN,
        place: error.location().map(|at| LineColumn { line: at.line(), column: at.column() }),
    })?;
    Ok(YamlDocument { value, positions })
}

/// A collection that the walk is inside of.
enum OpenCollection {
    List(usize),
    Map { seen: BTreeSet<String>, key: Option<(String, LineColumn)> },
}

#[derive(Default)]
struct DocumentParser {
    frames: Vec<OpenCollection>,
    path: Vec<String>,
    positions: BTreeMap<Vec<String>, KeyPosition>,
    documents: usize,
}

impl DocumentParser {
    fn index_positions(text: &str) -> Result<BTreeMap<Vec<String>, KeyPosition>, YamlError> {
        let mut parser = Self::default();
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let at = error.marker();
                refuse(BROKEN, LineColumn { line: at.line(), column: at.col() + 1 })
            })?;
            parser.step(&event, place(span))?;
        }
        Ok(parser.positions)
    }

    fn step(&mut self, event: &Event<'_>, at: LineColumn) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refuse("contains more than one document", at));
                }
            }
            Event::Alias(_) => {
                return Err(refuse("uses an alias (`*`), which is not supported", at));
            }
            Event::Scalar(text, style, anchor, tag) => {
                no_anchor(*anchor, at)?;
                self.scalar(text, *style == ScalarStyle::Plain && tag.is_none(), at)?;
            }
            Event::SequenceStart(anchor, _) => {
                no_anchor(*anchor, at)?;
                self.open(OpenCollection::List(0), at)?;
            }
            Event::MappingStart(anchor, _) => {
                no_anchor(*anchor, at)?;
                self.open(OpenCollection::Map { seen: BTreeSet::new(), key: None }, at)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.frames.pop();
                self.leave();
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, plain: bool, at: LineColumn) -> Result<(), YamlError> {
        if let Some(OpenCollection::Map { seen, key: key @ None }) = self.frames.last_mut() {
            if !seen.insert(text.to_owned()) {
                return Err(refuse("contains a duplicate key", at));
            }
            *key = Some((text.to_owned(), at));
            return Ok(());
        }
        self.enter(plain, at);
        self.leave();
        Ok(())
    }

    fn open(&mut self, frame: OpenCollection, at: LineColumn) -> Result<(), YamlError> {
        if let Some(OpenCollection::Map { key: None, .. }) = self.frames.last() {
            return Err(refuse("has a key that is not a plain string", at));
        }
        if self.frames.len() == MAX_DEPTH {
            return Err(refuse("is nested deeper than 64 levels", at));
        }
        self.enter(false, at);
        self.frames.push(frame);
        Ok(())
    }

    /// Steps into a value: notes its spot under the path that the frame around it gives.
    fn enter(&mut self, plain: bool, at: LineColumn) {
        let (name, place) = match self.frames.last() {
            Some(OpenCollection::List(index)) => (Some(index.to_string()), at),
            Some(OpenCollection::Map { key: Some((key, place)), .. }) => {
                (Some(key.clone()), *place)
            }
            _ => (None, at),
        };
        self.path.extend(name);
        self.positions.insert(self.path.clone(), KeyPosition { place, plain });
    }

    /// Steps out of a value: the frame around it waits for the next one.
    fn leave(&mut self) {
        self.path.pop();
        match self.frames.last_mut() {
            Some(OpenCollection::List(index)) => *index += 1,
            Some(OpenCollection::Map { key, .. }) => *key = None,
            None => {}
        }
    }
}

fn no_anchor(anchor: usize, at: LineColumn) -> Result<(), YamlError> {
    if anchor == 0 {
        Ok(())
    } else {
        Err(refuse("uses an anchor (`&`), which is not supported", at))
    }
}

fn refuse(kind: &'static str, place: LineColumn) -> YamlError {
    YamlError { kind, place: Some(place) }
}

fn place(span: Span) -> LineColumn {
    LineColumn { line: span.start.line(), column: span.start.col() + 1 }
}

/// The kind of a value, to stand after "is".
pub fn kind(value: &serde_yaml::Value) -> &'static str {
    match value {
        serde_yaml::Value::Null => "empty",
        serde_yaml::Value::Bool(_) => "a boolean",
        serde_yaml::Value::Number(_) => "a number",
        serde_yaml::Value::String(_) => "a string",
        serde_yaml::Value::Sequence(_) => "a list",
        serde_yaml::Value::Mapping(_) => "a mapping",
        serde_yaml::Value::Tagged(_) => "a tagged value",
    }
}

/// A key as it was written; empty where it is no scalar.
pub fn key_text(key: &serde_yaml::Value) -> String {
    match key {
        serde_yaml::Value::String(text) => text.clone(),
        serde_yaml::Value::Bool(value) => value.to_string(),
        serde_yaml::Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        read(text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_spot_is_where_the_key_stands() {
        let document = read("a: 1\nb:\n  c: [x, 'y']\n").unwrap();
        let position = |path: &[&str]| {
            let path: Vec<_> = path.iter().map(|part| (*part).to_owned()).collect();
            document
                .position(&path)
                .map(|position| (position.place.line, position.place.column, position.plain))
        };
        assert_eq!(position(&["a"]), Some((1, 1, true)));
        assert_eq!(position(&["b", "c"]), Some((3, 3, false)));
        assert_eq!(position(&["b", "c", "1"]), Some((3, 10, false)));
    }

    #[test]
    fn what_serde_yaml_lets_pass_is_refused_without_quoting_it() {
        for (text, words) in [
            ("s3cr3t: 1\ns3cr3t: 2", "contains a duplicate key at line 2 column 1"),
            (
                "a: &s3cr3t 1\nb: *s3cr3t",
                "uses an anchor (`&`), which is not supported at line 1 column 4",
            ),
            ("a: 1\n---\ns3cr3t: 2", "contains more than one document at line 2 column 1"),
            ("? [s3cr3t]\n: 1", "has a key that is not a plain string at line 1 column 3"),
        ] {
            assert_eq!(error(text), words);
        }
    }

    #[test]
    fn broken_yaml_is_an_error_that_quotes_nothing() {
        for text in
            ["{a: s3cr3t", "a: 's3cr3t", "a: s3cr3t: b", "\ts3cr3t", "a: @s3cr3t", "[s3cr3t"]
        {
            let message = error(text);
            assert!(message.starts_with(BROKEN), "{text}: {message}");
            assert!(!message.contains("s3cr3t"), "{message}");
        }
    }

    #[test]
    fn a_deep_nest_is_refused() {
        assert!(error(&"[".repeat(100)).starts_with("is nested deeper than 64 levels"));
        assert!(read(&"[".repeat(20_000)).is_err());
    }
}
