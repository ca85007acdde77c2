//! Our engine over SQLite, faithful to Sentry's pipeline: the state with its time to live, the
//! signature and the step index, and the order of the finish.
//!
//! What belongs together is one transaction: a refusal or a kill leaves what was there before.
//! Between transactions the third party is asked; each reply is kept, so that nothing is asked
//! twice when another process has to go on.

mod after;
mod browse;
mod code_mappings;
mod commits;
mod conclude;
mod deploys;
mod finish;
mod github_app;
mod identity;
mod installed;
mod inventory;
mod oauth1;
mod pipeline;
mod records;
mod releases;
mod releasing;
mod repositories;
mod resume;
mod session;
mod tenants;
mod third_party;

use crate::failure::Failure;
use crate::links::Linked;
use crate::model::{Listed, OrgSlug, Refusal, RefusalKind};
use crate::provider::{self, Fresh, Provider, Step};
use crate::seam::{Begin, Pipeline, Progress, StepView};
use crate::state::Fields;
use crate::store::{Busy, Store, StoreError};
use pipeline::Kept;
use std::path::Path;

pub use browse::{Account, AuditEntry, Counts};
pub use code_mappings::{CodeMapping, NewCodeMapping, Upserted};
pub use commits::{Author, Commit, CommitFile, NewCommit, NewRef};
pub use deploys::{Deploy, NewDeploy};
pub use finish::finish;
pub use installed::Installed;
pub use inventory::inventory;
pub(crate) use pipeline::random_hex;
pub use records::Actor;
pub use releases::{NewRelease, Release, ReleaseChange, ReleaseFilter};
pub use releasing::{EmbeddedReleases, peek_release};
pub use repositories::{NewRepository, Repository, RepositoryFilter};
pub use resume::Resumed;
pub use session::{Door, Session};
pub use tenants::{Bearer, Organization, Page, Project};

/// More rows than an organization has.
const ALL: Page = Page { rows: i64::MAX, offset: 0 };

/// The user that a run on this backend acts as: an owner of every organization it makes.
pub const LOCAL_USER: &str = "local";

/// The embedded backend.
pub struct Embedded {
    store: Store,
    /// The key of the pipeline that is being walked.
    key: String,
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

impl<E: Into<StoreError>> From<E> for EngineError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl Busy for EngineError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_busy())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Refused(refusal) => refusal.into(),
        }
    }
}

impl Embedded {
    /// Opens the file, and makes it when it is not there.
    ///
    /// # Errors
    ///
    /// `database`.
    pub async fn open(path: &Path) -> Result<Self, Failure> {
        Ok(Self { store: Store::open(path).await?, key: String::new(), made: Vec::new() })
    }

    /// Opens the file only to read; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// `database`.
    pub async fn open_to_read(path: &Path) -> Result<Option<Self>, Failure> {
        let store = Store::open_to_read(path).await?;
        Ok(store.map(|store| Self { store, key: String::new(), made: Vec::new() }))
    }

    /// The organization's integrations of a provider, by id.
    ///
    /// # Errors
    ///
    /// `database`.
    pub async fn list(
        &mut self,
        org: &OrgSlug,
        provider: &dyn Provider,
    ) -> Result<Vec<Listed>, Failure> {
        list(&mut self.store, org, provider).await
    }

    /// Settles the current step with an answer whose fields fit it.
    async fn settle(&mut self, current: Current, fields: &Fields) -> Result<Progress, EngineError> {
        let Current { provider, step, mut kept } = current;
        if let Some(more) = provider.stays(step, fields, &kept.data) {
            return Ok(Progress::Stay(more));
        }
        let admitted = provider.admit(step, fields, &kept.data, pipeline::now() / 1000);
        let taken = admitted.and_then(|()| provider.take(step, fields, &mut kept.data));
        taken.map_err(EngineError::Refused)?;
        self.inquire(provider, step, &mut kept).await?;
        let key = self.key.clone();
        let fresh = fresh(provider, &kept.site);
        self.store
            .write(|transaction| conclude::step(transaction, provider, &key, &kept, &fresh))
            .await
    }

