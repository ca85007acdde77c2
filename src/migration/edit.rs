//! Changes to a text, each at its place.

use std::ops::Range;

/// A change: what stands in a range is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextEdit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl TextEdit {
    pub(super) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }
}

/// The text with its changes; a change within another one is a part of that.
pub(super) fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut edits: Vec<_> = edits.iter().collect();
    // What is only put in stands before what begins at the same place.
    let place =
        |range: &Range<usize>| (range.start, !range.is_empty(), std::cmp::Reverse(range.end));
    edits.sort_by_key(|edit| place(&edit.range));
    let (mut result, mut at) = (String::new(), 0);
    for edit in edits {
        if edit.range.start < at {
            continue;
        }
        result.push_str(&text[at..edit.range.start]);
        result.push_str(&edit.text);
        at = edit.range.end;
    }
    result + &text[at..]
}
