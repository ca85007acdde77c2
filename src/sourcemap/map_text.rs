//! A source map as text, of which nothing changes but what must: one `;` for a new line of the
//! script, and the id. All other bytes stay as a bundler wrote them.

use std::{borrow::Cow, ops::Range};

use memchr::memchr_iter;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    debug_id::DebugId,
    edits::TextEdits,
    file_url::under_root,
    map_fault::MapFault,
    mappings::{BrokenMappings, MappedSegment, SegmentReader, one_column_less},
};

/// A source map whose parts were found in its text.
#[derive(Debug)]
pub struct MapText<'a> {
    text: &'a str,
    /// The byte behind the first brace.
    pub(super) object_at: usize,
    /// Where the values of `debugId` and `debug_id` stand.
    ids: [Option<&'a str>; 2],
    pub(super) is_indexed: bool,
    /// The script that it says it is of.
    pub file: Option<String>,
    /// Its sections; a regular map is one.
    pub sections: Vec<MapSection<'a>>,
}

/// A line that a script gets.
#[derive(Debug, Clone, Copy)]
pub struct NewLine {
    /// The lines of the script before it.
    pub lines_before: usize,
    /// Whether the map counts the byte order mark of the script as a column: the mark stays on the
    /// first line, and the text behind it moves to the second.
    pub takes_mark: bool,
}

/// A regular map, or a section of an indexed one.
#[derive(Debug)]
pub struct MapSection<'a> {
    /// The line of the script at which it begins.
    pub line: u32,
    /// The column on that line.
    pub column: u32,
    pub(super) line_text: Option<&'a str>,
    pub(super) mappings_text: &'a str,
    /// Its `mappings`.
    pub mappings: Cow<'a, str>,
    /// The names of its sources.
    pub sources: Vec<Option<Cow<'a, str>>>,
    /// The texts of its sources.
    pub sources_content: Vec<Option<Cow<'a, str>>>,
    /// The names that stood in its sources.
    pub names: Vec<Cow<'a, str>>,
    /// What stands before the names of its sources.
    pub source_root: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MapFields<'a> {
    #[serde(borrow)]
    mappings: Option<&'a RawValue>,
    #[serde(borrow)]
    file: Option<&'a RawValue>,
    #[serde(borrow)]
    sections: Option<Vec<SectionFields<'a>>>,
    #[serde(borrow, default)]
    sources: Option<Vec<Option<TextField<'a>>>>,
    #[serde(borrow, default)]
    sources_content: Option<Vec<Option<TextField<'a>>>>,
    #[serde(borrow, default)]
    names: Option<Vec<TextField<'a>>>,
    #[serde(borrow)]
    source_root: Option<TextField<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    debug_id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present", rename = "debug_id")]
    old_debug_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TextField<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct SectionFields<'a> {
    #[serde(borrow)]
    offset: SectionOffset<'a>,
    #[serde(borrow)]
    map: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct SectionOffset<'a> {
    #[serde(borrow)]
    line: &'a RawValue,
    column: u32,
}

impl<'a> MapText<'a> {
    /// Finds the parts of a map; a line `)]}'` in front and a byte order mark are allowed.
    pub fn read(text: &'a str) -> Result<Self, MapFault> {
        let json = without_guard(text.strip_prefix('\u{feff}').unwrap_or(text));
        let fields: MapFields<'a> = parse(json)?;
        let object_at = json.find('{').ok_or(MapFault::NotAMap)? + 1 + offset_in(text, json);
        let ids = [fields.debug_id, fields.old_debug_id].map(|id| id.map(RawValue::get));
        let is_indexed = fields.sections.is_some();
        let file = fields.file.and_then(|file| serde_json::from_str(file.get()).ok());
        let sections = sections(fields)?;
        Ok(Self { text, object_at, ids, is_indexed, file, sections })
    }

    /// The id that the map has, if it is one.
    pub fn debug_id(&self) -> Option<DebugId> {
        let text = self.ids.iter().flatten().next()?;
        DebugId::parse(&serde_json::from_str::<String>(text).ok()?)
    }

    /// Whether `mappings` and the numbers in them are right.
    pub fn check(&self) -> Result<(), MapFault> {
        let mut segments = self.sections.iter().flat_map(MapSection::segments);
        segments.try_for_each(|segment| segment.map(drop)).map_err(MapFault::Mappings)
    }

    /// Whether a source has no text.
    pub fn lacks_texts(&self) -> bool {
        self.sections.iter().any(|section| {
            let texts = section.sources_content.iter().filter(|text| text.is_some()).count();
            texts < section.sources.len()
        })
    }

    /// The map with `id`.
    pub fn with_id(&self, id: &DebugId) -> String {
        self.id_edits(Some(id)).apply(self.text)
    }

    /// The map without an id.
    pub fn without_id(&self) -> String {
        self.id_edits(None).apply(self.text)
    }

    /// What makes it the map of a script that gets one more line, with `id`.
    pub fn line_edits(&self, line: NewLine, id: &DebugId) -> TextEdits {
        let mut edits = self.id_edits(Some(id));
        for section in &self.sections {
            match self.is_indexed && section.line as usize >= line.lines_before {
                true => section.lower(self.text, line, &mut edits),
                false => section.add_empty_line(self.text, line, &mut edits),
            }
        }
        edits
    }

