//! Changes of a text that leave all its other bytes alone.

use std::ops::Range;

/// Pieces of a text and what stands in their place; no two overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextEdits(Vec<(Range<usize>, String)>);

impl TextEdits {
    pub(super) fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.0.push((range, text.into()));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// About how many bytes they take in memory.
    pub(crate) fn size(&self) -> usize {
        self.0.iter().map(|(_, piece)| piece.len() + 48).sum()
    }

    /// The text with all changes.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut pieces: Vec<_> = self.0.iter().collect();
        pieces.sort_by_key(|(range, _)| range.start);
        let grown: usize = pieces.iter().map(|(_, piece)| piece.len()).sum();
        let mut edited = String::with_capacity(text.len() + grown);
        let mut done = 0;
        for (range, piece) in pieces {
            edited.push_str(&text[done..range.start]);
            edited.push_str(piece);
            done = range.end;
        }
        edited.push_str(&text[done..]);
        edited
    }
}
