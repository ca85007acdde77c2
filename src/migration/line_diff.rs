//! The difference between a text and what edits make of it, by lines.
//!
//! The edits say which lines may differ, so that only these are compared.

use super::edit::TextEdit;
use super::line_index::LineIndex;
use similar::udiff::UnifiedHunkHeader;
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};
use std::collections::BTreeMap;
use std::ops::Range;

/// How many lines of both texts are compared with each other; more are shown as replaced.
const MAX_COMPARED: usize = 1000;

/// How many lines around a difference are shown.
const CONTEXT: usize = 3;

/// What becomes of the lines of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineDiff(Vec<DiffOp>);

/// Lines of the old text, and those that take their place.
struct ChangedLines {
    old: Range<usize>,
    new: Range<usize>,
}

impl LineDiff {
    /// Compares a text with what edits made of it.
    pub(super) fn new(old: &str, new: &str, edits: &[TextEdit]) -> Self {
        let (old_lines, new_lines) = (lines(old), lines(new));
        let mut ops = Vec::new();
        let mut at = (0, 0);
        for changed in changed_lines(old, edits, [old_lines.len(), new_lines.len()]) {
            push_equal(&mut ops, at, changed.old.start - at.0);
            at = (changed.old.end, changed.new.end);
            let compared = &old_lines[changed.old.clone()];
            let with = &new_lines[changed.new.clone()];
            if compared.len() + with.len() > MAX_COMPARED {
                ops.push(DiffOp::Replace {
                    old_index: changed.old.start,
                    old_len: compared.len(),
                    new_index: changed.new.start,
                    new_len: with.len(),
                });
                continue;
            }
            for mut op in capture_diff_slices(Algorithm::Myers, compared, with) {
                shift(&mut op, changed.old.start, changed.new.start);
                match op {
                    DiffOp::Equal { old_index, new_index, len } => {
                        push_equal(&mut ops, (old_index, new_index), len);
                    }
                    _ => ops.push(op),
                }
            }
        }
        push_equal(&mut ops, at, old_lines.len() - at.0);
        Self(ops)
    }

    /// The lines of the old text that stay, by their numbers from 0.
    pub(super) fn kept(&self, old: &str, new: &str) -> Vec<usize> {
        let (old_lines, new_lines) = (lines(old), lines(new));
        let mut kept = Vec::new();
        for op in &self.0 {
            match op {
                DiffOp::Equal { old_index, len, .. } => kept.extend(*old_index..old_index + len),
                DiffOp::Replace { .. } => {
                    let mut counts = BTreeMap::new();
                    new_lines[op.new_range()]
                        .iter()
                        .for_each(|line| *counts.entry(*line).or_insert(0) += 1);
                    kept.extend(op.old_range().filter(|number| {
                        let count = counts.get_mut(old_lines[*number]).filter(|count| **count > 0);
                        count.map(|count| *count -= 1).is_some()
                    }));
                }
                DiffOp::Delete { .. } | DiffOp::Insert { .. } => {}
            }
        }
        kept
    }

    /// The difference as `patch` and `git apply` take it; empty if there is none.
    pub(super) fn unified(&self, name: &str, old: &str, new: &str) -> String {
        let (old, new) = (lines(old), lines(new));
        let mut text = String::new();
        for group in group_diff_ops(self.0.clone(), CONTEXT) {
            if text.is_empty() {
                let [old, new] = ["a", "b"].map(|side| header_name(side, name));
                text = format!("--- {old}\n+++ {new}\n");
            }
            text.push_str(&format!("{}\n", UnifiedHunkHeader::new(&group)));
            for op in &group {
                let is_equal = matches!(op, DiffOp::Equal { .. });
                let sign = if is_equal { ' ' } else { '-' };
                old[op.old_range()].iter().for_each(|line| push_line(&mut text, sign, line));
                let added = if is_equal { 0..0 } else { op.new_range() };
                new[added].iter().for_each(|line| push_line(&mut text, '+', line));
            }
        }
        text
    }
}

