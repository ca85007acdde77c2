//! The signals that stop the program.

/// What Linux and macOS send where a file would grow over its limit.
#[cfg(unix)]
const SIGXFSZ: i32 = 25;

/// SIGINT and SIGTERM, caught from the moment that it is made.
#[cfg(unix)]
pub(crate) struct StopSignals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl StopSignals {
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        // Caught once, it no longer ends the process: the write that was too much is an error.
        drop(signal(SignalKind::from_raw(SIGXFSZ)));
        Self(if let (Ok(interrupt), Ok(terminate)) = signals {
            Some([interrupt, terminate])
        } else {
            None
        })
    }

    /// Waits for either of them.
    pub(crate) async fn received(self) {
        let Some([mut interrupt, mut terminate]) = self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct StopSignals;

#[cfg(not(unix))]
impl StopSignals {
    pub(crate) fn listen() -> Self {
        Self
    }

    /// Waits for it.
    pub(crate) async fn received(self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
