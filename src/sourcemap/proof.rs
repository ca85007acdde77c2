//! Whether a map belongs to a script: its places must be those of the script and of the sources, and
//! a place is where a word begins, not inside one.

use crate::text::quote;
use std::collections::BTreeMap;
use std::fmt;

use super::{
    map_text::{MapSection, MapText},
    mappings::{MappedSegment, OriginalPosition, SegmentReader},
    prologue::is_line_end,
};

/// A place of a script and the place that it leads to. Lines and columns count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenFrame {
    /// The line of the script.
    pub line: u32,
    /// The column on that line.
    pub column: u32,
    /// The source that it leads to.
    pub source: String,
    /// The line of that source.
    pub original_line: u32,
}

/// Why the positions of a map are of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofFault {
    /// It leads nowhere.
    Empty,
    /// Its places are not those of the script.
    OtherScript,
    /// It leads to places that are not those of this source.
    OtherSource(String),
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("its source map is empty: no line leads to a source"),
            Self::OtherScript => f.write_str("its source map is not of this script"),
            Self::OtherSource(source) => {
                write!(
                    f,
                    "its source map holds another text of {} than it was made of",
                    quote(source)
                )
            }
        }
    }
}

/// The places at which the text is looked at.
const SAMPLES: usize = 200;
/// Fewer places say nothing.
const MIN_SAMPLES: usize = 50;
/// Of the places of a script, ten in a hundred may be inside a word; a bundler knows its own words.
const SCRIPT_TOLERANCE: usize = 10;
/// Of the places of a source, most may be: they come from tools that put one word for another.
const SOURCE_TOLERANCE: usize = 75;

/// Looks at all places of `map`, compares the words at some, and gives one that is proven.
pub fn prove<'a>(script: &'a str, map: &'a MapText<'a>) -> Result<ProvenFrame, ProofFault> {
    let script = TextLines::new(script);
    let mut tally = ProofTally::default();
    for section in &map.sections {
        tally.look_at(&script, section);
    }
    tally.verdict()
}

/// How many places of a map's first line begin a word of `line` that the map names or leads to, where
/// columns of the map count `ahead` more than those of the line.
pub(super) fn words_found(line: &TextLines<'_>, map: &MapText<'_>, ahead: u32) -> usize {
    let places = map.sections.iter().filter(|section| section.line == 0).flat_map(|section| {
        SegmentReader::new(&section.mappings)
            .map_while(Result::ok)
            .take_while(|segment| segment.line == 0)
            .filter_map(|segment| MappedPlace::of(section, segment))
    });
    places.take(SAMPLES).filter(|place| place.begins_word(line, ahead)).count()
}

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
}

impl<'a> TextLines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines: Vec<_> = text.split('\n').map(TextLine::new).collect();
        let is_vague = lines.iter().any(|line| line.text.contains(is_line_end));
        Self { lines, is_vague }
    }

    /// Whether there is such a place; a place right behind the end of a line is one.
    fn has(&self, line: u32, column: u32) -> bool {
        let line = self.lines.get(line as usize);
        self.is_vague || line.is_some_and(|line| column as usize <= line.units)
    }

    /// The identifier that begins at a place; empty where none does.
    pub(super) fn word(&self, line: u32, column: u32) -> &'a str {
        let rest = self.split(line, column).1;
        &rest[..rest.find(|character| !is_word_part(character)).unwrap_or(rest.len())]
    }

    /// Whether a place is inside an identifier.
    fn is_inside_word(&self, line: u32, column: u32) -> bool {
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
        let units = match text.is_ascii() {
            true => text.len(),
            false => text.chars().map(char::len_utf16).sum(),
        };
        Self { text, units }
    }

    fn split(&self, column: usize) -> (&'a str, &'a str) {
        let at = match self.units == self.text.len() {
            true => Some(column),
            false => self.byte_at(column),
        };
        at.and_then(|at| self.text.split_at_checked(at)).unwrap_or((self.text, ""))
    }

    fn byte_at(&self, column: usize) -> Option<usize> {
        let mut units = 0;
        let mut characters = self.text.char_indices();
        let found = characters.find(|(_, character)| {
            let is_there = units >= column;
            units += character.len_utf16();
            is_there
        });
        found.map(|(at, _)| at)
    }
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

#[derive(Default)]
struct ProofTally {
    script: PlaceCount,
    sources: BTreeMap<String, PlaceCount>,
    frame: Option<ProvenFrame>,
    is_proven: bool,
}

/// How many places of a text there are, are not in it, were looked at, and were inside a word.
#[derive(Default)]
struct PlaceCount {
    all: usize,
    outside: usize,
    samples: usize,
    inside_words: usize,
}

impl PlaceCount {
    fn add(&mut self, text: &TextLines<'_>, line: u32, column: u32, is_sample: bool) {
        self.all += 1;
        self.outside += usize::from(!text.has(line, column));
        if is_sample {
            self.samples += 1;
            self.inside_words += usize::from(text.is_inside_word(line, column));
        }
    }

    /// A place in fifty may be outside, for bundlers count the end of a file as they like. Inside a
    /// word may be `tolerance` in a hundred, as far as there are enough to tell.
    fn is_of_other_text(&self, tolerance: usize) -> bool {
        let is_inside =
            self.samples >= MIN_SAMPLES && self.inside_words * 100 > self.samples * tolerance;
        self.outside * 50 > self.all || is_inside
    }
}

/// A place of the script, and what the map says of it.
struct MappedPlace<'a> {
    line: u32,
    column: u32,
    section: &'a MapSection<'a>,
    original: OriginalPosition,
}

