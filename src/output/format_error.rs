//! Why a value does not fit a host's format.

/// Why a value does not fit a host's format. It names the output and never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// GitHub's runner would read another name, or none.
    #[error("output {0:?} needs a name of letters, digits, `_` and `-`, first a letter or `_`")]
    Name(String),
    /// The block in GitHub's file would end early, and what follows would be read as further outputs.
    #[error("output {0:?} contains the mark that ends its block")]
    Delimiter(String),
    /// Bitbucket documents no quotes and no second line.
    #[error("variable {0:?} needs a value of one line, without control characters")]
    Line(String),
    /// GitLab would refuse the whole report.
    #[error("variable {0:?} needs a name of 1 to 255 letters, digits and `_`")]
    Variable(String),
    /// GitLab would read another value, further variables, or an error.
    #[error("variable {0:?} needs a value of one line, without control characters or outer space")]
    Value(String),
    /// GitLab would refuse the list.
    #[error("list {0:?} needs a name of 1 to 255 characters")]
    List(String),
    /// GitLab would refuse the list.
    #[error("list {0:?} has more than 1000 links")]
    Links(String),
    /// GitLab would show the mark-up.
    #[error("section {0:?} needs a name of letters, digits, `_`, `.` and `-`")]
    Section(String),
    /// GitLab would refuse the whole report.
    #[error("{name:?} makes its report larger than the {limit} bytes that GitLab takes")]
    Size {
        /// The variable or list at which the report became too large.
        name: String,
        /// The most bytes that a report of this kind may have.
        limit: usize,
    },
}
