//! `finishline migrate`: files that use sentry-cli or action-release, rewritten.

use crate::error::{Error, ErrorCode, Result};
use crate::migration::{self, MigrationNote};
use crate::os::files;
use crate::os::interruption::write_unless_stopped;
use crate::text::quote;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

/// What became of a file.
pub(crate) struct MigratedFile {
    /// The difference, or that the file was written.
    pub(crate) report: String,
    /// What is to be known of its lines.
    pub(crate) notes: String,
    /// Whether a line could not be translated.
    pub(crate) is_untranslated: bool,
}

/// Each file once, by whatever names it is given: a second patch of it would not apply.
pub(crate) fn distinct_files(files: &[String]) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    let place = |file: &String| Path::new(file).canonicalize().unwrap_or_else(|_| file.into());
    files.iter().filter(move |file| seen.insert(place(file)))
}

/// Rewrites one file, or says how it would differ.
pub(crate) fn migrate_file(name: &str, write: bool) -> Result<MigratedFile> {
    let failed = |what: &str, error: &dyn Display| {
        let message = format!("cannot {what} {}: {error}", quote(name));
        Error::new(ErrorCode::Usage, message)
            .with_hint("name a text file that you may read and write")
    };
    let old = files::read_text(name).map_err(|error| failed("read", &error))?;
    if let Some(fault) = files::rewrite_fault(name).filter(|_| write) {
        return Err(failed("write", &fault));
    }
    let migrated = migration::migrate(name, &old);
    let is_changed = migrated.text != old;
    let report = match (is_changed, write) {
        (false, _) => String::new(),
        (true, false) => migrated.unified_diff(&patched_path(name)?, &old),
        (true, true) => {
            let replace = || files::replace(name, &migrated.text, None);
            write_unless_stopped(replace).map_err(|error| failed("write", &error))?;
            format!("{name}: written\n")
        }
    };
    let notes = migrated.notes.iter().map(|note| note_line(name, note)).collect();
    let is_untranslated = migrated.notes.iter().any(|note| note.is_untranslated);
    Ok(MigratedFile { report, notes, is_untranslated })
}

/// How a patch names a file.
fn patched_path(name: &str) -> Result<String> {
    files::path_from_here(name).ok_or_else(|| {
        let message = format!(
            "no patch for `git apply` can name {}, which is not below this folder",
            quote(name)
        );
        Error::new(ErrorCode::Usage, message)
            .with_hint("run `finishline migrate` in a folder above the file, or use `--write`")
    })
}

fn note_line(name: &str, note: &MigrationNote) -> String {
    let kind = if note.is_untranslated { "not translated" } else { "note" };
    let hint =
        if note.hint.is_empty() { String::new() } else { format!("\n  hint: {}", note.hint) };
    format!("{name}:{}: {kind}: {}{hint}\n", note.line, note.message)
}
