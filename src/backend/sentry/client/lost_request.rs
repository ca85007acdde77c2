//! What a request whose answer was lost has left behind. A server may read from a replica that lags
//! behind what it has written, so what is not there yet is looked for again.

use super::{SentryClient, SentryRequest};
use crate::error::Result;
use crate::http::HttpResponse;
use crate::http::retry::{self, RetryDelay, SendError};
use crate::os::activity;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked for.
const LOOKS: u32 = 5;
/// The first wait between two looks; each later one is twice as long.
const FIRST_LOOK: Duration = Duration::from_millis(500);

impl SentryClient {
    /// Looks until it is found, some seconds long and well within the deadline.
    pub(crate) async fn look_for<T>(
        &self,
        look: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let words = || "looking for the effect of a request that was not answered".to_owned();
        let _shown = activity::begin(words);
        let mut wait = FIRST_LOOK;
        for number in 1..LOOKS {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            let left = self.deadline().saturating_duration_since(Instant::now());
            let pause = wait.min(left / LOOKS);
            let seconds = pause.as_secs_f64();
            tracing::warn!(
                seconds,
                number,
                "the unanswered request shows no effect yet; looking again after a pause"
            );
            sleep(pause).await;
            wait *= 2;
        }
        look().await
    }

    /// Sends what may be sent again while its effect is not found: the answer, or the effect of a request
    /// that had none.
    pub(crate) async fn send_or_find<T>(
        &self,
        request: &SentryRequest<'_>,
        look: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<Result<HttpResponse, T>> {
        let attempt = async || match self.send(request).await {
            Ok(response) => Ok(Ok(response)),
            Err(SendError::Indeterminate(lost)) => match self.look_for(&look).await {
                Ok(Some(found)) => Ok(Err(found)),
                Ok(None) | Err(_) => Err(SendError::Indeterminate(lost)),
            },
            Err(failure) => Err(failure),
        };
        self.repeat(attempt).await
    }

    /// Repeats what is sent while nobody knows what became of it: once at least, and then for half of the
    /// time that was left, since the run can go on without it.
    pub(crate) async fn repeat<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, SendError>,
    ) -> Result<T> {
        let now = Instant::now();
        let half = now + self.deadline().saturating_duration_since(now) / 2;
        let (mut wait, mut earlier, mut until) = (retry::FIRST_WAIT, None, self.deadline());
        loop {
            let lost = match attempt().await {
                Err(SendError::Indeterminate(lost)) => lost.after(earlier.take()),
                ended => return Ok(ended?),
            };
            let left = until.saturating_duration_since(Instant::now());
            let Some(pause) = retry::next_pause(RetryDelay::Backoff, wait, left) else {
                return Err(lost.describe());
            };
            let (seconds, reason) = (pause.as_secs_f64(), lost.describe().message);
            tracing::warn!(seconds, reason, "the request shows no effect; sending it again");
            sleep(pause).await;
            wait = (wait * 2).min(retry::MAX_WAIT);
            (earlier, until) = (Some(lost), half);
        }
    }
}
