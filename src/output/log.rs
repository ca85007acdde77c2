//! The log on standard error. No host and no terminal finds a command in it.

use super::{color, github};
use crate::env::Env;
use crate::inputs::{LogLevel, OutputFormat, OutputOptions};
use crate::os::{blocking, streams};
use crate::text::scrubber::SecretScrubber;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, set_default};

/// Turns the log on for as long as the guard lives; what the scrubber knows is not in it.
pub fn start(options: &OutputOptions, env: &Env, scrubber: SecretScrubber) -> DefaultGuard {
    let builder = tracing_subscriber::fmt()
        .with_max_level(level_filter(options.log_level))
        .with_target(false)
        .with_ansi(color::is_shown(options, env, &std::io::stderr()))
        .with_writer(move || GuardedStderr(scrubber.clone()));
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
struct GuardedStderr(SecretScrubber);

/// How long one record waits for a reader that has stopped to read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whether a reader has stopped: nothing is logged any more.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

impl Write for GuardedStderr {
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let mut text = String::from_utf8_lossy(record).into_owned();
        self.0.scrub([&mut text]);
        let text = github::neutralize_commands(&text);
        if !IS_STUCK.load(Ordering::Relaxed) && !streams::is_stderr_silent() {
            let until = Instant::now() + PATIENCE;
            let until = blocking::write_deadline().map_or(until, |end| end.min(until));
            let written = blocking::write_all(&std::io::stderr(), text.as_bytes(), Some(until));
            let is_stuck = written.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
            IS_STUCK.fetch_or(is_stuck, Ordering::Relaxed);
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
