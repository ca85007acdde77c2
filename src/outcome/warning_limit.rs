//! How many warnings of one kind are shown: a host takes so many, and a reader reads the first.

use super::Outcome;
use crate::error::Warning;
use std::collections::BTreeMap;

/// How many of one kind a run names.
const MOST: usize = 50;

impl Outcome {
    /// Says of all but the first warnings of a kind only how many there are.
    pub(crate) fn limit_warnings(&mut self) {
        let mut counts = BTreeMap::<_, usize>::new();
        self.warnings.iter().for_each(|warning| *counts.entry(warning.slug).or_default() += 1);
        // The last of these takes the place of one.
        counts.retain(|_, count| *count > MOST + 1);
        let mut shown = BTreeMap::<_, usize>::new();
        self.warnings.retain(|warning| {
            let count = shown.entry(warning.slug).or_default();
            *count += 1;
            *count <= MOST || !counts.contains_key(warning.slug)
        });
        self.warnings.extend(counts.into_iter().map(|(slug, count)| {
            Warning::new(slug, format!("{} more warnings are like the first {MOST}", count - MOST))
        }));
        self.entries.iter_mut().for_each(|entry| entry.outcome.limit_warnings());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn the_first_warnings_of_a_kind_are_shown_and_the_others_counted() {
        let mut outcome = Outcome::from(ErrorCode::Deadline);
        let warning = |slug, number| Warning::new(slug, format!("{slug} {number}"));
        outcome.warnings = (0..MOST + 7).map(|number| warning("stale", number)).collect();
        outcome.warnings.push(warning("other", 0));
        outcome.limit_warnings();
        assert_eq!(outcome.warnings.len(), MOST + 2);
        assert_eq!(outcome.warnings[MOST], warning("other", 0));
        let last = outcome.warnings.last().map(|last| (last.slug, last.message.as_str()));
        assert_eq!(last, Some(("stale", "7 more warnings are like the first 50")));
        outcome.limit_warnings();
        assert_eq!(outcome.warnings.len(), MOST + 2, "a second time changes nothing more");
    }
}
