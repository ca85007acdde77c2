//! Why a checkout does not answer, in words for whoever set the job up.

use crate::text::quote;
use std::path::Path;
use std::time::Duration;

/// Why a checkout does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The text is no sha; names of branches and expressions are not resolved.
    #[error("{text} is not a commit: a SHA has 7 to 64 hex digits")]
    NoSha {
        /// The text, quoted.
        text: String,
    },
    /// There is no tag and no branch of this name.
    #[error("the checkout has no tag or branch {name}")]
    NoName {
        /// The name, quoted.
        name: String,
    },
    /// Several commits begin like this.
    #[error("several commits in this clone start with {sha}")]
    Ambiguous {
        /// The beginning that they share.
        sha: String,
    },
    /// The newest commit of the range is not there.
    #[error("the commit {sha} is not in this {}clone", if *.is_shallow { "shallow " } else { "" })]
    NoHead {
        /// The commit.
        sha: String,
        /// Whether the clone was made without all of its history.
        is_shallow: bool,
    },
    /// Nothing is checked out.
    #[error("no commit is checked out: this branch has no commits yet")]
    Unborn,
    /// The repository's hashes are of another kind.
    #[error("this repository uses SHA-256 object names, which are not supported")]
    Sha256,
    /// The repository's refs are kept in another way.
    #[error(
        "this repository stores its refs in the reftable format, which is not supported, so the \
         checked-out commit is unknown"
    )]
    Reftable,
    /// The `.git` that is there leads to no repository.
    #[error("{path} is not a git repository: {fault}")]
    NoRepository {
        /// The `.git`, quoted.
        path: String,
        /// What it lacks.
        fault: String,
    },
    /// The configuration is malformed, or asks for a format that is not known.
    #[error("cannot read the repository's configuration: {cause}")]
    Configuration {
        /// What the reader of the repository says.
        cause: String,
    },
    /// HEAD, or the ref that it names, is malformed.
    #[error("cannot read HEAD, so the checked-out commit is unknown: {cause}")]
    Head {
        /// What the reader of the repository says.
        cause: String,
    },
    /// HEAD names an object that is no commit, or is not there.
    #[error("HEAD is {sha}, which is not {} in this clone", if *.is_there { "a commit" } else { "there" })]
    NoCommit {
        /// The object's name.
        sha: String,
        /// Whether there is such an object.
        is_there: bool,
    },
    /// A variable of git's leads nowhere.
    #[error("{variable} is {path}, which is no {expected}")]
    BadVariable {
        /// Its name.
        variable: &'static str,
        /// Its value, quoted.
        path: String,
        /// What it should lead to.
        expected: &'static str,
    },
    /// A file of the repository that cannot be read to its end.
    #[error("cannot read the repository: {path} {fault}")]
    BadFile {
        /// The file, quoted.
        path: String,
        /// What is wrong with it.
        fault: String,
    },
    /// An object is larger than what is read.
    #[error("cannot read the repository: it has an object of more than 16 MiB: {cause}")]
    TooLarge {
        /// What the reader of the repository says.
        cause: String,
    },
    /// It takes longer than the run has.
    #[error("the git repository could not be read within {:.1} s", .within.as_secs_f64())]
    Overdue {
        /// How long it was waited for.
        within: Duration,
    },
    /// Whoever built the program left git out.
    #[error("this build of finishline cannot read git repositories")]
    LeftOut,
    /// The repository is damaged, or may not be read.
    #[error("cannot read the repository: {cause}")]
    Unreadable {
        /// What the reader of the repository says.
        cause: String,
    },
}

impl GitError {
    /// What the reader can change.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSha { .. } => "use the commit's SHA; `git rev-parse NAME` prints it",
            Self::NoName { .. } => {
                "write the commit's SHA, or check out the repository with its tags and branches"
            }
            Self::Ambiguous { .. } => "use the commit's full SHA",
            Self::NoHead { .. } => {
                "check out that commit, or fetch it: set `fetch-depth: 0` for actions/checkout, \
                 `GIT_DEPTH: 0` on GitLab"
            }
            Self::Unborn => "commit first, or set `release` and `commits: none`",
            Self::Sha256 => "set `release` and `commits: none`",
            Self::Reftable => {
                "run `git refs migrate --ref-format=files`, or set `release`, and `commits: github` \
                 (which needs no checkout) or `commits: none`"
            }
            Self::NoRepository { .. } | Self::Configuration { .. } | Self::Head { .. } => {
                "check out the code again, or set `release`, and `commits: github` (which needs no \
                 checkout) or `commits: none`"
            }
            Self::NoCommit { .. } | Self::Unreadable { .. } => {
                "check that this user can read the checkout, and that `git fsck` finds no damage; or \
                 set `release`, and `commits: github` (which needs no checkout) or `commits: none`"
            }
            Self::BadFile { .. } => {
                "replace it by a regular file, or check out the code again; or set `release`, and \
                 `commits: github` (which needs no checkout) or `commits: none`"
            }
            Self::TooLarge { .. } => {
                "set `release`, and `commits: github` (which needs no checkout) or `commits: none`"
            }
            Self::Overdue { .. } => {
                "raise `timeout`, fetch less history, or set `commits: github` (which needs no \
                 checkout) or `commits: none`"
            }
            Self::LeftOut => {
                "build it with its default features, or set `release` and `commits: none`"
            }
            Self::BadVariable { .. } => "correct the variable, or unset it",
        }
    }

    pub(super) fn no_sha(text: &str) -> Self {
        Self::NoSha { text: quote(text) }
    }

    pub(super) fn no_git_dir(path: &Path) -> Self {
        let (variable, expected) = ("GIT_DIR", "git repository");
        Self::BadVariable { variable, path: quote(&path.to_string_lossy()), expected }
    }

    pub(super) fn no_object_directory(path: &Path) -> Self {
        let (variable, expected) = ("GIT_OBJECT_DIRECTORY", "folder with git objects");
        Self::BadVariable { variable, path: quote(&path.to_string_lossy()), expected }
    }
}
