//! Why a history is another than the one that was asked for.

use std::fmt;

/// Why a history is another than the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryWarning {
    /// The clone holds no more than this; the files of its oldest commit are not known.
    Shallow {
        /// The oldest commit, or one of them.
        oldest: String,
    },
    /// The previous commit is not there, so the range has another start.
    NoPrevious {
        /// The previous commit, as it was named.
        previous: String,
        /// Whether the clone was made without all of its history.
        is_shallow: bool,
        /// How many commits are taken at most instead.
        most: usize,
    },
    /// The previous commit is there and does not lead to the head.
    NoAncestor {
        /// The previous commit.
        previous: String,
        /// The head.
        head: String,
    },
    /// The clone holds commits without the folders that they are of.
    NoTrees {
        /// How many commits are without their files.
        commits: usize,
    },
    /// Commits touch more files than are kept.
    TooManyFiles {
        /// How many commits are without their files.
        commits: usize,
    },
}

impl HistoryWarning {
    /// Its name for machines.
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Shallow { .. } => "shallow-clone",
            Self::NoPrevious { .. } => "previous-not-found",
            Self::NoAncestor { .. } => "previous-not-an-ancestor",
            Self::NoTrees { .. } => "files-not-in-clone",
            Self::TooManyFiles { .. } => "too-many-files",
        }
    }
}

const FETCH_ALL: &str = "set `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` on GitLab";

impl fmt::Display for HistoryWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shallow { oldest } => write!(
                f,
                "the clone is shallow: its history ends at {oldest}, whose files are not known; \
                 {FETCH_ALL}"
            ),
            Self::NoPrevious { previous, is_shallow: true, most } => write!(
                f,
                "the previous commit {previous} is not in this shallow clone, so the last commits \
                 are taken, {most} at most; {FETCH_ALL}"
            ),
            Self::NoPrevious { previous, is_shallow: false, most } => write!(
                f,
                "the previous commit {previous} is not in this clone, as after history was \
                 rewritten, so the last commits are taken, {most} at most; name a previous commit \
                 that the branch still has"
            ),
            Self::NoAncestor { previous, head } => write!(
                f,
                "the previous commit {previous} does not lead to {head}, as after a rollback or on \
                 another branch, so the commits are those that only {head} has; name a previous \
                 commit of the same branch if others were meant"
            ),
            Self::NoTrees { commits } => write!(
                f,
                "the clone was made without the files of {commits} of these commits, so which they \
                 touch is not known; clone without `--filter=tree:0`"
            ),
            Self::TooManyFiles { commits } => write!(
                f,
                "{commits} of these commits touch so many files that none are told of them; name a \
                 later previous commit if they were not meant"
            ),
        }
    }
}
