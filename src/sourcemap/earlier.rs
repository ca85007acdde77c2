//! What a script and its map were before they got their debug id: what is beside them may still be about
//! that.

use super::debug_id::DebugId;
use super::edits::TextEdits;
use super::map_text::{MapSection, MapText, line_part, range_in};
use super::prologue::{ScriptPrologue, is_line_end, line_end_width};
use super::registration::IdRegistration;
use super::snippet::own_line;
use super::trailer;

/// The id that this program gave a script; none where it gave none.
fn injected_id(script: &str) -> Option<DebugId> {
    let (body, id) = body_and_id(script)?;
    (without_own_line(body, &id) != body).then_some(id)
}

/// The id of a script that names no map, since an earlier run may have deleted it; none where it never had one.
pub(crate) fn finished_id(script: &str) -> Option<DebugId> {
    let Some(id) = injected_id(script) else {
        return match IdRegistration::read(script, &ScriptPrologue::read(script)) {
            IdRegistration::Foreign(id) => Some(id),
            _ => None,
        };
    };
    // That of a script without a map is made of the script alone.
    let is_alone = |text: &String| DebugId::of_files(text.as_bytes(), None) == id;
    let (body, _) = body_and_id(script)?;
    (!before_injection(body, &id).iter().any(is_alone)).then_some(id)
}

/// The texts that an injected script may have had; none where it was not injected by us. One that names no
/// map may have named this one before the map was deleted.
///
/// The comment takes a line of its own, so it cannot be told whether there was a line end before.
pub(crate) fn earlier_texts(script: &str, map: &str) -> Vec<String> {
    let Some((body, id)) = body_and_id(script) else { return Vec::new() };
    let mut texts = before_injection(body, &id);
    if trailer::mapping_url(script).is_none() {
        let end = if body.ends_with("\r\n") { "\r\n" } else { "\n" };
        let named = format!("{body}//# sourceMappingURL={map}{end}");
        texts.extend(before_injection(&named, &id));
        texts.push(format!("{named}{}", &script[body.len()..]));
    }
    texts
}

fn before_injection(body: &str, id: &DebugId) -> Vec<String> {
    let text = without_own_line(body, id);
    let shorter = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    shorter.map(str::to_owned).into_iter().chain([text.clone()]).collect()
}

/// What stands before the comment with the id, and the id.
fn body_and_id(script: &str) -> Option<(&str, DebugId)> {
    let (_, id) = trailer::debug_id(script)?;
    let comment = format!("//# debugId={id}");
    Some((script.trim_end_matches(['\r', '\n']).strip_suffix(&comment)?, id))
}

fn without_own_line(script: &str, id: &DebugId) -> String {
    let prologue = ScriptPrologue::read(script);
    let (before, rest) = script.split_at(prologue.insert_at);
    match rest.strip_prefix(&own_line(&prologue, id)) {
        Some(rest) if rest.starts_with(is_line_end) => {
            format!("{before}{}", &rest[line_end_width(rest)..])
        }
        _ => script.to_owned(),
    }
}

/// The text that an adjusted map had; none where it was not adjusted by us, or had another id before. The
/// script has so many lines before the one that it got.
pub(crate) fn earlier_map(map: &str, id: &DebugId, lines_before: usize) -> Option<String> {
    let read = MapText::read(map).ok()?;
    let inserted = format!("\"debugId\":\"{id}\",");
    let end = read.object_at + inserted.len();
    (map.get(read.object_at..end)? == inserted).then_some(())?;
    let mut edits = TextEdits::default();
    edits.replace(read.object_at..end, "");
    for section in &read.sections {
        match read.is_indexed && section.line as usize > lines_before {
            true => {
                edits.replace(range_in(map, section.line_text?), (section.line - 1).to_string())
            }
            false => without_empty_line(map, section, lines_before, &mut edits)?,
        }
    }
    Some(edits.apply(map))
}

fn without_empty_line(
    map: &str,
    section: &MapSection<'_>,
    lines_before: usize,
    edits: &mut TextEdits,
) -> Option<()> {
    let Some(at) = line_part(&section.mappings, lines_before) else { return Some(()) };
    let raw = range_in(map, section.mappings_text);
    let at = raw.start + 1 + at;
    let is_plain = !section.mappings_text.contains('\\') && map.as_bytes().get(at) == Some(&b';');
    is_plain.then(|| edits.replace(at..at + 1, ""))
}

/// How many lines a script has before the one that it got.
pub(crate) fn lines_before(script: &str) -> usize {
    ScriptPrologue::read(script).lines_before
}
