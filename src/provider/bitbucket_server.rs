//! Bitbucket Server: an application link, which a person approves.

use super::ask::{Ask, Reply};
use super::consumer::{self, ACCESS_TOKEN, REQUEST_TOKEN};
use super::{Answers, Fresh, Match, Provider, Step};
use crate::model::{IntegrationData, Listed, Object, Refusal};
use crate::state::{Fields, State};

pub(super) struct BitbucketServer;

impl Provider for BitbucketServer {
    fn key(&self) -> &'static str {
        "bitbucket_server"
    }

    fn name(&self) -> &'static str {
        "Bitbucket Server"
    }

    fn about(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["codeowners", "commits", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &consumer::STEPS
    }

    fn view(&self, step: &Step, state: &mut State, _fresh: &Fresh) -> Object {
        consumer::view(step, state)
    }

    fn take(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        consumer::take(step, fields, state, &[]);
        Ok(())
    }

    fn ask(&self, step: &Step, state: &State) -> Result<Option<Ask>, Refusal> {
        Ok(consumer::ask(step, state))
    }

    fn hear(&self, name: &str, reply: &Reply, state: &mut State) -> Result<(), Refusal> {
        let name = if name == REQUEST_TOKEN { REQUEST_TOKEN } else { ACCESS_TOKEN };
        consumer::hear(name, "Bitbucket Server", reply, state)
    }

    fn told(&self, listed: &Listed) -> Object {
        consumer::told(listed)
    }

    fn matches(&self, answers: &Answers, listed: &Listed) -> Match {
        consumer::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        consumer::build("bitbucket_server", Object::new(), state)
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}
