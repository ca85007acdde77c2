//! What a request whose answer was lost has left behind. A server may read from a replica that lags
//! behind what it has written, so what is not there yet is looked for again.

use super::SentryClient;
use crate::error::Result;
use crate::os::activity;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often it is looked for.
const LOOKS: u32 = 5;
/// The first wait between two looks; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

impl SentryClient {
    /// Looks until it is found, some seconds long and well within the deadline.
    pub(crate) async fn look_for<T>(
        &self,
        look: impl AsyncFn() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let words = || "looking for the effect of a request that was not answered".to_owned();
        let _shown = activity::begin(words);
        let mut wait = FIRST_WAIT;
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
}
