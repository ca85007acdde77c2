//! Points in time as Sentry's API takes and gives them: ISO 8601 in, UTC with a `Z` out.

use std::ops::Range;

const DAY_MS: i64 = 86_400_000;

/// The times whose years have four digits in UTC, so that each can be written and read again.
const WRITABLE: Range<i64> = -62_167_219_200_000..253_402_300_800_000;

/// The text of a time in milliseconds since 1970, with six digits of a second when it has any.
pub fn iso(ms: i64) -> String {
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (seconds, rest) = (of_day / 1000, of_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}000") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Reads what Django's `parse_datetime` reads; a time without a zone is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(['T', ' '])?;
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, part(parts.next()?)?, part(parts.next()?)?);
    if parts.next().is_some() || !(1..=12).contains(&month) {
        return None;
    }
    let (clock, offset) = zone(time)?;
    let days = days(year, month, day);
    // A day that its month does not have becomes another one on the way back.
    (civil(days) == (year, month, day)).then_some(())?;
    let moment = days * DAY_MS + of_day(clock.trim_end())? - offset;
    WRITABLE.contains(&moment).then_some(moment)
}

/// `hh:mm[:ss[.ffffff]]` in milliseconds.
fn of_day(clock: &str) -> Option<i64> {
    let mut parts = clock.split(':');
    let (hour, minute) = (part(parts.next()?)?, part(parts.next()?)?);
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once(['.', ',']) {
            None => (number(seconds, 2)?, 0),
            Some((whole, fraction)) => (number(whole, 2)?, milliseconds(fraction)?),
        },
    };
    let fits = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    fits.then_some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// The first three digits of a fraction of at most twelve.
fn milliseconds(fraction: &str) -> Option<i64> {
    let digits = (1..=12).contains(&fraction.len()) && fraction.bytes().all(|c| c.is_ascii_digit());
    let padded: String = fraction.chars().chain("00".chars()).take(3).collect();
    digits.then(|| padded.parse().ok())?
}

/// Splits the zone off: `Z`, `+hh`, `+hhmm` or `+hh:mm`, in milliseconds east of Greenwich.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        _ if !digits.is_ascii() => return None,
        2 => (number(&digits, 2)?, 0),
        4 => (number(&digits[..2], 2)?, number(&digits[2..], 2)?),
        _ => return None,
    };
    let fits = hours < 24 && minutes < 60;
    fits.then_some((clock, sign * (hours * 60 + minutes) * 60_000))
}

/// One or two digits.
fn part(text: &str) -> Option<i64> {
    number(text, 2).or_else(|| number(text, 1))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let fits = text.len() == digits && text.bytes().all(|c| c.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Days since 1970 of a date, by Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970, by his `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (month, day) = ((shifted + 2) % 12 + 1, of_year - (153 * shifted + 2) / 5 + 1);
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_sentry_reads_is_one_time() {
        for text in [
            "2026-11-19T10:00:00Z",
            "2026-11-19 10:00",
            "2026-11-19T12:00:00+02:00",
            "2026-11-19T04:30:00.000-0530",
            "2026-11-19T11:00:00,000000000+01",
        ] {
            assert_eq!(parse(text).map(iso).as_deref(), Some("2026-11-19T10:00:00Z"), "{text}");
        }
        assert_eq!(
            parse("2024-02-29T23:59:59.123456789Z").map(iso).as_deref(),
            Some("2024-02-29T23:59:59.123000Z")
        );
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(-1000));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "yesterday",
            "",
            "2026-11-19",
            "2026-13-01T00:00",
            "2026-02-30T00:00",
            "2026-11-19T24:00",
            "2026-11-19T10:00:00+1",
            "2026-11-19T10",
            "T",
            "2026-11-19T10:00:00.Z",
            "2026-11-19T10:00:00+1é2",
            "2026-11-19T10:00:00+99:99",
            "2026-11-19T10:00:00-00:60",
            "2026-11-19T10:00:00+24",
            "0000-01-01T00:00+23:59",
            "9999-12-31T23:59-00:01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
