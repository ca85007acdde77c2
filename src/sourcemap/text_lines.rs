//! A text by lines, whose places are counted as source maps count them: in units of UTF-16.

use memchr::{memchr_iter, memmem};
use std::collections::BTreeMap;
use std::ops::Range;

/// A text by lines, in which a place is found by its column.
pub(super) struct TextLines<'a> {
    text: &'a str,
    /// Where each line begins, and where one behind the last would.
    starts: Vec<usize>,
    /// The lines that are not all ASCII, by their numbers.
    wide: BTreeMap<usize, WideLine>,
    /// Whether another character than `\n` may end a line: then tools do not agree on the lines.
    is_vague: bool,
}

/// The identifier that a text begins with.
fn word_of(rest: &str) -> &str {
    let plain = rest.bytes().take_while(|byte| is_word_byte(*byte)).count();
    match rest.as_bytes().get(plain).is_some_and(|next| !next.is_ascii()) {
        true => &rest[..rest.find(|character| !is_word_part(character)).unwrap_or(rest.len())],
        false => &rest[..plain],
    }
}

/// A line whose columns are not its bytes.
struct WideLine {
    /// Its length in UTF-16, in which columns are counted.
    units: usize,
    /// A column and its byte about every so many columns, to begin to count at.
    marks: Vec<(usize, usize)>,
}

/// How much of a statement is looked at.
const MAX_STATEMENT: usize = 128;

/// How much of a string is compared.
const MAX_STRING: usize = 64;

/// How far beyond the end of a line a place may be to be looked for below.
const MAX_BEYOND: usize = 512;

/// How far marks of a line are apart.
const MARK_DISTANCE: usize = 1024;

