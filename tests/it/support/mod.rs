//! What the tests stand on: the program started, the servers it talks to, and what reads its outputs.

pub(crate) mod at_once;
#[cfg(unix)]
pub(crate) mod attended_run;
pub(crate) mod build_folder;
pub(crate) mod bundles;
pub(crate) mod chunk_sentry;
pub(crate) mod engine;
pub(crate) mod fake_gitlab;
pub(crate) mod fake_sentry;
pub(crate) mod fake_vendor;
pub(crate) mod faulty_server;
pub(crate) mod git_repository;
pub(crate) mod http_server;
pub(crate) mod proxy;
#[cfg(unix)]
pub(crate) mod pseudo_terminal;
pub(crate) mod response;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod runner_parser;
pub(crate) mod secret_scan;
pub(crate) mod sentry_23;
pub(crate) mod serve;
pub(crate) mod tampering_proxy;
pub(crate) mod vectors;
pub(crate) mod watched_process;
