//! The manifest: many integrations and releases in one file, each as the inputs of a run.
//!
//! Pure: text in, entries and mistakes out. A mistake names its line and column, and shows the line
//! where nothing secret can stand on it.

mod compared;
mod duplicates;
mod inventory_index;
mod key_sources;
pub mod keys;
mod managed;
mod managed_integration;
mod read;
mod release_conflicts;
pub mod schema;
mod source;
mod write;

use crate::error::{Error, ErrorCode, Result};
use crate::inputs::raw::RawInputs;
use crate::inputs::table::INPUTS;
use crate::text::yaml::LineColumn;

use std::rc::Rc;

pub use compared::{ComparedDeploy, ComparedEntry, ComparedRelease};
pub use duplicates::duplicates;
pub use inventory_index::InventoryIndex;
pub use key_sources::KeySources;
pub use managed::{ManagedRecord, RECORD_SUFFIX};
pub use managed_integration::{EMBEDDED, ManagedIntegration, server_key};
pub use release_conflicts::shared_turns;
pub use source::ManifestSource;
pub use write::{ExistingIntegration, GeneratedManifest, OrganizationInventory, write};

/// One integration or release of the manifest.
pub struct ManifestEntry {
    /// How messages and the result call it: `integrations[0]`.
    pub key: String,
    /// Where it begins.
    pub place: LineColumn,
    /// Where each of its code mappings begins.
    pub mapping_places: Vec<LineColumn>,
    /// Its inputs.
    pub given: RawInputs,
    /// The keys that it names itself; others are those of `defaults:`.
    pub own: Vec<&'static str>,
    /// Whether a mistake was found in it already, from which others may follow.
    pub has_errors: bool,
}

/// A manifest that was read.
pub struct Manifest {
    /// The entries in the order of the file.
    pub entries: Vec<ManifestEntry>,
    /// The keys of `defaults:`.
    pub defaults: Vec<&'static str>,
    /// What holds for all entries, where what is named no longer is to be removed.
    pub pruned: Option<RawInputs>,
    /// Where the values of the keys come from.
    pub key_sources: KeySources,
    /// The text, to point into.
    pub source: ManifestSource,
}

impl Manifest {
    /// Reads the text of the file called `name`; `base` is what was typed beside it.
    pub fn read(
        name: &str,
        text: &str,
        base: &RawInputs,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Error>)> {
        let document = crate::text::yaml::read(text).map_err(|error| unread(name, text, &error))?;
        let source = ManifestSource::new(name, text, &document);
        let mut reader = read::ManifestReader::new(Rc::new(document), base, variable);
        let entries = reader.entries();
        let point = |mistake| source.point(mistake, None);
        let mistakes = reader.mistakes.into_iter().map(point).collect();
        let (defaults, pruned) = (reader.default_keys, reader.pruned);
        let key_sources = reader.key_sources;
        Ok((Self { entries, defaults, pruned, key_sources, source }, mistakes))
    }
}

/// All mistakes of a manifest as one failure.
pub fn combined_error(mistakes: Vec<Error>) -> Option<Error> {
    Error::combine(mistakes).map(|failure| Error { code: ErrorCode::BadManifest, ..failure })
}

/// What was typed although each entry says it for itself; where a single one goes on, a field may be
/// set for it.
pub fn conflicting_inputs(typed: &RawInputs, is_single: bool) -> Option<Error> {
    let names = INPUTS.iter().map(|input| input.name);
    let is_stray = |name: &&str| keys::is_per_entry(name) && typed.is_explicit(name);
    let mut strays: Vec<_> = names.filter(is_stray).map(|name| format!("`{name}`")).collect();
    strays.extend((!is_single && !typed.sets.is_empty()).then(|| "`--set`".to_owned()));
    if strays.is_empty() {
        return None;
    }
    let message =
        format!("{} cannot be used with `manifest`: set it in the entries", strays.join(", "));
    let hint = "move it into the entry or into `defaults:`, or remove `manifest`";
    Some(Error::new(ErrorCode::Usage, message).with_hint(hint))
}

fn unread(name: &str, text: &str, error: &crate::text::yaml::YamlError) -> Error {
    let line = error.place.and_then(|place| text.lines().nth(place.line.saturating_sub(1)));
    let is_tabbed = line.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    let kind = if is_tabbed { "has a line that starts with a tab" } else { error.kind };
    let failure = Error::new(ErrorCode::BadManifest, format!("the manifest {kind}"));
    let failure = Error { place: error.place, ..failure };
    let failure = ManifestSource::unparsed(name, text).point(failure, None);
    match kind {
        kind if is_tabbed => failure.with_hint(format!("indent with spaces: the manifest {kind}")),
        crate::text::yaml::BROKEN => {
            failure.with_hint("quote values that include `: `, `{`, `}`, or start with `@`")
        }
        _ => failure,
    }
}
