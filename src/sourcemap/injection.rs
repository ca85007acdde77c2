//! A script gets an id, a line that tells the SDK the id, and a comment that tells everybody; the map
//! gets the id and an empty line.
//!
//! Script and map are two files, and a run can end between them. So a map whose script is adjusted has
//! the script's id, and one whose script is not has another or none: the next run knows what is left
//! to do.

use super::{
    debug_id::{DebugId, ID_LENGTH},
    earlier,
    edits::TextEdits,
    inline::InlineMap,
    map_text::{MapText, NewLine},
    prologue::{ScriptPrologue, is_line_end, line_end_width},
    proof,
    registration::IdRegistration,
    snippet::own_line,
    text_lines::TextLines,
    trailer::{self, MagicComment},
};
use memchr::memchr2;

/// What becomes of one script.
#[derive(Debug, PartialEq, Eq)]
pub struct InjectedScript {
    /// The id that it has now.
    pub id: DebugId,
    /// The new text; none where the script is as it must be.
    pub text: Option<String>,
    /// What makes that text of the old one.
    pub edits: TextEdits,
    /// The id that the script or its map had besides, which the SDK would never report.
    pub replaced_id: Option<DebugId>,
    /// Whether it gets a line, which its map must count.
    pub gets_line: bool,
}

/// What becomes of the map that one or more scripts share.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct InjectedMap {
    /// A text that is written before the scripts: the map without its id, so that it is not taken for
    /// an adjusted one should the run end before it is.
    pub withdrawn: Option<String>,
    /// The text that is written after the scripts.
    pub text: Option<String>,
    /// What makes that text of the old one.
    pub edits: TextEdits,
}

/// Why scripts cannot share a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedMapFault {
    /// One has a line for the id, which the map must count, and one has its id elsewhere.
    MixedSnippets,
    /// One begins with a `#!` line, and one does not.
    MixedHashbangs,
}

struct ScriptState<'a> {
    text: &'a str,
    prologue: ScriptPrologue<'a>,
    registration: IdRegistration,
    comment: Option<(usize, DebugId)>,
}

/// A script that has no map at all.
pub fn inject_alone(script: &str) -> InjectedScript {
    let state = ScriptState::read(script);
    let id = state.known_id().unwrap_or_else(|| DebugId::of_files(script.as_bytes(), None));
    state.injected(id, TextEdits::default(), None)
}

/// A script with its map inside, which `url` is; `map` is read from it.
pub fn inject_inline(
    script: &str,
    url: &MagicComment<'_>,
    inline: &InlineMap<'_>,
    map: &MapText<'_>,
) -> InjectedScript {
    let state = ScriptState::read(script);
    let id = state.chosen_id(map.debug_id().as_ref(), inline.map.as_bytes());
    let adjusted = state.adjusted_map(map, &id);
    let mut edits = TextEdits::default();
    if let Some(map_edits) = adjusted {
        let map = map_edits.apply(&inline.map);
        edits.replace(url.at..url.at + url.value.len(), inline.with_map(&map));
    }
    state.injected(id, edits, map.debug_id())
}

/// Scripts with the map that they share; mostly it is one. `map_text` is what `map` was read from.
pub fn inject_shared(
    scripts: &[&str],
    map: &MapText<'_>,
    map_text: &str,
) -> Result<(Vec<InjectedScript>, InjectedMap), SharedMapFault> {
    let states: Vec<_> = scripts.iter().map(|script| ScriptState::read(script)).collect();
    check_shared(&states)?;
    let map_id = map.debug_id();
    let is_done = |state: &&ScriptState<'_>| {
        map_id.is_some() && state.registration.certain() == map_id.as_ref()
    };
    let restored = map_id
        .as_ref()
        .and_then(|id| states.iter().position(|state| state.was_restored(map_text, id)));
    let owner = states.iter().position(|state| is_done(&state)).or(restored).unwrap_or(0);
    let injected: Vec<_> = states
        .iter()
        .enumerate()
        .map(|(at, state)| {
            let map_id = map_id.clone().filter(|_| at == owner);
            let id = state.chosen_id(map_id.as_ref(), map_text.as_bytes());
            state.injected(id, TextEdits::default(), map_id)
        })
        .collect();
    let (Some(state), Some(script)) = (states.get(owner), injected.get(owner)) else {
        return Ok((injected, InjectedMap::default()));
    };
    if restored == Some(owner) {
        return Ok((injected, InjectedMap::default()));
    }
    let edits = state.adjusted_map(map, &script.id);
    let must_withdraw = state.needs_line() && map_id.as_ref() == Some(&script.id);
    let withdrawn = must_withdraw.then(|| map.without_id());
    let text = edits.as_ref().map(|edits| edits.apply(map_text));
    Ok((injected, InjectedMap { withdrawn, text, edits: edits.unwrap_or_default() }))
}

