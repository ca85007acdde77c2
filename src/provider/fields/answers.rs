//! From the `state` input to the answers of a provider's steps: every missing, unknown or
//! unfitting field is named before a request is made, and no value is ever shown.

use super::exposure::{exposed_secret, exposed_within};
use super::repeated::given_twice;
use super::step::Step;
use super::step_answers::Answers;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::state::{FieldEntry, FieldInput, RawValue};
use crate::model::{Fields, Object};
use crate::provider::{Field, FieldKind, FieldSource, Provider};
use crate::text::quote;
use crate::text::suggest::closest;
use serde_json::Value;

/// Which steps the state may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedSteps {
    /// Only those that the provider describes.
    KnownSteps,
    /// Any: the backend goes through the steps itself, and may have others.
    AnySteps,
}

/// Reads the answers of `provider` from the state.
pub fn parse(
    provider: &dyn Provider,
    state: &FieldInput,
    strictness: AllowedSteps,
) -> Result<Answers, Vec<Error>> {
    let (answers, mistakes) = read_all(provider, state, strictness);
    if mistakes.is_empty() { Ok(answers) } else { Err(mistakes) }
}

/// The same for a pipeline that is under way: what is missing was given before, or is missed by its
/// step.
pub fn parse_given(provider: &dyn Provider, state: &FieldInput) -> Result<Answers, Vec<Error>> {
    parse_partial(provider, state, AllowedSteps::AnySteps)
}

/// The same for what is only looked for: fields may be missing.
pub fn parse_partial(
    provider: &dyn Provider,
    state: &FieldInput,
    strictness: AllowedSteps,
) -> Result<Answers, Vec<Error>> {
    let (answers, mut mistakes) = read_all(provider, state, strictness);
    mistakes.retain(|mistake| mistake.code != ErrorCode::MissingField);
    if mistakes.is_empty() { Ok(answers) } else { Err(mistakes) }
}

fn read_all(
    provider: &dyn Provider,
    state: &FieldInput,
    strictness: AllowedSteps,
) -> (Answers, Vec<Error>) {
    let mut mistakes = given_twice(provider, state);
    let mut answers = Answers::default();
    for step in provider.all_steps() {
        let entry = |field: &Field| find(state, step, field);
        let fields = read(provider, step.fields, "state", entry, &mut mistakes);
        mistakes.extend(exposed_within(provider, step, &fields, entry));
        answers.steps.push((step.id.to_owned(), fields));
    }
    answers.described = answers.steps.len();
    // A mistyped name comes first: a field that is missing may be what was meant.
    match strictness {
        AllowedSteps::KnownSteps => {
            put_first(unknown(provider, state.entries.iter()), &mut mistakes);
        }
        AllowedSteps::AnySteps => {
            let is_undescribed = |entry: &&FieldEntry| is_undescribed(provider, entry);
            answers.steps.extend(state.entries.iter().filter(is_undescribed).map(undescribed));
            let others = state.entries.iter().filter(|entry| !is_undescribed(entry));
            put_first(unknown(provider, others), &mut mistakes);
        }
    }
    (answers, mistakes)
}

/// Puts mistyped names before what is missing, but for what they were meant to be.
fn put_first(unknown: Vec<Error>, mistakes: &mut Vec<Error>) {
    let is_meant = |missing: &Error| {
        let name = missing.message.split(' ').next().unwrap_or_default();
        unknown.iter().any(|one| one.hint == format!("did you mean {name}?"))
    };
    mistakes.retain(|one| one.code != ErrorCode::MissingField || !is_meant(one));
    mistakes.splice(..0, unknown);
}

/// Reads the values of the described fields, wherever `entry` finds them.
pub(crate) fn read<'a>(
    provider: &dyn Provider,
    described: &[Field],
    input: &str,
    entry: impl Fn(&Field) -> Option<&'a FieldEntry>,
    mistakes: &mut Vec<Error>,
) -> Fields {
    let mut fields = Fields::default();
    for field in described.iter().filter(|field| field.source != FieldSource::Echoed) {
        let is_missing = field.required && field.comes_from_state();
        match entry(field).map(|entry| value(provider, field, entry, &fields)) {
            Some(Ok(Some(value))) => fields.set(field.name, value),
            Some(Err(mistake)) => mistakes.push(mistake),
            Some(Ok(None)) | None if is_missing => mistakes.push(missing(provider, field, input)),
            Some(Ok(None)) | None => {}
        }
    }
    if mistakes.is_empty() {
        mistakes.extend(conflicts(provider, described, &fields, input));
    }
    fields
}

/// The fields that do not fit the others of their step.
fn conflicts(
    provider: &dyn Provider,
    described: &[Field],
    fields: &Fields,
    input: &str,
) -> Vec<Error> {
    let mistake = |field: &Field| {
        let (why, name) = (field.conflict(fields)?, field.name);
        Some(match fields.get(name) {
            Some(_) => Error::new(ErrorCode::BadField, format!("invalid `{name}`: {why}"))
                .with_hint(fields_hint(provider)),
            None if field.required => return None,
            None => {
                let message = format!("`{name}` is missing from `{input}`: {why}");
                Error { message, ..missing(provider, field, input) }
            }
        })
    };
    described.iter().filter_map(mistake).collect()
}

