//! The log on standard error. No host and no terminal finds a command in it.

use super::github;
use crate::inputs::{LogLevel, OutputFormat, OutputOptions};
use std::io::Write;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, set_default};

/// Turns the log on for as long as the guard lives.
pub fn start(options: &OutputOptions) -> DefaultGuard {
    let builder = tracing_subscriber::fmt()
        .with_max_level(level_filter(options.log_level))
        .with_target(false)
        .with_ansi(false)
        .with_writer(|| GuardedStderr);
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
struct GuardedStderr;

impl Write for GuardedStderr {
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let text = github::neutralize_commands(&String::from_utf8_lossy(record));
        std::io::stderr().lock().write_all(text.as_bytes()).ok();
        Ok(record.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush().ok();
        Ok(())
    }
}
