//! What is remembered of the set-ups of people: what they typed, so that nobody has to type it
//! again, and which are done, so that a page that is loaded again says so. It lives as long as the
//! process, and holds no secret.

use crate::model::{Fields, FinishedIntegration};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are remembered; one more forgets the oldest.
const MAX_SET_UPS: usize = 64;

/// A set-up that is done.
#[derive(Clone)]
pub(crate) struct FinishedSetUp {
    /// The organization.
    pub(crate) org: i64,
    /// What there is now.
    pub(crate) integration: FinishedIntegration,
    /// What the link to it carries.
    pub(crate) next: Option<String>,
    /// What identifies the request that finished it.
    pub(crate) request: String,
}

struct SetUpRecord {
    /// The key of its pipeline.
    key: String,
    user: i64,
    typed: Fields,
    finished: Option<FinishedSetUp>,
}

/// The set-ups of people.
#[derive(Default)]
pub(crate) struct SetUpMemory(Mutex<VecDeque<SetUpRecord>>);

impl SetUpMemory {
    /// Remembers what was typed; secrets are the caller's to leave out.
    pub(crate) fn remember(&self, key: &str, user: i64, typed: Fields) {
        self.update(key, user, |record| record.typed = typed);
    }

    /// What was typed.
    pub(crate) fn typed(&self, key: &str) -> Fields {
        let records = self.records();
        let record = records.iter().find(|record| record.key == key);
        record.map(|record| record.typed.clone()).unwrap_or_default()
    }

    /// Remembers that it is done.
    pub(crate) fn finish(&self, key: &str, user: i64, finished: FinishedSetUp) {
        self.update(key, user, |record| record.finished = Some(finished));
    }

    /// The user's set-up that is done, of a pipeline with this key.
    pub(crate) fn finished(&self, key: &str, user: i64) -> Option<FinishedSetUp> {
        let records = self.records();
        let is_own = |record: &&SetUpRecord| record.key == key && record.user == user;
        records.iter().find(is_own)?.finished.clone()
    }

    fn update(&self, key: &str, user: i64, change: impl FnOnce(&mut SetUpRecord)) {
        let mut records = self.records();
        if let Some(record) = records.iter_mut().find(|record| record.key == key) {
            return change(record);
        }
        if records.len() == MAX_SET_UPS {
            records.pop_front();
        }
        let (key, typed) = (key.to_owned(), Fields::default());
        let mut record = SetUpRecord { key, user, typed, finished: None };
        change(&mut record);
        records.push_back(record);
    }

    fn records(&self) -> MutexGuard<'_, VecDeque<SetUpRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
