//! Bitbucket Server: an application link, which a person approves.

use super::auth::application_link;
use super::evidence::{self, ProviderEvidence};
use super::request::{VendorRequest, VendorResponse};
use super::{
    Answers, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription, Result,
    Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, State};

pub(super) struct BitbucketServer;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Bitbucket Server",
    guide: "source-code-mgmt/bitbucket/",
    summary: "needs a person to approve once in a browser",
    features: &["codeowners", "commits", "stacktrace-link"],
    steps: &application_link::STEPS,
    needs_default_identity: true,
    identity_fields: &["url", "consumerKey"],
    evidence: ProviderEvidence {
        code: &[evidence::STEPS, evidence::FIELDS],
        tests: &[evidence::STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("bitbucket_server")
};

impl Provider for BitbucketServer {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, _: &FreshValues) -> Object {
        application_link::step_data(step, state)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        application_link::bind_answer(step, fields, state, &[]);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        Ok(application_link::next_request(step, state))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        application_link::bind_tokens(name, "Bitbucket", response, state)
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        application_link::recover_fields(listed)
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        application_link::candidates(answers)
    }

    fn stored_secret(
        &self,
        field: &str,
        _: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        application_link::stored_secret(field, listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        application_link::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        application_link::build("bitbucket_server", Object::new(), state)
    }
}
