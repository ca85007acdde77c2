//! The one loop that sends a request again, where that is safe: its bounds, its waits and its log.

use super::connection::ServerConnection;
use super::{ConnectError, HttpResponse};
use crate::error::Error;
use crate::os::random::random_bytes;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How often a request is sent at most; a rate limit does not count.
const MAX_ATTEMPTS: u32 = 6;
/// The first wait; each later one is twice as long, up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(8);
/// How long before the deadline a repeated request is given up, so that the run reports why the
/// earlier ones failed and not that its time is over.
const REPORT_TIME: Duration = Duration::from_millis(100);

/// Whether a request may be sent again when nobody knows whether it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Sending it twice equals sending it once.
    Safe,
    /// Only when it surely had no effect: never sent, or refused by a rate limit.
    Unsent,
}

/// Why a request brought no response that can be used.
pub(crate) enum SendError {
    /// It surely had no effect.
    NotSent(Error),
    /// Nobody knows whether it had.
    Indeterminate(Error),
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(failure) | SendError::Indeterminate(failure) => failure,
        }
    }
}

/// What one attempt led to.
pub(crate) enum Attempt {
    /// A response that the caller can use.
    Answer(HttpResponse),
    /// Nothing yet, and another attempt is worth it.
    Retry {
        /// When the server takes requests again, where its rate limit says so.
        after: Option<Duration>,
        /// What to report when there is no other attempt.
        failure: Error,
    },
    /// No other attempt is worth it.
    Failed(SendError),
}

impl Attempt {
    /// The outcome of an attempt that may have taken effect or not.
    pub(crate) fn uncertain(policy: RetryPolicy, failure: Error) -> Self {
        match policy {
            RetryPolicy::Safe => Self::Retry { after: None, failure },
            RetryPolicy::Unsent => Self::Failed(SendError::Indeterminate(failure)),
        }
    }

    /// The outcome of an attempt without a response; another one brings no other certificate.
    pub(crate) fn unreached(policy: RetryPolicy, error: ConnectError, failure: Error) -> Self {
        match error {
            ConnectError::Tls => Self::Failed(SendError::NotSent(failure)),
            ConnectError::Connect => Self::Retry { after: None, failure },
            ConnectError::Interrupted => Self::uncertain(policy, failure),
        }
    }
}

/// How one client repeats its requests.
pub(crate) struct RetryLoop<'a> {
    /// Where the requests go; a rate limit holds back all that share it.
    pub(crate) connection: &'a ServerConnection,
    /// No wait goes beyond it.
    pub(crate) deadline: Instant,
    /// Whether the first broken connection may be one of the pool that the server had closed
    /// meanwhile, so that the request is sent again almost at once.
    pub(crate) is_pooled: bool,
    /// What is logged before a wait.
    pub(crate) log_message: &'static str,
}

impl RetryLoop<'_> {
    /// One attempt; a repeated one ends in time to report why the earlier one failed.
    async fn attempt(&self, send: &impl AsyncFn() -> Attempt, earlier: Option<Error>) -> Attempt {
        let Some(failure) = earlier else { return send().await };
        let sent = timeout_at(self.deadline - REPORT_TIME, send()).await;
        sent.unwrap_or(Attempt::Failed(SendError::Indeterminate(failure)))
    }

    /// Sends until there is a response, no other attempt is worth it, or the bounds are reached.
    pub(crate) async fn run(
        &self,
        send: impl AsyncFn() -> Attempt,
    ) -> Result<HttpResponse, SendError> {
        let (mut wait, mut earlier) = (FIRST_WAIT, None);
        for attempt in 1.. {
            self.connection.until_ready().await;
            let (after, failure) = match self.attempt(&send, earlier.take()).await {
                Attempt::Answer(response) => return Ok(response),
                Attempt::Failed(error) => return Err(error),
                Attempt::Retry { after, failure } => (after, failure),
            };
            let resend_now =
                self.is_pooled && attempt == 1 && after.is_none() && failure.status.is_none();
            let backoff = if resend_now { FIRST_WAIT / 10 } else { wait };
            let pause = after.unwrap_or_else(|| jitter(backoff));
            wait = (wait * 2).min(MAX_WAIT);
            let is_last = after.is_none() && attempt >= MAX_ATTEMPTS;
            if is_last || Instant::now() + pause >= self.deadline {
                return Err(SendError::NotSent(failure));
            }
            if after.is_some() {
                self.connection.pause_for(pause);
            }
            let reason = failure.message.as_str();
            if resend_now {
                tracing::debug!(reason, "retrying the request on a new connection");
            } else {
                tracing::warn!(
                    seconds = log_seconds(pause),
                    attempt,
                    reason,
                    "{}",
                    self.log_message
                );
            }
            sleep(pause).await;
            earlier = Some(failure);
        }
        unreachable!("the loop ends by returning")
    }
}

/// A pause as the log has it: in seconds, to a tenth.
fn log_seconds(pause: Duration) -> f64 {
    (pause.as_secs_f64() * 10.0).ceil() / 10.0
}

/// Between half of the wait and the whole of it, so that many clients do not come back at once.
pub(crate) fn jitter(wait: Duration) -> Duration {
    // Without random bytes the wait is whole, which is fine too.
    let share = random_bytes().map_or(255, |[byte]| u32::from(byte));
    wait / 2 + wait / 2 * share / 255
}
