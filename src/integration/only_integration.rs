//! Which integration is meant where nothing that is given tells one account from another: Slack's has no
//! fields, Cursor's a secret alone.

use super::decision::{Decision, DecisionReason};
use super::task::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::model::ListedIntegration;
use crate::provider::FieldComparison;

impl IntegrationTask {
    /// What is done where the listed ones cannot be told apart; none where one of several may be meant.
    ///
    /// # Errors
    ///
    /// `integration-mismatch` where the only one has another secret.
    pub(super) fn decide_by_number(
        &self,
        listed: &[ListedIntegration],
    ) -> Result<Option<Decision>> {
        let (leaving, staying): (Vec<_>, Vec<_>) =
            listed.iter().partition(|one| one.deletion.is_some());
        let decision = match (&staying[..], &leaving[..]) {
            _ if self.tells_account() => None,
            ([one], _) if one.active => {
                self.check_kept_secrets(one)?;
                Some(Decision::UpToDate { id: one.id, name: one.name.clone() })
            }
            ([], _) if self.provider.has_random_id() => {
                Some(Decision::Install(DecisionReason::Missing))
            }
            ([one], _) | ([], [one]) => Some(Decision::Install(DecisionReason::Inactive(one.id))),
            _ => None,
        };
        Ok(decision)
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

    /// Refuses a named integration that no finish brings to what is asked for.
    ///
    /// # Errors
    ///
    /// `integration-mismatch` where it is being deleted, or has another secret.
    pub(super) fn check_named(&self, one: &ListedIntegration) -> Result {
        if one.deletion.is_some() && self.provider.has_random_id() {
            let (id, name, kind) = (one.id, &one.name, self.provider.name());
            let message = format!(
                "integration {id} ({name}) is being deleted, and {kind} integrations cannot be restored: each \
                 finish makes a new one"
            );
            return Err(Error::new(ErrorCode::IntegrationMismatch, message)
                .with_hint("unset `integration-id` to make a new integration"));
        }
        self.check_kept_secrets(one)
    }

    fn check_kept_secrets(&self, one: &ListedIntegration) -> Result {
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