impl ProofTally {
    fn look_at(&mut self, script: &TextLines<'_>, section: &MapSection<'_>) {
        let sources: Vec<_> = section
            .sources_content
            .iter()
            .map(|text| text.as_deref().map(TextLines::new))
            .collect();
        let step = (section.mappings.matches([',', ';']).count() / SAMPLES).max(1);
        let mut counts: Vec<PlaceCount> = sources.iter().map(|_| PlaceCount::default()).collect();
        let segments = SegmentReader::new(&section.mappings).map_while(Result::ok);
        for (at, place) in
            segments.filter_map(|segment| MappedPlace::of(section, segment)).enumerate()
        {
            let (number, is_sample) = (place.original.source as usize, at % step == 0);
            self.script.add(script, place.line, place.column, is_sample);
            let source = sources.get(number).and_then(Option::as_ref);
            if let (Some(source), Some(count)) = (source, counts.get_mut(number)) {
                count.add(source, place.original.line, place.original.column, is_sample);
            }
            if is_sample {
                self.show(script, &place, source);
            }
        }
        let names = (0..).map(|number| section.source(number));
        self.sources.extend(names.zip(counts));
    }

    /// Keeps a place to be shown; the best is one that leads from a word to the same word.
    fn show(
        &mut self,
        script: &TextLines<'_>,
        place: &MappedPlace<'_>,
        source: Option<&TextLines<'_>>,
    ) {
        let word = script.word(place.line, place.column);
        let meant =
            source.map_or("", |source| source.word(place.original.line, place.original.column));
        let is_proven = !word.is_empty() && word == meant;
        if self.frame.is_none() || is_proven && !self.is_proven {
            self.frame = Some(place.frame());
            self.is_proven = is_proven;
        }
    }

    fn verdict(self) -> Result<ProvenFrame, ProofFault> {
        let other_source =
            self.sources.iter().find(|(_, count)| count.is_of_other_text(SOURCE_TOLERANCE));
        match (self.frame, other_source) {
            (None, _) => Err(ProofFault::Empty),
            _ if self.script.is_of_other_text(SCRIPT_TOLERANCE) => Err(ProofFault::OtherScript),
            (_, Some((source, _))) => Err(ProofFault::OtherSource(source.clone())),
            (Some(frame), None) => Ok(frame),
        }
    }
}

impl<'a> MappedPlace<'a> {
    fn of(section: &'a MapSection<'a>, segment: MappedSegment) -> Option<Self> {
        let first_column = if segment.line == 0 { section.column } else { 0 };
        Some(Self {
            line: section.line.saturating_add(segment.line),
            column: first_column.saturating_add(segment.column),
            section,
            original: segment.original?,
        })
    }

    fn begins_word(&self, line: &TextLines<'_>, ahead: u32) -> bool {
        let Self { section, original, .. } = self;
        let word = self.column.checked_sub(ahead).map_or("", |column| line.word(0, column));
        let name = original.name.and_then(|name| section.names.get(name as usize));
        let content =
            section.sources_content.get(original.source as usize).and_then(Option::as_deref);
        let is_led_to = || {
            let text = content.and_then(|text| text.split('\n').nth(original.line as usize));
            text.is_some_and(|text| TextLines::new(text).word(0, original.column) == word)
        };
        !word.is_empty() && (name.is_some_and(|name| name == word) || is_led_to())
    }

    fn frame(&self) -> ProvenFrame {
        ProvenFrame {
            line: self.line.saturating_add(1),
            column: self.column.saturating_add(1),
            source: self.section.source(self.original.source),
            original_line: self.original.line.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "export function total(cart) {\n  return cart.lines.reduce(add, 0);\n}\n";

    fn map(mappings: &str, source: &str) -> String {
        serde_json::json!({"sources": ["a.ts"], "sourcesContent": [source], "mappings": mappings})
            .to_string()
    }

    fn prove_one(script: &str, map: &str) -> Result<ProvenFrame, ProofFault> {
        prove(script, &MapText::read(map).expect("a map"))
    }

    #[test]
    fn a_place_of_the_script_is_shown_with_its_line() {
        let frame = prove_one("é;total(x)", &map("EAAgB", SOURCE)).expect("a frame");
        let expected = ProvenFrame { line: 1, column: 3, source: "a.ts".into(), original_line: 1 };
        assert_eq!(frame, expected);
    }

    #[test]
    fn a_map_that_leads_nowhere_or_elsewhere_is_found() {
        let outside = "AAAA;".repeat(20);
        let below = format!("AAyBA{}", ",CAAA".repeat(20));
        for (mappings, source, fault) in [
            ("", SOURCE, ProofFault::Empty),
            (";A", SOURCE, ProofFault::Empty),
            (&*outside, SOURCE, ProofFault::OtherScript),
            (&*below, SOURCE, ProofFault::OtherSource("a.ts".into())),
        ] {
            let proof = prove_one(&";".repeat(20), &map(mappings, source));
            assert_eq!(proof, Err(fault), "{mappings}");
        }
    }

    #[test]
    fn places_inside_words_show_the_map_of_another_script() {
        let script = "function total(){return other.lines}".repeat(60);
        let places = |first: &str| format!("{first}{}", ",oCAAA".repeat(59));
        let inside = "abcdefghij";
        assert!(prove_one(&script, &map(&places("AAAA"), SOURCE)).is_ok());
        let fault = prove_one(&script, &map(&places("EAAA"), SOURCE));
        assert_eq!(fault, Err(ProofFault::OtherScript));
        let fault = prove_one(&script, &map(&places("AAAE"), inside));
        assert_eq!(fault, Err(ProofFault::OtherSource("a.ts".into())));
    }
}
