//! The example provider of Sentry's developers: one form with one field, no third party.

use super::fields::recover;
use super::fields::step::Step;
use super::{Answers, Field, FieldKind, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal};

/// One name is all it takes.
pub(super) struct Example;

static STEPS: [Step; 1] = [Step::form(
    "setup",
    &[Field::required("name", FieldKind::Text(200), "the name of the installation", "demo")],
)];

impl Provider for Example {
    fn key(&self) -> &'static str {
        "example"
    }

    fn name(&self) -> &'static str {
        "Example"
    }

    fn summary(&self) -> &'static str {
        "finishes with its one field; for trying things out"
    }

    fn features(&self) -> &'static [&'static str] {
        &["commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn bind_answer(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        state.bind("name", fields.text("name"));
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("name", &listed.external_id)])
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        if listed.external_id == answers.text("name") {
            IntegrationMatch::Same
        } else {
            IntegrationMatch::Other
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let name = state.text("name").ok_or_else(|| Refusal::failure("the name is missing"))?;
        Ok(IntegrationData::new(name))
    }
}
