//! When a server takes requests again: all that speak to it within a run wait together.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What the clients of one server share.
#[derive(Clone, Default)]
pub struct Pace(Rc<Cell<Option<Instant>>>);

impl Pace {
    /// Holds every later request back: the server limits the rate for this long.
    pub(super) fn hold(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.0.set(self.0.get().max(Some(until)));
    }

    /// Waits until requests are taken again.
    pub(super) async fn wait(&self) {
        while let Some(until) = self.0.get().filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
    }
}
