//! Whether a map belongs to a script: its places must be those of the script and of the sources, and
//! a place is where a word begins, not inside one.

use crate::text::quote;
use memchr::memchr_iter;
use std::collections::BTreeMap;
use std::fmt;

use super::{
    map_fault::MapFault,
    map_text::{MapSection, MapText},
    mapped_place::MappedPlace,
    mappings::{BrokenMappings, SegmentReader},
    place_count::{FEW_KEPT_WORDS, KEPT_WORDS, PlaceCount, SCRIPT_TOLERANCE, SOURCE_TOLERANCE},
    sample_counter::SampleCounter,
    text_lines::TextLines,
};

pub use super::mapped_place::{ProofDoubt, ProvenFrame};

/// Why the positions of a map are of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofFault {
    /// A number in it is wrong.
    Broken(BrokenMappings),
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
            Self::Broken(mappings) => MapFault::Mappings(*mappings).fmt(f),
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
/// The places whose words are compared.
const WORD_SAMPLES: usize = 2_000;
/// Of the places of a script, so many in a hundred may lead to sources whose text is another one: bundlers take
/// over the maps of packages, and harm the frames of that package alone.
const FEW_PLACES: usize = 5;

/// Reads all of `mappings`, looks at all places, compares the words at some, and gives one that is proven.
pub fn prove<'a>(script: &'a str, map: &'a MapText<'a>) -> Result<ProvenFrame, ProofFault> {
    let script = TextLines::new(script);
    let mut tally = ProofTally::default();
    for section in &map.sections {
        tally.look_at(&script, section).map_err(ProofFault::Broken)?;
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

#[derive(Default)]
struct ProofTally {
    script: PlaceCount,
    sources: BTreeMap<String, PlaceCount>,
    frame: Option<ProvenFrame>,
    is_proven: bool,
    has_names: bool,
}

/// The texts of the sources that are code, each with the count of its places.
fn source_texts<'a>(section: &'a MapSection<'_>) -> Vec<(Option<TextLines<'a>>, PlaceCount)> {
    let texts = section.sources_content.iter().map(Option::as_deref).enumerate();
    // Some tools write an empty text where they know none.
    let is_code = |number, text: &str| !text.is_empty() && !is_data(section, number);
    let code = texts.map(|(number, text)| text.filter(|text| is_code(number, text)));
    code.map(|text| (text.map(TextLines::new), PlaceCount::default())).collect()
}

/// Whether a source is no code: its places are those of the code that was made of it.
pub(super) fn is_data(section: &MapSection<'_>, number: usize) -> bool {
    let name = section.sources.get(number).and_then(Option::as_deref).unwrap_or_default();
    name.split(['?', '#']).next().is_some_and(|name| name.ends_with(".json"))
}

/// Whether a source is the script of a page of Astro's: its lines are those of the page, and its text is not.
fn is_part_of_page(source: &str) -> bool {
    source.contains("?astro&type=script")
}

impl ProofTally {
    fn look_at(
        &mut self,
        script: &TextLines<'_>,
        section: &MapSection<'_>,
    ) -> Result<(), BrokenMappings> {
        self.has_names |= !section.names.is_empty();
        let mut sources = source_texts(section);
        let count = |byte| memchr_iter(byte, section.mappings.as_bytes()).count();
        let places = count(b',') + count(b';');
        let (mut samples, mut word_samples) =
            (SampleCounter::new(places, SAMPLES), SampleCounter::new(places, WORD_SAMPLES));
        let mut previous = None;
        for segment in section.segments() {
            let Some(place) = MappedPlace::of(section, segment?) else { continue };
            let earlier = previous.replace(place.position());
            let (is_sample, is_word_sample) = (samples.is_next(), word_samples.is_next());
            let text = sources.get(place.original.source as usize);
            let text = text.and_then(|(text, _)| text.as_ref());
            let tells = (is_sample || is_word_sample) && !place.goes_on(script, text, earlier);
            let (is_sample, is_word_sample) = (is_sample && tells, is_word_sample && tells);
            self.script.add(script, place.line, place.column, is_sample);
            let mut source = sources.get_mut(place.original.source as usize);
            let mut source =
                source.as_mut().and_then(|(text, count)| Some((text.as_ref()?, count)));
            if let Some((text, count)) = &mut source {
                count.add(text, place.original.line, place.original.column, is_sample);
                if place.is_beyond(text) && count.looks_below() {
                    count.add_beyond(place.keeps_word_below(script, text));
                }
                if let (true, Some(is_kept)) = (is_word_sample, place.keeps_word(script, text)) {
                    count.add_word(is_kept);
                    self.script.add_word(is_kept);
                }
            }
            if is_sample {
                self.show(script, &place, source.map(|(text, _)| text));
            }
        }
        let names = (0..).map(|number| section.source(number));
        self.sources.extend(names.zip(sources.into_iter().map(|(_, count)| count)));
        Ok(())
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
        let is_other = |count: &PlaceCount| {
            count.is_of_other_text(SOURCE_TOLERANCE)
                || self.has_names && count.has_other_words(FEW_KEPT_WORDS) && !count.fits()
        };
        let others = || self.sources.iter().filter(|(_, count)| is_other(count));
        let other_source = others().next().map(|(source, _)| source.clone());
        let are_few = others().map(|(_, count)| count.all).sum::<usize>() * 100
            <= self.script.all * FEW_PLACES;
        let is_doubt = are_few || others().all(|(source, _)| is_part_of_page(source));
        let kept = if self.has_names { KEPT_WORDS } else { FEW_KEPT_WORDS };
        let is_other_script = self.script.is_of_other_text(SCRIPT_TOLERANCE)
            || self.script.has_other_words(kept) && !self.script.fits();
        match (self.frame, other_source) {
            (None, _) => Err(ProofFault::Empty),
            _ if is_other_script => Err(ProofFault::OtherScript),
            (_, Some(source)) if !is_doubt => Err(ProofFault::OtherSource(source)),
            (Some(frame), other_source) => {
                let is_doubtful = self.script.is_doubtful().then_some(ProofDoubt::OtherScript);
                let doubt = other_source.map(ProofDoubt::OtherSource).or(is_doubtful);
                Ok(ProvenFrame { doubt, ..frame })
            }
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
        let expected = ProvenFrame {
            line: 1,
            column: 3,
            source: "a.ts".into(),
            original_line: 1,
            doubt: None,
        };
        assert_eq!(frame, expected);
    }

    #[test]
    fn one_source_of_many_may_have_another_text_and_is_named() {
        let prove_of = |count: usize| {
            let names: Vec<_> = (0..count).map(|at| format!("m{at}.ts")).collect();
            let mut texts = vec!["f()\nf()\n"; count];
            texts[1] = "";
            let mappings = format!("AAAA;AACA;ACDA;AACA{}", ";ACDA;AACA".repeat(count - 2));
            let map = |texts: &[&str]| serde_json::json!({"sources": names, "sourcesContent": texts, "mappings": mappings});
            assert_eq!(
                prove_one(&"f()\n".repeat(2 * count), &map(&texts).to_string())
                    .map(|frame| frame.doubt),
                Ok(None)
            );
            texts[1] = "f()";
            prove_one(&"f()\n".repeat(2 * count), &map(&texts).to_string()).map(|frame| frame.doubt)
        };
        assert_eq!(prove_of(100), Ok(Some(ProofDoubt::OtherSource("m1.ts".to_owned()))));
        assert_eq!(prove_of(10), Err(ProofFault::OtherSource("m1.ts".to_owned())));
    }

    #[test]
    fn words_of_another_script_show_its_map() {
        let words = |letter: char| -> String {
            (0..40).map(|at| format!("name{letter}{at:02};\n")).collect()
        };
        let mappings =
            vec!["AAAA"; 1].into_iter().chain(vec!["AACA"; 39]).collect::<Vec<_>>().join(";");
        let unknown = map(&mappings, "");
        let map = map(&mappings, &words('a'));
        assert!(prove_one(&words('b'), &unknown).is_ok(), "an empty text is none");
        assert!(prove_one(&words('a'), &map).is_ok());
        assert_eq!(prove_one(&words('b'), &map), Err(ProofFault::OtherScript));
        let data = map.replace("a.ts", "package.json");
        assert!(prove_one(&words('b'), &data).is_ok(), "data has no words of its own");
    }

    /// A mapping for each character of a line, each `step` columns from the one before it in the source.
    fn each_character(text: &str, step: char) -> String {
        format!("AAAA{}", format!(",CAA{step}").repeat(text.len() - 1))
    }

    #[test]
    fn a_place_for_each_character_is_right_where_the_characters_are() {
        let text = "throw new Error('the application has failed to start in somewhere else');";
        let other = "const anotherApplication = somethingCompletelyDifferent(configuration0);";
        let same = map(&each_character(text, 'C'), text);
        assert!(prove_one(text, &same).is_ok());
        assert_eq!(prove_one(other, &same), Err(ProofFault::OtherScript));
        let moved = map(&each_character(text, 'C'), &format!("abc{text}"));
        assert_eq!(prove_one(text, &moved), Err(ProofFault::OtherScript));
        let without_text = same.replace("sourcesContent", "other");
        assert!(prove_one(text, &without_text).is_ok());
        // Traced through a coarser map, all of a line leads to where it begins.
        assert!(prove_one(text, &map(&each_character(text, 'A'), text)).is_ok());
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
        let name = "a.astro?astro&type=script&index=0&lang.ts";
        let of_page = map(&below, SOURCE).replace("a.ts", name);
        let proof = prove_one(&";".repeat(20), &of_page).map(|frame| frame.doubt);
        assert_eq!(proof, Ok(Some(ProofDoubt::OtherSource(name.to_owned()))));
    }

    /// Calls of functions on one line, each of five characters, with a place for each.
    fn calls(count: usize) -> (String, String) {
        let mappings = map(&format!("AAAA{}", ",KAAK".repeat(count - 1)), &"f0();".repeat(count));
        ("f0();".repeat(count), mappings)
    }

    #[test]
    fn what_is_inserted_into_a_script_after_its_build_is_a_doubt() {
        let (script, map) = calls(300);
        assert_eq!(prove_one(&script, &map).map(|frame| frame.doubt), Ok(None));
        for (at, doubt) in [(1_400, Some(ProofDoubt::OtherScript)), (1_500, None)] {
            let changed = format!("{}V=10{}", &script[..at], &script[at..]);
            assert_eq!(prove_one(&changed, &map).map(|frame| frame.doubt), Ok(doubt), "{at}");
        }
        let changed = format!("V=10{script}");
        assert_eq!(prove_one(&changed, &map), Err(ProofFault::OtherScript));
    }

    #[test]
    fn words_that_a_tool_made_up_do_not_show_another_script() {
        let text = |word: &str| -> String { (0..40).map(|at| format!("{word}{at};\n")).collect() };
        let map = map(&format!("AAAA{}", ";AACA".repeat(39)), &text("total"));
        for (words, is_right) in [("_0x4f2a", true), ("$total_", true), ("order", false)] {
            assert_eq!(prove_one(&text(words), &map).is_ok(), is_right, "{words}");
        }
        let appended: String = (0..40).map(|at| format!("total{at}_{at};\n")).collect();
        assert!(prove_one(&appended, &map).is_ok());
    }

    /// A compiler writes other words than it found: `jsx("p")` for `<p>`, `__decorate` for a decorator.
    #[test]
    fn other_words_at_places_that_fit_are_no_fault() {
        let words = |word: &str, end: &str| -> String {
            (10..50).map(|at| format!("{word}{at};{end}")).collect()
        };
        let map = map(&format!("AAAA{}", ",QACA".repeat(39)), &words("parag", "\n"));
        let proven = prove_one(&words("creat", ""), &map).map(|frame| frame.doubt);
        assert_eq!(proven, Ok(None));
        let moved = format!("abcdef{}", words("creat", ""));
        assert_eq!(prove_one(&moved, &map), Err(ProofFault::OtherScript));
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
