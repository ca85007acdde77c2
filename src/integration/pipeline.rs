//! The seam between the driver and whoever walks a pipeline: our engine, or Sentry.

use crate::error::Result;
use crate::model::{Fields, FinishedIntegration, Object, OrgSlug, Refusal};
use crate::provider::Provider;

/// What a pipeline begins with.
#[derive(Clone, Copy)]
pub struct PipelineStart<'a> {
    /// The third party.
    pub provider: &'static dyn Provider,
    /// The organization to connect.
    pub org: &'a OrgSlug,
    /// What it begins with, where the provider takes something.
    pub initial_data: Option<&'a Fields>,
    /// An app of one's own at the third party, for our engine.
    pub app: Option<&'a Fields>,
    /// The integration to renew; makes the pipeline a `reauth`.
    pub integration_id: Option<i64>,
    /// Where the backend's pages are; a third party sends browsers back there.
    pub base_url: &'a str,
    /// What the redirect URL will carry, also when another process goes on.
    pub next: Option<&'a str>,
}

/// A step that waits for its answer. It has no `Debug`: its data holds the value of a callback.
#[derive(Clone, PartialEq)]
pub struct StepView {
    /// The step's id; the driver keys on it, never on an index.
    pub id: String,
    /// What the step shows.
    pub data: Object,
}

/// What an answer led to.
pub enum StepResult {
    /// The next step.
    Advance(StepView),
    /// The same step again, with more to show.
    Stay(Object),
    /// The finish.
    Complete(FinishedIntegration),
    /// Fields that do not fit, each with its reason; the step stays.
    Invalid(Vec<(String, String)>),
    /// A no; nothing was stored.
    Refused(Refusal),
}

/// One pipeline being walked. An error is the backend's own, not a refusal.
#[expect(async_fn_in_trait, reason = "one thread: nobody needs the futures to be Send")]
pub trait Pipeline {
    /// Starts the provider's pipeline and returns its first step.
    async fn initialize(&mut self, begin: PipelineStart<'_>) -> Result<StepView>;

    /// Answers the current step. Never repeated by the caller after the last step.
    async fn advance(&mut self, fields: &Fields) -> Result<StepResult>;

    /// Forgets a pipeline that nobody will go on with.
    async fn abandon(&mut self) -> Result;
}
