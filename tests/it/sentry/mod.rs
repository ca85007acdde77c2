//! A Sentry as the backend: its API, its pages, its tokens, and its failures.

mod api;
mod bodies;
mod faults;
mod links;
mod outages;
mod resume;
mod tokens;
mod web;
