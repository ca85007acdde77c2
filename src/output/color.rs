//! Whether a stream shows colors, and the colors of what is said there.

use crate::env::Env;
use crate::inputs::{ColorChoice, OutputOptions};
use std::io::IsTerminal;

/// Whether colors are shown on a stream; unasked, only a person at a terminal gets them, unless they
/// want none: <https://no-color.org>.
pub(super) fn is_shown(options: &OutputOptions, env: &Env, stream: &impl IsTerminal) -> bool {
    match options.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            stream.is_terminal()
                && !options.host.is_ci()
                && env.get("NO_COLOR").is_none()
                && is_capable(env)
        }
    }
}

/// Whether the terminal does more than to show one character after the other.
pub(super) fn is_capable(env: &Env) -> bool {
    env.get("TERM").is_some_and(|term| term != "dumb")
}

/// The word that a note begins with.
pub(super) fn note_kind(kind: &str) -> String {
    let color = if kind == "error" { "31" } else { "33" };
    format!("\u{1b}[1;{color}m{kind}\u{1b}[0m")
}

/// The levels of the log, each as a record begins with it, and its color.
const LEVELS: [(&str, u8); 5] =
    [("ERROR ", 31), (" WARN ", 33), (" INFO ", 32), ("DEBUG ", 34), ("TRACE ", 35)];

/// A record of the log with its level in color.
pub(super) fn log_record(record: &str) -> String {
    let level = LEVELS.iter().find_map(|(level, color)| {
        let rest = record.strip_prefix(level)?;
        Some(format!("\u{1b}[{color}m{}\u{1b}[0m {rest}", level.trim_end()))
    });
    level.unwrap_or_else(|| record.to_owned())
}

/// A text with a plan's changes in color, as a difference has its lines.
pub(super) fn plan_changes(text: &str) -> String {
    let line = |line: &str| {
        let sign = line.trim_start().get(..2);
        let color = match sign {
            Some("+ ") => "32",
            Some("~ ") => "33",
            Some("- ") => "31",
            _ => return line.to_owned(),
        };
        format!("\u{1b}[{color}m{}\u{1b}[0m\n", line.trim_end_matches('\n'))
    };
    text.split_inclusive('\n').map(line).collect()
}