    /// What gives it an id, or takes it away.
    pub fn id_edits(&self, id: Option<&DebugId>) -> TextEdits {
        let mut edits = TextEdits::default();
        for old in self.ids.iter().flatten() {
            let value = id.map_or("null".to_owned(), |id| format!("\"{id}\""));
            edits.replace(range_in(self.text, old), value);
        }
        if let (None, Some(id)) = (self.ids[0], id) {
            edits.insert(self.object_at, format!("\"debugId\":\"{id}\","));
        }
        edits
    }
}

impl MapSection<'_> {
    /// The name of a source, as the map calls it.
    pub fn source(&self, number: u32) -> String {
        let name = self.sources.get(number as usize).and_then(Option::as_deref).unwrap_or("?");
        under_root(self.source_root.as_deref(), name)
    }

    fn lower(&self, text: &str, line: NewLine, edits: &mut TextEdits) {
        if let Some(number) = self.line_text {
            edits.replace(range_in(text, number), (self.line + 1).to_string());
        }
        if line.takes_mark && self.line == 0 && self.column == 0 {
            let moved = serde_json::Value::from(one_column_less(&self.mappings));
            edits.replace(range_in(text, self.mappings_text), moved.to_string());
        }
    }

    /// An empty line needs no more than its `;`: columns count within a line, and all else goes on
    /// across lines.
    fn add_empty_line(&self, text: &str, line: NewLine, edits: &mut TextEdits) {
        let Some(at) = line_part(&self.mappings, line.lines_before) else { return };
        let raw = range_in(text, self.mappings_text);
        match line.takes_mark || self.mappings_text.contains('\\') {
            true => {
                let (before, after) = self.mappings.split_at(at);
                let after = if line.takes_mark { one_column_less(after) } else { after.to_owned() };
                let shifted = serde_json::Value::from(format!("{before};{after}"));
                edits.replace(raw, shifted.to_string());
            }
            false => edits.insert(raw.start + 1 + at, ";"),
        }
    }

    /// Its segments; one that leads to no source or name of the map is a mistake, too.
    pub fn segments(&self) -> impl Iterator<Item = Result<MappedSegment, BrokenMappings>> {
        SegmentReader::new(&self.mappings).map(|segment| {
            segment.and_then(|segment| {
                let is_known = segment.original.is_none_or(|original| {
                    (original.source as usize) < self.sources.len()
                        && original.name.is_none_or(|name| (name as usize) < self.names.len())
                });
                is_known.then_some(segment).ok_or(BrokenMappings { line: segment.line })
            })
        })
    }
}

/// The byte at which the part of a line begins; none where the script's mapped lines end before it.
pub(super) fn line_part(mappings: &str, lines_before: usize) -> Option<usize> {
    match lines_before {
        0 => Some(0),
        lines => Some(memchr_iter(b';', mappings.as_bytes()).nth(lines - 1)? + 1),
    }
}

fn sections(fields: MapFields<'_>) -> Result<Vec<MapSection<'_>>, MapFault> {
    match fields.sections {
        None => Ok(vec![section(fields, 0, 0, None)?]),
        Some(sections) => sections.into_iter().map(nested).collect(),
    }
}

fn nested(section_fields: SectionFields<'_>) -> Result<MapSection<'_>, MapFault> {
    let map = section_fields.map.ok_or(MapFault::UnknownSection)?;
    let fields: MapFields<'_> = parse(map.get())?;
    if fields.sections.is_some() {
        return Err(MapFault::UnknownSection);
    }
    let SectionOffset { line, column } = section_fields.offset;
    let number = u32::try_from(parse::<i32>(line.get())?); // This leaves room for its own lines.
    let number = number.map_err(|error| MapFault::Unreadable(error.to_string()))?;
    section(fields, number, column, Some(line.get()))
}

fn section<'a>(
    fields: MapFields<'a>,
    line: u32,
    column: u32,
    line_text: Option<&'a str>,
) -> Result<MapSection<'a>, MapFault> {
    let mappings_text = fields.mappings.ok_or(MapFault::NotAMap)?.get();
    let TextField(mappings) = parse(mappings_text)?;
    let texts = |list: Option<Vec<Option<TextField<'a>>>>| -> Vec<Option<Cow<'a, str>>> {
        list.unwrap_or_default().into_iter().map(|text| text.map(|text| text.0)).collect()
    };
    Ok(MapSection {
        line,
        column,
        line_text,
        mappings_text,
        mappings,
        sources: texts(fields.sources),
        sources_content: texts(fields.sources_content),
        names: fields.names.unwrap_or_default().into_iter().map(|name| name.0).collect(),
        source_root: fields.source_root.map(|root| root.0),
    })
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, MapFault> {
    serde_json::from_str(json).map_err(|error| MapFault::Unreadable(error.to_string()))
}

/// A field that is there, though it be `null`.
fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(json).map(Some)
}

