//! One test binary: what the program does, seen from outside.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test that cannot go on panics, and it reads and writes files of its own"
)]

mod cli;
mod embedded;
mod faults;
#[path = "../fuzz/src/targets.rs"]
mod fuzz_targets;
#[cfg(unix)]
mod installer;
mod integration;
mod manifest;
mod meta;
mod output;
mod release;
mod secrets;
mod sentry;
mod serve;
mod sourcemaps;
mod support;
