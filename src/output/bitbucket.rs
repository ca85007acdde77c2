//! The file of variables that Bitbucket Pipelines hands on to later steps.
//!
//! Turns data into text and writes nothing. Only `KEY=VALUE` is documented there: no quotes and no
//! second line, so a value that would need either is refused.

use thiserror::Error;

/// Why a variable was not put into words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("variable {0:?} needs a value of one line, without control characters")]
pub struct BitbucketFormatError(String);

/// One line of the file; `name` is the caller's own word, listed under `output-variables`.
pub fn variable(name: &str, value: &str) -> Result<String, BitbucketFormatError> {
    if value.contains(char::is_control) {
        return Err(BitbucketFormatError(name.to_owned()));
    }
    Ok(format!("{name}={value}\n"))
}
