//! Our engine over SQLite, faithful to Sentry's pipeline: the state with its time to live, the
//! signature and the step index, and the order of the finish.
//!
//! What belongs together is one transaction: a refusal or a kill leaves what was there before.
//! Between transactions the third party is asked; each reply is kept, so that nothing is asked
//! twice when another process has to go on.

mod advance;
pub(crate) mod bundle_bytes;
mod finish;
#[cfg(test)]
mod flat_cost;
mod identity;
mod inventory;
mod known_secrets;
mod links;
#[cfg(test)]
mod one_transaction;
mod pipeline;
mod release;
mod resume;
mod rows;
mod session;
pub(crate) mod sourcemaps;
mod third_party;

use crate::database::{Database, DatabaseError, InstalledIntegration, IsBusy, ensure_org};
use crate::error::{Error, ErrorCode, Result};
use crate::integration::{
    ExistingLinks, IntegrationTask, Pipeline, PipelineStart, RequestedLinks, StepResult, StepView,
};
use crate::model::{Fields, ListedIntegration, OrgSlug, Refusal};
use crate::os::clock::unix_ms;
use crate::os::random::{random_hex, random_verifier};
use crate::provider::{self, FreshValues, ListingFilter, Provider, Step};
use known_secrets::note_plain_texts;
use pipeline::StoredPipeline;
use std::path::Path;

pub use finish::finish;
pub use inventory::{inventory, inventory_or_none};
pub use release::EmbeddedReleases;
pub use resume::ResumedPipeline;
pub use session::{EntryPoint, PipelineSession, first_view};
pub use sourcemaps::EmbeddedSourcemaps;

/// The embedded backend.
pub struct EmbeddedBackend<'d> {
    database: &'d mut Database,
    /// The key of the current pipeline.
    key: String,
    /// What is trusted besides the system's certificates, as PEM.
    certificates: Vec<String>,
    /// Organizations that came into being, for the run to say so.
    pub created_orgs: Vec<OrgSlug>,
}

/// Why a transaction of the engine is rolled back.
#[derive(Debug)]
pub enum EngineError {
    /// The file failed.
    Database(DatabaseError),
    /// The provider or the pipeline refused.
    Refused(Refusal),
}

impl From<DatabaseError> for EngineError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IsBusy for EngineError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Database(error) if error.is_busy())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Database(error) => error.into(),
            EngineError::Refused(refusal) => refusal.into(),
        }
    }
}

impl<'d> EmbeddedBackend<'d> {
    /// The backend over a database, at no pipeline yet.
    pub fn new(database: &'d mut Database) -> Self {
        let (key, certificates) = (String::new(), Vec::new());
        Self { database, key, certificates, created_orgs: Vec::new() }
    }

    /// The same, where third parties are trusted by these PEM texts as well.
    pub(crate) fn trusting(self, certificates: Option<&String>) -> Self {
        Self { certificates: certificates.into_iter().cloned().collect(), ..self }
    }

    /// The backend at the pipeline that is kept under this key.
    pub fn resuming(database: &'d mut Database, key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::new(database) }
    }

    /// The organization's integrations that a task decides by.
    pub async fn list(&mut self, task: &IntegrationTask) -> Result<Vec<ListedIntegration>> {
        list(self.database, &task.org, task.provider, &task.candidates()).await
    }

    /// Settles the current step with an answer whose fields fit it.
    async fn submit(
        &mut self,
        current: CurrentStep,
        fields: &Fields,
    ) -> Result<StepResult, EngineError> {
        let CurrentStep { provider, step, mut pipeline } = current;
        if let Some(more) = provider.stay_data(step, fields, &pipeline.data) {
            return Ok(StepResult::Stay(more));
        }
        provider.verify(step, fields, &pipeline.data, unix_ms() / 1000)?;
        provider.bind_answer(step, fields, &mut pipeline.data)?;
        note_plain_texts(step, fields, &mut pipeline.data);
        self.fetch_from_third_party(provider, step, &mut pipeline).await?;
        let key = self.key.clone();
        let fresh = fresh_values(provider, &pipeline.site);
        let advanced = self
            .database
            .try_write(|transaction| {
                advance::advance(transaction, provider, &key, &pipeline, &fresh)
            })
            .await;
        if let Err(EngineError::Refused(refusal)) = &advanced
            && refusal.code != ErrorCode::CallbackUsed
            && pipeline.leave_steps(provider)
        {
            self.database.try_write(|transaction| pipeline.save(transaction, &key)).await?;
        }
        advanced
    }

