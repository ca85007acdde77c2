//! The signals that stop the program.
//!
//! They are caught as the very first thing. What waits for others outside of the runtime looks at
//! [`is_stopped`], the runtime itself waits for [`StopSignals`].

#[cfg(unix)]
mod caught {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    static IS_STOPPED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    /// SIGINT, SIGTERM and SIGHUP; the last not where it was ignored, as `nohup` has it.
    fn stop_signals() -> impl Iterator<Item = i32> {
        let hangup = (!ignores_hangup()).then_some(SIGHUP);
        [SIGINT, SIGTERM].into_iter().chain(hangup)
    }

    /// Whether the process was started with SIGHUP ignored, there where the system says so.
    fn ignores_hangup() -> bool {
        #[expect(clippy::disallowed_methods, reason = "the system's own file about this process")]
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
        ignored.is_some_and(|signals| signals & (1 << (SIGHUP - 1)) != 0)
    }

    /// From now on no signal to stop ends the process by itself.
    pub fn catch() {
        for signal in stop_signals() {
            drop(flag::register(signal, Arc::clone(&IS_STOPPED)));
        }
        // Caught, it no longer ends the process: the write that was too much is an error.
        drop(flag::register(SIGXFSZ, Arc::default()));
    }

    /// Whether a signal has asked the process to stop.
    pub(crate) fn is_stopped() -> bool {
        IS_STOPPED.load(Ordering::Relaxed)
    }

    /// The signals that stop the program, heard from the moment that it is made.
    pub(crate) struct StopSignals(Vec<Signal>);

    impl StopSignals {
        pub(crate) fn listen() -> Self {
            let listen = |number| signal(SignalKind::from_raw(number)).ok();
            Self(stop_signals().filter_map(listen).collect())
        }

        /// Waits for any of them; one that came before counts.
        pub(crate) async fn received(mut self) {
            std::future::poll_fn(|context| {
                let mut signals = self.0.iter_mut();
                match is_stopped() || signals.any(|one| one.poll_recv(context).is_ready()) {
                    true => std::task::Poll::Ready(()),
                    false => std::task::Poll::Pending,
                }
            })
            .await;
        }
    }
}

#[cfg(not(unix))]
mod caught {
    /// Ctrl-C is heard once the runtime listens.
    pub fn catch() {}

    /// Nothing is known outside of the runtime.
    pub(crate) fn is_stopped() -> bool {
        false
    }

    /// Ctrl-C.
    pub(crate) struct StopSignals;

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
}

pub use caught::catch;
pub(crate) use caught::{StopSignals, is_stopped};
