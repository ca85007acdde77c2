//! What stands in for a repository where the feature `git` is left out: none can be opened.

use super::{CommitHistory, CommitRange, GitEnvironment, GitError};
use crate::release::FoundAncestors;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A checkout, of which there is none in this build.
pub enum Checkout {}

impl Checkout {
    /// Fails, in place of saying that there is no checkout.
    pub fn find(folder: &Path) -> Result<Option<Self>, GitError> {
        Self::find_in(folder, &GitEnvironment::default())
    }

    /// Likewise.
    pub fn find_in(_: &Path, _: &GitEnvironment) -> Result<Option<Self>, GitError> {
        Err(GitError::LeftOut)
    }

    /// Whether nothing is checked out by design.
    pub fn is_bare(&self) -> bool {
        match *self {}
    }

    /// Which of these commits lead to another.
    pub fn leading_to(&self, _: &str, _: &HashSet<String>) -> Option<FoundAncestors> {
        match *self {}
    }

    /// Whether this clone has the commit.
    pub fn has_commit(&self, _: &str) -> bool {
        match *self {}
    }

    /// Whether older commits were left out of this clone.
    pub fn is_shallow(&self) -> bool {
        match *self {}
    }

    /// The commit of a name.
    pub fn named_commit(&self, _: &str) -> Result<String, GitError> {
        match *self {}
    }

    /// The commit of a tag.
    pub fn tag_commit(&self, _: &str) -> Option<String> {
        match *self {}
    }

    /// The commit that is checked out.
    pub fn head(&self) -> Result<String, GitError> {
        match *self {}
    }

    /// The first line of what that commit says.
    pub fn head_subject(&self) -> String {
        match *self {}
    }

    /// The branch that the others are made from.
    pub fn default_branch(&self) -> Option<String> {
        match *self {}
    }

    /// The top folder of what is checked out.
    pub fn top_folder(&self) -> Option<PathBuf> {
        match *self {}
    }

    /// The address of a remote.
    pub fn remote(&self, _: &str) -> Option<String> {
        match *self {}
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<String> {
        match *self {}
    }

    /// The commits of a range.
    pub async fn history(&self, _: &CommitRange<'_>) -> Result<CommitHistory, GitError> {
        match *self {}
    }
}
