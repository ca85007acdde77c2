//! A provider that we do not describe: whatever the state names by step id is sent as it is.

use super::{Provider, ProviderDescription, Result, Step};
use crate::model::{Fields, IntegrationData, Refusal, State};

pub(super) struct UndescribedProvider;

/// The key is empty: the one that was given stands for it.
static DESCRIPTION: ProviderDescription = ProviderDescription {
    summary: "not described here; set the fields of each step in `state` by the step's id",
    ..ProviderDescription::new("")
};

impl Provider for UndescribedProvider {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn bind_answer(&self, _: &Step, _: &Fields, _: &mut State) -> Result {
        Err(Refusal::failure("only a Sentry server can run the steps of this provider"))
    }

    fn build(&self, _: &State) -> Result<IntegrationData> {
        Err(Refusal::failure("only a Sentry server can build the integration of this provider"))
    }
}
