//! Which of many places are looked at closely.

/// Tells about so many of many places, evenly spread.
pub(super) struct SampleCounter {
    step: usize,
    left: usize,
}

impl SampleCounter {
    pub(super) fn new(places: usize, samples: usize) -> Self {
        Self { step: (places / samples).max(1), left: 0 }
    }

    /// Whether the next place is one of them.
    pub(super) fn is_next(&mut self) -> bool {
        let is_next = self.left == 0;
        self.left = if is_next { self.step } else { self.left } - 1;
        is_next
    }
}
