//! What others list, as a table for a person.

use crate::outcome::{Outcome, OutcomeStatus};

/// Rows under their titles.
pub(super) struct TextTable {
    noun: &'static str,
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// A table of these things.
    pub(super) fn new(noun: &'static str, titles: &[&str], rows: Vec<Vec<String>>) -> Self {
        let titles = titles.iter().map(|title| (*title).to_owned()).collect();
        Self { noun, titles, rows }
    }

    /// The table, each cell as it is shown and as wide as its column.
    pub(super) fn into_outcome(self, shown: impl Fn(&str) -> String) -> Outcome {
        let headline = format!("{}: {}", self.noun, self.rows.len());
        let lines: Vec<Vec<String>> = std::iter::once(self.titles)
            .chain(self.rows)
            .map(|row| row.iter().map(|cell| shorten(shown(&shorten(cell.clone())))).collect())
            .collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
        };
        let document = lines.iter().map(line).collect();
        Outcome { document: Some(document), ..Outcome::new(OutcomeStatus::Complete, headline) }
    }
}

/// What a person reads of a cell: others may make it as long as they like, and each row is padded to the
/// longest.
const LONGEST_CELL: usize = 200;

fn shorten(cell: String) -> String {
    match cell.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell,
    }
}
