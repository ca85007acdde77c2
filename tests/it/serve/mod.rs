//! `serve`: Sentry's API and the pages, over HTTP.

mod browser;
mod client;
mod guard;
mod killed_writers;
mod links;
mod oauth;
pub(crate) mod page_links;
mod pages;
mod pipeline;
mod releases;
mod scopes;
mod start;
mod transcripts;
