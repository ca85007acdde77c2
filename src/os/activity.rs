//! What is under way, for a person who waits for it: whoever works says so here, and the output shows
//! what takes long to whoever is there to see it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Something that may take long.
#[derive(Clone)]
pub(crate) struct OngoingActivity {
    /// What is done, or waited for.
    pub(crate) words: String,
    /// How much of it is done, and how much there is.
    pub(crate) count: Option<(usize, usize)>,
    /// What is said behind the count.
    pub(crate) note: String,
    /// When it is over at the latest.
    pub(crate) end: Option<Instant>,
    /// Whether it is one of many small ones, and says nothing beside a larger one.
    is_detail: bool,
    began: Instant,
}

/// As long as it lives, the activity is under way.
pub(crate) struct ActivityGuard(Option<u64>);

/// Whether anybody looks: nothing is noted otherwise.
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// All that is under way, by the order of its beginning.
static UNDER_WAY: Mutex<BTreeMap<u64, OngoingActivity>> = Mutex::new(BTreeMap::new());

static NEXT_KEY: AtomicU64 = AtomicU64::new(0);

/// From now on somebody looks, or nobody does any more.
pub(crate) fn watch(is_watched: bool) {
    IS_WATCHED.store(is_watched, Ordering::Relaxed);
}

/// Whether somebody looks.
pub(crate) fn is_watched() -> bool {
    IS_WATCHED.load(Ordering::Relaxed)
}

/// Begins an activity, whose words are asked for only where somebody looks.
pub(crate) fn begin(words: impl FnOnce() -> String) -> ActivityGuard {
    note(words, false)
}

/// Begins one of many small activities.
pub(crate) fn begin_detail(words: impl FnOnce() -> String) -> ActivityGuard {
    note(words, true)
}

/// What has been under way for so long. The small ones are told of where there is nothing larger.
pub(crate) fn under_way(least: Duration) -> Vec<OngoingActivity> {
    let is_long = |activity: &&OngoingActivity| activity.began.elapsed() >= least;
    let long: Vec<_> = activities().values().filter(is_long).cloned().collect();
    let (details, larger): (Vec<_>, Vec<_>) = long.into_iter().partition(|one| one.is_detail);
    if larger.is_empty() { details } else { larger }
}

fn note(words: impl FnOnce() -> String, is_detail: bool) -> ActivityGuard {
    if !is_watched() {
        return ActivityGuard(None);
    }
    let key = NEXT_KEY.fetch_add(1, Ordering::Relaxed);
    activities().insert(key, OngoingActivity::new(words(), is_detail));
    ActivityGuard(Some(key))
}

fn activities() -> MutexGuard<'static, BTreeMap<u64, OngoingActivity>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OngoingActivity {
    /// One that begins now.
    pub(crate) fn new(words: String, is_detail: bool) -> Self {
        let (note, began) = (String::new(), Instant::now());
        Self { words, count: None, note, end: None, is_detail, began }
    }
}

impl ActivityGuard {
    /// The same, with the moment at which it is over at the latest.
    pub(crate) fn until(self, end: Instant) -> Self {
        self.change(|activity| activity.end = Some(end));
        self
    }

    /// Says how much is done, and how much there is.
    pub(crate) fn count(&self, done: usize, total: usize) {
        self.change(|activity| activity.count = Some((done, total)));
    }

    /// Changes what is said of it, where somebody looks.
    pub(crate) fn change(&self, change: impl FnOnce(&mut OngoingActivity)) {
        let Some(key) = self.0 else { return };
        if let Some(activity) = activities().get_mut(&key) {
            change(activity);
        }
    }
}

impl Drop for ActivityGuard {
    fn drop(&mut self) {
        if let Some(key) = self.0 {
            activities().remove(&key);
        }
    }
}
