//! What may end the work from outside: a signal, and a panic.

use super::watchdog::RunWatchdog;
use crate::error::{Error, ErrorCode};
use crate::os::panics::hide_panic_messages;
use crate::os::signals::StopSignals;
use crate::outcome::Outcome;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::thread;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A stop that was asked for, and that the work may take upon itself: it then begins nothing more,
/// and ends by itself within its own time.
#[derive(Default)]
pub(crate) struct Cancellation {
    is_requested: Cell<bool>,
    is_deferred: Cell<bool>,
    notify: Notify,
    is_over: Cell<bool>,
    end: Notify,
}

impl Cancellation {
    /// From now on the work ends by itself when a stop is asked for.
    pub(crate) fn defer(&self) {
        self.is_deferred.set(true);
    }

    /// Whether a stop was asked for.
    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested.get()
    }

    /// Waits until one is.
    pub(crate) async fn requested(&self) {
        if !self.is_requested() {
            self.notify.notified().await;
        }
    }

    /// Waits for a signal, and ends when the work leaves the stop to others.
    async fn cancelled(&self) {
        StopSignals::listen().received().await;
        self.is_requested.set(true);
        if self.is_deferred.get() {
            self.notify.notify_one();
            std::future::pending::<()>().await;
        }
        self.finish();
        // What keeps account of what it did ends in this turn.
        tokio::task::yield_now().await;
    }

    /// From now on nothing is begun, and what is under way ends with what it did.
    pub(crate) fn finish(&self) {
        self.is_over.set(true);
        self.end.notify_waiters();
    }

    /// Whether what is under way has to end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    async fn over(&self) {
        let end = self.end.notified();
        if !self.is_over() {
            end.await;
        }
    }

    /// Does work that may keep account of what it did; nothing, where a stop came before it had one.
    pub(crate) async fn until_over<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        if self.is_over() {
            return None;
        }
        tokio::select! {
            biased;
            ended = work => Some(ended),
            () = self.over() => None,
        }
    }

    /// Does the work as far as it comes before the deadline, and before a stop; else which of both ended
    /// it.
    pub(crate) async fn within<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, ErrorCode> {
        tokio::select! {
            biased;
            () = self.over() => Err(ErrorCode::Cancelled),
            ended = timeout_at(deadline, work) => ended.map_err(|_| ErrorCode::Deadline),
        }
    }
}

/// Does the work on one thread until it ends, is cancelled, or panics. Where that thread is stuck
/// when the run is over, another one ends the process by `conclude`.
pub(crate) fn supervise(
    stopping: &Cancellation,
    work: impl Future<Output = Outcome>,
    conclude: impl FnOnce(Outcome) -> u8 + Send,
) -> Outcome {
    let watchdog = &RunWatchdog::default();
    let work = Box::pin(work);
    let cancellable = async move {
        let mut work = work;
        tokio::select! {
            biased;
            () = stopping.cancelled() => Outcome::from(ErrorCode::Cancelled),
            outcome = &mut work => outcome,
            never = watchdog.show_life() => match never {},
        }
    };
    // The runtime panics where it finds no descriptor for the signals.
    catch_panic(|| match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => watched(watchdog, conclude, move || runtime.block_on(cancellable)),
        Err(error) => Outcome::failed(no_runtime(&error)),
    })
}

/// Runs `work` under the eyes of the watchdog.
fn watched(
    watchdog: &RunWatchdog,
    conclude: impl FnOnce(Outcome) -> u8 + Send,
    work: impl FnOnce() -> Outcome,
) -> Outcome {
    let (under_way, end) = channel();
    thread::scope(|scope| {
        let watch = move || watchdog.watch(&end, conclude);
        // Without a thread to spare nobody watches.
        drop(thread::Builder::new().spawn_scoped(scope, watch));
        let outcome = catch_panic(work);
        drop(under_way);
        while !watchdog.may_conclude() {
            thread::park();
        }
        outcome
    })
}

fn no_runtime(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("cannot start the async runtime: {error}"))
        .with_hint("raise the limits of the process, such as that of open files (`ulimit -n`)")
}

/// Turns a panic into an outcome. Its message may hold anything, so only its place is logged.
fn catch_panic(work: impl FnOnce() -> Outcome) -> Outcome {
    let hook = std::panic::take_hook();
    hide_panic_messages();
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    outcome.unwrap_or_else(|_| Outcome::from(ErrorCode::Internal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_outcome_that_does_not_repeat_its_message() {
        let outcome = catch_panic(|| panic!("s3cr3t"));
        assert_eq!(outcome.exit().number(), 1);
        assert!(!format!("{outcome:?}").contains("s3cr3t"));
    }
}
