//! What may end the work from outside: a signal, and a panic.

use crate::failure::Code;
use crate::outcome::Outcome;
use anyhow::Context;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does the work on one thread until it ends, is cancelled, or panics.
pub(crate) fn supervise(work: impl Future<Output = Outcome>) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let cancellable = async {
        tokio::select! {
            biased;
            () = cancelled() => Outcome::from(Code::Cancelled),
            outcome = work => outcome,
        }
    };
    Ok(guarded(|| runtime.block_on(cancellable)))
}

/// Turns a panic into an outcome. Its message may hold anything, so only the place is told.
fn guarded(work: impl FnOnce() -> Outcome) -> Outcome {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "finishline panicked");
    }));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(before);
    outcome.unwrap_or_else(|_| Outcome::from(Code::Internal))
}

#[cfg(unix)]
async fn cancelled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn cancelled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
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
