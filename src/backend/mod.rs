//! Who walks the pipeline: our own engine over SQLite, or a Sentry.

pub mod embedded;
pub mod sentry;

use crate::failure::Failure;
use crate::model::Listed;
use crate::plan::Task;
use crate::seam::{Begin, Pipeline, Progress, StepView};
use crate::state::Fields;
use embedded::Embedded;
use sentry::Sentry;

/// The backend of a run.
pub enum Backend<'a> {
    /// Our own engine.
    Embedded(Box<Embedded>),
    /// A Sentry.
    Sentry(Box<Sentry<'a>>),
}

impl Backend<'_> {
    /// What the organization has of the task's provider.
    ///
    /// # Errors
    ///
    /// The class of whatever kept the backend from answering.
    pub async fn list(&mut self, task: &Task) -> Result<Vec<Listed>, Failure> {
        match self {
            Self::Embedded(engine) => engine.list(&task.org, task.provider).await,
            Self::Sentry(sentry) => sentry.list().await,
        }
    }
}

impl Pipeline for Backend<'_> {
    async fn begin(&mut self, begin: Begin<'_>) -> Result<StepView, Failure> {
        match self {
            Self::Embedded(engine) => engine.begin(begin).await,
            Self::Sentry(sentry) => sentry.begin(begin).await,
        }
    }

    async fn answer(&mut self, fields: &Fields) -> Result<Progress, Failure> {
        match self {
            Self::Embedded(engine) => engine.answer(fields).await,
            Self::Sentry(sentry) => sentry.answer(fields).await,
        }
    }

    async fn abandon(&mut self) -> Result<(), Failure> {
        match self {
            Self::Embedded(engine) => engine.abandon().await,
            Self::Sentry(sentry) => sentry.abandon().await,
        }
    }
}
