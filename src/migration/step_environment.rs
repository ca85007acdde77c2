//! The variables that a step of a workflow begins with, as far as the file tells.

use std::collections::{BTreeMap, BTreeSet};

/// The variables of a step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepEnvironment {
    /// Those that the file sets, with their texts.
    texts: BTreeMap<String, String>,
    /// Those of them that an earlier step may have changed.
    uncertain: BTreeSet<String>,
    /// How many earlier steps may have set variables.
    generation: usize,
    /// Whether the job has a ref at every event.
    has_ref: bool,
}

/// Plain values of YAML that are no text.
const NULLS: &[&str] = &["~", "null", "Null", "NULL"];

impl StepEnvironment {
    /// The variables in the `env:` of the workflow and the job, and of the step.
    pub(super) fn new(
        of_job: &BTreeMap<String, String>,
        of_step: &BTreeMap<String, String>,
        generation: usize,
    ) -> Self {
        let mut texts = of_job.clone();
        texts.extend(of_step.clone());
        let is_of_job = |name: &&String| generation > 0 && !of_step.contains_key(*name);
        let uncertain = of_job.keys().filter(is_of_job).cloned().collect();
        Self { texts, uncertain, generation, has_ref: false }
    }

    /// The same where the job has a ref at every event, or not.
    pub(super) fn with_ref(self, has_ref: bool) -> Self {
        Self { has_ref, ..self }
    }

    /// Whether the job has a ref at every event.
    pub(super) fn has_ref(&self) -> bool {
        self.has_ref
    }

    /// Whether the file sets a variable.
    pub(super) fn has(&self, name: &str) -> bool {
        self.texts.contains_key(name)
    }

    /// The names of those that it sets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The text of a variable, if that is its value whatever earlier steps do.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.texts.get(name).filter(|_| !self.uncertain.contains(name))?;
        (!NULLS.contains(&text.as_str())).then_some(text)
    }

    /// Whether nothing sets a variable.
    pub(super) fn is_unset(&self, name: &str) -> bool {
        self.generation == 0 && !self.has(name)
    }

    /// A text that only the same value of a variable has; a mark is in what the file does not tell.
    pub(super) fn identity(&self, name: &str) -> String {
        match self.text(name).filter(|text| !text.contains("env.")) {
            Some(text) => text.to_owned(),
            None => format!("\0${name}@{}", self.generation),
        }
    }
}
