//! What may end the work from outside: a signal, and a panic.

use crate::failure::Code;
use crate::outcome::Outcome;
use anyhow::Context;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::Notify;

/// A stop that was asked for, and that the work may take upon itself: it then begins nothing more,
/// and ends by itself within its own time.
#[derive(Default)]
pub(crate) struct Stopping {
    asked: Cell<bool>,
    taken: Cell<bool>,
    notify: Notify,
}

impl Stopping {
    /// From now on the work ends by itself when a stop is asked for.
    pub(crate) fn take(&self) {
        self.taken.set(true);
    }

    /// Whether a stop was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// Waits until one is.
    pub(crate) async fn asked(&self) {
        if !self.is_asked() {
            self.notify.notified().await;
        }
    }

    /// Waits for a signal, and ends when the work leaves the stop to others.
    async fn cancelled(&self) {
        cancelled().await;
        if self.taken.get() {
            self.asked.set(true);
            self.notify.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// Does the work on one thread until it ends, is cancelled, or panics.
pub(crate) fn supervise(
    stopping: &Stopping,
    work: impl Future<Output = Outcome>,
) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let mut work = Box::pin(work);
    let cancellable = async {
        tokio::select! {
            biased;
            () = stopping.cancelled() => Outcome::from(Code::Cancelled),
            outcome = &mut work => outcome,
        }
    };
    Ok(guarded(|| runtime.block_on(cancellable)))
}

/// Turns a panic into an outcome. Its message may hold anything, so only the place is told.
fn guarded(work: impl FnOnce() -> Outcome) -> Outcome {
    let before = std::panic::take_hook();
    quiet_panics();
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(before);
    outcome.unwrap_or_else(|_| Outcome::from(Code::Internal))
}

/// From now on a panic is logged by its place alone.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "finishline panicked");
    }));
}

async fn cancelled() {
    Stop::listen().asked().await;
}

/// What Linux and macOS send where a file would grow over its limit.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// Hears SIGINT and SIGTERM from the moment that it is made.
#[cfg(unix)]
pub(crate) struct Stop(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Stop {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        // Heard once, it no longer ends the process: the write that was too much is an error.
        drop(signal(SignalKind::from_raw(SIGXFSZ)));
        Self(if let (Ok(interrupt), Ok(terminate)) = heard {
            Some([interrupt, terminate])
        } else {
            None
        })
    }

    /// Waits for either of them.
    pub(crate) async fn asked(self) {
        let Some([mut interrupt, mut terminate]) = self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Hears Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Stop;

#[cfg(not(unix))]
impl Stop {
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Waits for it.
    pub(crate) async fn asked(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_outcome_that_does_not_repeat_its_message() {
        let outcome = guarded(|| panic!("s3cr3t"));
        assert_eq!(outcome.exit().number(), 1);
        assert!(!format!("{outcome:?}").contains("s3cr3t"));
    }
}
