//! A provider that we do not describe: whatever the state names by step id is sent as it is.

use super::fields::step::Step;
use super::{Answers, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Refusal};

pub(super) struct UndescribedProvider;

impl Provider for UndescribedProvider {
    /// Empty: the key is the one that was given.
    fn key(&self) -> &'static str {
        ""
    }

    fn name(&self) -> &'static str {
        ""
    }

    fn summary(&self) -> &'static str {
        "not described here; `state` names the fields of each step by the step's id"
    }

    fn steps(&self) -> &'static [Step] {
        &[]
    }

    fn bind_answer(
        &self,
        _step: &Step,
        _fields: &Fields,
        _state: &mut State,
    ) -> Result<(), Refusal> {
        Err(Refusal::failure("only a Sentry can walk the steps of this provider"))
    }

    fn matches(&self, _answers: &Answers, _listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::CannotTell
    }

    fn build(&self, _state: &State) -> Result<IntegrationData, Refusal> {
        Err(Refusal::failure("only a Sentry can build the integration of this provider"))
    }
}
