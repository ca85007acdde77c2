//! The log on standard error. No host and no terminal finds a command in it.

use super::{color, github, progress, standard_error};
use crate::env::Env;
use crate::inputs::{LogLevel, OutputFormat, OutputOptions};
use crate::text::scrubber::SecretScrubber;
use std::io::Write;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, set_default};

/// Turns the log on for as long as the guard lives; what the scrubber knows is not in it.
pub fn start(options: &OutputOptions, env: &Env, scrubber: SecretScrubber) -> DefaultGuard {
    let is_text = matches!(options.log_format, OutputFormat::Text);
    let has_colors = is_text && color::is_shown(options, env, &std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_max_level(level_filter(options.log_level))
        .with_target(false)
        .with_ansi(false)
        .with_writer(move || GuardedStderr { scrubber: scrubber.clone(), has_colors });
    match options.log_format {
        OutputFormat::Text => set_default(builder.without_time().finish()),
        OutputFormat::Json => set_default(builder.json().flatten_event(true).finish()),
    }
}

pub(super) fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => Level::ERROR.into(),
        LogLevel::Warn => Level::WARN.into(),
        LogLevel::Info => Level::INFO.into(),
        LogLevel::Debug => Level::DEBUG.into(),
        LogLevel::Trace => Level::TRACE.into(),
    }
}

/// Standard error, guarded. The subscriber writes one whole record at a time, which is what
/// `neutral` needs to see. A log that nobody takes stops no work.
struct GuardedStderr {
    scrubber: SecretScrubber,
    /// Whether the level is in color: our own, and added when nothing of others' is left to be obeyed.
    has_colors: bool,
}

impl Write for GuardedStderr {
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let mut text = String::from_utf8_lossy(record).into_owned();
        self.scrubber.scrub([&mut text]);
        let text = github::neutralize_commands(&text);
        let text = if self.has_colors { color::log_record(&text) } else { text };
        progress::above(|| standard_error::write_patiently(&text));
        Ok(record.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
