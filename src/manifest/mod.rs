//! The manifest: many integrations and releases in one file, each as the inputs of a run.
//!
//! Pure: text in, entries and mistakes out. A mistake names its line and column, and shows the line
//! where nothing secret can stand on it.

pub mod keys;
mod read;
pub mod schema;
mod source;
mod write;

use crate::failure::{Code, Failure};
use crate::inputs::given::Given;
use crate::yaml::Place;
use std::rc::Rc;

pub use source::Source;
pub use write::{Held, Written, write};

/// One integration or release of the manifest.
pub struct Entry {
    /// How messages and the result call it: `integrations[0]`.
    pub key: String,
    /// Where it begins.
    pub place: Place,
    /// Its inputs.
    pub given: Given,
    /// Whether a mistake was found in it already, from which others may follow.
    pub flawed: bool,
}

/// A manifest that was read.
pub struct Manifest {
    /// The entries in the order of the file.
    pub entries: Vec<Entry>,
    /// The text, to point into.
    pub source: Source,
}

impl Manifest {
    /// Reads the text of the file called `name`; `base` is what was typed beside it.
    ///
    /// # Errors
    ///
    /// `bad-manifest`, with every mistake that can be seen without its entries' values.
    pub fn read(
        name: &str,
        text: &str,
        base: &Given,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<Failure>), Failure> {
        let document = crate::yaml::read(text).map_err(|error| unread(name, text, &error))?;
        let source = Source::new(name, text, &document);
        let mut reader = read::Reader::new(Rc::new(document), base, variable);
        let entries = reader.entries();
        let mistakes = reader.mistakes.into_iter().map(|mistake| source.point(mistake, None));
        let mistakes = mistakes.collect();
        Ok((Self { entries, source }, mistakes))
    }
}

/// All mistakes of a manifest as one failure.
pub fn mistaken(mistakes: Vec<Failure>) -> Option<Failure> {
    Failure::all(mistakes).map(|failure| Failure { code: Code::BadManifest, ..failure })
}

/// What was typed although each entry says it for itself.
pub fn strays(given: &Given) -> Option<Failure> {
    let inputs = crate::inputs::table::INPUTS.iter().map(|input| input.name);
    let is_stray = |name: &&str| keys::is_per_entry(name) && given.is_ours(name);
    let mut strays: Vec<_> = inputs.filter(is_stray).map(|name| format!("`{name}`")).collect();
    strays.extend((!given.sets.is_empty()).then(|| "`--set`".to_owned()));
    if strays.is_empty() {
        return None;
    }
    let message =
        format!("beside a manifest there is no {}: its entries say it", strays.join(", "));
    let hint = "move it into the entry or into `defaults:`, or leave `manifest` out";
    Some(Failure::new(Code::Usage, message).hint(hint))
}

fn unread(name: &str, text: &str, error: &crate::yaml::YamlError) -> Failure {
    let line = error.place.and_then(|place| text.lines().nth(place.line.saturating_sub(1)));
    let is_tabbed = line.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
    let kind = if is_tabbed { "begins a line with a tab" } else { error.kind };
    let failure = Failure::new(Code::BadManifest, format!("it {kind}"));
    let failure = Failure { place: error.place, ..failure };
    let failure = Source::unread(name, text).point(failure, None);
    match kind {
        kind if is_tabbed => failure.hint(format!("it {kind}: YAML indents with blanks")),
        crate::yaml::BROKEN => {
            failure.hint("quote a value that holds `: `, `{`, `}`, or begins with `@`")
        }
        _ => failure,
    }
}
