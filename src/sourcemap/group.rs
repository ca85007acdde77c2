//! Scripts that share a source map, mostly one: what becomes of them and of the map, checked before
//! anything is written.

use super::debug_id::DebugId;
use super::edits::TextEdits;
use super::injection::{self, InjectedMap, InjectedScript, SharedMapFault};
use super::inline::InlineMap;
use super::map_fault::MapFault;
use super::map_text::MapText;
use super::proof::{self, ProofFault, ProvenFrame};
use super::{snippet, trailer};
use std::cell::LazyCell;
use std::fmt;

/// What becomes of one script of a group.
#[derive(Debug, PartialEq, Eq)]
pub struct PreparedScript {
    /// Its id; none where nothing is injected and it has none.
    pub id: Option<DebugId>,
    /// Its new text; none where it stays.
    pub text: Option<String>,
    /// What makes that text of the old one.
    pub edits: TextEdits,
    /// An id that it had besides.
    pub replaced_id: Option<DebugId>,
    /// A place that leads to its source; none where it has no map, or no code.
    pub frame: Option<ProvenFrame>,
    /// Its map, with its id.
    pub map: PreparedMap,
}

/// The map of one script of a group.
#[derive(Debug, PartialEq, Eq)]
pub enum PreparedMap {
    /// It has none.
    None,
    /// That of the group.
    OfGroup,
    /// A text of its own.
    Own(String),
}

impl PreparedMap {
    /// Its text, where that of the group is this.
    pub fn text<'a>(&'a self, of_group: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::None => None,
            Self::OfGroup => of_group,
            Self::Own(text) => Some(text),
        }
    }
}

impl From<Option<String>> for PreparedMap {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::None, Self::Own)
    }
}

/// What becomes of a group.
#[derive(Debug, PartialEq, Eq)]
pub struct PreparedGroup {
    /// Its scripts, in their order.
    pub scripts: Vec<PreparedScript>,
    /// Its map.
    pub map: InjectedMap,
    /// Whether a map has sources without a text.
    pub lacks_texts: bool,
    /// The script that the map says it is of.
    pub file: Option<String>,
}

/// Why a group is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupFault {
    /// The map is none.
    Map(MapFault),
    /// The map inside the script is none.
    Inline(&'static str),
    /// The scripts cannot share it.
    Shared(SharedMapFault),
    /// The script registers the id that stands for none, which the SDK reports; by its number.
    NilId(usize),
    /// The map does not belong to this script; by its number in the group.
    Proof(usize, ProofFault),
}

impl fmt::Display for GroupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(fault) => fault.fmt(f),
            Self::Inline(why) => write!(f, "its inline source map cannot be read: {why}"),
            Self::Shared(SharedMapFault::MixedSnippets) => {
                f.write_str("scripts share it, and only some of them were injected by another tool")
            }
            Self::Shared(SharedMapFault::MixedHashbangs) => {
                f.write_str("scripts share it, and only some of them begin with a `#!` line")
            }
            Self::NilId(_) => f.write_str(
                "its debug id is 00000000-0000-0000-0000-000000000000, which Sentry finds nothing by: \
                 build it without that id, or with one of its own",
            ),
            Self::Proof(_, fault) => fault.fmt(f),
        }
    }
}

/// Injects ids.
pub fn inject(scripts: &[&str], map: Option<&str>) -> Result<PreparedGroup, GroupFault> {
    let is_nil = |script: &&str| snippet::registered_id(script).is_some_and(|id| id.is_nil());
    if let Some(at) = scripts.iter().position(is_nil) {
        return Err(GroupFault::NilId(at));
    }
    match (scripts, map) {
        (_, Some(map)) => inject_shared(scripts, map),
        (scripts, None) => {
            let scripts: Result<Vec<_>, _> =
                scripts.iter().map(|script| inject_one(script)).collect();
            let map = InjectedMap::default();
            Ok(PreparedGroup { scripts: scripts?, map, lacks_texts: true, file: None })
        }
    }
}

