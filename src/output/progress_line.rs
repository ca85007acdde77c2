//! An activity as one line of the progress.

use crate::os::activity::OngoingActivity;
use crate::text::one_line;
use crate::text::scrubber::SecretScrubber;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How many lines there are at most; more would push the log out of sight.
const MAX_LINES: usize = 5;
/// The columns of a bar.
const BAR: usize = 20;

/// The lines of what is under way, each cut to so many columns. What is done several times at once is
/// said once, and nothing of others' in it is obeyed.
pub(super) fn lines(
    activities: &[OngoingActivity],
    now: Instant,
    columns: usize,
    scrubber: &SecretScrubber,
) -> Vec<String> {
    let mut said = HashSet::new();
    let new = activities.iter().filter(|one| one.count.is_some() || said.insert(&*one.words));
    let mut shown: Vec<_> = new.map(|one| (one.words.clone(), tail(one, now))).collect();
    if shown.len() > MAX_LINES {
        let more = shown.len() - (MAX_LINES - 1);
        shown.truncate(MAX_LINES - 1);
        shown.push((format!("and {more} more"), String::new()));
    }
    scrubber.scrub(shown.iter_mut().map(|(words, _)| words));
    shown.into_iter().map(|(words, tail)| fitted(&one_line(&words), &tail, columns)).collect()
}

/// What stands behind the words, which are others' at times: our own.
fn tail(activity: &OngoingActivity, now: Instant) -> String {
    let mut tail = activity
        .count
        .map_or_else(String::new, |(done, total)| format!(" {} {done}/{total}", bar(done, total)));
    tail += &activity.note;
    if let Some(end) = activity.end {
        tail += &format!(" ({} left)", time_left(end.saturating_duration_since(now)));
    }
    tail
}

/// Both in one line; the words are cut where there is no room for all of it.
fn fitted(words: &str, tail: &str, columns: usize) -> String {
    let room = columns.saturating_sub(console::measure_text_width(tail));
    let line = format!("{}{tail}", console::truncate_str(words, room, "..."));
    console::truncate_str(&line, columns, "").into_owned()
}

fn bar(done: usize, total: usize) -> String {
    let full = BAR.saturating_mul(done.min(total)).checked_div(total).unwrap_or(BAR);
    format!("[{}{}]", "#".repeat(full), ".".repeat(BAR - full))
}

/// A time as a person reads it, up to whole seconds.
fn time_left(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(activities: &[OngoingActivity], columns: usize) -> Vec<String> {
        let scrubber = SecretScrubber::default();
        scrubber.learn(&["s3cr3t-key".to_owned()], &[]);
        lines(activities, Instant::now(), columns, &scrubber)
    }

    fn activity(words: &str) -> OngoingActivity {
        OngoingActivity::new(words.to_owned(), false)
    }

    #[test]
    fn the_words_of_others_move_no_cursor_show_no_secret_and_stay_on_their_line() {
        let words = "a\u{1b}[2J\r\n\u{202e}b s3cr3t-key ::error::x";
        let [line] = &shown(&[activity(words)], 80)[..] else { panic!("one line") };
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(!line.contains("s3cr3t-key") && !line.contains("::error"), "{line:?}");
        let wide = "\u{754c}".repeat(80);
        let [line] = &shown(&[activity(&wide)], 20)[..] else { panic!("one line") };
        assert!(console::measure_text_width(line) <= 20 && line.ends_with("..."), "{line:?}");
        assert_eq!(shown(&[activity(&wide)], 0).len(), 1);
    }

    #[test]
    fn what_is_waited_for_many_times_is_said_once_and_no_crowd_fills_the_screen() {
        assert_eq!(shown(&[activity("one"), activity("one")], 80), ["one"]);
        let crowd: Vec<_> = (0..9).map(|number| activity(&number.to_string())).collect();
        assert_eq!(shown(&crowd, 80), ["0", "1", "2", "3", "and 5 more"]);
    }

    #[test]
    fn a_count_a_note_and_the_time_left_stand_behind_the_words() {
        let mut counted = activity("finishing the entries");
        counted.count = Some((137, 200));
        ", 3 waiting".clone_into(&mut counted.note);
        assert_eq!(
            shown(&[counted], 80),
            ["finishing the entries [#############.......] 137/200, 3 waiting"]
        );
        let mut timed = activity("waiting");
        timed.end = Some(Instant::now() + Duration::from_secs(3600));
        assert_eq!(shown(std::slice::from_ref(&timed), 80), ["waiting (60 min left)"]);
        timed.words = "waiting for the answer".to_owned();
        assert_eq!(shown(&[timed], 30), ["waiting for t... (60 min left)"]);
    }

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        let full = |done, total| bar(done, total).matches('#').count();
        assert_eq!(full(0, 40), 0);
        assert_eq!(full(12, 40), 6);
        assert_eq!(full(40, 40), BAR);
        assert_eq!(full(41, 40), BAR);
        assert_eq!(full(0, 0), BAR);
    }

    #[test]
    fn the_time_that_is_left_is_in_minutes_and_seconds() {
        for (milliseconds, words) in [
            (0, "0 s"),
            (1, "1 s"),
            (59_001, "1 min"),
            (61_000, "1 min 1 s"),
            (3_600_000, "60 min"),
        ] {
            assert_eq!(time_left(Duration::from_millis(milliseconds)), words);
        }
    }
}
