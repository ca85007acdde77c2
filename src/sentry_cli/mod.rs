//! The command line of sentry-cli: which of our inputs a call of it means.
//!
//! [`table`] has what sentry-cli 2 and 3 take, and what becomes of it here. Texts go through as they
//! are, so that a script's `"$VERSION"` may be read as well as the version that a shell made of it.

mod arguments;
mod operation;
mod step;
mod table;
#[cfg(test)]
mod tests;

pub use arguments::{SentryCliCall, parse};
pub use operation::{CalledOperation, ReleaseOperation, ReleaseStatus};
pub use step::{StepConflict, StepInputs};
pub use table::{SentryCliTask, flag_inputs};
