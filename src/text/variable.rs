//! Variables in the place of a value: `${NAME}`, or `${NAME:?why}` with what to say without one.

use super::quote::quote;

/// A variable that a value names.
#[derive(Clone, Copy)]
pub(crate) struct VariableReference<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    reason: &'a str,
}

impl<'a> VariableReference<'a> {
    /// The variable that stands for the whole text.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        Some(Self::named(text.strip_prefix("${")?.strip_suffix('}')?))
    }

    /// The variable of this name, which `:?why` may follow.
    pub(crate) fn named(text: &'a str) -> Self {
        let (name, reason) = text.split_once(":?").unwrap_or((text, ""));
        Self { name, reason }
    }

    /// Why it is needed, to stand after "not set"; empty when nothing was written.
    pub(crate) fn reason(&self) -> String {
        match self.reason {
            "" => String::new(),
            reason => format!(": {}", quote(reason).trim_matches('`')),
        }
    }
}
