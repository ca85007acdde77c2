//! Installing an integration and removing it: the task, the decision, the driver of its steps, and its links.

pub mod callback;
pub mod decision;
pub mod driver;
mod existing_links;
pub mod kept;
mod linkable;
pub mod links;
mod named_links;
mod only_integration;
pub mod pipeline;
pub mod removal;
pub mod task;

pub use decision::{Decision, DecisionReason, PlanObstacle};
pub use existing_links::{ExistingLinks, LinkedMapping, LinkedRepository};
pub use kept::KeptInputs;
pub use links::{RequestedLinks, UnwantedLinks};
pub use named_links::{LinkState, NamedLinks, NamedRepository};
pub use pipeline::{Pipeline, PipelineStart, StepResult, StepView};
pub use removal::Removal;
pub use task::IntegrationTask;
