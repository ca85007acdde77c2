//! How long a server wants to be left alone, in each of the forms in which servers say it.

use super::HttpResponse;
use super::retry::RetryDelay;
use std::time::{Duration, SystemTime};

/// The longest wait that an answer is taken for, in seconds, so that a time can be reckoned with it:
/// more than to the end of the year 9999.
const MAX_SECONDS: u64 = 1_000_000_000_000;

impl HttpResponse {
    /// `Retry-After`: seconds, or a date in any of the three forms of RFC 9110, section 5.6.7. What
    /// is over already is no wait; a header that is neither is none.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        let left = || Some(unix_seconds(text)?.saturating_sub(self.server_time()));
        seconds(text).or_else(left).map(wait)
    }

    /// The delay after an answer of failure: as the server says, where it says something.
    pub(crate) fn outage(&self) -> RetryDelay {
        self.retry_after().map_or(RetryDelay::Backoff, RetryDelay::Outage)
    }

    /// The time until a moment that a header names in seconds since 1970.
    pub(crate) fn time_until(&self, header: &str) -> Option<Duration> {
        let moment = seconds(self.header(header)?.trim())?;
        Some(wait(moment.saturating_sub(self.server_time())))
    }

    /// By how many seconds our clock is ahead of the server's, or behind it, where the server has told.
    pub(crate) fn clock_lead(&self) -> Option<i64> {
        let told = self.header("date").and_then(unix_seconds)?;
        Some(i64::try_from(self.received).ok()? - i64::try_from(told).ok()?)
    }

    /// When the answer was made, by the clock of the server where it has told it: its dates are of
    /// that clock, and ours may be wrong.
    pub(crate) fn server_time(&self) -> u64 {
        self.header("date").and_then(unix_seconds).unwrap_or(self.received)
    }
}

fn wait(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(MAX_SECONDS))
}

/// A number of seconds, rounded up; one below zero is none at all.
fn seconds(text: &str) -> Option<u64> {
    let (is_negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let rest = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    // More digits than there are seconds in a number is a very long time.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    Some(if is_negative { 0 } else { whole.saturating_add(rest) })
}

fn unix_seconds(date: &str) -> Option<u64> {
    let moment = httpdate::parse_http_date(date.trim()).ok()?;
    moment.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    /// Sunday, 29 November 2026, 12:00:00 GMT.
    const NOON: u64 = 1_795_953_600;

    fn response(headers: &[(&'static str, &str)]) -> HttpResponse {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let headers = headers.iter().map(header).collect();
        HttpResponse { status: 429, body: String::new(), headers, received: NOON }
    }

    fn after(text: &str) -> Option<u64> {
        response(&[("retry-after", text)]).retry_after().map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_in_three_forms() {
        for (text, seconds) in [
            ("0", 0),
            ("7", 7),
            (" 7 ", 7),
            ("+7", 7),
            ("007", 7),
            ("1.5", 2),
            ("2.0", 2),
            ("0.001", 1),
            ("-1", 0),
            ("-99999999999999999999", 0),
            ("99999999999999999999999999", MAX_SECONDS),
            ("1000000", 1_000_000),
            ("Sun, 29 Nov 2026 12:00:05 GMT", 5),
            ("Sunday, 29-Nov-26 12:00:05 GMT", 5),
            ("Sun Nov 29 12:00:05 2026", 5),
            ("Sun Nov  1 12:00:05 2026", 0),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799 - NOON),
        ] {
            assert_eq!(after(text), Some(seconds), "{text}");
        }
        for text in
            ["", "soon", "1e9", "0x10", "NaN", "inf", "1,5", "1 2", "--1", "1.", "2026-11-29"]
        {
            assert_eq!(after(text), None, "{text}");
        }
        assert_eq!(response(&[]).retry_after(), None);
    }

    #[test]
    fn a_date_is_of_the_servers_clock_where_that_is_known() {
        let headers = [
            ("retry-after", "Sun, 29 Nov 2026 08:00:30 GMT"),
            ("date", "Sun, 29 Nov 2026 08:00:00 GMT"),
        ];
        assert_eq!(response(&headers).retry_after(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_moment_is_in_seconds_since_1970() {
        for (text, seconds) in [
            ("1795953603", Some(3)),
            ("1795953602.2", Some(3)),
            ("1", Some(0)),
            ("-1", Some(0)),
            ("18446744073709551616", Some(MAX_SECONDS)),
            ("later", None),
        ] {
            let until = response(&[("x-reset", text)]).time_until("x-reset");
            assert_eq!(until.map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }
}