/// Takes scripts and map as a bundler left them.
pub fn keep(scripts: &[&str], map: Option<&str>) -> Result<PreparedGroup, GroupFault> {
    let read = map.map(read_map).transpose()?;
    let kept = |(at, script): (usize, &&str)| {
        let inline = inline_map(script)?.map(|(_, inline)| inline.map);
        let nested = inline.as_deref().map(read_map).transpose()?;
        let frame = match nested.as_ref().or(read.as_ref()) {
            Some(map) => prove(at, script, map)?,
            None => None,
        };
        let own = snippet::registered_id(script);
        let id = own.or_else(|| trailer::debug_id(script).map(|(_, id)| id));
        if id.as_ref().is_some_and(DebugId::is_nil) {
            return Err(GroupFault::NilId(at));
        }
        let copy = match (&read, &id) {
            (None, _) => inline.into(),
            (Some(read), Some(id)) if read.debug_id().as_ref() != Some(id) => {
                PreparedMap::Own(read.with_id(id))
            }
            _ => PreparedMap::OfGroup,
        };
        let edits = TextEdits::default();
        Ok(PreparedScript { id, text: None, edits, replaced_id: None, frame, map: copy })
    };
    let scripts: Result<Vec<_>, _> = scripts.iter().enumerate().map(kept).collect();
    let map = InjectedMap::default();
    let file = read.as_ref().and_then(|read| read.file.clone());
    Ok(PreparedGroup { scripts: scripts?, map, lacks_texts: true, file })
}

/// A script without a map, or with one inside.
fn inject_one(script: &str) -> Result<PreparedScript, GroupFault> {
    let Some((url, inline)) = inline_map(script)? else {
        return Ok(prepared(injection::inject_alone(script), None, PreparedMap::None));
    };
    let injected = injection::inject_inline(script, &url, &inline, &read_map(&inline.map)?);
    let now = injected.text.as_deref().unwrap_or(script);
    let (frame, map) = match inline_map(now)? {
        Some((_, inline)) => (prove(0, now, &read_map(&inline.map)?)?, Some(inline.map)),
        None => (None, None),
    };
    Ok(prepared(injected, frame, map.into()))
}

fn inject_shared(scripts: &[&str], map: &str) -> Result<PreparedGroup, GroupFault> {
    // Whether its numbers are right is seen by the proof.
    let old_map = MapText::read(map).map_err(GroupFault::Map)?;
    let (injected, new_map) =
        injection::inject_shared(scripts, &old_map, map).map_err(GroupFault::Shared)?;
    let now = new_map.text.as_deref().unwrap_or(map);
    // Most of the time goes into reading maps, so the new one is read where it must be.
    let read_new = LazyCell::new(|| MapText::read(now).map_err(GroupFault::Map));
    let new = || read_new.as_ref().map_err(Clone::clone);
    let mut prepared_scripts = Vec::new();
    for (at, (one, old)) in injected.into_iter().zip(scripts).enumerate() {
        // Script and map get their line together, unless the map has it.
        let frame = match one.gets_line && new_map.text.is_some() {
            true => prove(at, old, &old_map)?.map(ProvenFrame::one_line_lower),
            false => prove(at, one.text.as_deref().unwrap_or(old), new()?)?,
        };
        let is_only = scripts.len() == 1;
        let copy = match is_only || new()?.debug_id().as_ref() == Some(&one.id) {
            true => PreparedMap::OfGroup,
            false => PreparedMap::Own(new()?.with_id(&one.id)),
        };
        prepared_scripts.push(prepared(one, frame, copy));
    }
    let lacks_texts = old_map.lacks_texts();
    let file = old_map.file.clone();
    Ok(PreparedGroup { scripts: prepared_scripts, map: new_map, lacks_texts, file })
}

/// What [`inject`] makes of files that were proven before.
pub fn inject_again(
    scripts: &[&str],
    map: Option<&str>,
) -> Result<(Vec<InjectedScript>, InjectedMap), GroupFault> {
    let Some(map) = map else {
        let one = |script: &&str| match inline_map(script)? {
            Some((url, inline)) => {
                let map = MapText::read(&inline.map).map_err(GroupFault::Map)?;
                Ok(injection::inject_inline(script, &url, &inline, &map))
            }
            None => Ok(injection::inject_alone(script)),
        };
        let injected: Result<Vec<_>, _> = scripts.iter().map(one).collect();
        return Ok((injected?, InjectedMap::default()));
    };
    let read = MapText::read(map).map_err(GroupFault::Map)?;
    injection::inject_shared(scripts, &read, map).map_err(GroupFault::Shared)
}

