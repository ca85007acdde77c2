//! The text of a manifest, to point into: which lines may be shown, and how.

use super::keys::{INTEGRATION, Kind, RELEASE};
use crate::failure::{Failure, quote};
use crate::yaml::{Document, Place};
use std::collections::BTreeSet;

/// The lines of a manifest.
pub struct Source {
    name: String,
    lines: Vec<String>,
    /// Lines on which a value may be secret.
    hidden: BTreeSet<usize>,
}

impl Source {
    /// The text of the file called `name`, and what stands in it.
    pub(super) fn new(name: &str, text: &str, document: &Document) -> Self {
        let is_secret = |path: &[String]| path.iter().any(|key| is_secret(key));
        let secret = document.spots().filter(|(path, _)| is_secret(path));
        let hidden = secret.map(|(_, spot)| spot.place.line).collect();
        let lines = text.lines().map(str::to_owned).collect();
        Self { name: name.to_owned(), lines, hidden }
    }

    /// The failure with the place where it stands, each of several with its own. What has no place
    /// of its own stands in the entry that begins at `entry`.
    #[must_use]
    pub fn point(&self, failure: Failure, entry: Option<Place>) -> Failure {
        let Some(place) = failure.place.or(entry) else { return failure };
        let line = failure.place.and_then(|place| self.line(place));
        let line = line.map(|line| format!(", in {}", quote(line))).unwrap_or_default();
        let message = format!("{} {place}: {}{line}", self.name, failure.message);
        Failure { message, ..failure }
    }

    /// The line, where it can hold nothing but what is known not to be secret.
    fn line(&self, place: Place) -> Option<&str> {
        let line = self.lines.get(place.line.checked_sub(1)?)?;
        let before: String = line.chars().take(place.column.saturating_sub(1)).collect();
        // Before it on the line may stand the end of a text that began under `state`.
        let begins = before.chars().all(|c| c == ' ' || c == '-');
        (begins && !self.hidden.contains(&place.line)).then(|| line.trim())
    }
}

fn is_secret(key: &str) -> bool {
    let keys = INTEGRATION.iter().chain(RELEASE);
    let secret = |(_, kind): &(&str, Kind)| matches!(kind, Kind::State | Kind::Secret);
    keys.into_iter().filter(|key| secret(key)).any(|(name, _)| *name == key)
}
