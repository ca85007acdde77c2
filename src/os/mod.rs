//! The operating system: files, terminal, signals, panics, clock, random.

pub(crate) mod activity;
pub(crate) mod awaited;
pub mod blocking;
pub mod clock;
mod descriptor;
pub mod files;
pub(crate) mod interruption;
pub mod panics;
pub(crate) mod parallel;
pub mod paths;
pub mod random;
pub mod signals;
pub(crate) mod streams;
pub(crate) mod terminal;