/// The JSON without the line that keeps it from being run as a script.
fn without_guard(text: &str) -> &str {
    match text.starts_with(")]}") {
        true => text.split_once('\n').map_or("", |(_, json)| json),
        false => text,
    }
}

/// Where `part`, a piece of `text`, begins in it.
fn offset_in(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

pub(super) fn range_in(text: &str, part: &str) -> Range<usize> {
    let start = offset_in(text, part);
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> DebugId {
        DebugId::parse("0f0e0d0c-0b0a-4908-8706-050403020100").expect("a UUID")
    }

    fn with_line(map: &str, lines_before: usize) -> String {
        let line = NewLine { lines_before, takes_mark: false };
        MapText::read(map).expect("a map").line_edits(line, &id()).apply(map)
    }

    #[test]
    fn a_new_line_is_one_semicolon_and_no_other_byte_changes() {
        let field = format!("\"debugId\":\"{}\"", id());
        for (before, after) in [
            (
                r#"{"version":3, "mappings":"AAAA", "x":[1.0]}"#,
                r#"{ID,"version":3, "mappings":";AAAA", "x":[1.0]}"#,
            ),
            (")]}'\n{\"mappings\":\"\"}", ")]}'\n{ID,\"mappings\":\";\"}"),
            ("\u{feff} {\"mappings\":\"A\"}\n", "\u{feff} {ID,\"mappings\":\";A\"}\n"),
            (r#"{"mappings":"A\/A"}"#, r#"{ID,"mappings":";A/A"}"#),
            (
                r#"{"mappings":"A","debugId":null,"debug_id":"x"}"#,
                r#"{"mappings":";A",ID,"debug_id":VALUE}"#,
            ),
            (
                r#"{"sections":[{"offset":{"line":0,"column":7},"map":{"mappings":"A"}},{"map":{"mappings":"A"},"offset":{"column":1,"line":9}}]}"#,
                r#"{ID,"sections":[{"offset":{"line":1,"column":7},"map":{"mappings":"A"}},{"map":{"mappings":"A"},"offset":{"column":1,"line":10}}]}"#,
            ),
        ] {
            let after = after.replace("ID", &field).replace("VALUE", &format!("\"{}\"", id()));
            assert_eq!(with_line(before, 0), after, "{before}");
        }
    }

    #[test]
    fn a_line_behind_the_hashbang_stands_behind_its_part() {
        for (before, after) in
            [("A;AAAA;AACA", "A;;AAAA;AACA"), (";A", ";;A"), ("A", "A"), ("", "")]
        {
            let map = with_line(&format!("{{\"mappings\":\"{before}\"}}"), 1);
            assert!(map.ends_with(&format!("\"mappings\":\"{after}\"}}")), "{map}");
        }
        let indexed = r#"{"sections":[{"offset":{"line":0,"column":0},"map":{"mappings":";A"}},{"offset":{"line":1,"column":3},"map":{"mappings":"A"}}]}"#;
        let shifted = with_line(indexed, 1);
        assert!(shifted.contains(r#"{"line":0,"column":0},"map":{"mappings":";;A"}"#), "{shifted}");
        assert!(shifted.contains(r#"{"line":2,"column":3},"map":{"mappings":"A"}"#), "{shifted}");
    }

    #[test]
    fn an_id_is_taken_away_and_put_back() {
        let map = format!(r#"{{"mappings":"","debugId":"{}"}}"#, id());
        let without = MapText::read(&map).expect("a map").without_id();
        let read = MapText::read(&without).expect("a map");
        assert_eq!(read.debug_id(), None);
        assert_eq!(read.with_id(&id()), map);
    }

    #[test]
    fn what_is_no_map_says_why() {
        let deep = format!("{{\"mappings\":\"\",\"x\":{}", "[".repeat(100_000));
        for (text, fault) in [
            ("{}", MapFault::NotAMap),
            (
                r#"{"sections":[{"offset":{"line":0,"column":0},"url":"a.map"}]}"#,
                MapFault::UnknownSection,
            ),
            (
                r#"{"sections":[{"offset":{"line":0,"column":0},"map":{"sections":[]}}]}"#,
                MapFault::UnknownSection,
            ),
        ] {
            assert_eq!(MapText::read(text).expect_err(text), fault);
        }
        for text in [
            "",
            "null",
            "[]",
            "{",
            r#"{"mappings":1}"#,
            r#"{"mappings":"","mappings":""}"#,
            r#"{"sections":[{"offset":{"line":-1,"column":0},"map":{"mappings":""}}]}"#,
            r#"{"sections":[{"offset":{"line":4294967295,"column":0},"map":{"mappings":""}}]}"#,
            &deep,
        ] {
            assert!(matches!(MapText::read(text), Err(MapFault::Unreadable(_))), "{}", text.len());
        }
        for map in [
            r#"{"mappings":"!"}"#,
            r#"{"mappings":"AAAA","sources":[]}"#,
            r#"{"mappings":"AAAAA","sources":["a"],"names":[]}"#,
        ] {
            let fault = MapText::read(map).expect("a map").check();
            assert!(matches!(fault, Err(MapFault::Mappings(_))), "{map}");
        }
    }
}
