//! What a waiting pipeline is to go on with, kept beside it for another process.

use super::links::RequestedLinks;
use super::task::IntegrationTask;
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::model::Object;
use crate::provider;
use serde_json::{Value, json};

/// The answers of the step that waits and of those after it, and what is linked in the end. It has no
/// `Debug`, for an answer may be a secret.
#[derive(Clone, Default, PartialEq)]
pub struct KeptInputs {
    answers: Object,
    links: RequestedLinks,
}

impl KeptInputs {
    /// What there is of a task whose pipeline waits at this step.
    pub fn new(task: &IntegrationTask, step: &str, links: &RequestedLinks) -> Self {
        Self { answers: task.answers.kept_from(task.provider, step), links: links.clone() }
    }

    /// Whether nothing has to be kept.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.links.is_empty()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "answers": self.answers,
            "repositories": self.links.repositories,
            "code_mappings": self.links.code_mappings,
        })
    }

    /// Reads what was written as JSON; what cannot be read is nothing.
    pub fn from_json(value: &Value) -> Self {
        let links = RequestedLinks {
            repositories: serde_json::from_value(value["repositories"].clone()).unwrap_or_default(),
            code_mappings: serde_json::from_value(value["code_mappings"].clone())
                .unwrap_or_default(),
        };
        Self { answers: value["answers"].as_object().cloned().unwrap_or_default(), links }
    }

    /// Gives a task that goes on what was kept, below what is given now.
    pub fn apply(&self, task: &mut IntegrationTask, inputs: &Inputs) -> Result {
        let given = provider::parse_given(task.provider, &inputs.state);
        task.answers = given.map_err(|mistakes| {
            Error::combine(mistakes).expect("there is a mistake, or the fields are read")
        })?;
        task.answers.fill_kept(task.provider, &self.answers);
        Ok(())
    }

    /// What is to be linked: what is named now, else what was kept, of each kind.
    pub fn links(&self, inputs: &Inputs) -> RequestedLinks {
        let mut links = RequestedLinks::from_inputs(inputs);
        if links.repositories.is_empty() {
            links.repositories.clone_from(&self.links.repositories);
        }
        if links.code_mappings.is_empty() {
            links.code_mappings.clone_from(&self.links.code_mappings);
        }
        links
    }
}
