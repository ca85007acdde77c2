//! Pipelines that are walked over HTTP: found by the key in a cookie, for the user who began them.

use super::pipeline::StoredPipeline;
use super::{EmbeddedBackend, EngineError, fresh_values};
use crate::database::DatabaseError;
use crate::error::Result;
use crate::integration::pipeline::{PipelineStart, StepView};
use crate::provider::{self, Provider, Step};
use serde_json::Value;

/// The name under which the way in is bound; Sentry's own mark of its API.
const API_MODE: &str = "api_mode";
/// The name of ours: the finish is a redirect to the settings page.
const LINKED: &str = "external_pipeline";

/// Through which door a pipeline was begun, and is to be left.
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
    /// The user who began it.
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
    /// Its door.
    pub door: EntryPoint,
    /// What the redirect URL carries.
    pub next: Option<String>,
}

impl EmbeddedBackend<'_> {
    /// Begins a pipeline for this user in place of the one that the session had; its key.
    pub async fn begin_session(
        &mut self,
        begin: PipelineStart<'_>,
        user: i64,
        org: i64,
        door: EntryPoint,
        replaced: Option<&str>,
    ) -> Result<String> {
        let fresh = fresh_values(begin.provider, begin.base_url);
        let mut kept = StoredPipeline::new(begin, user, org)?;
        match door {
            EntryPoint::Api => kept.data.bind(API_MODE, true),
            EntryPoint::Link => kept.data.bind(LINKED, true),
            EntryPoint::SetUp => {}
        }
        kept.view(begin.provider, &fresh);
        let key = self
            .database
            .write(|transaction| {
                if let Some(replaced) = replaced {
                    StoredPipeline::clear(transaction, replaced)?;
                }
                kept.insert(transaction)
            })
            .await?;
        Ok(key)
    }

    /// Takes up the pipeline with this key; `None` when it is not there any more. A look may bind
    /// what is fresh, and then restarts the time to live.
    pub async fn session(&mut self, key: &str) -> Result<Option<PipelineSession>> {
        let loaded =
            self.database.try_read(|connection| StoredPipeline::load(connection, key)).await;
        let mut kept = match loaded {
            Ok(kept) => kept,
            Err(EngineError::Refused(_)) => return Ok(None),
            Err(EngineError::Database(error)) => return Err(error.into()),
        };
        let Ok(provider) = provider::find(&kept.provider_key) else { return Ok(None) };
        let step = provider.steps().get(kept.step_index).filter(|_| kept.is_valid(provider));
        let Some(step) = step else { return Ok(None) };
        let before = kept.data.clone();
        let view = kept.view(provider, &fresh_values(provider, &kept.site.clone()));
        if kept.data != before {
            let saved = self.database.try_write(|transaction| kept.save(transaction, key)).await;
            saved.map_err(DatabaseError::from)?;
        }
        Ok(Some(PipelineSession {
            key: key.to_owned(),
            user: kept.uid,
            org: kept.org_id,
            provider,
            step,
            index: kept.step_index,
            view,
            door: door(&kept),
            next: kept.next,
        }))
    }
}

fn door(kept: &StoredPipeline) -> EntryPoint {
    let bound = |name| kept.data.fetch(name) == Some(&Value::Bool(true));
    match (bound(API_MODE), bound(LINKED)) {
        (true, _) => EntryPoint::Api,
        (_, true) => EntryPoint::Link,
        _ => EntryPoint::SetUp,
    }
}
