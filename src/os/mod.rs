//! The operating system: files, terminal, signals, panics, clock, random.

pub mod clock;
pub mod files;
pub mod panics;
pub mod random;
pub mod signals;
pub(crate) mod terminal;