fn prepared(
    script: InjectedScript,
    frame: Option<ProvenFrame>,
    map: PreparedMap,
) -> PreparedScript {
    let InjectedScript { id, text, edits, replaced_id, .. } = script;
    PreparedScript { id: Some(id), text, edits, replaced_id, frame, map }
}

fn read_map(text: &str) -> Result<MapText<'_>, GroupFault> {
    let map = MapText::read(text).map_err(GroupFault::Map)?;
    map.check().map_err(GroupFault::Map)?;
    Ok(map)
}

/// The map inside a script, and the comment that holds it.
fn inline_map(
    script: &str,
) -> Result<Option<(trailer::MagicComment<'_>, InlineMap<'_>)>, GroupFault> {
    let Some(url) = trailer::mapping_url(script) else { return Ok(None) };
    let Some(inline) = InlineMap::read(url.value) else { return Ok(None) };
    Ok(Some((url, inline.map_err(GroupFault::Inline)?)))
}

fn prove(at: usize, script: &str, map: &MapText<'_>) -> Result<Option<ProvenFrame>, GroupFault> {
    match proof::prove(script, map) {
        Ok(frame) => Ok(Some(frame)),
        // A module of nothing but types has an empty map, and no line of it can throw; code that a bundler made
        // by itself comes from no source.
        Err(ProofFault::Broken(mappings)) => Err(GroupFault::Map(MapFault::Mappings(mappings))),
        Err(ProofFault::Empty) if is_without_code(script) || names_no_code(map) => Ok(None),
        Err(ProofFault::Empty) if is_emptied(map) => Ok(None),
        Err(fault) => Err(GroupFault::Proof(at, fault)),
    }
}

/// Whether a map has no source, or none but data, of which bundlers make code without places.
fn names_no_code(map: &MapText<'_>) -> bool {
    let mut sections = map.sections.iter();
    sections.all(|section| (0..section.sources.len()).all(|at| proof::is_data(section, at)))
}

/// Whether a map is one that Nitro has emptied, as it does with code of packages: the sources stay, without
/// their texts.
fn is_emptied(map: &MapText<'_>) -> bool {
    let is_of_package = |source: &&str| source.split('/').any(|part| part == "node_modules");
    let mut sources = map.sections.iter().flat_map(|section| section.sources.iter().flatten());
    let has_text = map.sections.iter().any(|section| !section.sources_content.is_empty());
    !has_text && sources.any(|source| is_of_package(&source.as_ref()))
}

