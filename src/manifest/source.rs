//! The text of a manifest, to point into: which lines may be shown, and how.

use super::keys;
use crate::error::Error;
use crate::inputs::table::KeyKind;
use crate::text::quote;
use crate::text::yaml::{LineColumn, YamlDocument};
use std::collections::BTreeSet;

/// What stands before the key on a line.
const INDENT: [char; 3] = [' ', '-', '\t'];

/// The lines of a manifest.
pub struct ManifestSource {
    name: String,
    lines: Vec<String>,
    /// Lines on which a value may be secret.
    hidden: BTreeSet<usize>,
    /// Whether the places are those of keys.
    parsed: bool,
}

impl ManifestSource {
    /// The text of the file called `name`, and what stands in it.
    pub(super) fn new(name: &str, text: &str, document: &YamlDocument) -> Self {
        let is_secret = |path: &[String]| path.iter().any(|key| is_secret(key));
        let secret = document.positions().filter(|(path, _)| is_secret(path));
        let hidden = secret.map(|(_, position)| position.place.line).collect();
        let lines = text.lines().map(str::to_owned).collect();
        Self { name: name.to_owned(), lines, hidden, parsed: true }
    }

    /// The text of a file that is no manifest: by their indentation, the lines of `state` and of
    /// secrets are told from the others, and by the key that they begin with.
    pub(super) fn unparsed(name: &str, text: &str) -> Self {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let mut hidden = BTreeSet::new();
        let mut secret: Option<usize> = None;
        for (line, number) in lines.iter().zip(1..) {
            let indent = line.len() - line.trim_start_matches(INDENT).len();
            let is_within = secret.is_some_and(|secret| indent > secret || line.trim().is_empty());
            if !is_within {
                secret = names_secret(line).then_some(indent);
            }
            if is_within || secret.is_some() || !is_plain(key(line)) {
                hidden.insert(number);
            }
        }
        Self { name: name.to_owned(), lines, hidden, parsed: false }
    }

    /// The failure with the place where it stands, each of several with its own. What has no place
    /// of its own stands in the entry that begins at `entry`.
    #[must_use]
    pub fn point(&self, failure: Error, entry: Option<LineColumn>) -> Error {
        let Some(place) = failure.place.or(entry) else {
            let message = format!("{}: {}", self.name, failure.message);
            return Error { message, ..failure };
        };
        let line = self.line(place).map(|line| format!(", in {}", quote(&line)));
        let line = line.unwrap_or_default();
        let message = format!("{} {place}: {}{line}", self.name, failure.message);
        Error { message, ..failure }
    }

    /// The line, where it can hold nothing but what is known not to be secret. The value of a key
    /// that no manifest has may be a field of `state` that is not indented enough.
    fn line(&self, place: LineColumn) -> Option<String> {
        let line = self.lines.get(place.line.checked_sub(1)?)?;
        let before: String = line.chars().take(place.column.saturating_sub(1)).collect();
        // Before it on the line may stand the end of a text that began under `state`.
        let begins = before.chars().all(|c| INDENT.contains(&c));
        if self.hidden.contains(&place.line) || (self.parsed && !begins) {
            return None;
        }
        let (line, key) = (line.trim(), key(line));
        let is_shown = is_plain(key) || key.len() == line.trim_start_matches(INDENT).len();
        Some(if is_shown { line.to_owned() } else { format!("{key}: …") })
    }
}

/// The key that a line begins with, or the whole of what stands on it.
fn key(line: &str) -> &str {
    let line = line.trim().trim_start_matches(INDENT);
    line.split_once(':').map_or(line, |(key, _)| key)
}

/// Whether the value of this key is never secret.
fn is_plain(key: &str) -> bool {
    let mut known = keys::entry_keys().chain(keys::TOP_LEVEL_KEYS).chain(keys::CODE_MAPPING);
    known.any(|name| name == key) && !is_secret(key)
}

fn names_secret(line: &str) -> bool {
    secrets().any(|name| line.contains(name))
}

fn is_secret(key: &str) -> bool {
    secrets().any(|name| name == key)
}

/// The keys whose values are never shown.
fn secrets() -> impl Iterator<Item = &'static str> {
    keys::entry_keys().filter(|name| matches!(keys::kind(name), KeyKind::State | KeyKind::Secret))
}