fn check_shared(states: &[ScriptState<'_>]) -> Result<(), SharedMapFault> {
    let Some((first, others)) = states.split_first() else { return Ok(()) };
    let is_foreign =
        |state: &ScriptState<'_>| matches!(state.registration, IdRegistration::Foreign(_));
    match others {
        _ if others.iter().any(|other| is_foreign(other) != is_foreign(first)) => {
            Err(SharedMapFault::MixedSnippets)
        }
        _ if others
            .iter()
            .any(|other| other.prologue.lines_before != first.prologue.lines_before) =>
        {
            Err(SharedMapFault::MixedHashbangs)
        }
        _ => Ok(()),
    }
}

impl<'a> ScriptState<'a> {
    fn read(text: &'a str) -> Self {
        let prologue = ScriptPrologue::read(text);
        let registration = IdRegistration::read(text, &prologue);
        Self { text, prologue, registration, comment: trailer::debug_id(text) }
    }

    /// Whether it gets a line that tells the SDK its id.
    fn needs_line(&self) -> bool {
        self.registration.certain().is_none()
    }

    /// The id that the script has: what it registers is what the SDK reports.
    fn known_id(&self) -> Option<DebugId> {
        let named = self.comment.as_ref().map(|(_, id)| id).filter(|id| !id.is_nil());
        self.registration.any().or(named).cloned()
    }

    fn chosen_id(&self, map_id: Option<&DebugId>, map: &[u8]) -> DebugId {
        self.known_id()
            .or_else(|| map_id.filter(|id| !id.is_nil()).cloned())
            .unwrap_or_else(|| DebugId::of_files(self.text.as_bytes(), Some(map)))
    }

    /// Whether the map was adjusted to this very script, which was put back since: the id is that of both.
    fn was_restored(&self, map_text: &str, map_id: &DebugId) -> bool {
        let lines_before = self.prologue.lines_before;
        let is_of =
            |map: String| DebugId::of_files(self.text.as_bytes(), Some(map.as_bytes())) == *map_id;
        self.known_id().is_none()
            && earlier::earlier_map(map_text, map_id, lines_before).is_some_and(is_of)
    }

    /// What makes the map as this script needs it; none where it is.
    fn adjusted_map(&self, map: &MapText<'_>, id: &DebugId) -> Option<TextEdits> {
        let has_id = map.debug_id().as_ref() == Some(id);
        match self.registration {
            _ if self.needs_line() => Some(map.line_edits(self.moved_line(map), id)),
            _ if has_id => None,
            IdRegistration::OwnLine(_) => Some(map.line_edits(self.moved_line(map), id)),
            _ => Some(map.id_edits(Some(id))),
        }
    }

    /// Engines do not count a byte order mark, and most bundlers neither; some write maps as if it
    /// were a character. The words at the places of the first line tell.
    fn moved_line(&self, map: &MapText<'_>) -> NewLine {
        let lines_before = self.prologue.lines_before;
        let bare = self.text.strip_prefix('\u{feff}').filter(|_| lines_before == 0);
        let takes_mark = bare.is_some_and(|bare| {
            let line = TextLines::new(bare.split('\n').next().unwrap_or_default());
            proof::words_found(&line, map, 1) > proof::words_found(&line, map, 0)
        });
        NewLine { lines_before, takes_mark }
    }

    fn injected(
        &self,
        id: DebugId,
        mut edits: TextEdits,
        map_id: Option<DebugId>,
    ) -> InjectedScript {
        if self.needs_line() {
            edits.insert(self.prologue.insert_at, self.new_line(&id));
        }
        let comment_id = self.comment.as_ref().map(|(_, id)| id);
        match &self.comment {
            Some((_, old)) if *old == id => {}
            Some((at, _)) => edits.replace(*at..at + ID_LENGTH, id.as_str()),
            None => edits.insert(self.text.len(), self.new_comment(&id)),
        }
        let replaced_id =
            [comment_id, map_id.as_ref()].into_iter().flatten().find(|old| **old != id).cloned();
        let text = (!edits.is_empty()).then(|| edits.apply(self.text));
        InjectedScript { id, text, edits, replaced_id, gets_line: self.needs_line() }
    }

    fn new_line(&self, id: &DebugId) -> String {
        let before = &self.text[..self.prologue.insert_at];
        // A script of nothing but its `#!` line has no line end to go behind.
        let gap = match self.prologue.lines_before > 0 && !before.ends_with(is_line_end) {
            true => self.line_end(),
            false => "",
        };
        format!("{gap}{}{}", own_line(&self.prologue, id), self.line_end())
    }

    fn new_comment(&self, id: &DebugId) -> String {
        let end = self.line_end();
        let gap = if self.text.ends_with(['\n', '\r']) || self.text.is_empty() { "" } else { end };
        format!("{gap}//# debugId={id}{end}")
    }

    /// The line end that the script has.
    fn line_end(&self) -> &'static str {
        let first = memchr2(b'\n', b'\r', self.text.as_bytes());
        let width = first.map(|at| line_end_width(&self.text[at..]));
        if width == Some(2) { "\r\n" } else { "\n" }
    }
}

