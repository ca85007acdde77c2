//! The example provider of Sentry's developers: one form with one field, no third party.

use super::{Answers, Field, Kind, Match, Provider, Step, told};
use crate::model::{IntegrationData, Listed, Object, Refusal};
use crate::state::{Fields, State};

/// One name is all it takes.
pub(super) struct Example;

static STEPS: [Step; 1] = [Step::form(
    "setup",
    &[Field::required("name", Kind::Text(200), "the name of the installation", "demo")],
)];

impl Provider for Example {
    fn key(&self) -> &'static str {
        "example"
    }

    fn name(&self) -> &'static str {
        "Example"
    }

    fn about(&self) -> &'static str {
        "finishes with its one field; for trying things out"
    }

    fn features(&self) -> &'static [&'static str] {
        &["commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn take(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        state.bind("name", fields.text("name"));
        Ok(())
    }

    fn told(&self, listed: &Listed) -> Object {
        told::texts([("name", &listed.external_id)])
    }

    fn matches(&self, answers: &Answers, listed: &Listed) -> Match {
        if listed.external_id == answers.text("name") { Match::Same } else { Match::Other }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let name = state.text("name").ok_or_else(|| Refusal::failure("the name is missing"))?;
        Ok(IntegrationData::new(name))
    }
}