/// Whether nothing is in a script but what a compiler writes around an empty module.
pub fn is_without_code(script: &str) -> bool {
    const EMPTY: [&str; 7] = [
        "\"usestrict\";",
        "'usestrict';",
        "Object.defineProperty(exports,\"__esModule\",{value:true});",
        "Object.defineProperty(exports,'__esModule',{value:true});",
        "Object.defineProperty(exports,\"__esModule\",{value:!0});",
        "export{};",
        "0&&0;",
    ];
    let is_code = |line: &&str| {
        let line = line.trim_start_matches(['\u{feff}', ' ', '\t']);
        !line.starts_with("//") && !line.starts_with("#!") && !line.contains("_sentryDebugIds")
    };
    let code: String = script.lines().filter(is_code).collect();
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect();
    let rest = EMPTY.iter().fold(code, |code, known| code.replace(known, ""));
    rest.trim_matches(';').is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::earlier::{earlier_map, earlier_texts, finished_id, lines_before};
    use super::super::injection::{inject_alone, inject_shared};
    use super::*;

    #[test]
    fn a_module_of_types_alone_needs_no_place() {
        let script = "\u{feff}\"use strict\";\nObject.defineProperty(exports, \"__esModule\", { value: true });\n//# sourceMappingURL=a.js.map";
        let map = r#"{"version":3,"sources":["a.ts"],"names":[],"mappings":""}"#;
        let group = inject(&[script], Some(map)).expect("no fault");
        assert_eq!(group.scripts[0].frame, None);
        assert!(inject(&["\"use strict\";\n0 && 0;\n"], Some(map)).is_ok(), "as Babel writes it");
        let fault = inject(&["f();\n"], Some(map)).expect_err("no place");
        assert_eq!(fault, GroupFault::Proof(0, ProofFault::Empty));
    }

    #[test]
    fn code_whose_map_names_no_source_needs_no_place_and_gets_an_id() {
        let script = "export { a as default } from \"./main.js\";\n";
        for map in [
            r#"{"version":3,"file":"f.js","sources":[],"sourcesContent":[],"names":[],"mappings":""}"#,
            r#"{"version":3,"sources":[],"names":[],"mappings":";;;"}"#,
            r#"{"version":3,"sources":[],"sections":[]}"#,
            r#"{"version":3,"sources":["../de.json"],"sourcesContent":["{}"],"names":[],"mappings":""}"#,
            r#"{"version":3,"sources":["a.ts","../node_modules/h3/index.mjs"],"names":[],"mappings":""}"#,
        ] {
            let group = inject(&[script], Some(map)).expect("no fault");
            let one = &group.scripts[0];
            assert_eq!((one.frame.is_none(), one.id.is_some()), (true, true), "{map}");
            let adjusted = group.map.text.expect("a map with the id");
            assert!(MapText::read(&adjusted).is_ok_and(|map| map.debug_id() == one.id), "{map}");
        }
    }

    #[test]
    fn what_a_bundler_injected_is_taken_as_it_is() {
        let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
        let script = format!("f();\n//# debugId={id}\n");
        let map = r#"{"version":3,"sources":["a.ts"],"names":[],"mappings":"AAAA"}"#;
        let group = keep(&[&script], Some(map)).expect("no fault");
        let one = &group.scripts[0];
        assert_eq!(one.id.as_ref().map(DebugId::as_str), Some(id));
        assert_eq!((&one.text, &group.map), (&None, &InjectedMap::default()));
        assert!(one.map.text(Some(map)).is_some_and(|map| map.contains(id)));
    }

    #[test]
    fn a_map_is_found_again_as_it_was() {
        let sections = r#"{"version":3,"sections":[{"offset":{"line":0,"column":0},"map":{"version":3,"sources":[],"mappings":"AAAA"}},{"offset":{"line":2,"column":0},"map":{"version":3,"sources":[],"mappings":"AAAA;A"}}]}"#;
        for (script, map) in [
            ("f()\n", r#"{"version":3,"mappings":"AAAA;AACA"}"#),
            ("f()\n", r#"{ "mappings" : "" }"#),
            ("#!/usr/bin/env node\nf()\n", r#"{"mappings":";AAAA"}"#),
            ("#!/usr/bin/env node\nf()\n", sections),
            ("f()\n", sections),
        ] {
            let read = MapText::read(map).expect("a map");
            let (scripts, injected) = inject_shared(&[script], &read, map).expect("one script");
            let (id, text) = (&scripts[0].id, injected.text.expect("it has no id"));
            let earlier = earlier_map(&text, id, lines_before(script));
            assert_eq!(earlier.as_deref(), Some(map), "{text}");
            assert_eq!(earlier_map(map, id, 0), None);
            // Of a script that was put back, the map is as it must be.
            let read = MapText::read(&text).expect("a map");
            let (again, map) = inject_shared(&[script], &read, &text).expect("one script");
            assert_eq!((&again[0].text, map.text), (&scripts[0].text, None));
        }
    }

    #[test]
    fn a_script_is_found_again_as_it_was() {
        for script in [
            "f()\n",
            "f()",
            "f()\r\n",
            "\"use strict\";\nf()\n//# sourceMappingURL=a.js.map\n",
            "\u{feff}\"use client\"\nf()",
            "#!/usr/bin/env node\nf()\n",
        ] {
            let injected = inject_alone(script).text.expect("it has no id");
            let earlier = earlier_texts(&injected, "a.js.map");
            assert!(earlier.iter().any(|text| text == script), "{script:?}: {earlier:?}");
            assert_eq!(earlier_texts(script, "a.js.map"), Vec::<String>::new());
            assert_eq!(
                (finished_id(&injected), finished_id(script)),
                (None, None),
                "it had no map"
            );
            let cut = trailer::without_mapping_url(&injected);
            let earlier = earlier_texts(&cut, "a.js.map");
            for text in [script, &*injected].iter().filter(|text| **text != cut) {
                assert!(earlier.iter().any(|one| one == text), "{text:?}: {earlier:?}");
            }
        }
    }
}
