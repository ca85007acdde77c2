//! The end of a run whose one thread is stuck: in a file of others that is a pipe or lies on a disk
//! that does not answer, in a lock that another process holds, in a library that computes for long.
//! Nothing can cut such a call short, so it is left behind: this ends the process.

use crate::error::{Error, ErrorCode};
use crate::os::awaited::AwaitedResource;
use crate::os::{blocking, signals};
use crate::outcome::Outcome;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// After how long the runtime shows that it is alive, and the watchdog looks.
const TURN: Duration = Duration::from_millis(100);

/// How long a run that is over may be silent. One that is alive ends by itself, and knows better what
/// it has done.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches whether the runtime takes its turns.
#[derive(Default)]
pub(super) struct RunWatchdog {
    turns: AtomicU64,
    is_concluded: AtomicBool,
}

impl RunWatchdog {
    /// Shows that the runtime is alive, as long as it is.
    pub(super) async fn show_life(&self) -> Infallible {
        loop {
            tokio::time::sleep(TURN).await;
            self.turns.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the caller is the one to end the run.
    pub(super) fn may_conclude(&self) -> bool {
        !self.is_concluded.swap(true, Ordering::Relaxed)
    }

    /// Watches until `end` is dropped. A run that is over and stuck ends here by `conclude`, which
    /// writes its outputs and returns the exit code.
    pub(super) fn watch(&self, end: &Receiver<()>, conclude: impl FnOnce(Outcome) -> u8) {
        while is_under_way(end, TURN) {
            let turns = self.turns.load(Ordering::Relaxed);
            if blocking::is_over() && is_under_way(end, PATIENCE) {
                let is_stuck = self.turns.load(Ordering::Relaxed) == turns;
                if is_stuck && self.may_conclude() {
                    std::process::exit(conclude(stuck_outcome()).into());
                }
            }
        }
    }
}

fn is_under_way(end: &Receiver<()>, wait: Duration) -> bool {
    end.recv_timeout(wait) == Err(RecvTimeoutError::Timeout)
}

/// The end of a run that is stuck: a signal's where there was one, and else the deadline's.
fn stuck_outcome() -> Outcome {
    let awaited = AwaitedResource::current();
    match (signals::is_stopped(), awaited) {
        (true, None) => Outcome::from(ErrorCode::Cancelled),
        (false, None) => Outcome::from(ErrorCode::Deadline),
        (true, Some(resource)) => {
            let message = format!("the run was cancelled by a signal while {}", doing(resource));
            Outcome::failed(Error::new(ErrorCode::Cancelled, message))
        }
        (false, Some(resource)) => Outcome::failed(overdue(resource)),
    }
}

/// What a run is doing that does not end.
fn doing(resource: AwaitedResource) -> &'static str {
    match resource {
        AwaitedResource::GitRepository => "it read the git repository",
        AwaitedResource::Database => "it used the database",
        AwaitedResource::SystemCertificates => "it read the system's certificates",
        AwaitedResource::ResumeFileLock => "it waited for the lock of `resume-file`",
    }
}

/// The failure to be done with it within the timeout.
fn overdue(resource: AwaitedResource) -> Error {
    let (code, what, hint) = match resource {
        AwaitedResource::GitRepository => (
            ErrorCode::Deadline,
            "the git repository could not be read",
            "check the disk of the checkout, and that no file of the repository is a pipe; or raise `timeout`",
        ),
        AwaitedResource::Database => (
            ErrorCode::Database,
            "the database could not be used",
            "check the disk of `database`, and that neither it nor a file beside it is a pipe; or raise `timeout`",
        ),
        AwaitedResource::SystemCertificates => (
            ErrorCode::Deadline,
            "the system's certificates could not be read",
            "check SSL_CERT_FILE and SSL_CERT_DIR, or raise `timeout`",
        ),
        AwaitedResource::ResumeFileLock => (
            ErrorCode::Deadline,
            "the lock of `resume-file` was not free",
            "check which process holds the lock of the file, or set `resume-file` to another one",
        ),
    };
    let within = blocking::timeout().map(|timeout| format!(" within {timeout:?}"));
    Error::new(code, format!("{what}{}", within.unwrap_or_default())).with_hint(hint)
}