impl<'a> TextLines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let starts = std::iter::once(0).chain(ends).chain([text.len() + 1]).collect();
        let mut lines = Self { text, starts, wide: BTreeMap::new(), is_vague: has_odd_end(text) };
        if !text.is_ascii() {
            let all = (0..lines.starts.len() - 1).map(|number| (number, lines.text_of(number)));
            let wide = all.filter(|(_, line)| !line.is_ascii());
            lines.wide = wide.map(|(number, line)| (number, WideLine::new(line))).collect();
        }
        lines
    }

    /// Whether there is such a place; a place right behind the end of a line is one.
    pub(super) fn has(&self, line: u32, column: u32) -> bool {
        self.is_vague || self.units(line as usize).is_some_and(|units| column as usize <= units)
    }

    /// The text of a line; empty where there is none.
    pub(super) fn line(&self, line: u32) -> &'a str {
        self.text_of(line as usize)
    }

    /// The identifier that a place beyond the end of its line means, where columns go on over the lines below;
    /// none where they do not lead to one.
    pub(super) fn word_below(&self, line: u32, column: u32) -> Option<&'a str> {
        let number = line as usize;
        let beyond = (column as usize).checked_sub(self.units(number)?)?;
        let below = &self.text[self.span(number)?.end..];
        let mut units = 0;
        let is_there = |(_, character): &(usize, char)| {
            let is_it = units == beyond;
            units += character.len_utf16();
            is_it
        };
        let (at, _) = below.char_indices().take(MAX_BEYOND).find(is_there)?;
        Some(word_of(&below[at..]))
            .filter(|word| !word.is_empty() && !below[..at].ends_with(is_word_part))
    }

    /// The identifier that begins at a place; empty where none does.
    pub(super) fn word(&self, line: u32, column: u32) -> &'a str {
        word_of(self.split(line, column).1)
    }

    /// Whether a place is inside an identifier.
    pub(super) fn is_inside_word(&self, line: u32, column: u32) -> bool {
        let (before, rest) = self.split(line, column);
        before.ends_with(is_word_part) && rest.starts_with(is_word_part)
    }

    /// The statement that goes on at a place, up to the end of the line and to `MAX_STATEMENT` characters.
    pub(super) fn statement(&self, line: u32, column: u32) -> &'a str {
        let rest = self.split(line, column).1;
        let is_end = |(count, (_, character)): &(usize, (usize, char))| {
            *count == MAX_STATEMENT || *character == ';'
        };
        let end = rest.char_indices().enumerate().find(is_end);
        end.map_or(rest, |(_, (at, _))| &rest[..at])
    }

    /// The end of the identifier that a place is inside of, with the character before it; none where it is in
    /// none.
    pub(super) fn rest_of_word(&self, line: u32, column: u32) -> Option<(char, &'a str)> {
        let before = self.split(line, column).0.chars().next_back()?;
        let rest = self.word(line, column);
        (is_word_part(before) && !rest.is_empty()).then_some((before, rest))
    }

    /// The plain beginning of the string that begins at a place, up to `MAX_STRING` bytes.
    pub(super) fn string(&self, line: u32, column: u32) -> Option<&'a str> {
        let rest = self.split(line, column).1;
        let quote = rest.bytes().next().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
        let text = &rest[1..];
        let is_plain =
            |byte: &u8| *byte != quote && !matches!(byte, b'\\' | b'$') && byte.is_ascii();
        let plain = text.bytes().take(MAX_STRING).take_while(is_plain).count();
        text.get(..plain)
    }

    /// Whether nothing but blanks is before a place on its line.
    pub(super) fn begins_line(&self, line: u32, column: u32) -> bool {
        self.split(line, column).0.trim_start().is_empty()
    }

    /// The text of a line before a place and from there on.
    pub(super) fn split(&self, line: u32, column: u32) -> (&'a str, &'a str) {
        let (number, column) = (line as usize, column as usize);
        let text = self.text_of(number);
        let wide = if self.wide.is_empty() { None } else { self.wide.get(&number) };
        let at = wide.map_or(Some(column), |wide| wide.byte_at(text, column));
        at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
    }

    #[inline]
    fn text_of(&self, number: usize) -> &'a str {
        self.span(number).map_or("", |span| &self.text[span])
    }

    /// The bytes of a line without its end; none where there is no such line.
    #[inline]
    fn span(&self, number: usize) -> Option<Range<usize>> {
        let (start, next) = (*self.starts.get(number)?, *self.starts.get(number + 1)?);
        let has_return = next - 1 > start && self.text.as_bytes()[next - 2] == b'\r';
        Some(start..next - 1 - usize::from(has_return))
    }

    /// The length of a line, as its columns are counted; none where there is no such line.
    fn units(&self, number: usize) -> Option<usize> {
        let wide = if self.wide.is_empty() { None } else { self.wide.get(&number) };
        wide.map_or_else(|| self.span(number).map(|span| span.len()), |wide| Some(wide.units))
    }
}

/// Whether an identifier stands in a text.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let is_whole = |at: usize| {
        !text[..at].ends_with(is_word_part) && !text[at + word.len()..].starts_with(is_word_part)
    };
    !word.is_empty() && text.match_indices(word).any(|(at, _)| is_whole(at))
}

/// Whether a line end is in the text that is neither `\n` nor `\r\n`, but for the last character.
fn has_odd_end(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_alone = |at: usize| bytes.get(at + 1).is_some_and(|next| *next != b'\n');
    memchr_iter(b'\r', bytes).any(is_alone)
        || ["\u{2028}", "\u{2029}"].iter().any(|end| memmem::find(bytes, end.as_bytes()).is_some())
}

impl WideLine {
    fn new(text: &str) -> Self {
        let mut line = Self { units: 0, marks: Vec::new() };
        for (byte, character) in text.char_indices() {
            if line.units >= line.marks.len() * MARK_DISTANCE {
                line.marks.push((line.units, byte));
            }
            line.units += character.len_utf16();
        }
        line
    }

    fn byte_at(&self, text: &str, column: usize) -> Option<usize> {
        // A pair of surrogates may lie across a mark, so it is the mark before that is safe.
        let mark = (column / MARK_DISTANCE).saturating_sub(1).min(self.marks.len().checked_sub(1)?);
        let (mut units, byte) = self.marks[mark];
        let mut characters = text[byte..].char_indices();
        let found = characters.find(|(_, character)| {
            let is_there = units >= column;
            units += character.len_utf16();
            is_there
        });
        found.map(|(at, _)| byte + at)
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
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