    /// Sends requests to the third party until the provider lacks nothing, and stores what each
    /// response brings.
    async fn fetch_from_third_party(
        &mut self,
        provider: &'static dyn Provider,
        step: &Step,
        pipeline: &mut StoredPipeline,
    ) -> Result<(), EngineError> {
        let fetched = self.fetch_missing(provider, step, pipeline).await;
        if let Err(EngineError::Refused(refusal)) = &fetched {
            advance::log_refusal(refusal, provider, pipeline);
        }
        fetched
    }

    async fn fetch_missing(
        &mut self,
        provider: &'static dyn Provider,
        step: &Step,
        pipeline: &mut StoredPipeline,
    ) -> Result<(), EngineError> {
        while let Some(request) = provider.next_request(step, &pipeline.data)? {
            let (name, asked) = (request.name, request.asked_of(provider.name()));
            let response = third_party::fetch(request, &self.certificates, &pipeline.data).await?;
            let bound = provider.bind_response(name, &response, &mut pipeline.data);
            bound.map_err(|refusal| {
                let advice = response.advice(&asked);
                refusal.of_third_party(asked, advice)
            })?;
            let key = &self.key;
            let is_saved = self
                .database
                .try_write(|transaction| pipeline.update_unless_taken(transaction, key))
                .await?;
            if !is_saved {
                let message = "the third party issued a token that is already in use";
                return Err(Refusal::failure(message).into());
            }
        }
        Ok(())
    }

    async fn current(&mut self) -> Result<CurrentStep, EngineError> {
        let key = &self.key;
        let pipeline =
            self.database.try_read(|connection| StoredPipeline::load(connection, key)).await?;
        let provider = provider::find(&pipeline.provider_key).ok();
        let valid = provider.filter(|provider| pipeline.is_valid(*provider));
        let step = valid.and_then(|provider| provider.steps().get(pipeline.step_index));
        match (valid, step) {
            (Some(provider), Some(step)) => Ok(CurrentStep { provider, step, pipeline }),
            _ => Err(expired().into()),
        }
    }
}

/// The current pipeline at its current step.
struct CurrentStep {
    provider: &'static dyn Provider,
    step: &'static Step,
    pipeline: StoredPipeline,
}

impl Pipeline for EmbeddedBackend<'_> {
    async fn initialize(&mut self, start: PipelineStart<'_>) -> Result<StepView> {
        let fresh = fresh_values(start.provider, start.base_url);
        let (key, view, is_new_org) = self
            .database
            .try_write(|transaction| -> Result<_, EngineError> {
                let (user, org, is_new_org) = ensure_org(transaction, start.org)?;
                let mut pipeline = StoredPipeline::new(start, user, org)?;
                let view = pipeline.view(start.provider, &fresh);
                Ok((pipeline.insert(transaction)?, view, is_new_org))
            })
            .await?;
        if is_new_org {
            self.created_orgs.push(start.org.clone());
        }
        self.key = key;
        Ok(view)
    }

    async fn advance(&mut self, fields: &Fields) -> Result<StepResult> {
        let current = self.current().await?;
        let invalid = provider::field_errors(current.step, fields);
        if !invalid.is_empty() {
            return Ok(StepResult::Invalid(invalid));
        }
        match self.submit(current, fields).await {
            Err(EngineError::Refused(refusal)) => Ok(StepResult::Refused(refusal)),
            result => Ok(result?),
        }
    }

    async fn abandon(&mut self) -> Result {
        let key = std::mem::take(&mut self.key);
        self.database.write(|transaction| StoredPipeline::clear(transaction, &key)).await
    }
}

