//! The log on standard error. On a host that reads commands from it, nothing in it can be one.

use super::github;
use crate::inputs::{Format, LogLevel, Voice};
use std::io::Write;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::fmt::MakeWriter;

/// Turns the log on for as long as the guard lives.
pub fn start(voice: &Voice) -> DefaultGuard {
    let writer = Stderr { guarded: voice.host.is_github_like() };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level(voice.log_level))
        .with_target(false)
        .with_ansi(false)
        .with_writer(writer);
    match voice.log_format {
        Format::Text => set_default(builder.without_time().finish()),
        Format::Json => set_default(builder.json().flatten_event(true).finish()),
    }
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => Level::ERROR.into(),
        LogLevel::Warn => Level::WARN.into(),
        LogLevel::Info => Level::INFO.into(),
        LogLevel::Debug => Level::DEBUG.into(),
        LogLevel::Trace => Level::TRACE.into(),
    }
}

/// Standard error, guarded where the host reads commands from it.
#[derive(Clone, Copy)]
struct Stderr {
    guarded: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// The subscriber writes one whole record at a time, which is what `neutral` needs to see.
impl Write for Stderr {
    fn write(&mut self, record: &[u8]) -> std::io::Result<usize> {
        let mut stderr = std::io::stderr().lock();
        if self.guarded {
            let text = String::from_utf8_lossy(record);
            stderr.write_all(github::neutral(&text).as_bytes())?;
        } else {
            stderr.write_all(record)?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
