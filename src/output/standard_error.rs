//! Standard error as the log and the progress write to it: without a reader no work stops.

use crate::os::{blocking, streams};
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long one text waits for a reader that has stopped to read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whether a reader has stopped: nothing is written any more.
static IS_STUCK: AtomicBool = AtomicBool::new(false);

/// Writes the text, where anybody takes it.
pub(super) fn write_patiently(text: &str) {
    if IS_STUCK.load(Ordering::Relaxed) || streams::is_stderr_silent() {
        return;
    }
    let until = Instant::now() + PATIENCE;
    let until = blocking::write_deadline().map_or(until, |end| end.min(until));
    let written = blocking::write_all(&std::io::stderr(), text.as_bytes(), Some(until));
    let is_stuck = written.is_err_and(|error| error.kind() == ErrorKind::TimedOut);
    IS_STUCK.fetch_or(is_stuck, Ordering::Relaxed);
}
