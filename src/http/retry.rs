//! The one loop that sends a request again, where that is safe: its bounds, its waits, its log, and
//! the words for its end.

use super::connection::ServerConnection;
use super::{ConnectError, HttpResponse};
use crate::error::Error;
use crate::os::activity;
use crate::os::clock::unix_seconds;
use crate::os::random::random_bytes;
use httpdate::fmt_http_date;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::{Instant, sleep, timeout_at};

/// The first wait; each later one is twice as long, up to [`MAX_WAIT`].
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(250);
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(8);
/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;
/// The window of a rate limit that ends so soon that it is its length which says nothing: other
/// requests keep it full.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// How long before the deadline a request is given up, so that the run reports what it waited for
/// and not only that its time is over.
const REPORT_TIME: Duration = Duration::from_millis(100);

/// Whether a request may be sent again when nobody knows whether it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Sending it twice equals sending it once.
    Safe,
    /// The same, and the run goes on without a response: at most half of the time that is left is
    /// spent on it, so that an outage of one endpoint does not cost the whole run.
    Optional,
    /// Only when it surely had no effect: never sent, or refused by a rate limit.
    Unsent,
}

impl RetryPolicy {
    /// Into how many parts the time that is left is divided; the request has one of them.
    fn time_parts(self) -> u32 {
        match self {
            Self::Safe | Self::Unsent => 1,
            Self::Optional => 2,
        }
    }
}

/// Why a request brought no response that can be used.
pub(crate) enum SendError {
    /// It surely had no effect.
    NotSent(Error),
    /// Nobody knows whether it had.
    Indeterminate(LostRequest),
}

/// A request of which nobody knows what became, with all its attempts.
#[derive(Debug)]
pub(crate) struct LostRequest {
    failure: Error,
    /// Its method and path.
    request: String,
    attempts: u32,
    started: Instant,
    /// The time that the run has in all.
    timeout: Duration,
}

impl LostRequest {
    /// The same with an earlier one, which was sent for the same thing.
    #[must_use]
    pub(crate) fn after(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(Self { attempts, started, .. }) => {
                Self { attempts: self.attempts + attempts, started, ..self }
            }
            None => self,
        }
    }

    /// The failure, with which request it ends, how often it was sent and how long that took until now.
    pub(crate) fn describe(&self) -> Error {
        let failure = describe(self.failure.clone(), &self.request, self.attempts, self.started);
        name_timeout(failure, self.timeout)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotSent(failure) => failure,
            SendError::Indeterminate(lost) => lost.describe(),
        }
    }
}

/// What one attempt led to.
pub(crate) enum Attempt {
    /// A response that the caller can use.
    Answer(HttpResponse),
    /// Nothing yet, and another attempt is worth it.
    Retry {
        /// When the server takes requests again.
        after: RetryDelay,
        /// What to report when there is no other attempt.
        failure: Error,
    },
    /// No other attempt is worth it, and none took effect.
    Failed(Error),
    /// No other attempt is safe, since this one may have taken effect.
    Lost(Error),
}

/// How long to wait before another attempt.
#[derive(Clone, Copy)]
pub(crate) enum RetryDelay {
    /// As long as the loop thinks fit.
    Backoff,
    /// At least this long, as the server expects its outage to last; a guess, so that an end beyond
    /// the deadline does not end the run.
    Outage(Duration),
    /// Until the end of a rate limit.
    RateLimit(Duration),
}

impl Attempt {
    /// The outcome of an attempt that may have taken effect or not.
    pub(crate) fn uncertain(policy: RetryPolicy, after: RetryDelay, failure: Error) -> Self {
        match policy {
            RetryPolicy::Safe | RetryPolicy::Optional => Self::Retry { after, failure },
            RetryPolicy::Unsent => Self::Lost(failure),
        }
    }

    /// The outcome of an attempt without a response; another one brings no other certificate.
    pub(crate) fn unreached(policy: RetryPolicy, error: ConnectError, failure: Error) -> Self {
        match error {
            ConnectError::Tls => Self::Failed(failure),
            ConnectError::Connect => Self::Retry { after: RetryDelay::Backoff, failure },
            ConnectError::Interrupted => Self::uncertain(policy, RetryDelay::Backoff, failure),
        }
    }
}

/// How one request is repeated.
pub(crate) struct RetryLoop<'a> {
    /// Where it goes; a rate limit holds back all that share it.
    pub(crate) connection: &'a ServerConnection,
    /// When the whole run has to be over.
    pub(crate) deadline: Instant,
    /// How much of the time it may take.
    pub(crate) policy: RetryPolicy,
    /// Its method and path, for the log and the failure. Without the query, which may hold secrets.
    pub(crate) request: String,
    /// Whether the first broken connection may be one of the pool that the server had closed
    /// meanwhile, so that the request is sent again almost at once.
    pub(crate) is_pooled: bool,
    /// What is logged before a wait.
    pub(crate) log_message: &'static str,
}

