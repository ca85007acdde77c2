//! Pipelines over HTTP: found by the key in a cookie, for the user who started them.

use super::pipeline::StoredPipeline;
use super::{EmbeddedBackend, EngineError, fresh_values};
use crate::error::{Error, ErrorCode, Result};
use crate::integration::{PipelineStart, StepView};
use crate::provider::auth::oauth2::OAUTH_STATE;
use crate::provider::{self, Provider, Step};
use crate::secret::Secret;
use serde_json::Value;
use subtle::ConstantTimeEq;

/// The name under which the way in is bound; Sentry's own mark of its API.
const API_MODE: &str = "api_mode";
/// The name of ours: the finish is a redirect to the settings page.
const LINKED: &str = "external_pipeline";

/// Where a pipeline was started, and how its finish is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// The JSON endpoint.
    Api,
    /// The set-up page, whose last page tells the window that opened it.
    SetUp,
    /// The vendor's link, whose finish is a redirect to the settings page.
    Link,
}

/// A pipeline at its current step.
pub struct PipelineSession {
    /// The key under which it is kept.
    pub key: String,
    /// The user who started it.
    pub user: i64,
    /// The organization that it is for.
    pub org: i64,
    /// The third party.
    pub provider: &'static dyn Provider,
    /// The current step.
    pub step: &'static Step,
    /// Its index.
    pub index: usize,
    /// What it shows.
    pub view: StepView,
    /// Where it was started.
    pub entry_point: EntryPoint,
    /// The value that the vendor's callback must bring back.
    callback: Option<Secret>,
    /// What the redirect URL carries.
    pub next: Option<String>,
}

impl PipelineSession {
    /// Whether a callback brings this value back, so that the vendor sent it for this pipeline. The
    /// comparison takes the same time wherever they differ.
    pub fn expects(&self, value: &str) -> bool {
        let expected = self.callback.as_ref().map_or("", Secret::expose);
        !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(value.as_bytes()))
    }
}

impl EmbeddedBackend<'_> {
    /// Starts a pipeline for this user in place of the one that the session had; its key.
    pub async fn begin_session(
        &mut self,
        start: PipelineStart<'_>,
        user: i64,
        org: i64,
        entry_point: EntryPoint,
        replaced: Option<&str>,
    ) -> Result<String> {
        let fresh = fresh_values(start.provider, start.base_url);
        let mut pipeline = StoredPipeline::new(start, user, org)?;
        match entry_point {
            EntryPoint::Api => pipeline.data.bind(API_MODE, true),
            EntryPoint::Link => pipeline.data.bind(LINKED, true),
            EntryPoint::SetUp => {}
        }
        pipeline.view(start.provider, &fresh);
        self.database
            .write(|transaction| {
                if let Some(replaced) = replaced {
                    StoredPipeline::clear(transaction, replaced)?;
                }
                pipeline.insert(transaction)
            })
            .await
    }

    /// Leaves the current pipeline as a finish that failed leaves it.
    pub async fn fail_finish(&mut self, provider: &dyn Provider) -> Result {
        let key = self.key.clone();
        let failed = self.database.try_write(|transaction| -> Result<(), EngineError> {
            let mut pipeline = StoredPipeline::load(transaction, &key)?;
            pipeline.leave_steps(provider);
            Ok(pipeline.save(transaction, &key)?)
        });
        Ok(failed.await?)
    }

    /// Takes up the pipeline with this key; `None` when it is not there any more. Nothing is
    /// changed by it: what its step shows was stored when the pipeline came to the step.
    pub async fn session(&mut self, key: &str) -> Result<Option<PipelineSession>> {
        let loaded =
            self.database.try_read(|connection| StoredPipeline::load(connection, key)).await;
        let mut pipeline = match loaded {
            Err(EngineError::Refused(_)) => return Ok(None),
            loaded => loaded?,
        };
        let Ok(provider) = provider::find(&pipeline.provider_key) else { return Ok(None) };
        if !pipeline.is_valid(provider) {
            return Ok(None);
        }
        let step = provider.steps().get(pipeline.step_index).ok_or_else(|| {
            Error::new(ErrorCode::Internal, "the finish of this pipeline failed; it has no step")
        })?;
        let before = pipeline.data.clone();
        let view = pipeline.view(provider, &fresh_values(provider, &pipeline.site.clone()));
        // What would be shown without being stored, nobody could answer.
        if pipeline.data != before {
            return Ok(None);
        }
        Ok(Some(PipelineSession {
            key: key.to_owned(),
            user: pipeline.uid,
            org: pipeline.org_id,
            provider,
            step,
            index: pipeline.step_index,
            view,
            entry_point: entry_point(&pipeline),
            callback: pipeline.data.text(OAUTH_STATE).map(Secret::from),
            next: pipeline.next,
        }))
    }
}

/// What the first step of a pipeline would show, without starting it; `None` where it could only be
/// answered once it is stored.
///
/// # Errors
///
/// What refuses the pipeline from the start.
pub fn first_view(start: PipelineStart<'_>, user: i64, org: i64) -> Result<Option<StepView>> {
    let (provider, fresh) = (start.provider, fresh_values(start.provider, start.base_url));
    let mut pipeline = StoredPipeline::new(start, user, org)?;
    let before = pipeline.data.clone();
    let view = pipeline.view(provider, &fresh);
    Ok(Some(view).filter(|_| pipeline.data == before))
}

impl StoredPipeline {
    /// Moves an API pipeline whose finish was refused past its last step, as Sentry leaves it: from
    /// then on nothing can be read of it. Whether it was one.
    pub(super) fn leave_steps(&mut self, provider: &dyn Provider) -> bool {
        let is_dead = entry_point(self) == EntryPoint::Api;
        if is_dead {
            self.step_index = provider.steps().len();
        }
        is_dead
    }
}

fn entry_point(pipeline: &StoredPipeline) -> EntryPoint {
    let bound = |name| pipeline.data.fetch(name) == Some(&Value::Bool(true));
    match (bound(API_MODE), bound(LINKED)) {
        (true, _) => EntryPoint::Api,
        (_, true) => EntryPoint::Link,
        _ => EntryPoint::SetUp,
    }
}
