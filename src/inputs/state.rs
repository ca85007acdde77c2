//! The `state` input: the fields of the provider's steps, as they were written.
//!
//! Every scalar is a secret here: only the provider's description may say otherwise, and that is
//! read later. `${NAME}` and `@path` are resolved after parsing, so that a quote, a line end or a
//! PEM key arrives byte for byte.

use super::macros;
use super::raw::{RawInputs, StateBlock};
use super::types::ReadFile;
use crate::env::Env;
use crate::error::{Error, ErrorCode};
use crate::job::{MacroHosts, UnexpandedMacro};
use crate::secret::Secret;
use crate::text::case::camel_case;
use crate::text::quote;
use crate::text::variable::VariableReference;
use crate::text::without_line_end;
use crate::text::yaml::{self, BROKEN, KeyPosition, YamlDocument};
use serde_yaml::{Mapping, Value};
use std::fmt;

/// The fields that were given, in the order they were written.
#[derive(Clone, Debug, Default)]
pub struct FieldInput {
    /// Fields, or steps with fields.
    pub entries: Vec<FieldEntry>,
}

/// One field, or one step with its fields.
#[derive(Clone, Debug)]
pub struct FieldEntry {
    /// The name as it was written.
    pub name: String,
    /// What was given.
    pub value: RawValue,
    /// Where it stands, for messages: `FINISHLINE_STATE line 1 column 2`, or `--set`.
    pub place: String,
    /// Where the text itself can be read by others, when it can.
    pub shown: Option<Exposure>,
}

/// Where others can read a text that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// A `--set` holds it, and every process list shows it.
    CommandLine,
    /// A manifest holds it, which is kept beside the code.
    Manifest,
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub enum RawValue {
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
    Mapping(Vec<FieldEntry>),
}

impl FieldInput {
    /// Reads `state`, then each `--set` over it; says every mistake, and never a value.
    pub fn read(raw: &RawInputs, env: &Env, read: ReadFile<'_>) -> (Self, Vec<Error>) {
        let mut reader = FieldReader::new("state", (env, raw.hosts), read);
        let mut state = Self::default();
        if let Some(block) = &raw.block {
            state.entries = reader.block(block);
        } else if let Some(input) = raw.get("state") {
            reader.origin = input.origin.to_string();
            state.entries = reader.document(input.text.expose());
        }
        for set in &raw.sets {
            if let Some(entry) = reader.set(set.expose()) {
                reader.refuse_second_set(&state.entries, &entry);
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
        (env, hosts): (&Env, MacroHosts),
        read: ReadFile<'_>,
    ) -> (Self, Vec<Error>) {
        let mut reader = FieldReader::new("apps", (env, hosts), read);
        reader.origin = origin.to_string();
        let entries = reader.document(text);
        (Self { entries }, reader.mistakes)
    }
}

/// Where a `--set` stands.
const SET_PLACE: &str = "--set";

impl FieldEntry {
    /// The field that the name means.
    pub fn field_name(&self) -> String {
        camel_case(&self.name)
    }

    /// Whether it was set alone, over whatever else there is.
    pub fn is_set_alone(&self) -> bool {
        self.place == SET_PLACE
    }
}

struct FieldReader<'a> {
    /// The input that is read.
    input: &'static str,
    env: &'a Env,
    hosts: MacroHosts,
    read: ReadFile<'a>,
    origin: String,
    /// Whether it is read from a manifest.
    in_manifest: bool,
    mistakes: Vec<Error>,
}

impl<'a> FieldReader<'a> {
    fn new(input: &'static str, (env, hosts): (&'a Env, MacroHosts), read: ReadFile<'a>) -> Self {
        let origin = String::new();
        Self { input, env, hosts, read, origin, in_manifest: false, mistakes: Vec::new() }
    }