/// What `apps` has for a provider.
pub(crate) fn app_entries<'a>(provider: &dyn Provider, apps: &'a FieldInput) -> &'a [FieldEntry] {
    let entry = apps.entries.iter().find(|entry| entry.name == provider.key());
    match entry.map(|entry| &entry.value) {
        Some(RawValue::Mapping(inner)) => inner,
        _ => &[],
    }
}

/// The fields of an answer that do not fit its step, each with its reason in Sentry's words.
pub fn field_errors(step: &Step, fields: &Fields) -> Vec<(String, String)> {
    let reason = |field: &Field| match fields.get(field.name) {
        None | Some(Value::Null) if field.required => Some("This field is required.".to_owned()),
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() && !field.required => None,
        Some(value) => field.kind.check(value).err().map(|takes| match field.kind {
            FieldKind::Url => "Enter a valid URL.".to_owned(),
            _ => format!("Expected {takes}."),
        }),
    };
    let reason = |field: &Field| {
        reason(field).or_else(|| field.conflict(fields).map(|why| format!("Invalid: {why}.")))
    };
    let named = |field: &Field| Some((field.name.to_owned(), reason(field)?));
    step.fields.iter().filter_map(named).collect()
}

/// The entry for a field: what was set alone, else under its step's id if there, else flat.
pub(super) fn find<'a>(
    state: &'a FieldInput,
    step: &Step,
    field: &Field,
) -> Option<&'a FieldEntry> {
    let of_step = state.entries.iter().find_map(|entry| match &entry.value {
        RawValue::Mapping(inner) if is_step(entry, step) => {
            inner.iter().find(|entry| entry.field_name() == field.name)
        }
        _ => None,
    });
    let is_it = |entry: &&FieldEntry| entry.field_name() == field.name;
    let alone = state.entries.iter().filter(|entry| entry.is_set_alone()).find(is_it);
    alone.or(of_step).or_else(|| state.entries.iter().find(is_it))
}

fn is_step(entry: &FieldEntry, step: &Step) -> bool {
    entry.name == step.id
}

/// The value of a field, of which those before it are read.
fn value(
    provider: &dyn Provider,
    field: &Field,
    entry: &FieldEntry,
    before: &Fields,
) -> Result<Option<Value>> {
    if let Some(shown) = entry.shown.filter(|_| field.secret) {
        return Err(exposed_secret(field.name, entry, shown));
    }
    let value = match (&entry.value, &field.kind) {
        (RawValue::Empty, _) => return empty_value(field, entry),
        (RawValue::Text(text), _) if text.expose().is_empty() => return empty_value(field, entry),
        (RawValue::Boolean(value), FieldKind::Flag(_)) => Value::from(*value),
        (RawValue::Text(text), FieldKind::Flag(_)) => match text.expose() {
            "true" => Value::from(true),
            "false" => Value::from(false),
            _ => return Err(wrong_kind(provider, field, entry, "")),
        },
        (RawValue::Text(text), FieldKind::Integer) => integer(text.expose()),
        (RawValue::Text(text), FieldKind::AnyList(_)) if text.expose().trim() == "[]" => {
            Value::Array(Vec::new())
        }
        (RawValue::Text(text), FieldKind::List(_) | FieldKind::AnyList(_)) => {
            text.expose().split([',', '\n']).map(|item| Value::from(item.trim())).collect()
        }
        (RawValue::Text(text), _) => repaired(field, text.expose(), before)
            .map_err(|what| wrong_kind(provider, field, entry, &format!(", found {what}")))?,
        (RawValue::Mapping(entries), FieldKind::Json) => Value::from(json(entries).to_string()),
        (RawValue::Number(digits), FieldKind::Integer) => integer(digits.expose()),
        (RawValue::List(items), FieldKind::List(_) | FieldKind::AnyList(_)) => {
            items.iter().map(json_value).collect()
        }
        (RawValue::Boolean(_) | RawValue::Number(_), _) => return Err(unquoted(field, entry)),
        (RawValue::List(_) | RawValue::Mapping(_), _) => {
            return Err(wrong_kind(provider, field, entry, &format!(", found {}", entry.value)));
        }
    };
    match field.kind.check(&value) {
        Ok(()) => Ok(Some(value)),
        Err(_) => Err(wrong_kind(provider, field, entry, "")),
    }
}

/// A text as its field takes it, or what it is instead.
fn repaired(field: &Field, text: &str, before: &Fields) -> Result<Value, &'static str> {
    field.repair.map_or(Ok(text.to_owned()), |repair| repair(text, before)).map(Value::from)
}

fn integer(digits: &str) -> Value {
    digits.parse::<u64>().map_or(Value::Null, Value::from)
}

