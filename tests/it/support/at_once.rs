//! Cases that mostly wait, several at once.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases are under way at once.
const AT_ONCE: usize = 12;

/// Does the work for each of these; one that panics fails the test.
pub(crate) fn each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(all.len()) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
}
