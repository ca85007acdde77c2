//! A step of a provider, and its fields.

use super::choice::StepChoice;
use super::{Field, FieldSource, INITIAL};
use crate::model::{Fields, Object};

/// One thing to settle in a provider's pipeline.
pub struct Step {
    /// Its id in errors, in Sentry's API and in the pipeline's signature.
    pub id: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// Where [`crate::provider::Provider::step_data`] shows the page that a person must visit.
    pub link: Option<&'static str>,
    /// What stands as `true` in its data where a person has approved before, at the third party:
    /// then it only wants back what it shows.
    pub approved: Option<&'static str>,
    /// What it lists for a person to choose among.
    pub choice: Option<StepChoice>,
}

impl Step {
    /// A step that inputs alone can answer.
    pub(crate) const fn form(id: &'static str, fields: &'static [Field]) -> Self {
        Self { id, fields, link: None, approved: None, choice: None }
    }

    /// A step that sends a person to the page that stands under `link`.
    pub(crate) const fn page(
        id: &'static str,
        link: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self { id, fields, link: Some(link), approved: None, choice: None }
    }

    /// A step that says so under this name where nobody has to visit its page.
    pub(crate) const fn approved_by(self, name: &'static str) -> Self {
        Self { approved: Some(name), ..self }
    }

    /// A step that lists what may be chosen.
    pub(crate) const fn choosing(self, choice: StepChoice) -> Self {
        Self { choice: Some(choice), ..self }
    }

    /// Whether what it shows says that a person approved before.
    pub fn is_approved(&self, shown: &Object) -> bool {
        self.approved.and_then(|name| shown.get(name)) == Some(&true.into())
    }

    /// What a pipeline begins with.
    pub(crate) const fn initial(fields: &'static [Field]) -> Self {
        Self::form(INITIAL, fields)
    }

    /// Whether a person with a browser brings what answers it.
    pub fn needs_browser(&self) -> bool {
        self.link.is_some() && self.fields.iter().any(|field| field.callback().is_some())
    }

    /// Whether these fields answer it, so that nobody has to be waited for.
    pub fn is_answered(&self, fields: Option<&Fields>) -> bool {
        let has = |field: &Field| fields.is_some_and(|fields| fields.get(field.name).is_some());
        let is_missing = |field: &Field| field.required && !has(field);
        let own = || self.fields.iter().filter(|field| field.source != FieldSource::Echoed);
        own().any(has) && !own().any(is_missing)
    }

    /// Echoes what the step shows into the fields that must bring it back; where a person approved
    /// before, nothing else is sent.
    pub fn echo(&self, shown: &Object, fields: &mut Fields) {
        let is_approved = self.is_approved(shown);
        if is_approved {
            *fields = Fields::default();
        }
        let is_echoed = |field: &&Field| is_approved || field.source == FieldSource::Echoed;
        for field in self.fields.iter().filter(is_echoed) {
            if let (None, Some(value)) = (fields.get(field.name), shown.get(field.name)) {
                fields.set(field.name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldKind;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_is_answered_by_what_it_requires_or_by_anything_when_it_requires_nothing() {
        const FIELD: Field = Field::optional("a", FieldKind::Text(9)).by_callback("a");
        static STEP: Step = Step::page("s", "url", &[FIELD]);
        let mut given = Fields::default();
        assert!(!STEP.is_answered(None));
        assert!(STEP.needs_browser() && !STEP.is_answered(Some(&given)));
        given.set("a", "1");
        assert!(STEP.is_answered(Some(&given)));
    }

    #[test]
    fn what_a_step_shows_is_sent_back() {
        static STEP: Step = Step::form("s", &[Field::echoed("state")]);
        let shown = [("state".to_owned(), json!("n0nce"))].into_iter().collect();
        let mut fields = Fields::default();
        STEP.echo(&shown, &mut fields);
        assert_eq!(fields.text("state"), "n0nce");
    }
}
