//! Why a word of a script is no value of an input, and what to do.

use crate::text::quote;

/// Why a word is no value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValueError {
    /// The shell computes it.
    Computed(String),
    /// Nothing in the file tells the variable.
    Unknown(String),
    /// The variable decides about more than an input.
    Changed(String),
    /// It may be empty.
    Empty(String),
    /// It may be several words, or several items of a list.
    Several(String),
    /// The default is another commit, or may be.
    OtherDefault,
    /// A list of an input takes it for several items, if it has a comma or a blank.
    Items(&'static str, String),
    /// An input takes it for something else.
    Special(String),
}

const BY_HAND: &str = "write the step by hand";

impl ValueError {
    pub(super) fn of_substitution(command: &str) -> Self {
        match command.split_whitespace().eq(["git", "rev-parse", "HEAD"]) {
            true => Self::OtherDefault,
            false => Self::Computed(format!("$({command})")),
        }
    }

    /// What is said of it, and what to do.
    pub(super) fn words(&self) -> (String, String) {
        (self.message(), self.hint())
    }

    fn message(&self) -> String {
        match self {
            Self::Computed(text) => format!("the shell computes {}", quote(text)),
            Self::Unknown(name) => {
                format!("the variable `{name}` is in no `env:` of this step and its job")
            }
            Self::Changed(name) => {
                format!("the script changes the variable `{name}`, which decides about its calls")
            }
            Self::Empty(text) if text.is_empty() => "a value of this call is empty".to_owned(),
            Self::Empty(text) => {
                format!("{} may be empty, and a step takes an empty input for not set", quote(text))
            }
            Self::Several(text) | Self::Items(_, text) => {
                format!("{} may become several words or items", quote(text))
            }
            Self::OtherDefault => {
                "the release is the checked-out commit, and by default a step may take another version"
                    .to_owned()
            }
            Self::Special(text) => format!("a step takes {} for something else", quote(text)),
        }
    }

    fn hint(&self) -> String {
        let hint = match self {
            Self::Computed(_) => "set the value in `env:`, or write the step by hand",
            Self::Unknown(name) => {
                return format!("set `{name}` in `env:`, or write the step by hand");
            }
            Self::Changed(_) => "set it in `env:`, or write the step by hand",
            Self::Empty(text) if !text.is_empty() => {
                "write the step by hand, with an `if:` that asks for the value"
            }
            Self::Several(_) => "put it in quotes, or write the step by hand",
            Self::Items("projects", _) => {
                "leave the flag out and set `SENTRY_PROJECT` in `env:`, or write the step by hand"
            }
            Self::OtherDefault => {
                "write the step by hand, with the `release` that is meant, as `${{ github.sha }}`"
            }
            Self::Empty(_) | Self::Items(..) | Self::Special(_) => BY_HAND,
        };
        hint.to_owned()
    }
}