impl RetryLoop<'_> {
    /// Sends until there is a response, no other attempt is worth it, or the time is over.
    /// `no_response` is reported when the first attempt has none by then.
    pub(crate) async fn run(
        &self,
        send: impl AsyncFn() -> Attempt,
        no_response: Error,
    ) -> Result<HttpResponse, SendError> {
        let started = Instant::now();
        let share = self.deadline.saturating_duration_since(started) / self.policy.time_parts();
        let until = started + share.saturating_sub(REPORT_TIME);
        let words = || format!("waiting for {}", self.request);
        let _shown = activity::begin_detail(words).until(until.into_std());
        let (mut wait, mut earlier) = (FIRST_WAIT, no_response);
        for attempt in 1.. {
            let progress = AttemptProgress { number: attempt, started };
            self.connection.until_ready().await;
            let (after, failure) = match timeout_at(until, send()).await {
                Ok(Attempt::Answer(response)) => return Ok(self.logged(response, &progress)),
                Ok(Attempt::Failed(failure)) => return Err(SendError::NotSent(failure)),
                Ok(Attempt::Lost(failure)) => return Err(self.lost(failure, &progress)),
                Ok(Attempt::Retry { after, failure }) => (after, failure),
                Err(_) => return Err(self.lost(earlier, &progress)),
            };
            let resend_now = self.is_pooled && attempt == 1 && failure.status.is_none();
            let backoff = if resend_now { FIRST_WAIT / 10 } else { wait };
            let left = until.saturating_duration_since(Instant::now());
            let Some(pause) = next_pause(after, backoff, left) else {
                return Err(self.give_up(after, failure, &progress));
            };
            if let RetryDelay::RateLimit(_) = after {
                self.connection.pause_for(pause);
            }
            self.log_pause(pause, resend_now, &failure, &progress);
            match after {
                RetryDelay::Backoff => sleep(pause).await,
                RetryDelay::Outage(_) | RetryDelay::RateLimit(_) => {
                    ServerConnection::wait_until(Instant::now() + pause).await;
                }
            }
            wait = if resend_now { wait } else { (wait * 2).min(MAX_WAIT) };
            earlier = failure;
        }
        unreachable!("the loop ends by returning")
    }

    fn logged(&self, response: HttpResponse, progress: &AttemptProgress) -> HttpResponse {
        let (status, attempt, spent) = (response.status, progress.number, progress.seconds_spent());
        tracing::debug!(status, attempt, spent, request = self.request, "answered");
        response
    }

    fn log_pause(
        &self,
        pause: Duration,
        resend_now: bool,
        failure: &Error,
        progress: &AttemptProgress,
    ) {
        let (seconds, attempt, spent) =
            (log_seconds(pause), progress.number, progress.seconds_spent());
        let (request, reason) = (self.request.as_str(), failure.message.as_str());
        if resend_now {
            tracing::debug!(
                attempt,
                spent,
                request,
                reason,
                "retrying the request on a new connection"
            );
        } else {
            tracing::warn!(seconds, attempt, spent, request, reason, "{}", self.log_message);
        }
    }

    /// The end of a request for which no time is left.
    fn give_up(&self, after: RetryDelay, failure: Error, progress: &AttemptProgress) -> SendError {
        let (attempt, spent, request) =
            (progress.number, progress.seconds_spent(), self.request.as_str());
        let why = match after {
            RetryDelay::RateLimit(_) => "the rate limit lasts longer than the time left",
            _ => "no time is left for another attempt",
        };
        tracing::warn!(attempt, spent, request, "{why}");
        let failure = describe(failure, &self.request, progress.number, progress.started);
        SendError::NotSent(match after {
            RetryDelay::RateLimit(after) if after > RATE_WINDOW => {
                self.name_sufficient_timeout(failure, after)
            }
            _ => name_timeout(failure, self.connection.timeout()),
        })
    }

    /// Says which `timeout` would outlast a rate limit.
    fn name_sufficient_timeout(&self, failure: Error, after: Duration) -> Error {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let passed = self.connection.timeout().saturating_sub(left);
        let needed = passed + after * self.policy.time_parts() + REPORT_TIME;
        let (after, needed) = (whole_seconds(after), whole_seconds(needed) + 1);
        let now = whole_seconds(self.connection.timeout());
        let own_hint = (failure.hint != failure.code.hint()).then_some(&failure.hint);
        let hint = format!(
            "run the job again when the limit has ended, or set `timeout` to at least {needed}s (now \
             {now}s) to wait for it"
        );
        let hint = own_hint.map_or(hint.clone(), |own| format!("{own}; or {hint}"));
        let message = format!("{}; the rate limit ends {}", failure.message, end_in(after));
        Error { message, ..failure }.with_hint(hint)
    }

    /// The end of a request without anybody knowing what became of it.
    fn lost(&self, failure: Error, progress: &AttemptProgress) -> SendError {
        let (request, attempts) = (self.request.clone(), progress.number);
        SendError::Indeterminate(LostRequest {
            failure,
            request,
            attempts,
            started: progress.started,
            timeout: self.connection.timeout(),
        })
    }
}

