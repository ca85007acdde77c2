//! Bitbucket Server: an application link, which a person approves.

use super::auth::application_link::{self, ACCESS_TOKEN, REQUEST_TOKEN};
use super::fields::step::Step;
use super::request::{VendorRequest, VendorResponse};
use super::{Answers, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal};

pub(super) struct BitbucketServer;

impl Provider for BitbucketServer {
    fn key(&self) -> &'static str {
        "bitbucket_server"
    }

    fn name(&self) -> &'static str {
        "Bitbucket Server"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["codeowners", "commits", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &application_link::STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, _fresh: &FreshValues) -> Object {
        application_link::view(step, state)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        application_link::bind_answer(step, fields, state, &[]);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        Ok(application_link::next_request(step, state))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        let name = if name == REQUEST_TOKEN { REQUEST_TOKEN } else { ACCESS_TOKEN };
        application_link::bind_tokens(name, "Bitbucket Server", reply, state)
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        application_link::recover_fields(listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        application_link::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        application_link::build("bitbucket_server", Object::new(), state)
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}
