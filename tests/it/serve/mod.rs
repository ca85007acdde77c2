//! `serve`: Sentry's API and the pages, over HTTP.

pub(crate) mod browser;
mod client;
mod guard;
mod links;
mod oauth;
pub(crate) mod page_links;
mod pages;
mod pipeline;
mod releases;
mod roles;
mod scopes;
mod start;
mod transcripts;
