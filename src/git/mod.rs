//! The checkout on disk: which commit it is at, where it came from, and which commits lead from
//! one to another.
//!
//! Read by gix: no `git` need be installed, and a checkout that another user owns is read too. Of
//! its configuration only the format and a remote's address are read, of the user's nothing.
//! Which commits a release is about is not answered here.

#[cfg_attr(not(feature = "git"), expect(dead_code, reason = "only a repository asks for it"))]
mod environment;
#[cfg_attr(not(feature = "git"), expect(dead_code, reason = "only a repository asks for it"))]
mod error;
#[cfg_attr(not(feature = "git"), path = "no_repository.rs")]
mod repository;
mod warning;

use crate::release::Commit;
pub use environment::GitEnvironment;
pub use error::GitError;
pub use repository::Checkout;
pub use warning::HistoryWarning;

/// Which commits are asked for: those that lead to `head` and not to `previous`.
///
/// Both are shas of 7 to 64 hex digits and nothing else that git would resolve.
#[derive(Clone, Copy, Debug)]
pub struct CommitRange<'a> {
    /// The newest commit.
    pub head: &'a str,
    /// The newest commit of the range before.
    pub previous: Option<&'a str>,
    /// How many commits are taken where there is no previous one.
    pub most: usize,
    /// Only commits that touch one of these: a file, a folder, or a glob in which `*` stays within
    /// one folder and `**` does not. None means all.
    pub paths: &'a [String],
}

/// The commits of a range.
#[derive(Debug)]
pub struct CommitHistory {
    /// Newest first, with what each touched against its first parent; nothing for a merge, whose
    /// files are those of the commits that it merged.
    pub commits: Vec<Commit>,
    /// Why they are fewer than were asked for, others, or without their files.
    pub warnings: Vec<HistoryWarning>,
}
