//! From a place of a script to the place that it came from, as Sentry resolves a frame.

use super::map_text::{MapSection, MapText};
use super::mappings::{MappedSegment, SegmentReader};
use super::proof::ProvenFrame;

/// A place in the source that a frame leads to. Line and column count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFrame {
    /// The name of the source.
    pub source: String,
    /// The line there.
    pub line: u32,
    /// The column on that line.
    pub column: u32,
    /// The text of that line, where the map holds it.
    pub text: Option<String>,
}

/// Resolves a place of a script, whose line and column count from one; none where it came from nowhere.
pub fn resolve(map: &MapText<'_>, line: u32, column: u32) -> Option<ResolvedFrame> {
    let (line, column) = (line.checked_sub(1)?, column.checked_sub(1)?);
    let begins_before =
        |section: &&MapSection<'_>| (section.line, section.column) <= (line, column);
    let section = map.sections.iter().rfind(begins_before)?;
    let line = line - section.line;
    let column = if line == 0 { column - section.column } else { column };
    let is_before = |segment: &MappedSegment| segment.line == line && segment.column <= column;
    let segments = SegmentReader::new(&section.mappings).map_while(Result::ok);
    let segment = segments.take_while(|segment| segment.line <= line).filter(is_before).last()?;
    let original = segment.original?;
    // A number that no source has leads nowhere; a source whose text is not there is one all the same.
    section.sources.get(original.source as usize)?;
    let content = section.sources_content.get(original.source as usize).and_then(Option::as_deref);
    let text = content.and_then(|text| text.lines().nth(original.line as usize));
    Some(ResolvedFrame {
        source: section.source(original.source),
        line: original.line + 1,
        column: original.column + 1,
        text: text.map(str::to_owned),
    })
}

/// The first place of a map that leads to a source, for a script that cannot be read.
pub fn first_frame(map: &MapText<'_>) -> Option<ProvenFrame> {
    map.sections.iter().find_map(|section| {
        let mut segments = section.segments().map_while(Result::ok);
        segments.find_map(|segment| {
            let original = segment.original?;
            let column = if segment.line == 0 { section.column } else { 0 };
            Some(ProvenFrame {
                line: section.line.checked_add(segment.line)?.checked_add(1)?,
                column: column.checked_add(segment.column)?.checked_add(1)?,
                source: section.source(original.source),
                original_line: original.line.checked_add(1)?,
                doubt: None,
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str =
        r#"{"sources":["a.ts"],"sourcesContent":["one\ntwo"],"mappings":"AAAA,KACE,G;AADA"}"#;

    #[test]
    fn a_frame_leads_to_the_last_place_before_it() {
        let map = MapText::read(MAP).expect("a map");
        let at = |line, column| resolve(&map, line, column).map(|frame| (frame.line, frame.column));
        assert_eq!(at(1, 1), Some((1, 1)));
        assert_eq!(at(1, 5), Some((1, 1)));
        assert_eq!(at(1, 6), Some((2, 3)));
        assert_eq!(at(1, 90), None, "generated code came from nowhere");
        assert_eq!(at(2, 7), Some((1, 3)));
        assert_eq!((at(3, 1), at(0, 1)), (None, None));
        let text = resolve(&map, 1, 6).and_then(|frame| frame.text);
        assert_eq!(text.as_deref(), Some("two"));
    }

    #[test]
    fn a_source_without_its_text_is_a_place_all_the_same() {
        for contents in ["", r#""sourcesContent":[],"#, r#""sourcesContent":[null],"#] {
            let map = format!(r#"{{"sources":["a.ts"],{contents}"mappings":"AAAA,KCAA"}}"#);
            let map = MapText::read(&map).expect("a map");
            let frame = resolve(&map, 1, 1).expect("a place");
            assert_eq!((&*frame.source, frame.line, frame.text), ("a.ts", 1, None), "{contents}");
            assert_eq!(resolve(&map, 1, 6), None, "there is no second source");
        }
    }

    #[test]
    fn sections_begin_where_they_say() {
        let map = format!(
            r#"{{"sections":[{{"offset":{{"line":0,"column":0}},"map":{MAP}}},{{"offset":{{"line":0,"column":100}},"map":{MAP}}}]}}"#
        );
        let map = MapText::read(&map).expect("a map");
        let frame = resolve(&map, 1, 106).expect("a place");
        assert_eq!((frame.line, frame.column), (2, 3));
    }
}
