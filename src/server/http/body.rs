//! Bodies as Sentry's serializers read them: what is missing, blank, too long or of another type
//! becomes an error for each field, in Django REST framework's words.

use super::request::RawRequest;
use super::response::ApiError;
use crate::model::Object;
use crate::text::date;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde_json::error::Category;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use url::form_urlencoded;

/// Reads a body: JSON, or a form. An empty one is an empty object.
pub(crate) fn read(request: &RawRequest) -> Result<Object, ApiError> {
    let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let body = request.body.bytes();
    if body.is_empty() {
        return Ok(Object::new());
    }
    let is_form = essence == "application/x-www-form-urlencoded";
    check_values(body, is_form)?;
    match essence {
        "application/json" => object(json_value(body)?),
        _ if is_form => Ok(form(body)),
        _ => {
            let text = format!("Unsupported media type \"{kind}\" in request.");
            Err(ApiError::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
    }
}

/// How many rows a request may name, each of which is looked up.
pub(crate) const MAX_LOOKED_UP: usize = 1000;
/// How many rows a request may bring in one list, far more than fit into a body of real ones.
pub(crate) const MAX_WRITTEN: usize = 30_000;

/// How many values a body may have: read, a short one takes many times its bytes.
const MAX_VALUES: usize = 500_000;

/// Refuses a body of more values, as JSON or as a form.
pub(crate) fn check_values(body: &[u8], is_form: bool) -> Result<(), ApiError> {
    if count_values(body, is_form) <= MAX_VALUES {
        return Ok(());
    }
    let text = format!("The request body has more than {MAX_VALUES} values.");
    Err(ApiError::detail(StatusCode::PAYLOAD_TOO_LARGE, text))
}

/// How many values there are at most, as JSON or as a form: what separates or holds them is counted,
/// outside of JSON's texts.
fn count_values(body: &[u8], is_form: bool) -> usize {
    if is_form {
        return body.iter().filter(|byte| **byte == b'&').count();
    }
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

fn json_value(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        // Python points at where the value begins, or at the end of what broke off.
        let (line, column) = match error.classify() {
            Category::Eof => (error.line(), error.column() + 1),
            _ if error.to_string().starts_with("expected ident") => {
                (error.line(), error.column().saturating_sub(1).max(1))
            }
            _ => (error.line(), error.column().max(1)),
        };
        let before: usize =
            body.split(|byte| *byte == b'\n').take(line - 1).map(|l| l.len() + 1).sum();
        ApiError::bad_request(format!(
            "JSON parse error - Expecting value: line {line} column {column} (char {})",
            before + column - 1
        ))
    })
}

fn object(value: Value) -> Result<Object, ApiError> {
    match value {
        Value::Object(object) => Ok(object),
        other => {
            let errors = match other {
                Value::Null => json!({ "non_field_errors": ["No data provided"] }),
                _ => not_an_object(&other),
            };
            Err(ApiError::new(StatusCode::BAD_REQUEST, errors))
        }
    }
}

/// A form; a name that stands there several times, or is a list by its nature, is one.
fn form(body: &[u8]) -> Object {
    let mut object = Object::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::from(value.into_owned());
        match object.get_mut(name.as_ref()) {
            Some(Value::Array(values)) => values.push(value),
            Some(before) => *before = json!([before, value]),
            None if name == "projects" => drop(object.insert(name.into_owned(), json!([value]))),
            None => drop(object.insert(name.into_owned(), value)),
        }
    }
    object
}

/// Whether Django's validator takes it: the host has a top-level domain, or is `localhost` or an
/// IP address.
fn is_address(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    url::Url::parse(text).is_ok_and(|url| {
        let named = |host: &str| {
            let top = host.rsplit_once('.').map_or("", |(_, top)| top);
            let is_top = top.len() >= 2 && !top.starts_with('-');
            host == "localhost" || (is_top && !top.bytes().all(|c| c.is_ascii_digit()))
        };
        matches!(url.scheme(), "http" | "https" | "ftp" | "ftps")
            && match url.host() {
                Some(url::Host::Domain(host)) => named(host),
                Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
                None => false,
            }
    })
}

fn not_an_object(value: &Value) -> Value {
    let text = format!("Invalid data. Expected a dictionary, but got {}.", python_type(value));
    json!({ "non_field_errors": [text] })
}

/// A text, or a number as a text.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A field's text, or its number as a text; an empty one is none.
pub(crate) fn non_empty_text(object: &Object, name: &str) -> Option<String> {
    as_text(object.get(name)?).filter(|text| !text.is_empty())
}

/// What Python calls a value's type.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// What a text field takes.
#[derive(Clone, Copy)]
pub(crate) struct TextRule {
    longest: usize,
    required: bool,
    blank: bool,
    nullable: bool,
    trimmed: bool,
}

impl TextRule {
    /// A text that must be there.
    pub(crate) const fn required(longest: usize) -> Self {
        Self { longest, required: true, blank: false, nullable: false, trimmed: true }
    }