/// The name of a file on one side, in quotes where git has it so.
fn header_name(side: &str, name: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        _ => format!("\\{byte:03o}"),
    };
    let is_special = |c: char| c.is_ascii_control() || "\"\\".contains(c);
    if !name.contains(is_special) {
        return format!("{side}/{name}");
    }
    let letter = |c: char| if is_special(c) { escaped(c as u8) } else { c.to_string() };
    format!("\"{side}/{}\"", name.chars().map(letter).collect::<String>())
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn push_equal(ops: &mut Vec<DiffOp>, (old_index, new_index): (usize, usize), len: usize) {
    match ops.last_mut() {
        // One stretch of equal lines is one, or it would be cut where it is not long enough.
        Some(DiffOp::Equal { len: known, .. }) => *known += len,
        _ if len == 0 => {}
        _ => ops.push(DiffOp::Equal { old_index, new_index, len }),
    }
}

fn push_line(text: &mut String, sign: char, line: &str) {
    text.push(sign);
    text.push_str(line);
    if !line.ends_with('\n') {
        text.push_str("\n\\ No newline at end of file\n");
    }
}

fn shift(op: &mut DiffOp, old: usize, new: usize) {
    match op {
        DiffOp::Equal { old_index, new_index, .. }
        | DiffOp::Delete { old_index, new_index, .. }
        | DiffOp::Insert { old_index, new_index, .. }
        | DiffOp::Replace { old_index, new_index, .. } => {
            *old_index += old;
            *new_index += new;
        }
    }
}

/// The lines that edits touch, as [`super::edit::apply`] makes them.
fn changed_lines(old: &str, edits: &[TextEdit], counts: [usize; 2]) -> Vec<ChangedLines> {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    let index = LineIndex::new(old);
    let newlines = |text: &str| text.matches('\n').count();
    let mut changed: Vec<ChangedLines> = Vec::new();
    let (mut at, mut added, mut removed) = (0, 0, 0);
    for edit in edits {
        if edit.range.start < at {
            continue;
        }
        at = edit.range.end;
        let first = index.line(edit.range.start) - 1;
        let new_first = first + added - removed;
        added += newlines(&edit.text);
        removed += newlines(&old[edit.range.clone()]);
        let end = index.line(edit.range.end);
        let (old_end, new_end) = (end.min(counts[0]), (end + added - removed).min(counts[1]));
        match changed.last_mut().filter(|last| first <= last.old.end) {
            Some(last) => {
                last.old.end = old_end.max(last.old.end);
                last.new.end = new_end.max(last.new.start);
            }
            None => changed.push(ChangedLines {
                old: first.min(old_end)..old_end,
                new: new_first.min(new_end)..new_end,
            }),
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::super::edit::apply;
    use super::*;
    use similar::TextDiff;

    fn edits(old: &str, words: &[(&str, &str)]) -> Vec<TextEdit> {
        let edit = |(word, new): &(&str, &str)| {
            let at = old.find(word).unwrap();
            TextEdit::new(at..at + word.len(), *new)
        };
        words.iter().map(edit).collect()
    }

    #[test]
    fn it_is_the_difference_that_is_found_without_knowing_the_edits() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm";
        for words in [
            &[("a\n", "")][..],
            &[("m", "n")],
            &[("m", "m\n")],
            &[("b", "B"), ("l", "L\nM")],
            &[("c\nd\n", ""), ("e", "E")],
            &[("a\nb\nc", "x\nb\ny\nz")],
            &[("l\nm", "")],
            &[],
        ] {
            let edits = edits(old, words);
            let new = apply(old, &edits);
            let expected = TextDiff::from_lines(old, &new);
            let expected =
                expected.unified_diff().context_radius(3).header("a/f", "b/f").to_string();
            let found = LineDiff::new(old, &new, &edits).unified("f", old, &new);
            assert_eq!(found, expected, "{words:?}");
        }
    }
}
