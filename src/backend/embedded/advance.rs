//! The end of a settled step: on to the next one, or to the finish, in one transaction.

use super::finish::finish;
use super::pipeline::StoredPipeline;
use super::{EngineError, rows};
use crate::database::organizations::Actor;
use crate::integration::pipeline::StepResult;
use crate::model::{FinishedIntegration, Refusal, RefusalKind};
use crate::provider::{FreshValues, Provider};
use rusqlite::Transaction;

/// Moves the index past the settled step; after the last one, finishes and clears.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    provider: &'static dyn Provider,
    key: &str,
    settled: &StoredPipeline,
    fresh: &FreshValues,
) -> Result<StepResult, EngineError> {
    // Another process may have gone on with the same callback meanwhile.
    let stored = StoredPipeline::load(transaction, key)?;
    if stored.step_index != settled.step_index {
        let message = "another run has taken this step already";
        return Err(EngineError::Refused(Refusal::new(RefusalKind::Used, message)));
    }
    let mut kept = settled.clone();
    kept.step_index += 1;
    rows::record_step(transaction, &kept)?;
    if provider.steps().get(kept.step_index).is_some() {
        let view = kept.view(provider, fresh);
        kept.save(transaction, key)?;
        return Ok(StepResult::Advance(view));
    }
    let finished = build_and_finish(transaction, provider, &kept)?;
    kept.end(transaction, key)?;
    Ok(StepResult::Complete(finished))
}

fn build_and_finish(
    transaction: &Transaction<'_>,
    provider: &'static dyn Provider,
    kept: &StoredPipeline,
) -> Result<FinishedIntegration, EngineError> {
    let actor = Actor { user: kept.uid, org: kept.org_id };
    let mut state = kept.data.clone();
    state.bind("organization_id", kept.org_id);
    let built = provider.build(&state).map_err(|refusal| {
        log_refusal(&refusal, provider, kept);
        EngineError::Refused(refusal)
    })?;
    let finished = finish(transaction, actor, provider, &kept.data, built)?;
    match kept.integration_id() {
        Some(expected) if expected != finished.id => {
            let message = format!(
                "integration {expected} was to be renewed, but the account belongs to integration {}",
                finished.id
            );
            Err(EngineError::Refused(Refusal::new(RefusalKind::Mismatch, message)))
        }
        _ => Ok(finished),
    }
}

/// Sentry's own log lines for a provider that refuses.
pub(super) fn log_refusal(refusal: &Refusal, provider: &dyn Provider, kept: &StoredPipeline) {
    let (provider_key, organization_id) = (provider.key(), kept.org_id);
    let (error_message, error_status) = (&refusal.message, refusal.status);
    if refusal.kind == RefusalKind::Provider {
        tracing::error!(
            error_message,
            error_status,
            provider_key,
            organization_id,
            "build-integration.provider-error"
        );
    } else {
        tracing::error!(
            error_message,
            error_status,
            provider_key,
            organization_id,
            "build-integration.failure"
        );
    }
}
