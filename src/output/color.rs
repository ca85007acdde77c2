//! Whether a stream shows colours, and the colours of what is said there.

use crate::env::Env;
use crate::inputs::{ColorChoice, OutputOptions};
use std::io::IsTerminal;

/// Whether colours are shown on a stream; unasked, only a person at a terminal gets them, unless they
/// want none: <https://no-color.org>.
pub(super) fn is_shown(options: &OutputOptions, env: &Env, stream: &impl IsTerminal) -> bool {
    match options.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            stream.is_terminal()
                && !options.host.is_ci()
                && env.get("NO_COLOR").is_none()
                && env.get("TERM").is_some_and(|term| term != "dumb")
        }
    }
}

/// The word that a note begins with.
pub(super) fn note_kind(kind: &str) -> String {
    let color = if kind == "error" { "31" } else { "33" };
    format!("\u{1b}[1;{color}m{kind}\u{1b}[0m")
}
