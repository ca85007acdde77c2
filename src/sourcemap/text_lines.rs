//! A text by lines, whose places are counted as source maps count them: in units of UTF-16.

use super::prologue::is_line_end;

/// A text by lines, in which a place is found by its column.
pub(super) struct TextLines<'a> {
    lines: Vec<TextLine<'a>>,
    /// Whether another character than `\n` may end a line: then tools do not agree on the lines.
    is_vague: bool,
}

struct TextLine<'a> {
    text: &'a str,
    /// Its length in UTF-16, in which columns are counted; equal to its bytes where all is ASCII.
    units: usize,
    /// Where it is not: a column and its byte about every so many columns, to begin to count at.
    marks: Vec<(usize, usize)>,
}

/// How far marks of a line are apart.
const MARK_DISTANCE: usize = 1024;

impl<'a> TextLines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines: Vec<_> = text.split('\n').map(TextLine::new).collect();
        let is_vague = lines.iter().any(|line| line.text.contains(is_line_end));
        Self { lines, is_vague }
    }

    /// Whether there is such a place; a place right behind the end of a line is one.
    pub(super) fn has(&self, line: u32, column: u32) -> bool {
        let line = self.lines.get(line as usize);
        self.is_vague || line.is_some_and(|line| column as usize <= line.units)
    }

    /// The text of a line; empty where there is none.
    pub(super) fn line(&self, line: u32) -> &'a str {
        self.lines.get(line as usize).map_or("", |line| line.text)
    }

    /// The identifier that begins at a place; empty where none does.
    pub(super) fn word(&self, line: u32, column: u32) -> &'a str {
        let rest = self.split(line, column).1;
        &rest[..rest.find(|character| !is_word_part(character)).unwrap_or(rest.len())]
    }

    /// Whether a place is inside an identifier.
    pub(super) fn is_inside_word(&self, line: u32, column: u32) -> bool {
        let (before, rest) = self.split(line, column);
        before.ends_with(is_word_part) && rest.starts_with(is_word_part)
    }

    fn split(&self, line: u32, column: u32) -> (&'a str, &'a str) {
        self.lines.get(line as usize).map_or(("", ""), |line| line.split(column as usize))
    }
}

impl<'a> TextLine<'a> {
    fn new(line: &'a str) -> Self {
        let text = line.strip_suffix('\r').unwrap_or(line);
        let mut line = Self { text, units: text.len(), marks: Vec::new() };
        if !text.is_ascii() {
            line.units = 0;
            for (byte, character) in text.char_indices() {
                if line.units >= line.marks.len() * MARK_DISTANCE {
                    line.marks.push((line.units, byte));
                }
                line.units += character.len_utf16();
            }
        }
        line
    }

    fn split(&self, column: usize) -> (&'a str, &'a str) {
        let at = match self.units == self.text.len() {
            true => Some(column),
            false => self.byte_at(column),
        };
        at.and_then(|at| self.text.split_at_checked(at)).unwrap_or((self.text, ""))
    }

    fn byte_at(&self, column: usize) -> Option<usize> {
        // A pair of surrogates may lie across a mark, so it is the mark before that is safe.
        let mark = (column / MARK_DISTANCE).saturating_sub(1).min(self.marks.len().checked_sub(1)?);
        let (mut units, byte) = self.marks[mark];
        let mut characters = self.text[byte..].char_indices();
        let found = characters.find(|(_, character)| {
            let is_there = units >= column;
            units += character.len_utf16();
            is_there
        });
        found.map(|(at, _)| byte + at)
    }
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_behind_wide_characters_is_found_on_a_long_line() {
        let text = "é😀x".repeat(5_000) + "here";
        let lines = TextLines::new(&text);
        assert_eq!(lines.word(0, 20_000), "here");
        assert_eq!(lines.word(0, 4 * 1_023 + 3), "xé");
    }
}