    /// A text that may be absent, null or empty.
    pub(crate) const fn optional(longest: usize) -> Self {
        Self { longest, required: false, blank: true, nullable: true, trimmed: true }
    }

    /// The same, with the blanks around it.
    pub(crate) const fn untrimmed(self) -> Self {
        Self { trimmed: false, ..self }
    }

    /// The same, but it may be absent.
    pub(crate) const fn or_absent(self) -> Self {
        Self { required: false, ..self }
    }

    /// The same, and an empty one is a text too.
    pub(crate) const fn allow_blank(self) -> Self {
        Self { blank: true, ..self }
    }
}

/// A body while it is being read: the fields that fit, and what is wrong with the others.
pub(crate) struct BodyReader<'a> {
    object: &'a Object,
    errors: Map<String, Value>,
}

impl<'a> BodyReader<'a> {
    /// Begins to read.
    pub(crate) fn new(object: &'a Object) -> Self {
        Self { object, errors: Map::new() }
    }

    /// Notes what is wrong with a field; the first reason stays.
    pub(crate) fn error(&mut self, name: &str, why: impl Into<String>) {
        self.errors.entry(name).or_insert_with(|| json!([why.into()]));
    }

    /// Notes what is wrong inside a field.
    fn nested_error(&mut self, name: &str, errors: Value) {
        self.errors.entry(name).or_insert(errors);
    }

    /// Whether the field is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A field's value, when it is there and not null.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text; a number becomes one. `None` when it is absent, null, or wrong.
    pub(crate) fn text(&mut self, name: &str, rule: TextRule) -> Option<String> {
        let text = match self.object.get(name) {
            None if rule.required => return self.none(name, "This field is required."),
            None => return None,
            Some(Value::Null) if rule.nullable => return None,
            Some(Value::Null) => return self.none(name, "This field may not be null."),
            Some(Value::String(text)) if rule.trimmed => text.trim().to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return self.none(name, "Not a valid string."),
        };
        if text.is_empty() && !rule.blank {
            return self.none(name, "This field may not be blank.");
        }
        if text.chars().count() > rule.longest {
            let longest = rule.longest;
            let why = format!("Ensure this field has no more than {longest} characters.");
            return self.none(name, why);
        }
        Some(text)
    }

    /// An address by the rules of Django's validator, or an empty text.
    pub(crate) fn url(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, TextRule::optional(usize::MAX))?;
        if !text.is_empty() && !is_address(&text) {
            return self.none(name, "Enter a valid URL.");
        }
        if text.chars().count() > 200 {
            return self.none(name, "Ensure this field has no more than 200 characters.");
        }
        Some(text)
    }

    /// A point in time.
    pub(crate) fn date(&mut self, name: &str) -> Option<i64> {
        let parsed = match self.value(name)? {
            Value::String(text) => date::parse(text),
            _ => None,
        };
        if parsed.is_none() {
            self.error(
                name,
                "Datetime has wrong format. Use one of these formats instead: \
                 YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
            );
        }
        parsed
    }

    /// A list of at most this many items.
    fn list(&mut self, name: &str, most: usize) -> Option<&'a Vec<Value>> {
        let list = self.any_list(name)?;
        if list.len() > most { self.too_long(name, most) } else { Some(list) }
    }

    fn too_long<T>(&mut self, name: &str, most: usize) -> Option<T> {
        self.none(name, format!("Ensure this field has no more than {most} elements."))
    }

    fn any_list(&mut self, name: &str) -> Option<&'a Vec<Value>> {
        match self.object.get(name)? {
            Value::Null => self.none(name, "This field may not be null."),
            Value::Array(list) => Some(list),
            other => {
                let kind = python_type(other);
                self.none(name, format!("Expected a list of items but got type \"{kind}\"."))
            }
        }
    }

    /// A list of texts, each once.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let mut seen = HashSet::new();
        let texts = self.any_list(name)?.iter().map(as_text);
        let texts: Option<Vec<_>> = texts.filter(|text| seen.insert(text.clone())).collect();
        match texts {
            None => self.none(name, "Not a valid string."),
            Some(texts) if texts.len() > MAX_LOOKED_UP => self.too_long(name, MAX_LOOKED_UP),
            texts => texts,
        }
    }

    /// A list of at most this many objects, each read by `item`; the errors are those of the first
    /// that has any, without its place, as in Sentry.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        most: usize,
        item: impl Fn(&mut BodyReader<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut read = Vec::new();
        for value in self.list(name, most)? {
            let Value::Object(object) = value else {
                self.nested_error(name, not_an_object(value));
                return None;
            };
            let mut reader = BodyReader::new(object);
            let item = item(&mut reader);
            if !reader.errors.is_empty() {
                self.nested_error(name, Value::Object(reader.errors));
                return None;
            }
            read.extend(item);
        }
        Some(read)
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() {
            return Ok(());
        }
        Err(ApiError::new(StatusCode::BAD_REQUEST, Value::Object(self.errors)))
    }

    fn none<T>(&mut self, name: &str, why: impl Into<String>) -> Option<T> {
        self.error(name, why);
        None
    }
}