/// Which attempt of a request is under way, and since when there are any.
struct AttemptProgress {
    number: u32,
    started: Instant,
}

impl AttemptProgress {
    fn seconds_spent(&self) -> f64 {
        log_seconds(self.started.elapsed())
    }
}

/// Adds to a failure which request it ends, how often it was sent and how long that took.
fn describe(failure: Error, request: &str, attempts: u32, started: Instant) -> Error {
    let seconds = log_seconds(started.elapsed());
    let plural = if attempts == 1 { "" } else { "s" };
    let end = format!("gave up on {request} after {attempts} attempt{plural} in {seconds} s");
    let failed = failure.message.trim_end_matches('.');
    Error { message: format!("{failed}; {end}"), ..failure }
}

/// Says what ended the attempts.
fn name_timeout(failure: Error, timeout: Duration) -> Error {
    let seconds = whole_seconds(timeout);
    Error { message: format!("{} (`timeout` is {seconds}s)", failure.message), ..failure }
}

/// How long to wait before another attempt; `None` where there is no time for one. A backoff takes
/// half of what is left at most, so that an outage is waited out to the end.
pub(crate) fn next_pause(after: RetryDelay, backoff: Duration, left: Duration) -> Option<Duration> {
    match after {
        RetryDelay::RateLimit(after) => (after < left).then_some(after),
        RetryDelay::Outage(after) if backoff < after && after < left => Some(after),
        RetryDelay::Backoff | RetryDelay::Outage(_) => {
            (left > FIRST_WAIT).then(|| jitter(backoff).min(left / 2))
        }
    }
}

/// When so many seconds have passed, as in `in 300 s, at 04:05:06 UTC`; the time of day says nothing
/// where that is not today.
fn end_in(seconds: u64) -> String {
    if seconds >= DAY {
        return format!("in {seconds} s");
    }
    let date = fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_seconds() + seconds));
    format!("in {seconds} s, at {} UTC", date.get(17..25).unwrap_or(&date))
}

/// A time as the log has it: in seconds, to a tenth.
fn log_seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).ceil() / 10.0
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Between half of the wait and the whole of it, so that many clients do not come back at once.
pub(crate) fn jitter(wait: Duration) -> Duration {
    // Without random bytes the wait is whole, which is fine too.
    let share = random_bytes().map_or(255, |[byte]| u32::from(byte));
    wait / 2 + wait / 2 * share / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses of an outage that lasts, in the time that is left for it.
    fn pauses(mut left: Duration) -> Vec<Duration> {
        let (mut wait, mut pauses) = (FIRST_WAIT, Vec::new());
        while let Some(pause) = next_pause(RetryDelay::Backoff, wait, left) {
            pauses.push(pause);
            left -= pause;
            wait = (wait * 2).min(MAX_WAIT);
        }
        pauses
    }

    #[test]
    fn an_outage_is_waited_out_to_the_deadline_in_few_attempts() {
        for seconds in [1, 2, 6, 30, 120, 900] {
            let time = Duration::from_secs(seconds);
            let pauses = pauses(time);
            let waited: Duration = pauses.iter().sum();
            assert!(waited < time && time - waited <= FIRST_WAIT, "{seconds}: {pauses:?}");
            assert!(pauses.iter().all(|pause| *pause <= MAX_WAIT), "{seconds}: {pauses:?}");
            assert!(pauses.len() as u64 <= 14 + seconds / 4, "{seconds}: {pauses:?}");
        }
    }

    #[test]
    fn a_rate_limit_is_waited_for_as_long_as_it_lasts_or_not_at_all() {
        let (after, left) = (Duration::from_secs(30), Duration::from_secs(31));
        let limit = RetryDelay::RateLimit;
        assert_eq!(next_pause(limit(after), FIRST_WAIT, left), Some(after));
        assert_eq!(next_pause(limit(left), FIRST_WAIT, left), None);
    }

    #[test]
    fn the_end_that_a_server_expects_of_its_outage_is_waited_for_where_there_is_time() {
        let (after, left) = (Duration::from_secs(30), Duration::from_secs(31));
        let outage = RetryDelay::Outage;
        assert_eq!(next_pause(outage(after), FIRST_WAIT, left), Some(after));
        assert!(next_pause(outage(left), FIRST_WAIT, left) <= Some(FIRST_WAIT));
        assert!(next_pause(outage(Duration::ZERO), MAX_WAIT, left) >= Some(MAX_WAIT / 2));
    }
}
