//! Setting up an integration, provider by provider, with a person's browser or without.

mod apps;
pub(crate) mod browser_flow;
mod callbacks;
mod evidence;
mod field_comparison;
pub(crate) mod fixtures;
mod identities;
mod kept_inputs;
mod linked_integration;
mod links;
mod links_alone;
mod named_wrongly;
mod only_integration;
mod providers;
mod refusals;
mod removal;
mod removal_identity;
mod resume;
mod signatures;
mod taken_identity;
mod transcripts;
mod vendor_answers;
