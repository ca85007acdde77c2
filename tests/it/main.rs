//! One test binary: what the program does, seen from outside.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, and it reads and writes files of its own"
)]

mod after;
mod apps;
mod callbacks;
mod check;
mod client_after;
mod client_api;
mod client_bodies;
mod client_faults;
mod client_resume;
mod client_tokens;
mod client_web;
mod common;
mod corpus;
mod cost;
mod database;
mod dependencies;
mod docs;
mod engine;
mod faults;
mod faulty;
mod finish;
mod fixtures;
mod forger;
#[path = "../fuzz/src/targets.rs"]
mod fuzz_targets;
mod git;
mod git_places;
mod github;
mod github_faults;
mod host_format;
mod hostile;
mod hosts;
mod identities;
mod import;
mod injection;
mod inputs;
mod job;
mod journey;
#[cfg(target_os = "linux")]
mod kills;
mod limits;
mod links;
mod manifest;
mod manual;
mod many;
mod meta;
mod migrations;
mod mistakes;
mod modes;
mod oracle;
mod peer;
mod pipeline;
mod processes;
mod providers;
mod redirect;
mod refusals;
mod relay;
mod release_checkouts;
mod release_commits;
mod release_inputs;
mod release_requests;
mod reply;
mod repository;
mod resume;
mod run;
mod secrets;
mod sentry;
mod serve;
mod serve_browser;
mod serve_client;
mod serve_guard;
mod serve_links;
mod serve_oauth;
mod serve_pages;
mod serve_peer;
mod serve_pipeline;
mod serve_releases;
mod serve_scopes;
mod serve_transcripts;
mod served;
mod signed;
mod sinks;
mod standin;
mod terminal;
mod traces;
mod transcripts;
mod vendor;
