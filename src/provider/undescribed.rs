//! A provider that we do not describe: whatever the state names by step id is sent as it is.

use super::{Provider, ProviderDescription, Step};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, Refusal};

pub(super) struct UndescribedProvider;

/// The key is empty: the one that was given stands for it.
static DESCRIPTION: ProviderDescription = ProviderDescription {
    summary: "not described here; `state` names the fields of each step by the step's id",
    ..ProviderDescription::new("")
};

impl Provider for UndescribedProvider {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn bind_answer(&self, _: &Step, _: &Fields, _: &mut State) -> Result<(), Refusal> {
        Err(Refusal::failure("only a Sentry can walk the steps of this provider"))
    }

    fn build(&self, _: &State) -> Result<IntegrationData, Refusal> {
        Err(Refusal::failure("only a Sentry can build the integration of this provider"))
    }
}