    /// Notes what is wrong with the whole input.
    fn refuse_input(&mut self, problem: &str, hint: Option<&str>) -> Vec<FieldEntry> {
        let apps = "write `apps` as a mapping of provider keys to mappings of fields";
        let hint = hint.or_else(|| (self.input == "apps").then_some(apps));
        self.refuse(format!("`{}` ({}) {problem}", self.input, self.origin), hint);
        Vec::new()
    }

    /// Notes what is wrong with a value.
    fn refuse(&mut self, message: String, hint: Option<&str>) -> RawValue {
        let mistake = Error::new(ErrorCode::BadState, message);
        self.mistakes.push(match hint {
            Some(hint) => mistake.with_hint(hint),
            None => mistake,
        });
        RawValue::Empty
    }

    fn document(&mut self, text: &str) -> Vec<FieldEntry> {
        let document = match yaml::read(text) {
            Ok(document) => document,
            Err(error) => {
                let hint = "quote values that include `: `, `{`, `}`, or start with `@`";
                let hint = (error.kind == BROKEN).then_some(hint);
                return self.refuse_input(&error.to_string(), hint);
            }
        };
        match &document.value {
            Value::Null => Vec::new(),
            Value::Mapping(mapping) => self.mapping(&document, mapping, &mut Vec::new()),
            other => self.refuse_input(&format!("is {}, not a mapping", yaml::kind(other)), None),
        }
    }