/// An entry without a value is an absent one. Of a secret that could be left out it is a mistake:
/// whoever names it wants it to be there.
fn empty_value(field: &Field, entry: &FieldEntry) -> Result<Option<Value>> {
    if field.required || !field.secret {
        return Ok(None);
    }
    let message = format!("`{}` at {} is empty", field.name, entry.place);
    let hint = "remove it, or check the secret that it is set from";
    Err(Error::new(ErrorCode::BadField, message).with_hint(hint))
}

fn missing(provider: &dyn Provider, field: &Field, input: &str) -> Error {
    let (key, name) = (provider.key(), field.name);
    let input = if input == "apps" { format!("apps` for `{key}") } else { input.to_owned() };
    Error::new(
        ErrorCode::MissingField,
        format!("`{name}` is missing from `{input}`: {}", field.help),
    )
    .with_hint(format!("run `finishline providers {key}` to see every field with an example"))
    .for_missing_input()
}

fn unquoted(field: &Field, entry: &FieldEntry) -> Error {
    let message = format!("`{}` at {} is {}: quote it", field.name, entry.place, entry.value);
    let hint = format!("write `{}: \"…\"`, so that YAML does not alter it", field.name);
    Error::new(ErrorCode::BadField, message).with_hint(hint)
}

fn wrong_kind(provider: &dyn Provider, field: &Field, entry: &FieldEntry, why: &str) -> Error {
    let takes = field.kind.expected();
    let message = format!("invalid `{}` at {}: expected {takes}{why}", field.name, entry.place);
    Error::new(ErrorCode::BadField, message).with_hint(fields_hint(provider))
}

pub(crate) fn fields_hint(provider: &dyn Provider) -> String {
    format!(
        "run `finishline providers {}` to see the accepted values of each field",
        provider.key()
    )
}

/// The entries that are no field of the provider. Their names may be misplaced secrets, so one that
/// is not near a field's is not shown.
fn unknown<'a>(
    provider: &dyn Provider,
    entries: impl Iterator<Item = &'a FieldEntry>,
) -> Vec<Error> {
    let all = || provider.all_steps().flat_map(|step| step.fields);
    let of_entry = |entry: &FieldEntry| {
        let step = provider.all_steps().find(|step| is_step(entry, step));
        match (step, &entry.value) {
            (Some(step), RawValue::Mapping(inner)) => unknown_fields(provider, inner, step.fields),
            _ => unknown_fields(provider, std::slice::from_ref(entry), all()),
        }
    };
    entries.flat_map(of_entry).collect()
}

pub(crate) fn unknown_fields<'a>(
    provider: &dyn Provider,
    entries: &[FieldEntry],
    fields: impl IntoIterator<Item = &'a Field>,
) -> Vec<Error> {
    let fields: Vec<_> =
        fields.into_iter().filter(|field| field.source != FieldSource::Echoed).collect();
    let is_unknown =
        |entry: &&FieldEntry| fields.iter().all(|field| field.name != entry.field_name());
    // What a callback brings may stand in `state` too, but nobody is sent to look for it.
    let names = || fields.iter().filter(|field| field.comes_from_state()).map(|field| field.name);
    let mistake = |entry: &FieldEntry| {
        let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let near = closest(&entry.field_name(), names());
        let typed = near.map(|_| format!(" {}", quote(&entry.name))).unwrap_or_default();
        let message = format!(
            "unknown field{typed} of {} in {}; expected one of {known}",
            provider.key(),
            entry.place
        );
        let error = Error::new(ErrorCode::BadField, message);
        match near {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint(fields_hint(provider)),
        }
    };
    entries.iter().filter(is_unknown).map(mistake).collect()
}

/// Whether the entry is a step with its fields that the provider does not describe.
pub(super) fn is_undescribed(provider: &dyn Provider, entry: &FieldEntry) -> bool {
    let is_field = || {
        let fields = provider.all_steps().flat_map(|step| step.fields);
        fields.into_iter().any(|field| field.name == entry.field_name())
    };
    matches!(entry.value, RawValue::Mapping(_))
        && !provider.all_steps().any(|step| is_step(entry, step))
        && !is_field()
}

/// A step that came by its id only, with its fields as they were written.
fn undescribed(entry: &FieldEntry) -> (String, Fields) {
    let mut fields = Fields::default();
    if let RawValue::Mapping(inner) = &entry.value {
        inner.iter().for_each(|entry| fields.set(&entry.name, json_value(&entry.value)));
    }
    (entry.name.clone(), fields)
}

/// A mapping as the JSON that it stands for.
pub(super) fn json(entries: &[FieldEntry]) -> Value {
    let pairs = entries.iter().map(|entry| (entry.name.clone(), json_value(&entry.value)));
    Value::Object(pairs.collect::<Object>())
}

pub(super) fn json_value(value: &RawValue) -> Value {
    match value {
        RawValue::Empty => Value::Null,
        RawValue::Text(text) => Value::from(text.expose()),
        RawValue::Boolean(value) => Value::from(*value),
        RawValue::Number(digits) => {
            serde_json::from_str(digits.expose()).unwrap_or_else(|_| Value::from(digits.expose()))
        }
        RawValue::List(items) => Value::Array(items.iter().map(json_value).collect()),
        RawValue::Mapping(entries) => json(entries),
    }
}
