//! The log of `serve` on standard error. A thread of its own writes it, so that a pipe that nobody
//! reads holds up no request: what does not fit is counted and left out.

use super::github;
use super::log::level_filter;
use crate::inputs::{LogLevel, OutputFormat};
use crate::text::scrubber::SecretScrubber;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tracing::subscriber::set_global_default;

/// How many records wait to be written.
const MAX_WAITING: usize = 1024;
/// How long the end of the server waits for the last of them.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

enum LogMessage {
    Record(String),
    Flush(SyncSender<()>),
}

/// The log, on until the process ends. Flush it before.
#[derive(Clone)]
pub(crate) struct ServerLog {
    messages: SyncSender<LogMessage>,
    lost: Arc<AtomicUsize>,
    scrubber: SecretScrubber,
}

impl ServerLog {
    /// Turns the log on for every thread; none of these secrets is in it.
    pub(crate) fn start(level: LogLevel, format: OutputFormat, secrets: &[String]) -> Self {
        let scrubber = SecretScrubber::default();
        scrubber.learn(secrets, &[]);
        let (messages, waiting) = sync_channel(MAX_WAITING);
        std::thread::spawn(move || write_all(&waiting));
        let log = Self { messages, lost: Arc::default(), scrubber };
        let writer = log.clone();
        let builder = tracing_subscriber::fmt()
            .with_max_level(level_filter(level))
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        // A second one in a process, as in a test, is not heard.
        drop(match format {
            OutputFormat::Text => set_global_default(builder.finish()),
            OutputFormat::Json => set_global_default(builder.json().flatten_event(true).finish()),
        });
        log
    }

    /// Waits, not for long, until everything so far is written.
    pub(crate) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.messages.try_send(LogMessage::Flush(done)).is_ok() {
            written.recv_timeout(FLUSH_TIMEOUT).ok();
        }
    }

    fn send(&self, record: String) {
        if self.messages.try_send(LogMessage::Record(record)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Write for ServerLog {
    /// The subscriber writes one whole record at a time.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => self.send(format!("{lost} log lines were lost: nobody read standard error\n")),
        }
        let mut text = String::from_utf8_lossy(record).into_owned();
        self.scrubber.scrub([&mut text]);
        self.send(github::neutralize_commands(&text));
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(waiting: &Receiver<LogMessage>) {
    while let Ok(message) = waiting.recv() {
        match message {
            LogMessage::Record(text) => {
                io::stderr().lock().write_all(text.as_bytes()).ok();
            }
            LogMessage::Flush(done) => drop(done.send(())),
        }
    }
}
