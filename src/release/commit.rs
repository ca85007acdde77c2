//! A commit as it is sent in full.

/// How much of one text of a commit is read, in bytes: a little more than is ever sent, so that what is
/// cut is known.
pub const MAX_TEXT_BYTES: usize = 16 * 1024 + 64;

/// A commit, with everything that is known of it. Its texts are those of whoever wrote it; what a
/// reader finds empty is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its full hash.
    pub id: String,
    /// Its message, up to [`MAX_TEXT_BYTES`].
    pub message: Option<String>,
    /// The author's name.
    pub author_name: Option<String>,
    /// The author's address.
    pub author_email: Option<String>,
    /// When it was committed, in milliseconds since 1970.
    pub time: Option<i64>,
    /// The files that it touched against its first parent; none where that is not known.
    pub changes: Vec<FileChange>,
}

/// A file that a commit touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Its path from the root of the repository.
    pub path: String,
    /// What was done to it.
    pub kind: ChangeKind,
}

/// What a commit did to a file; a rename is a deletion and an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It was there and differs.
    Modified,
    /// It is gone.
    Deleted,
}

impl ChangeKind {
    /// The change that Sentry has this letter for.
    pub fn from_letter(letter: &str) -> Option<Self> {
        [Self::Added, Self::Modified, Self::Deleted]
            .into_iter()
            .find(|kind| kind.letter() == letter)
    }

    /// Sentry's letter for it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Added => "A",
            Self::Modified => "M",
            Self::Deleted => "D",
        }
    }
}
