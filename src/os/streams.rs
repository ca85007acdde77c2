//! Standard output and standard error, each of which may have to be silent: where it leads to a file
//! of the run's own, every word would be written into that.

use super::paths::FileIdentity;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_STDOUT_SILENT: AtomicBool = AtomicBool::new(false);
static IS_STDERR_SILENT: AtomicBool = AtomicBool::new(false);

/// Silences each of the two, from now on, whose file this is true of.
pub(crate) fn silence(is_own_file: impl Fn(Option<FileIdentity>) -> bool) {
    let stdout = is_own_file(FileIdentity::of_stream(&std::io::stdout()));
    let stderr = is_own_file(FileIdentity::of_stream(&std::io::stderr()));
    IS_STDOUT_SILENT.fetch_or(stdout, Ordering::Relaxed);
    IS_STDERR_SILENT.fetch_or(stderr, Ordering::Relaxed);
}

/// Whether nothing may be written to standard output.
pub(crate) fn is_stdout_silent() -> bool {
    IS_STDOUT_SILENT.load(Ordering::Relaxed)
}

/// Whether nothing may be written to standard error.
pub(crate) fn is_stderr_silent() -> bool {
    IS_STDERR_SILENT.load(Ordering::Relaxed)
}
