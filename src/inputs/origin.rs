//! Where an input was given.

use crate::error::{Error, ErrorCode};
use crate::text::yaml::LineColumn;
use std::fmt;

/// Where a text came from, as messages name it.
#[derive(Clone, Copy)]
pub enum InputOrigin {
    /// A flag, without its dashes.
    Flag(&'static str),
    /// A variable.
    Variable(&'static str),
    /// What sentry-cli takes its defaults from.
    File(&'static str),
    /// A place in the manifest.
    Manifest(LineColumn),
}

impl fmt::Display for InputOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(long) => write!(f, "--{long}"),
            Self::Variable(name) | Self::File(name) => f.write_str(name),
            Self::Manifest(place) => write!(f, "{place}"),
        }
    }
}

impl InputOrigin {
    /// What a script typed and left empty, as its variable is not set: to pass it over could be to do
    /// more than was meant.
    pub(super) fn empty(self) -> Error {
        Error::new(ErrorCode::Usage, format!("`{self}` is empty"))
            .with_hint("check the variable that it is taken from, or remove the flag")
    }
}
