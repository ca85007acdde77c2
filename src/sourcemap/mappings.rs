//! The `mappings` of a source map, as ECMA-426 writes them: lines parted by `;`, segments by `,`,
//! numbers as base64 VLQ, each relative to the one before.

/// One place of a script, and what it came from. Lines and columns count from zero, columns in units
/// of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MappedSegment {
    /// Its line of the script.
    pub line: u32,
    /// Its column on that line.
    pub column: u32,
    /// What it came from; code that a bundler added came from nowhere.
    pub original: Option<OriginalPosition>,
}

/// A place in one of a map's sources; `source` and `name` are numbers in the map's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginalPosition {
    /// The source.
    pub source: u32,
    /// Its line there.
    pub line: u32,
    /// Its column on that line.
    pub column: u32,
    /// What stood there.
    pub name: Option<u32>,
}

/// The segments of `mappings`, in their order; the first mistake ends them.
pub struct SegmentReader<'a> {
    rest: &'a [u8],
    line: u32,
    column: u32,
    source: u32,
    original_line: u32,
    original_column: u32,
    name: u32,
    is_broken: bool,
}

/// `mappings` that are not as ECMA-426 says: the line of the script whose part it is, from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenMappings {
    /// That line.
    pub line: u32,
}

impl<'a> SegmentReader<'a> {
    /// Reads from the start.
    pub fn new(mappings: &'a str) -> Self {
        Self {
            rest: mappings.as_bytes(),
            line: 0,
            column: 0,
            source: 0,
            original_line: 0,
            original_column: 0,
            name: 0,
            is_broken: false,
        }
    }

    /// Skips to the first byte of the next segment; false at the end.
    fn find_segment(&mut self) -> bool {
        while let Some((byte, rest)) = self.rest.split_first() {
            match byte {
                b';' => {
                    self.line = self.line.saturating_add(1);
                    self.column = 0;
                }
                b',' => {}
                _ => return true,
            }
            self.rest = rest;
        }
        false
    }

    fn read_segment(&mut self) -> Option<MappedSegment> {
        self.column = moved(self.column, self.read_number()?)?;
        let original = match self.is_at_end_of_segment() {
            true => None,
            false => {
                self.source = moved(self.source, self.read_number()?)?;
                self.original_line = moved(self.original_line, self.read_number()?)?;
                self.original_column = moved(self.original_column, self.read_number()?)?;
                let name = match self.is_at_end_of_segment() {
                    true => None,
                    false => {
                        self.name = moved(self.name, self.read_number()?)?;
                        Some(self.name)
                    }
                };
                Some(OriginalPosition {
                    source: self.source,
                    line: self.original_line,
                    column: self.original_column,
                    name,
                })
            }
        };
        self.is_at_end_of_segment().then_some(MappedSegment {
            line: self.line,
            column: self.column,
            original,
        })
    }

    fn is_at_end_of_segment(&self) -> bool {
        matches!(self.rest.first(), None | Some(b',' | b';'))
    }

    /// The next number; none where a character is none of base64's or the number has over 32 bits. Most
    /// have one digit.
    fn read_number(&mut self) -> Option<i64> {
        let (first, rest) = self.rest.split_first()?;
        let digit = DIGITS[usize::from(*first)];
        if digit >= 32 {
            return self.read_long_number();
        }
        self.rest = rest;
        let value = i64::from(digit >> 1);
        Some(if digit & 1 == 1 { -value } else { value })
    }

    fn read_long_number(&mut self) -> Option<i64> {
        let (mut value, mut shift) = (0i64, 0u32);
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            let digit = i64::from(Some(DIGITS[usize::from(*byte)]).filter(|digit| *digit < 64)?);
            value |= (digit & 31) << shift;
            shift += 5;
            match digit & 32 {
                0 if value & 1 == 1 => return Some(-(value >> 1)),
                0 => return Some(value >> 1),
                _ if shift > 30 => return None,
                _ => {}
            }
        }
    }
}

impl Iterator for SegmentReader<'_> {
    type Item = Result<MappedSegment, BrokenMappings>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_broken || !self.find_segment() {
            return None;
        }
        let segment = self.read_segment().ok_or(BrokenMappings { line: self.line });
        self.is_broken = segment.is_err();
        Some(segment)
    }
}

/// `mappings` whose first segment stands one column more to the left, as all of its line then do; the
/// same where it stands at the first column, or where there is none on the first line.
pub fn one_column_less(mappings: &str) -> String {
    let mut reader = SegmentReader::new(mappings);
    match reader.read_number() {
        Some(column) if column > 0 => {
            let rest = &mappings[mappings.len() - reader.rest.len()..];
            format!("{}{rest}", vlq(column - 1))
        }
        _ => mappings.to_owned(),
    }
}

/// A number that is not negative.
fn vlq(number: i64) -> String {
    let mut text = String::new();
    let mut rest = number << 1;
    loop {
        let more = if rest > 31 { 32 } else { 0 };
        text.push(char::from(BASE64[(rest & 31 | more) as usize]));
        rest >>= 5;
        if more == 0 {
            return text;
        }
    }
}

/// The number `by` from another one; none where engines have none so large.
fn moved(from: u32, by: i64) -> Option<u32> {
    let number = i32::try_from(i64::from(from) + by).ok()?;
    u32::try_from(number).ok()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each byte in base64; 255 of what is no digit.
const DIGITS: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut digit = 0;
    while digit < BASE64.len() {
        values[BASE64[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mappings: &str) -> Result<Vec<MappedSegment>, BrokenMappings> {
        SegmentReader::new(mappings).collect()
    }

    fn segment(line: u32, column: u32, original: [u32; 3], name: Option<u32>) -> MappedSegment {
        let [source, original_line, original_column] = original;
        let original =
            OriginalPosition { source, line: original_line, column: original_column, name };
        MappedSegment { line, column, original: Some(original) }
    }

    #[test]
    fn numbers_go_on_across_lines_but_for_the_column() {
        let unmapped = MappedSegment { line: 2, column: 1, original: None };
        assert_eq!(
            read("+BAKmBA,mBAJVC;;C,EACAC"),
            Ok(vec![
                segment(0, 31, [0, 5, 19], Some(0)),
                segment(0, 50, [0, 1, 9], Some(1)),
                unmapped,
                segment(2, 3, [0, 2, 9], Some(2)),
            ])
        );
        assert_eq!(read(";;;,,;"), Ok(vec![]));
    }

    #[test]
    fn a_column_less_changes_the_first_number_alone() {
        for (before, after) in [
            ("CAAA,CAAA;A", "AAAA,CAAA;A"),
            ("gBAAA", "eAAA"),
            ("+B", "8B"),
            ("AAAA", "AAAA"),
            (";C", ";C"),
            ("", ""),
        ] {
            assert_eq!(one_column_less(before), after, "{before}");
        }
    }

    #[test]
    fn what_is_no_number_is_found_with_its_line() {
        for (mappings, line) in [
            ("!", 0),
            ("AAAA;A!", 1),
            ("AA", 0),
            ("AAAAAA", 0),
            (";;D", 2),
            ("ADAA", 0),
            ("g", 0),
            ("ggggggggggggC", 0),
            ("é", 0),
        ] {
            assert_eq!(read(mappings), Err(BrokenMappings { line }), "{mappings}");
        }
    }
}
