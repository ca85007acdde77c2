//! The `state` input: the fields of the provider's steps, as they were written.
//!
//! Every scalar is a secret here: only the provider's description may say otherwise, and that is
//! read later. `${NAME}` and `@path` are resolved after parsing, so that a quote, a line end or a
//! PEM key arrives byte for byte.

use super::given::{Block, Given, ReadFile, without_line_end};
use crate::env::Env;
use crate::failure::{Code, Failure, quote};
use crate::secret::Secret;
use crate::state::camel_case;
use crate::yaml::{self, Document, Spot};
use serde_yaml::Value;
use std::fmt;

/// The fields that were given, in the order they were written.
#[derive(Debug, Default)]
pub struct StateInput {
    /// Fields, or steps with fields.
    pub entries: Vec<Entry>,
}

/// One field, or one step with its fields.
#[derive(Debug)]
pub struct Entry {
    /// The name as it was written.
    pub name: String,
    /// What was given.
    pub value: GivenValue,
    /// Where it stands, for messages: `FINISHLINE_STATE line 1 column 2`, or `--set`.
    pub place: String,
    /// Where the text itself can be read by others, when it can.
    pub shown: Option<Shown>,
}

/// Where others can read a text that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A `--set` holds it, and every process list shows it.
    CommandLine,
    /// A manifest holds it, which is kept beside the code.
    Manifest,
}

/// A value as it was written.
#[derive(Debug)]
pub enum GivenValue {
    /// Nothing: the same as not given.
    Empty,
    /// A text.
    Text(Secret),
    /// `true` or `false`.
    Boolean(bool),
    /// A number, or a text without quotes that other YAML readers take for one.
    Number(Secret),
    /// A list.
    List(Vec<Self>),
    /// A mapping.
    Mapping(Vec<Entry>),
}

impl StateInput {
    /// Reads `state`, then each `--set` over it; says every mistake, and never a value.
    pub fn read(given: &Given, env: &Env, read: ReadFile<'_>) -> (Self, Vec<Failure>) {
        let mut reader = Reader::new("state", env, read);
        let mut state = Self::default();
        if let Some(block) = &given.block {
            state.entries = reader.block(block);
        } else if let Some(found) = given.get("state") {
            reader.origin = found.origin.to_string();
            state.entries = reader.document(found.text.expose());
        }
        for set in &given.sets {
            if let Some(entry) = reader.set(set.expose()) {
                state.entries.retain(|earlier| earlier.field_name() != entry.field_name());
                state.entries.push(entry);
            }
        }
        (state, reader.mistakes)
    }

    /// Reads `apps`, a mapping of the same form with a provider's key before the fields.
    pub fn read_apps(
        text: &str,
        origin: impl fmt::Display,
        env: &Env,
        read: ReadFile<'_>,
    ) -> (Self, Vec<Failure>) {
        let mut reader = Reader::new("apps", env, read);
        reader.origin = origin.to_string();
        let entries = reader.document(text);
        (Self { entries }, reader.mistakes)
    }
}

impl Entry {
    /// The field that the name means.
    pub fn field_name(&self) -> String {
        camel_case(&self.name)
    }
}

struct Reader<'a> {
    /// The input that is read.
    input: &'static str,
    env: &'a Env,
    read: ReadFile<'a>,
    origin: String,
    /// Whether it is read from a manifest.
    in_manifest: bool,
    mistakes: Vec<Failure>,
}

impl<'a> Reader<'a> {
    fn new(input: &'static str, env: &'a Env, read: ReadFile<'a>) -> Self {
        let (mistakes, origin) = (Vec::new(), String::new());
        Self { input, env, read, mistakes, origin, in_manifest: false }
    }

    /// What is wrong with the whole input.
    fn unread(&self, why: &str) -> Failure {
        let message = format!("`{}` ({}) {why}", self.input, self.origin);
        let failure = Failure::new(Code::BadState, message);
        match self.input {
            "apps" => {
                failure.hint("write `apps` as a mapping of provider keys to mappings of fields")
            }
            _ => failure,
        }
    }

    fn document(&mut self, text: &str) -> Vec<Entry> {
        let document = match yaml::read(text) {
            Ok(document) => document,
            Err(error) => {
                let failure = self.unread(&error.to_string());
                let hint = "quote a value that holds `: `, `{`, `}`, or begins with `@`";
                let broken = error.kind == yaml::BROKEN;
                self.mistakes.push(if broken { failure.hint(hint) } else { failure });
                return Vec::new();
            }
        };
        match &document.value {
            Value::Null => Vec::new(),
            Value::Mapping(_) => self.mapping(&document, &document.value, &mut Vec::new()),
            other => {
                let kind = kind(other);
                self.mistakes.push(self.unread(&format!("is {kind}, not a mapping")));
                Vec::new()
            }
        }
    }

    /// The `state` of a manifest's entry.
    fn block(&mut self, block: &Block) -> Vec<Entry> {
        self.in_manifest = true;
        let mut path = block.path.clone();
        match block.document.at(&path) {
            None | Some(Value::Null) => Vec::new(),
            Some(value @ Value::Mapping(_)) => self.mapping(&block.document, value, &mut path),
            Some(other) => {
                let message = format!("`state` is {}, not a mapping", kind(other));
                self.mistakes.push(Failure::new(Code::BadState, message));
                Vec::new()
            }
        }
    }

    fn mapping(
        &mut self,
        document: &Document,
        value: &Value,
        path: &mut Vec<String>,
    ) -> Vec<Entry> {
        let Value::Mapping(mapping) = value else { return Vec::new() };
        let mut entries = Vec::new();
        for (key, value) in mapping {
            path.push(key_text(key));
            let spot = document.spot(path);
            let place = self.place(spot);
            let shown = self.in_manifest.then_some(Shown::Manifest).filter(|_| is_literal(value));
            let value = self.value(document, value, path, &place);
            let name = path.pop().unwrap_or_default();
            entries.push(Entry { name, value, place, shown });
        }
        entries
    }

