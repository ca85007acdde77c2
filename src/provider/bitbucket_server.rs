//! Bitbucket Server: an application link, which a person approves.

use super::ask::{VendorRequest, VendorResponse};
use super::consumer::{self, ACCESS_TOKEN, REQUEST_TOKEN};
use super::{Answers, FreshValues, IntegrationMatch, Provider, Step};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal};
use crate::state::{Fields, State};

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
        &consumer::STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, _fresh: &FreshValues) -> Object {
        consumer::view(step, state)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        consumer::bind_answer(step, fields, state, &[]);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        Ok(consumer::next_request(step, state))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        let name = if name == REQUEST_TOKEN { REQUEST_TOKEN } else { ACCESS_TOKEN };
        consumer::bind_tokens(name, "Bitbucket Server", reply, state)
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        consumer::recover_fields(listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        consumer::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        consumer::build("bitbucket_server", Object::new(), state)
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}
