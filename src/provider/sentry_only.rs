//! A provider that only a Sentry finishes: what it asks for, and why our engine cannot.

use super::fields::step::Step;
use super::{Answers, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};

/// The description.
pub(super) struct SentryOnly {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    /// How a Sentry finishes it, in one sentence for a person.
    pub(super) about: &'static str,
    /// Why our engine cannot.
    pub(super) reason: &'static str,
    pub(super) features: &'static [&'static str],
    pub(super) initial: Option<&'static Step>,
    pub(super) steps: &'static [Step],
    pub(super) integration_key: &'static str,
    /// Whether it is switched on without a pipeline.
    pub(super) directly: bool,
    /// Whether a listed integration is the one that the answers describe.
    pub(super) matches: fn(&Answers, &ListedIntegration) -> IntegrationMatch,
    /// What a listed integration tells of the fields.
    pub(super) told: fn(&ListedIntegration) -> Object,
}

impl SentryOnly {
    /// A provider whose answers do not tell which integration is theirs.
    pub(super) const fn new(
        key: &'static str,
        name: &'static str,
        about: &'static str,
        why: &'static str,
        steps: &'static [Step],
    ) -> Self {
        let matches = |_: &Answers, _: &ListedIntegration| IntegrationMatch::CannotTell;
        Self {
            key,
            name,
            about,
            reason: why,
            features: &[],
            initial: None,
            steps,
            integration_key: key,
            directly: false,
            matches,
            told: |_| Object::new(),
        }
    }

    fn refusal(&self) -> Refusal {
        let message = format!("only a Sentry can finish {}: {}", self.name, self.reason);
        Refusal::new(RefusalKind::NeedsSentry, message)
    }
}

/// An organization has one of them at most.
pub(super) fn single_instance(_: &Answers, _: &ListedIntegration) -> IntegrationMatch {
    IntegrationMatch::Same
}

impl Provider for SentryOnly {
    fn key(&self) -> &'static str {
        self.key
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.about
    }

    fn features(&self) -> &'static [&'static str] {
        self.features
    }

    fn integration_key(&self) -> &'static str {
        self.integration_key
    }

    fn steps(&self) -> &'static [Step] {
        self.steps
    }

    fn initial(&self) -> Option<&'static Step> {
        self.initial
    }

    fn direct_enable(&self) -> bool {
        self.directly
    }

    fn sentry_only_reason(&self) -> Option<&'static str> {
        Some(self.reason)
    }

    fn bind_answer(&self, _: &Step, _: &Fields, _: &mut State) -> Result<(), Refusal> {
        Err(self.refusal())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        (self.told)(listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        (self.matches)(answers, listed)
    }

    fn build(&self, _: &State) -> Result<IntegrationData, Refusal> {
        Err(self.refusal())
    }
}