#[cfg(test)]
mod tests {
    use super::super::snippet;
    use super::*;

    const A: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";
    const B: &str = "11111111-2222-4333-8444-555555555555";

    fn id(text: &str) -> DebugId {
        DebugId::parse(text).expect("a UUID")
    }

    fn inject(script: &str, map: &str) -> (String, InjectedMap, InjectedScript) {
        let read = MapText::read(map).expect("a map");
        let (mut scripts, new_map) = inject_shared(&[script], &read, map).expect("one script");
        let injected = scripts.remove(0);
        (injected.text.clone().unwrap_or(script.to_owned()), new_map, injected)
    }

    /// Script and map after every way in which a run can end, and after the run that follows.
    fn settled(script: &str, map: &str) -> Vec<(String, String)> {
        let (new_script, new_map, _) = inject(script, map);
        let withdrawn = new_map.withdrawn.clone().unwrap_or(map.to_owned());
        let last = new_map.text.clone().unwrap_or(map.to_owned());
        [(script, map), (script, &withdrawn), (&new_script, &withdrawn), (&new_script, &last)]
            .map(|(script, map)| {
                let (script, new_map, _) = inject(script, map);
                (script, new_map.text.unwrap_or(map.to_owned()))
            })
            .into()
    }

    #[test]
    fn a_run_that_ends_between_script_and_map_is_finished_by_the_next() {
        let own = snippet::statement(&id(A));
        for (script, map) in [
            ("f()\n".to_owned(), r#"{"mappings":"AAAA"}"#.to_owned()),
            (
                format!("f()\n//# debugId={A}\n"),
                format!(r#"{{"mappings":"AAAA","debugId":"{A}"}}"#),
            ),
            (
                format!("f()\n//# debugId={A}\n"),
                format!(r#"{{"mappings":"AAAA","debugId":"{B}"}}"#),
            ),
            (format!("f()\n//# debugId={A}\n"), r#"{"mappings":"AAAA"}"#.to_owned()),
            (
                format!("_sentryDebugIds[n]=\"{A}\";f()\n"),
                format!(r#"{{"mappings":"AAAA","debugId":"{B}"}}"#),
            ),
            // This one may not run, so it gets a line that says the same.
            (
                format!("function f(){{_sentryDebugIds[n]=\"{A}\"}}\n"),
                format!(r#"{{"mappings":"AAAA","debugId":"{A}"}}"#),
            ),
            (
                format!("{own}\nf()\n//# debugId={B}\n"),
                format!(r#"{{"mappings":"AAAA","debugId":"{B}"}}"#),
            ),
        ] {
            let all = settled(&script, &map);
            assert!(all.iter().all(|end| *end == all[0]), "{script} {map}: {all:#?}");
            let (again, new_map, _) = inject(&all[0].0, &all[0].1);
            assert_eq!((&again, new_map), (&all[0].0, InjectedMap::default()));
            let lines = usize::from(!script.starts_with("_sentry"));
            assert_eq!(all[0].1.matches("\";").count(), lines, "{}", all[0].1);
        }
    }

    #[test]
    fn directives_are_said_again_in_front_and_nothing_else_changes() {
        let (script, map, injected) =
            inject("\u{feff}'use strict'\r\n\"a\";f()", r#"{"mappings":""}"#);
        let (own, id) = (snippet::statement(&injected.id), &injected.id);
        assert_eq!(
            script,
            format!(
                "\u{feff}'use strict';\"a\";{own}\r\n'use strict'\r\n\"a\";f()\r\n//# debugId={id}\r\n"
            )
        );
        assert_eq!(map.text, Some(format!("{{\"debugId\":\"{id}\",\"mappings\":\";\"}}")));
    }

    #[test]
    fn a_map_that_counts_the_mark_is_moved_by_its_column() {
        let sources = r#""sources":["a"],"sourcesContent":["total"],"names":["total"]"#;
        for (before, after) in [("CAAAA,KAAA", ";AAAAA,KAAA"), ("AAAAA,KAAA", ";AAAAA,KAAA")] {
            let map = format!(r#"{{{sources},"mappings":"{before}"}}"#);
            let (_, map, _) = inject("\u{feff}total(x)\n", &map);
            let text = map.text.expect("a new map");
            assert!(text.ends_with(&format!(r#""mappings":"{after}"}}"#)), "{text}");
        }
    }

    #[test]
    fn the_id_that_the_sdk_reports_wins() {
        let script = format!("e._sentryDebugIds[n]='{A}';\n//# debugId={B}\n");
        let (text, map, injected) =
            inject(&script, &format!(r#"{{"mappings":"","debugId":"{B}"}}"#));
        assert_eq!(text, script.replace(B, A));
        assert_eq!(map.text, Some(format!(r#"{{"mappings":"","debugId":"{A}"}}"#)));
        assert_eq!(injected.replaced_id, Some(id(B)));
    }

    #[test]
    fn scripts_that_share_a_map_get_ids_of_their_own_and_one_line_in_it() {
        let map = r#"{"mappings":"AAAA"}"#;
        let read = MapText::read(map).expect("a map");
        let (scripts, new_map) = inject_shared(&["f()\n", "g()\n"], &read, map).expect("no fault");
        assert_ne!(scripts[0].id, scripts[1].id);
        let text = new_map.text.expect("a new map");
        assert_eq!(text, format!(r#"{{"debugId":"{}","mappings":";AAAA"}}"#, scripts[0].id));
        let texts: Vec<_> = scripts.iter().filter_map(|script| script.text.as_deref()).collect();
        let read = MapText::read(&text).expect("a map");
        let (again, same) = inject_shared(&texts, &read, &text).expect("no fault");
        assert_eq!(same, InjectedMap::default());
        assert!(again.iter().all(|script| script.text.is_none()));
        // Of a run that ended between the two scripts.
        let read = MapText::read(map).expect("a map");
        let (_, map) = inject_shared(&[texts[0], "g()\n"], &read, map).expect("no fault");
        assert_eq!(map.text, Some(text));
    }

    #[test]
    fn scripts_that_need_different_maps_cannot_share_one() {
        let map = r#"{"mappings":"AAAA"}"#;
        let read = MapText::read(map).expect("a map");
        let foreign = format!("e._sentryDebugIds[n]='{A}'");
        let fault = |other: &str| inject_shared(&["f()\n", other], &read, map).expect_err(other);
        assert_eq!(fault(&foreign), SharedMapFault::MixedSnippets);
        assert_eq!(fault("#!/bin/node\nf()"), SharedMapFault::MixedHashbangs);
    }

    #[test]
    fn a_script_of_one_hashbang_line_keeps_it_first() {
        let injected = inject_alone("#!/bin/node");
        let own = snippet::statement(&injected.id);
        let text = injected.text.expect("a new text");
        assert!(text.starts_with(&format!("#!/bin/node\n{own}\n")), "{text}");
        assert_eq!(inject_alone(&text).text, None);
    }
}
