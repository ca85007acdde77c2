//! The operating system: files, terminal, signals, panics, clock, random.

pub(crate) mod activity;
pub(crate) mod awaited;
pub mod blocking;
pub mod clock;
mod descriptor;
pub mod files;
pub(crate) mod interruption;
#[cfg(unix)]
pub(crate) mod linkless;
#[cfg(not(unix))]
pub(crate) mod linkless {
    //! Files by their paths: here nobody is kept from following a link.

    pub(crate) use super::files::{
        check_replaceable, read_regular as read, remove_if_there, replace_bytes as replace,
    };

    /// Here nothing tells a draft that was left from one that somebody is at work on.
    pub(crate) fn is_draft(_: &str) -> bool {
        false
    }

    /// There is none: see [`is_draft`].
    pub(crate) fn remove_abandoned(_: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }

    /// Replaces a file, and keeps nothing of the old one.
    pub(crate) fn exchange(
        path: &std::path::Path,
        bytes: &[u8],
    ) -> std::io::Result<Option<std::fs::File>> {
        replace(path, bytes).map(|()| None)
    }

    pub(crate) fn open(path: &std::path::Path) -> std::io::Result<std::fs::File> {
        std::fs::File::open(path)
    }
}
pub mod panics;
pub(crate) mod parallel;
pub mod paths;
pub mod random;
pub(crate) mod replaced_files;
pub mod signals;
pub(crate) mod streams;
pub(crate) mod terminal;