    /// Asks the third party until the provider lacks nothing, and keeps every reply.
    async fn inquire(
        &mut self,
        provider: &'static dyn Provider,
        step: &Step,
        kept: &mut Kept,
    ) -> Result<(), EngineError> {
        let refuse = |refusal: Refusal, kept: &Kept| {
            conclude::log_refusal(&refusal, provider, kept);
            EngineError::Refused(refusal)
        };
        while let Some(ask) = provider.ask(step, &kept.data).map_err(|no| refuse(no, kept))? {
            let name = ask.name;
            let reply = third_party::fetch(ask).await.map_err(|no| refuse(no, kept))?;
            let heard = provider.hear(name, &reply, &mut kept.data);
            heard.map_err(|no| refuse(no, kept))?;
            let key = &self.key;
            let saved = self.store.write(|transaction| kept.keep(transaction, key)).await?;
            if !saved {
                let message = "the third party gave out a token that it had given out before";
                return Err(refuse(Refusal::failure(message), kept));
            }
        }
        Ok(())
    }

    async fn current(&mut self) -> Result<Current, EngineError> {
        let key = &self.key;
        let kept = self.store.read(|connection| Kept::load(connection, key)).await?;
        let provider = provider::find(&kept.provider_key).ok();
        let valid = provider.filter(|provider| kept.is_valid(*provider));
        let step = valid.and_then(|provider| provider.steps().get(kept.step_index));
        match (valid, step) {
            (Some(provider), Some(step)) => Ok(Current { provider, step, kept }),
            _ => Err(EngineError::Refused(expired())),
        }
    }
}

/// The pipeline that is being walked, at its current step.
struct Current {
    provider: &'static dyn Provider,
    step: &'static Step,
    kept: Kept,
}

impl Pipeline for Embedded {
    async fn begin(&mut self, begin: Begin<'_>) -> Result<StepView, Failure> {
        let fresh = fresh(begin.provider, begin.site);
        let (key, view, made) = self
            .store
            .write(|transaction| -> Result<_, EngineError> {
                let (user, org, made) = records::ensure_org(transaction, begin.org)?;
                let mut kept = Kept::new(begin, user, org).map_err(EngineError::Refused)?;
                let view = kept.view(begin.provider, &fresh);
                Ok((kept.insert(transaction)?, view, made))
            })
            .await?;
        if made {
            self.made.push(begin.org.clone());
        }
        self.key = key;
        Ok(view)
    }

    async fn answer(&mut self, fields: &Fields) -> Result<Progress, Failure> {
        let current = self.current().await?;
        let invalid = provider::invalid(current.step, fields);
        if !invalid.is_empty() {
            return Ok(Progress::Invalid(invalid));
        }
        match self.settle(current, fields).await {
            Err(EngineError::Refused(refusal)) => Ok(Progress::Refused(refusal)),
            settled => Ok(settled?),
        }
    }

    async fn abandon(&mut self) -> Result<(), Failure> {
        let key = std::mem::take(&mut self.key);
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
        Some(mut store) => list(&mut store, org, provider).await,
        None => Ok(Vec::new()),
    }
}

/// What is linked to an integration, in a file that is only read.
///
/// # Errors
///
/// `database`.
pub async fn peek_linked(path: &Path, org: &OrgSlug, integration: i64) -> Result<Linked, Failure> {
    let Some(mut engine) = Embedded::open_to_read(path).await? else {
        return Ok(Linked::default());
    };
    match engine.organization(org.as_str()).await? {
        Some(org) => engine.linked(org.id, integration).await,
        None => Ok(Linked::default()),
    }
}

async fn list(
    store: &mut Store,
    org: &OrgSlug,
    provider: &dyn Provider,
) -> Result<Vec<Listed>, Failure> {
    let key = provider.integration_key();
    let listed = store.read(|connection| records::list(connection, org, key)).await;
    Ok(listed.map_err(StoreError::from)?)
}

fn fresh(provider: &dyn Provider, site: &str) -> Fresh {
    Fresh {
        nonce: random_hex(),
        verifier: pipeline::random_verifier(),
        redirect_uri: format!(
            "{}/extensions/{}/setup/",
            site.trim_end_matches('/'),
            provider.integration_key()
        ),
    }
}

fn expired() -> Refusal {
    Refusal::new(RefusalKind::Expired, "the pipeline is not there any more, or its time is over")
}

fn used() -> Refusal {
    let message = "the callback was used already, and its pipeline finished";
    Refusal::new(RefusalKind::Used, message)
}
