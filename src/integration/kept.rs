//! What a waiting pipeline is to go on with, kept beside it for another process.

use super::links::RequestedLinks;
use super::task::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::model::Object;
use crate::provider;
use crate::text::quote;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The answers of the step that waits and of those after it, what is linked in the end, and which texts
/// are never shown. It has no `Debug`, for an answer may be a secret.
#[derive(Clone, Default, PartialEq)]
pub struct KeptInputs {
    answers: Object,
    links: RequestedLinks,
    /// The secrets of all steps: a server may repeat one of a step that is over.
    secrets: Vec<String>,
    /// The entry of the manifest that began it.
    entry: Option<String>,
}

impl KeptInputs {
    /// What there is of a task whose pipeline waits at this step.
    pub fn new(task: &IntegrationTask, step: &str, links: &RequestedLinks) -> Self {
        let answers = task.answers.kept_from(task.provider, step);
        Self { answers, links: links.clone(), ..Self::default() }
    }

    /// The same of this entry of a manifest.
    #[must_use]
    pub fn of_entry(self, entry: Option<&str>) -> Self {
        Self { entry: entry.map(str::to_owned), ..self }
    }

    /// Refuses to go on with what another entry began.
    ///
    /// # Errors
    ///
    /// `wrong-oauth-state`.
    pub fn check_entry(&self, entry: Option<&str>) -> Result {
        match (self.entry.as_deref(), entry) {
            (Some(own), Some(entry)) if own != entry => {
                Err(other_owner("entry", &quote(own), entry))
            }
            _ => Ok(()),
        }
    }

    /// The same with these secrets.
    #[must_use]
    pub fn with_secrets(self, secrets: Vec<String>) -> Self {
        Self { secrets, ..self }
    }

    /// Whether nothing has to be kept.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "answers": self.answers,
            "secrets": self.secrets,
            "entry": self.entry,
            "repositories": self.links.repositories,
            "code_mappings": self.links.code_mappings,
            "absent_repositories": self.links.absent_repositories,
            "absent_mappings": self.links.absent_mappings,
        })
    }

    /// Reads what was written as JSON; what cannot be read is nothing.
    pub fn from_json(value: &Value) -> Self {
        let links = RequestedLinks {
            repositories: read(&value["repositories"]),
            code_mappings: read(&value["code_mappings"]),
            absent_repositories: read(&value["absent_repositories"]),
            absent_mappings: read(&value["absent_mappings"]),
            ..RequestedLinks::default()
        };
        let answers = value["answers"].as_object().cloned().unwrap_or_default();
        let entry = value["entry"].as_str().map(str::to_owned);
        Self { answers, links, secrets: read(&value["secrets"]), entry }
    }

    /// Gives a task that goes on what was kept, below what is given now.
    pub fn apply(&self, task: &mut IntegrationTask, inputs: &Inputs) -> Result {
        let given = provider::parse_given(task.provider, &inputs.state);
        task.answers = given.map_err(|mistakes| {
            Error::combine(mistakes).expect("there is a mistake, or the fields are read")
        })?;
        task.answers.fill_kept(task.provider, &self.answers, &self.secrets);
        Ok(())
    }

    /// What is to be linked: what is named now, else what was kept, of each kind.
    pub fn links(&self, inputs: &Inputs) -> RequestedLinks {
        let mut links = RequestedLinks::from_inputs(inputs);
        keep_unless_given(&mut links.repositories, &self.links.repositories);
        keep_unless_given(&mut links.code_mappings, &self.links.code_mappings);
        keep_unless_given(&mut links.absent_repositories, &self.links.absent_repositories);
        keep_unless_given(&mut links.absent_mappings, &self.links.absent_mappings);
        links
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

fn keep_unless_given<T: Clone>(given: &mut Vec<T>, kept: &[T]) {
    if given.is_empty() {
        given.extend_from_slice(kept);
    }
}

/// The refusal of a callback that belongs to another one than an input names.
pub fn other_owner(input: &str, own: &str, given: &str) -> Error {
    let message = format!("the callback belongs to {own}, and `{input}` is {}", quote(given));
    let hint = format!("set `{input}` to the one whose page was approved");
    Error::new(ErrorCode::WrongOauthState, message).with_hint(hint)
}
