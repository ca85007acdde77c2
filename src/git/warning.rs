//! Why a history is another than the one that was asked for.

use crate::text::quote;
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
    /// Texts are in another encoding than their commits say, or in an unknown one.
    WrongEncoding {
        /// How many commits have such texts.
        commits: usize,
        /// The encoding that the newest of them is said to have.
        encoding: String,
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
            Self::WrongEncoding { .. } => "text-not-decoded",
        }
    }
}

const FETCH_ALL: &str = "set `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` on GitLab";

impl fmt::Display for HistoryWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shallow { oldest } => write!(
                f,
                "the clone is shallow: its history ends at {oldest}, whose changed files are \
                 unknown; {FETCH_ALL}"
            ),
            Self::NoPrevious { previous, is_shallow: true, most } => write!(
                f,
                "the previous commit {previous} is not in this shallow clone, so the last commits \
                 are used, at most {most}; {FETCH_ALL}"
            ),
            Self::NoPrevious { previous, is_shallow: false, most } => write!(
                f,
                "the previous commit {previous} is not in this clone, for example because history \
                 was rewritten, so the last commits are used, at most {most}; set `previous-commit` to a \
                 commit that is still on the branch"
            ),
            Self::NoAncestor { previous, head } => write!(
                f,
                "the previous commit {previous} is not an ancestor of {head}, for example after a \
                 rollback or on another branch, so only the commits that {head} adds to it are \
                 used; set `previous-commit` to a commit of the same branch to get others"
            ),
            Self::NoTrees { commits } => write!(
                f,
                "the clone lacks the file lists of {commits} of these commits, so the files that \
                 they change are unknown; clone without `--filter=tree:0`"
            ),
            Self::TooManyFiles { commits } => write!(
                f,
                "{commits} of these commits change too many files, so no files are sent for them; \
                 set `previous-commit` to a later commit to leave them out"
            ),
            Self::WrongEncoding { commits, encoding } => write!(
                f,
                "the text of {commits} of these commits cannot be decoded as {}, so parts of it are \
                 replaced; set git's `i18n.commitEncoding` to the encoding of your editor",
                quote(encoding)
            ),
        }
    }
}
