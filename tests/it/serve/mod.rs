//! `serve`: Sentry's API and the pages, over HTTP.

mod bodies;
mod bounds;
pub(crate) mod browser;
mod bundle_refusals;
mod bundles;
mod choice;
mod client;
mod framing;
mod guard;
mod killed_uploads;
mod killed_writers;
mod links;
mod log;
mod oauth;
pub(crate) mod page_links;
mod pages;
mod pipeline;
mod releases;
mod removal;
mod roles;
mod safe_requests;
mod scopes;
mod set_up_again;
mod source_hosts;
mod start;
mod tokens;
mod transcripts;
