//! What a workflow of action-release or a script of sentry-cli gets without a change: names, variables,
//! and what holds where nothing is said.

mod defaults;
mod headers;
mod names;
mod versions;