/// What a task decides by in a file that is only read; nothing when the file is not there.
pub async fn list_read_only(path: &Path, task: &IntegrationTask) -> Result<Vec<ListedIntegration>> {
    match Database::open_to_read(path).await? {
        Some(mut database) => {
            list(&mut database, &task.org, task.provider, &task.candidates()).await
        }
        None => Ok(Vec::new()),
    }
}

/// The integration that links are set through, and the task of its provider. Only reads.
///
/// # Errors
///
/// `bad-field` where it is not there or being deleted, `ambiguous` where the provider has several.
pub async fn find_linkable(path: &Path, task: &IntegrationTask) -> Result<(i64, IntegrationTask)> {
    let Some(id) = task.named_id() else {
        // Nothing is linked through one that `serve` is about to delete.
        let id = task.only_linkable(&list_read_only(path, task).await?)?.id;
        return Ok((id, task.through(task.provider_key(), id)));
    };
    let found = find_named(path, task, id).await?;
    let named = found.ok_or_else(|| task.nothing_to_link())?;
    let statuses = [&named.link_status, &named.status];
    let deletion = statuses.into_iter().find(|status| status.contains("deletion"));
    task.check_linkable(&named.integration_key, &named.name, deletion.map(String::as_str))?;
    Ok((id, task.through(&named.integration_key, id)))
}

/// The organization's integration of this id. Only reads.
async fn find_named(
    path: &Path,
    task: &IntegrationTask,
    id: i64,
) -> Result<Option<InstalledIntegration>> {
    let Some(mut database) = Database::open_to_read(path).await? else { return Ok(None) };
    let Some(org) = database.organization(task.org.as_str()).await? else { return Ok(None) };
    database.integration(org.id, id).await
}

/// Checks that the named integration, if it is there, is of the task's provider. Only reads.
///
/// # Errors
///
/// `integration-mismatch` where it is another's.
pub async fn check_named(path: &Path, task: &IntegrationTask) -> Result {
    let Some(id) = task.named_id() else { return Ok(()) };
    let named = find_named(path, task, id).await?;
    named.map_or(Ok(()), |named| task.check_provider(&named.integration_key))
}

/// What is linked to an integration, if there is one, and is in the place of what is requested, in a
/// file that is only read.
pub async fn links_read_only(
    path: &Path,
    org: &OrgSlug,
    integration: Option<i64>,
    requested: &RequestedLinks,
) -> Result<ExistingLinks> {
    if let Some(mut database) = Database::open_to_read(path).await?
        && let Some(org) = database.organization(org.as_str()).await?
    {
        let mut backend = EmbeddedBackend::new(&mut database);
        let linked = match integration {
            Some(integration) => backend.linked(org.id, integration).await?,
            None => ExistingLinks::default(),
        };
        let elsewhere = backend.mapped_elsewhere(org.id, integration, requested).await?;
        return Ok(ExistingLinks { elsewhere, ..linked });
    }
    Ok(ExistingLinks::default())
}

async fn list(
    database: &mut Database,
    org: &OrgSlug,
    provider: &dyn Provider,
    filter: &ListingFilter,
) -> Result<Vec<ListedIntegration>> {
    let key = provider.integration_key();
    database.read(|connection| rows::list(connection, org, key, filter)).await
}

fn fresh_values(provider: &dyn Provider, site: &str) -> FreshValues {
    FreshValues {
        nonce: random_hex(),
        verifier: random_verifier(),
        redirect_uri: format!(
            "{}/extensions/{}/setup/",
            site.trim_end_matches('/'),
            provider.integration_key()
        ),
    }
}

fn expired() -> Refusal {
    Refusal::new(ErrorCode::SessionExpired, "the pipeline has expired or no longer exists")
}

fn callback_used() -> Refusal {
    let message = "the callback was already used, and its pipeline is finished";
    Refusal::new(ErrorCode::CallbackUsed, message)
}