    /// The `state` of a manifest's entry.
    fn block(&mut self, block: &StateBlock) -> Vec<FieldEntry> {
        self.in_manifest = true;
        let mut path = block.path.clone();
        match block.document.at(&path) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Mapping(mapping)) => self.mapping(&block.document, mapping, &mut path),
            Some(other) => {
                self.refuse(format!("`state` is {}, not a mapping", yaml::kind(other)), None);
                Vec::new()
            }
        }
    }

    fn mapping(
        &mut self,
        document: &YamlDocument,
        mapping: &Mapping,
        path: &mut Vec<String>,
    ) -> Vec<FieldEntry> {
        let mut entries = Vec::new();
        for (key, value) in mapping {
            path.push(yaml::key_text(key));
            let place = self.place(document.position(path));
            let shown = (self.in_manifest && is_literal(value)).then_some(Exposure::Manifest);
            let value = self.value(document, value, path, &place);
            let name = path.pop().unwrap_or_default();
            entries.push(FieldEntry { name, value, place, shown });
        }
        entries
    }

    fn value(
        &mut self,
        document: &YamlDocument,
        value: &Value,
        path: &mut Vec<String>,
        place: &str,
    ) -> RawValue {
        match value {
            Value::Null => RawValue::Empty,
            Value::Bool(value) => RawValue::Boolean(*value),
            Value::Number(number) => RawValue::Number(Secret::from(number.to_string())),
            Value::String(text) => {
                let plain = document.position(path).is_some_and(|position| position.plain);
                match plain && reads_as_number(text) {
                    true => RawValue::Number(Secret::from(text.as_str())),
                    false => self.resolve(text, place),
                }
            }
            Value::Sequence(items) => {
                let item = |(index, value): (usize, &Value)| {
                    path.push(index.to_string());
                    let item = self.value(document, value, path, place);
                    path.pop();
                    item
                };
                RawValue::List(items.iter().enumerate().map(item).collect())
            }
            Value::Mapping(mapping) => RawValue::Mapping(self.mapping(document, mapping, path)),
            Value::Tagged(_) => self.refuse(
                format!("the value at {place} has a tag (`!`), which is not supported"),
                None,
            ),
        }
    }

    /// A scalar that is wholly `${NAME}` or `@path` stands for what it names.
    fn resolve(&mut self, text: &str, place: &str) -> RawValue {
        if let Some(variable) = VariableReference::parse(text) {
            return self.variable(variable, place);
        }
        if let Some(found) = macros::in_secret(self.hosts, text) {
            return self.unexpanded(found, "the value", place);
        }
        match text.strip_prefix('@') {
            Some(path) => self.file(path, place),
            None if is_unexpanded(text) => {
                let message = format!("the value at {place} looks like an unexpanded variable");
                let hint = "write `${NAME}` as the whole value; to pass text that starts with `$`, put it in a variable";
                self.refuse(message, Some(hint))
            }
            None => RawValue::Text(Secret::from(text)),
        }
    }

    fn variable(&mut self, variable: VariableReference<'_>, place: &str) -> RawValue {
        let name = variable.name;
        if let Some(value) = self.env.get(name).and_then(macros::trimmed_value) {
            return match macros::in_secret(self.hosts, value) {
                Some(found) => self.unexpanded(found, &format!("the variable {name} used"), place),
                None => RawValue::Text(Secret::from(value)),
            };
        }
        if !is_name(name) {
            let message = format!("{place} names an invalid variable: use letters, digits and `_`");
            return self.refuse(message, None);
        }
        // The name is a text of `state`, so it is shown only where it looks like a variable's.
        let shown = if is_variable_name(name) { format!(" {name}") } else { String::new() };
        let message = if self.env.is_not_utf8(name) {
            format!("the variable{shown} used at {place} is not valid UTF-8")
        } else {
            let reason = if self.in_manifest { variable.reason() } else { String::new() };
            format!("the variable{shown} used at {place} is not set or empty{reason}")
        };
        let refused =
            self.refuse(message, Some("set the variable in the step's `env`, from a secret"));
        if let Some(mistake) = self.mistakes.last_mut() {
            mistake.is_missing_input = !self.env.is_not_utf8(name);
        }
        refused
    }

    /// A text that holds a macro of the host's: only that is quoted of it.
    fn unexpanded(&mut self, found: UnexpandedMacro<'_>, what: &str, place: &str) -> RawValue {
        let shown = quote(found.text);
        let message = match found.is_whole && found.is_undefined {
            true => format!("{what} at {place} is not set: {shown} names no variable"),
            false => format!("{what} at {place} contains the unexpanded variable {shown}"),
        };
        self.refuse(message, Some("define the variable in the CI system, from a secret"))
    }

    fn file(&mut self, path: &str, place: &str) -> RawValue {
        match (self.read)(path) {
            Ok(text) => RawValue::Text(Secret::from(without_line_end(&text))),
            Err(error) => {
                let message = format!("cannot read the file given in {place}: {error}");
                let hint = "`@` starts a file path; to pass text that starts with `@`, put it in a \
                            variable and write `${NAME}`";
                self.refuse(message, Some(hint))
            }
        }
    }

    fn set(&mut self, set: &str) -> Option<FieldEntry> {
        let Some((name, text)) = set.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            let message = "invalid `--set`: expected NAME=VALUE";
            self.mistakes.push(Error::new(ErrorCode::Usage, message));
            return None;
        };
        let place = SET_PLACE.to_owned();
        let (value, is_shown) = match text.strip_prefix("env:") {
            Some(variable) => (self.variable(VariableReference::named(variable), &place), false),
            None => (self.resolve(text, &place), !text.starts_with('@')),
        };
        let shown = is_shown.then_some(Exposure::CommandLine);
        Some(FieldEntry { name: name.to_owned(), value, place, shown })
    }

    /// A `--set` stands over `state`, but not over another one: no flag may be given twice.
    fn refuse_second_set(&mut self, earlier: &[FieldEntry], set: &FieldEntry) {
        let name = set.field_name();
        if earlier.iter().any(|one| one.is_set_alone() && one.field_name() == name) {
            let message = format!("`--set` gives {} twice", quote(&set.name));
            self.mistakes.push(Error::new(ErrorCode::Usage, message));
        }
    }

    fn place(&self, position: Option<KeyPosition>) -> String {
        match position {
            Some(position) if self.in_manifest => position.place.to_string(),
            Some(position) => format!("{} {}", self.origin, position.place),
            None => self.origin.clone(),
        }
    }
}

/// The kind of a value, to stand after "is".
impl fmt::Display for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Text(_) => "a string",
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