    fn value(
        &mut self,
        document: &Document,
        value: &Value,
        path: &mut Vec<String>,
        place: &str,
    ) -> GivenValue {
        match value {
            Value::Null => GivenValue::Empty,
            Value::Bool(value) => GivenValue::Boolean(*value),
            Value::Number(number) => GivenValue::Number(Secret::from(number.to_string())),
            Value::String(text) => {
                let plain = document.spot(path).is_some_and(|spot| spot.plain);
                if plain && reads_as_number(text) {
                    return GivenValue::Number(Secret::from(text.as_str()));
                }
                self.resolve(text, place)
            }
            Value::Sequence(items) => {
                let item = |(index, value): (usize, &Value)| {
                    path.push(index.to_string());
                    let item = self.value(document, value, path, place);
                    path.pop();
                    item
                };
                GivenValue::List(items.iter().enumerate().map(item).collect())
            }
            Value::Mapping(_) => GivenValue::Mapping(self.mapping(document, value, path)),
            Value::Tagged(_) => {
                let message = format!("a value at {place} has a tag (`!`), which is not taken");
                self.mistakes.push(Failure::new(Code::BadState, message));
                GivenValue::Empty
            }
        }
    }

    /// A scalar that is wholly `${NAME}` or `@path` stands for what it names.
    fn resolve(&mut self, text: &str, place: &str) -> GivenValue {
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            return self.variable(name, place);
        }
        match text.strip_prefix('@') {
            Some(path) => self.file(path, place),
            None if is_unexpanded(text) => {
                let message =
                    format!("the value at {place} looks like a variable that nothing put in place");
                let hint = "a variable counts as the whole value and as `${NAME}`; give a text that begins with `$` as one";
                self.mistakes.push(Failure::new(Code::BadState, message).hint(hint));
                GivenValue::Empty
            }
            None => GivenValue::Text(Secret::from(text)),
        }
    }

    fn variable(&mut self, name: &str, place: &str) -> GivenValue {
        // `${NAME:?why}`: what to say when there is none.
        let (name, why) = name.split_once(":?").unwrap_or((name, ""));
        if let Some(value) = self.env.get(name) {
            return GivenValue::Text(Secret::from(value));
        }
        if !is_name(name) {
            let message =
                format!("what {place} names is no variable: only letters, digits and `_`");
            self.mistakes.push(Failure::new(Code::BadState, message));
            return GivenValue::Empty;
        }
        // The name is a text of `state`, so it is shown only where it looks like a variable's.
        let shown = if is_variable_name(name) { format!(" {name}") } else { String::new() };
        let message = if self.env.is_garbled(name) {
            format!("the variable{shown} that {place} names is not valid UTF-8")
        } else {
            let why = if self.in_manifest && !why.is_empty() { quote(why) } else { String::new() };
            let why = if why.is_empty() { why } else { format!(": {}", why.trim_matches('`')) };
            format!("the variable{shown} that {place} names is not set, or empty{why}")
        };
        let hint = "set the variable in the step's `env`, from a secret";
        self.mistakes.push(Failure::new(Code::BadState, message).hint(hint));
        GivenValue::Empty
    }

    fn file(&mut self, path: &str, place: &str) -> GivenValue {
        match (self.read)(path) {
            Ok(text) => GivenValue::Text(Secret::from(without_line_end(&text))),
            Err(error) => {
                let message = format!("cannot read the file that {place} names: {error}");
                let hint = "`@` begins a path; give a text that begins with `@` as `${NAME}`";
                self.mistakes.push(Failure::new(Code::BadState, message).hint(hint));
                GivenValue::Empty
            }
        }
    }

    fn set(&mut self, set: &str) -> Option<Entry> {
        let Some((name, text)) = set.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            let message = "a `--set` is not NAME=VALUE";
            self.mistakes.push(Failure::new(Code::Usage, message));
            return None;
        };
        let place = "--set".to_owned();
        let (value, is_shown) = match text.strip_prefix("env:") {
            Some(variable) => (self.variable(variable, &place), false),
            None => (self.resolve(text, &place), !text.starts_with('@')),
        };
        let shown = is_shown.then_some(Shown::CommandLine);
        Some(Entry { name: name.to_owned(), value, place, shown })
    }

    fn place(&self, spot: Option<Spot>) -> String {
        match spot {
            Some(spot) if self.in_manifest => spot.place.to_string(),
            Some(spot) => format!("{} {}", self.origin, spot.place),
            None => self.origin.clone(),
        }
    }
}

/// The kind of a value, to stand after "is".
impl fmt::Display for GivenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Text(_) => "a text",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        })
    }
}

/// Whether the text itself stands there, and not the name of a variable or a file.
fn is_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.starts_with("${") && !text.starts_with('@'),
        Value::Number(_) | Value::Bool(_) | Value::Sequence(_) => true,
        Value::Null | Value::Mapping(_) | Value::Tagged(_) => false,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a tagged value",
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Digits only, as in `0123`: serde_yaml keeps the text, other readers drop the zero.
fn reads_as_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// `$NAME`, `$(NAME)`, and a `${` that is not the whole value: a shell or a CI system was expected
/// to put a variable in place.
fn is_unexpanded(text: &str) -> bool {
    let name = text.strip_prefix('$').map(|rest| rest.trim_matches(['$', '(', ')']));
    text.contains("${") || name.is_some_and(is_variable_name)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
