//! The end of a settled step: on to the next one, or to the finish, in one transaction.

use super::finish::finish;
use super::pipeline::StoredPipeline;
use super::{EngineError, rows};
use crate::database::Actor;
use crate::error::ErrorCode;
use crate::integration::StepResult;
use crate::model::{FinishedIntegration, Refusal};
use crate::provider::{FreshValues, Provider};
use rusqlite::Connection;

/// Moves the index past the settled step; after the last one, finishes and clears.
pub(super) fn advance(
    transaction: &Connection,
    provider: &'static dyn Provider,
    key: &str,
    settled: &StoredPipeline,
    fresh: &FreshValues,
) -> Result<StepResult, EngineError> {
    // Another process may have gone on with the same callback meanwhile.
    let stored = StoredPipeline::load(transaction, key)?;
    if stored.step_index != settled.step_index {
        let message = "another run has already advanced this pipeline";
        return Err(Refusal::new(ErrorCode::CallbackUsed, message).into());
    }
    let mut pipeline = settled.clone();
    pipeline.step_index += 1;
    rows::record_step(transaction, &pipeline)?;
    if provider.steps().get(pipeline.step_index).is_some() {
        let view = pipeline.view(provider, fresh);
        pipeline.save(transaction, key)?;
        return Ok(StepResult::Advance(view));
    }
    let finished = build_and_finish(transaction, provider, &pipeline)?;
    pipeline.end(transaction, key)?;
    Ok(StepResult::Complete(finished))
}

fn build_and_finish(
    transaction: &Connection,
    provider: &'static dyn Provider,
    pipeline: &StoredPipeline,
) -> Result<FinishedIntegration, EngineError> {
    let actor = Actor { user: pipeline.uid, org: pipeline.org_id };
    let mut state = pipeline.data.clone();
    state.bind("organization_id", pipeline.org_id);
    let built =
        provider.build(&state).inspect_err(|refusal| log_refusal(refusal, provider, pipeline))?;
    let finished = finish(transaction, actor, provider, &pipeline.data, built)?;
    match pipeline.integration_id() {
        Some(expected) if expected != finished.id => {
            let message = format!(
                "cannot re-authorize integration {expected}: the account belongs to integration {}",
                finished.id
            );
            Err(Refusal::new(ErrorCode::IntegrationMismatch, message).into())
        }
        _ => Ok(finished),
    }
}

/// Sentry's own log lines for a provider that refuses.
pub(super) fn log_refusal(refusal: &Refusal, provider: &dyn Provider, pipeline: &StoredPipeline) {
    let (provider_key, organization_id) = (provider.key(), pipeline.org_id);
    let (error_message, error_status) = (&refusal.message, refusal.status);
    macro_rules! log {
        ($event:literal) => {
            tracing::error!(error_message, error_status, provider_key, organization_id, $event)
        };
    }
    match refusal.code {
        ErrorCode::ProviderError => log!("build-integration.provider-error"),
        _ => log!("build-integration.failure"),
    }
}
