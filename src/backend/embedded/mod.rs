//! Our engine over SQLite, faithful to Sentry's pipeline: the state with its time to live, the
//! signature and the step index, and the order of the finish.
//!
//! An answer is one transaction: a refusal or a kill leaves what was there before.

mod finish;
mod pipeline;
mod records;

use crate::failure::Failure;
use crate::model::{Finished, Listed, OrgSlug, Refusal, RefusalKind};
use crate::provider::{self, Provider};
use crate::seam::{Begin, Pipeline, Progress, StepView};
use crate::state::Fields;
use crate::store::{Busy, Store, StoreError};
use pipeline::Kept;
use rusqlite::Transaction;
use std::path::Path;

pub use finish::{Actor, finish};

/// The user that a run on this backend acts as: an owner of every organization it makes.
pub const LOCAL_USER: &str = "local";

/// The embedded backend.
pub struct Embedded {
    store: Store,
    /// The key of the pipeline that is being walked.
    key: Option<String>,
    /// Organizations that came into being, for the run to say so.
    pub made: Vec<OrgSlug>,
}

/// Why a transaction of the engine is rolled back.
#[derive(Debug)]
pub enum EngineError {
    /// The file failed.
    Store(StoreError),
    /// The provider or the pipeline refused.
    Refused(Refusal),
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(StoreError::Sqlite(error))
    }
}

impl From<Refusal> for EngineError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Busy for EngineError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_busy())
    }
}

impl Embedded {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// `database`.
    pub async fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { store: Store::open(path).await?, key: None, made: Vec::new() })
    }

    /// The organization's integrations of a provider, by id.
    ///
    /// # Errors
    ///
    /// `database`.
    pub async fn list(
        &self,
        org: &OrgSlug,
        provider: &dyn Provider,
    ) -> Result<Vec<Listed>, Failure> {
        list(&self.store, org, provider).await
    }

    async fn advance(&mut self, fields: &Fields) -> Result<Progress, EngineError> {
        let key = self.key.clone().unwrap_or_default();
        self.store
            .write(|transaction| {
                let mut kept = Kept::load(transaction, &key)?;
                let provider = find(&kept)?;
                let Some(step) = provider.steps().get(kept.step_index) else {
                    return Err(expired().into());
                };
                provider.take(step, fields, &mut kept.data);
                kept.step_index += 1;
                records::note_step(transaction, &kept)?;
                match provider.steps().get(kept.step_index) {
                    Some(next) => {
                        kept.save(transaction, &key)?;
                        Ok(Progress::Advance(StepView { id: next.id.to_owned() }))
                    }
                    None => conclude(transaction, provider, &kept, &key).map(Progress::Complete),
                }
            })
            .await
    }
}

impl Pipeline for Embedded {
    async fn begin(&mut self, begin: Begin<'_>) -> Result<StepView, Failure> {
        let (key, made) = self
            .store
            .write(|transaction| -> Result<_, StoreError> {
                let (user, org, made) = records::ensure_org(transaction, begin.org)?;
                let kept = Kept::new(begin.provider, user, org, begin.integration_id);
                Ok((kept.insert(transaction)?, made))
            })
            .await?;
        if made {
            self.made.push(begin.org.clone());
        }
        self.key = Some(key);
        let first = begin.provider.steps().first().map_or("", |step| step.id);
        Ok(StepView { id: first.to_owned() })
    }

    async fn answer(&mut self, fields: &Fields) -> Result<Progress, Failure> {
        match self.advance(fields).await {
            Ok(progress) => Ok(progress),
            Err(EngineError::Refused(refusal)) => Ok(Progress::Refused(refusal)),
            Err(EngineError::Store(error)) => Err(error.into()),
        }
    }

    async fn abandon(&mut self) -> Result<(), Failure> {
        let Some(key) = self.key.take() else { return Ok(()) };
        let cleared = self.store.write(|transaction| Kept::clear(transaction, &key)).await;
        Ok(cleared.map_err(StoreError::from)?)
    }
}

/// What an organization has in a file that is only read; nothing when the file is not there.
///
/// # Errors
///
/// `database`.
pub async fn peek(
    path: &Path,
    org: &OrgSlug,
    provider: &dyn Provider,
) -> Result<Vec<Listed>, Failure> {
    match Store::open_to_read(path).await? {
        Some(store) => list(&store, org, provider).await,
        None => Ok(Vec::new()),
    }
}

async fn list(
    store: &Store,
    org: &OrgSlug,
    provider: &dyn Provider,
) -> Result<Vec<Listed>, Failure> {
    let key = provider.integration_key();
    let listed = store.read(|connection| records::list(connection, org, key)).await;
    Ok(listed.map_err(StoreError::from)?)
}

/// The last step is answered: build, finish and clear, in the same transaction.
fn conclude(
    transaction: &Transaction<'_>,
    provider: &'static dyn Provider,
    kept: &Kept,
    key: &str,
) -> Result<Finished, EngineError> {
    let actor = Actor { user: kept.uid, org: kept.org_id };
    let built =
        provider.build(&kept.data).inspect_err(|refusal| log_refusal(refusal, provider, kept));
    let finished = finish(transaction, actor, provider, &kept.data, built?)?;
    if let Some(expected) = kept.integration_id().filter(|id| *id != finished.id) {
        let message = format!(
            "integration {expected} was to be renewed, but the account is integration {}",
            finished.id
        );
        return Err(Refusal::new(RefusalKind::Mismatch, message).into());
    }
    Kept::clear(transaction, key)?;
    Ok(finished)
}

/// Sentry's own log line for a provider that refuses to build.
fn log_refusal(refusal: &Refusal, provider: &dyn Provider, kept: &Kept) {
    let (provider_key, organization_id) = (provider.key(), kept.org_id);
    let (error_message, error_status) = (&refusal.message, refusal.status);
    match refusal.kind {
        RefusalKind::Provider => {
            tracing::error!(
                error_message,
                error_status,
                provider_key,
                organization_id,
                "build-integration.provider-error"
            );
        }
        _ => tracing::error!(
            error_message,
            error_status,
            provider_key,
            organization_id,
            "build-integration.failure"
        ),
    }
}

fn find(kept: &Kept) -> Result<&'static dyn Provider, EngineError> {
    let provider = provider::find(&kept.provider_key).map_err(|_| expired())?;
    if kept.is_valid(provider) { Ok(provider) } else { Err(expired().into()) }
}

fn expired() -> Refusal {
    Refusal::new(RefusalKind::Expired, "the pipeline is not there any more")
}
