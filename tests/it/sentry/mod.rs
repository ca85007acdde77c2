//! A Sentry as the backend: its API, its pages, its tokens, and its failures.

mod addresses;
mod api;
mod bodies;
mod faults;
mod finish_answers;
mod intermediaries;
mod kept_inputs;
mod link_causes;
mod links;
mod listed_config;
mod lost_answers;
mod network;
mod odd_statuses;
mod older_links;
mod organization_domains;
mod outages;
mod resume;
mod tokens;
mod trust;
mod web;
