//! The file of variables that Bitbucket Pipelines hands on to later steps.
//!
//! Turns data into text and writes nothing. Only `KEY=VALUE` is documented there: no quotes and no
//! second line, so a value that would need either is refused.

use super::format_error::FormatError;

/// One line of the file; `name` is the caller's own word, listed under `output-variables`.
pub fn variable(name: &str, value: &str) -> Result<String, FormatError> {
    match value.contains(char::is_control) {
        true => Err(FormatError::Line(name.to_owned())),
        false => Ok(format!("{name}={value}\n")),
    }
}
