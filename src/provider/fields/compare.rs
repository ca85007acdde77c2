//! The fields of `state` beside those that an integration has: which differ, by the same rule that
//! decides whether anything is to be done.

use super::{Field, FieldKind, FieldSource};
use crate::model::{Fields, ListedIntegration, Object};
use crate::provider::{Answers, IntegrationMatch, Provider};
use serde_json::Value;

/// What became of the comparison of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldComparison {
    /// What is stored means the same as what is given.
    Same,
    /// It does not.
    Differs,
    /// Nothing shows what is stored.
    NotCompared,
    /// There is no integration yet.
    New,
}

/// A field that is given, or stored.
#[derive(Debug, PartialEq, Eq)]
pub struct ComparedField {
    /// Its name, with that of its step where nobody describes it.
    pub name: String,
    /// Whether its values may not be shown; then neither is here.
    pub is_secret: bool,
    /// What is stored, where that is shown.
    pub there: Option<String>,
    /// What is given, or holds by default.
    pub wanted: Option<String>,
    /// What became of the comparison.
    pub comparison: FieldComparison,
}

/// Compares each field with what this integration has, or there is none yet.
pub fn compare_fields(
    provider: &dyn Provider,
    answers: &Answers,
    listed: Option<&ListedIntegration>,
) -> Vec<ComparedField> {
    let stored = StoredFields { provider, answers, listed, known: known(provider, listed) };
    let mut compared = Vec::new();
    for step in provider.all_steps() {
        let given = answers.step(step.id);
        let fields = step.fields.iter().filter(|field| is_kept(field));
        compared.extend(fields.filter_map(|field| stored.compare(step.id, field, given)));
    }
    let comparison = listed.map_or(FieldComparison::New, |_| FieldComparison::NotCompared);
    let undescribed = answers.undescribed_names().map(|name| ComparedField {
        name,
        is_secret: true,
        there: None,
        wanted: None,
        comparison,
    });
    compared.extend(undescribed);
    compared
}

/// Whether an integration keeps what is given for the field: what a visit brings is used once.
fn is_kept(field: &Field) -> bool {
    match field.source {
        FieldSource::State | FieldSource::Link(_) => true,
        FieldSource::Callback(_) => !field.secret,
        FieldSource::Echoed => false,
    }
}

/// The fields that the integration shows, secrets not among them.
fn known(provider: &dyn Provider, listed: Option<&ListedIntegration>) -> Object {
    let mut known = listed.map(|listed| provider.recover_fields(listed)).unwrap_or_default();
    known.retain(|_, value| !value.is_null());
    known
}

/// What is stored of an integration, beside the answers.
struct StoredFields<'a> {
    provider: &'a dyn Provider,
    answers: &'a Answers,
    listed: Option<&'a ListedIntegration>,
    known: Object,
}

impl StoredFields<'_> {
    fn compare(
        &self,
        step: &str,
        field: &'static Field,
        given: Option<&Fields>,
    ) -> Option<ComparedField> {
        let given = given.and_then(|fields| fields.get(field.name));
        let there = self.value(field);
        let default = match field.kind {
            FieldKind::Flag(default) if there.is_some() => Some(Value::Bool(default)),
            _ => None,
        };
        let wanted = given.cloned().or(default);
        if wanted.is_none() && there.as_ref().is_none_or(is_empty) {
            return None;
        }
        // A secret that is not given stays as it is.
        if wanted.is_none() && field.secret {
            return None;
        }
        let comparison = match (&there, self.listed) {
            (_, None) => FieldComparison::New,
            (None, Some(_)) => FieldComparison::NotCompared,
            (Some(there), Some(_)) if Some(there) == wanted.as_ref() => FieldComparison::Same,
            (Some(_), Some(listed)) => self.decide(step, field, wanted.as_ref(), listed),
        };
        let shown = |value: &Value| (!field.secret && !is_empty(value)).then(|| shown_text(value));
        Some(ComparedField {
            name: field.name.to_owned(),
            is_secret: field.secret,
            there: there.as_ref().and_then(shown),
            wanted: wanted.as_ref().and_then(shown),
            comparison,
        })
    }

    /// What is stored of a field, where the integration shows it.
    fn value(&self, field: &Field) -> Option<Value> {
        let listed = self.listed?;
        match field.secret {
            true => self.provider.stored_secret(field.name, self.answers, listed).map(Into::into),
            false => self.known.get(field.name).cloned(),
        }
    }

    /// Two values that are not equal may mean the same: the provider decides, as it does about the
    /// whole, where all other fields are as they are stored.
    fn decide(
        &self,
        step: &str,
        field: &'static Field,
        wanted: Option<&Value>,
        listed: &ListedIntegration,
    ) -> FieldComparison {
        let is_same = |answers: &Answers| {
            self.provider.matches(answers, listed) == IntegrationMatch::Same
                && self.provider.ignored_change(answers, listed).is_none()
        };
        let changed = self.stored_answers(Some((step, field.name, wanted)));
        let verdict = self.provider.matches(self.answers, listed);
        let is_decided = is_same(&self.stored_answers(None));
        let differs = match is_decided {
            true => !is_same(&changed),
            false => verdict == IntegrationMatch::Differs,
        };
        if differs { FieldComparison::Differs } else { FieldComparison::Same }
    }

    /// The answers as they are stored; what is not shown is as it is given, and one field may be
    /// another.
    fn stored_answers(&self, changed: Option<(&str, &str, Option<&Value>)>) -> Answers {
        let mut answers = Answers::default();
        for step in self.provider.all_steps() {
            let mut fields = self.answers.step(step.id).cloned().unwrap_or_default();
            for field in step.fields.iter().filter(|field| is_kept(field)) {
                let value = match changed {
                    Some((of, name, value)) if of == step.id && name == field.name => {
                        value.cloned().or(Some(Value::Null))
                    }
                    _ => self.value(field),
                };
                match value {
                    Some(Value::Null) => fields.remove(field.name),
                    Some(value) => fields.set(field.name, value),
                    None => {}
                }
            }
            answers.fill(step, &fields);
        }
        answers
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// A value for a person.
fn shown_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
