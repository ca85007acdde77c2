//! The integration that is meant where nothing that is given tells one account from another: Slack's has no
//! fields, Cursor's a secret alone.

use super::task::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::model::ListedIntegration;
use crate::provider::FieldComparison;

impl IntegrationTask {
    /// The only one that is listed, where it is in use.
    pub(super) fn sole<'a>(
        &self,
        listed: &'a [ListedIntegration],
    ) -> Option<&'a ListedIntegration> {
        let [one] = listed else { return None };
        (one.active && !self.tells_account()).then_some(one)
    }

    /// Whether a field is given that is no secret.
    fn tells_account(&self) -> bool {
        let mut steps = self.provider.all_steps();
        let tells = |step: &str| {
            let answer = self.answers.step(step);
            move |name: &str| answer.is_some_and(|fields| fields.get(name).is_some())
        };
        self.answers.undescribed_names().next().is_some()
            || steps.any(|step| {
                let is_given = tells(step.id);
                step.fields.iter().any(|field| !field.secret && is_given(field.name))
            })
    }

    /// Refuses a secret that an integration has otherwise, and that no finish puts into it.
    ///
    /// # Errors
    ///
    /// `integration-mismatch`.
    pub(super) fn check_kept_secrets(&self, one: &ListedIntegration) -> Result {
        let compared = self.compare_fields(Some(one)).into_iter();
        let mut differs = compared
            .filter(|field| field.is_secret && field.comparison == FieldComparison::Differs);
        match differs.next().filter(|_| self.provider.has_random_id()) {
            Some(field) => {
                let (id, name, kind) = (one.id, &one.name, self.provider.name());
                let message = format!(
                    "integration {id} ({name}) has another `{}`, and {kind} integrations cannot be changed: \
                     each finish makes a new one",
                    field.name
                );
                let hint = "set `mode: install` to make a new integration, and delete the old one afterwards";
                Err(Error::new(ErrorCode::IntegrationMismatch, message).with_hint(hint))
            }
            None => Ok(()),
        }
    }
}
