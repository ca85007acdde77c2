//! A provider that only a Sentry finishes: what it asks for, and why our engine cannot.

use super::{Answers, IntegrationMatch, Provider, ProviderDescription, Result, Step};
use crate::error::ErrorCode;
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State};

/// Its description, which has the reason, and how an integration of it is recognised.
pub(super) struct SentryOnly {
    pub(super) description: ProviderDescription,
    /// See [`Provider::matches`].
    pub(super) matches: fn(&Answers, &ListedIntegration) -> IntegrationMatch,
    /// See [`Provider::account`].
    pub(super) account: fn(&Answers) -> Option<String>,
    /// See [`Provider::recover_fields`].
    pub(super) recover_fields: fn(&ListedIntegration) -> Object,
}

impl SentryOnly {
    /// A provider whose answers do not tell which integration is theirs.
    pub(super) const fn new(description: ProviderDescription) -> Self {
        let matches = |_: &Answers, _: &ListedIntegration| IntegrationMatch::CannotTell;
        Self { description, matches, account: |_| None, recover_fields: |_| Object::new() }
    }

    /// A provider of which an organization has one integration at most.
    pub(super) const fn single_instance(description: ProviderDescription) -> Self {
        let matches = |_: &Answers, _: &ListedIntegration| IntegrationMatch::Same;
        Self { matches, account: |_| Some(String::new()), ..Self::new(description) }
    }

    fn refusal(&self) -> Refusal {
        let reason = self.description.sentry_only_reason.unwrap_or_default();
        let message =
            format!("only a Sentry server can install {}: {reason}", self.description.name);
        Refusal::new(ErrorCode::NeedsSentry, message)
    }
}

impl Provider for SentryOnly {
    fn description(&self) -> &ProviderDescription {
        &self.description
    }

    fn bind_answer(&self, _: &Step, _: &Fields, _: &mut State) -> Result {
        Err(self.refusal())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        (self.recover_fields)(listed)
    }

    fn account(&self, answers: &Answers) -> Option<String> {
        (self.account)(answers)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        (self.matches)(answers, listed)
    }

    fn build(&self, _: &State) -> Result<IntegrationData> {
        Err(self.refusal())
    }
}
