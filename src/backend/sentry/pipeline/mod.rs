//! How a Sentry runs a pipeline: its endpoint, or its setup pages.

pub(crate) mod api;
pub(crate) mod html;
pub(crate) mod vendor_link;
pub(crate) mod web;
