//! The example provider of Sentry's developers: one form with one field, no third party.

use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::{
    Answers, Field, IntegrationMatch, ListingFilter, Provider, ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State};

/// One name is all it takes.
pub(super) struct Example;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Example",
    summary: "needs only its one field; for testing",
    features: &["commits", "issue-basic", "stacktrace-link"],
    steps: &[Step::form(
        "setup",
        &[Field::text("name", 200).help("the name of the installation", "demo")],
    )],
    evidence: ProviderEvidence::TESTS,
    ..ProviderDescription::new("example")
};

impl Provider for Example {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind("name", fields.text("name"));
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("name", &listed.external_id)])
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::by_external_id(answers.text("name"))
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::same_or_other(listed.external_id == answers.text("name"))
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let name = state.text("name").ok_or_else(|| Refusal::failure("the name is missing"))?;
        Ok(IntegrationData::new(name))
    }
}
