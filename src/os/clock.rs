//! The time of day. Nothing else reads the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time of day, in seconds since 1970.
pub fn unix_seconds() -> u64 {
    since_1970().as_secs()
}

/// The time of day, in milliseconds since 1970.
pub fn unix_ms() -> i64 {
    i64::try_from(since_1970().as_millis()).unwrap_or(i64::MAX)
}

/// A clock that is set before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
