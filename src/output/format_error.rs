//! Why a value does not fit a host's format.

/// Why a value does not fit a host's format. It names the output and never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// GitHub's runner would read another name, or none.
    #[error(
        "invalid output name {0:?}: use letters, digits, `_` and `-`, starting with a letter or `_`"
    )]
    Name(String),
    /// The block in GitHub's file would end early, and what follows would be read as further outputs.
    #[error("output {0:?} contains the delimiter that ends its block")]
    Delimiter(String),
    /// Bitbucket documents no quotes and no second line.
    #[error("invalid value for variable {0:?}: use one line without control characters")]
    Line(String),
    /// GitLab would refuse the whole report.
    #[error("invalid variable name {0:?}: use 1 to 255 letters, digits and `_`")]
    Variable(String),
    /// GitLab would read another value, further variables, or an error.
    #[error(
        "invalid value for variable {0:?}: use one line without control characters or surrounding \
         whitespace"
    )]
    Value(String),
    /// GitLab would refuse the list.
    #[error("invalid list name {0:?}: use 1 to 255 characters")]
    List(String),
    /// GitLab would refuse the list.
    #[error("list {0:?} has more than 1000 links")]
    Links(String),
    /// GitLab would show the mark-up.
    #[error("invalid section name {0:?}: use letters, digits, `_`, `.` and `-`")]
    Section(String),
    /// GitLab would refuse the whole report.
    #[error("{name:?} makes its report larger than GitLab's limit of {limit} bytes")]
    Size {
        /// The variable or list at which the report became too large.
        name: String,
        /// The most bytes that a report of this kind may have.
        limit: usize,
    },
}
