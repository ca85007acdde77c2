//! What answers a provider's steps, step by step: given, brought by a callback, or kept from before.

use super::INITIAL;
use super::step::Step;
use crate::model::{Fields, Object, object};
use crate::provider::Provider;
use serde_json::Value;

/// The fields for each of a provider's steps.
#[derive(Debug, Default)]
pub struct Answers {
    pub(super) steps: Vec<(String, Fields)>,
    /// How many of the steps the provider describes; the others came by id only.
    pub(super) described: usize,
    /// The secrets of steps that an earlier run answered.
    earlier_secrets: Vec<String>,
}

impl Answers {
    /// The fields that answer the step with this id.
    pub fn step(&self, id: &str) -> Option<&Fields> {
        self.steps.iter().find(|(step, _)| step == id).map(|(_, fields)| fields)
    }

    /// The id of the step at this index.
    pub fn id(&self, index: usize) -> Option<String> {
        self.steps.iter().map(|(id, _)| id).filter(|id| *id != INITIAL).nth(index).cloned()
    }

    /// A field's text in whichever step it stands; empty when it was not given.
    pub fn text(&self, name: &str) -> &str {
        let texts = self.steps.iter().map(|(_, fields)| fields.text(name));
        texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// Adds what a callback brings for a step to what is given for it.
    pub fn fill(&mut self, step: &Step, callback: &Fields) {
        self.fill_step(step.id, callback);
    }

    /// The same for a step by its id.
    pub fn fill_step(&mut self, id: &str, callback: &Fields) {
        let own = self.own(id);
        for (name, value) in callback.iter() {
            if own.get(name).is_none() {
                own.set(name, value.clone());
            }
        }
    }

    fn own(&mut self, id: &str) -> &mut Fields {
        let known = self.steps.iter().position(|(step, _)| step == id);
        let at = known.unwrap_or_else(|| {
            self.steps.push((id.to_owned(), Fields::default()));
            self.steps.len() - 1
        });
        &mut self.steps[at].1
    }

    /// What answers the step with this id and those after it, by step, to be kept.
    pub fn kept_from(&self, provider: &dyn Provider, id: &str) -> Object {
        let place = |id: &str| provider.steps().iter().position(|step| step.id == id);
        let is_over = |step: &str| place(step).is_some_and(|at| Some(at) < place(id));
        let is_kept = |(step, fields): &&(String, Fields)| {
            step != INITIAL && !is_over(step) && fields.iter().next().is_some()
        };
        let kept = self.steps.iter().filter(is_kept);
        kept.map(|(step, fields)| (step.clone(), fields.to_json())).collect()
    }

    /// Adds what was kept for each step, where nothing else is given: of a choice, all or nothing. The
    /// secrets that were answered before come with it.
    pub fn fill_kept(&mut self, provider: &dyn Provider, kept: &Object, secrets: &[String]) {
        self.earlier_secrets.extend_from_slice(secrets);
        for (id, fields) in kept {
            let step = provider.steps().iter().find(|step| step.id == id);
            let own = self.own(id);
            if step.is_some_and(|step| step.choice.is_some()) && own.iter().next().is_some() {
                continue;
            }
            let kept = Fields::from(object(fields.clone()));
            self.fill_step(id, &kept);
        }
    }

    /// Every text in steps that nobody describes: a secret, as far as anybody knows.
    pub fn undescribed(&self) -> Vec<String> {
        let fields = self.steps.iter().skip(self.described).flat_map(|(_, fields)| fields.iter());
        fields.flat_map(|(_, value)| texts(value)).collect()
    }

    /// The secrets of steps that an earlier run answered.
    pub fn earlier_secrets(&self) -> impl Iterator<Item = String> {
        self.earlier_secrets.iter().cloned()
    }

    /// The names of the undescribed fields, each with its step's.
    pub fn undescribed_names(&self) -> impl Iterator<Item = String> {
        self.steps
            .iter()
            .skip(self.described)
            .flat_map(|(step, fields)| fields.iter().map(move |(name, _)| format!("{step}.{name}")))
    }
}

/// Every text in a value, at any depth.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
