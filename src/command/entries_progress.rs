//! How far a manifest is, for a person who waits for it.

use crate::os::activity::{self, ActivityGuard};
use crate::outcome::{Outcome, OutcomeStatus};

/// The ends of the entries so far.
pub(super) struct EntriesProgress {
    shown: ActivityGuard,
    total: usize,
    done: usize,
    waiting: usize,
    failed: usize,
}

impl EntriesProgress {
    /// Begins with none of so many.
    pub(super) fn begin(total: usize, is_plan: bool) -> Self {
        let words = if is_plan { "planning the entries" } else { "finishing the entries" };
        let shown = activity::begin(|| words.to_owned());
        shown.count(0, total);
        Self { shown, total, done: 0, waiting: 0, failed: 0 }
    }

    /// Counts the end of one.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        self.done += 1;
        match outcome.status {
            OutcomeStatus::ActionRequired => self.waiting += 1,
            OutcomeStatus::Error => self.failed += 1,
            OutcomeStatus::Complete | OutcomeStatus::Skipped | OutcomeStatus::Planned => {}
        }
        self.shown.count(self.done, self.total);
        self.shown.change(|activity| activity.note = self.note());
    }

    fn note(&self) -> String {
        let counts = [(self.waiting, "waiting"), (self.failed, "failed")];
        let said = counts.into_iter().filter(|(count, _)| *count > 0);
        said.map(|(count, word)| format!(", {count} {word}")).collect()
    }
}
