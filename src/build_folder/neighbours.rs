//! What a changed script leaves stale beside it: hashes in pages, other scripts, lists and settings, and
//! packed copies.

use super::hash_index::{ChangedHashes, HashIndex, held_in};
use super::hash_words::hash_words;
use super::inline_scripts::on_disk;
use super::packed_copy::{CopyFormat, RENEWED_ENDS};
use super::refresh::{FileFailure, FreshHashes, holders};
use super::text_file::{MAX_FILE, TextFile, lone_copy};
use crate::os::{linkless, parallel};
use std::collections::BTreeSet;
use std::io::{Read, Result};
use std::path::{Path, PathBuf};

/// How many files are at work before what they hold is noted.
const BATCH: usize = 512;

/// What is stale, by the file that is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StaleFiles {
    /// Files with old hashes.
    pub(crate) hashes: BTreeSet<PathBuf>,
    /// Packed copies of changed files.
    pub(crate) packed: BTreeSet<PathBuf>,
}

/// Notes the hashes that these files hold.
pub(crate) fn note_hashes(index: &mut HashIndex, others: &BTreeSet<PathBuf>) {
    let is_text = |other: &&PathBuf| !is_packed(other) || lone_copy(other).is_some();
    let texts: Vec<_> = others.iter().filter(is_text).collect();
    for batch in texts.chunks(BATCH) {
        let read = |file: &&PathBuf| Some(held_in(file, TextFile::read(file)?.text()));
        let held = parallel::map(batch, read);
        held.iter().flatten().for_each(|held| index.note_all(held));
    }
}

/// Whether a copy of this file was packed when it held something else. What cannot be packed anew is not
/// looked into.
pub(crate) fn has_old_copy(others: &BTreeSet<PathBuf>, file: &Path, text: &str) -> bool {
    let is_old = |end: &str| {
        let mut copy = file.as_os_str().to_owned();
        copy.push(end);
        let copy = others.get(Path::new(&copy))?;
        Some(unpacked(copy, text.len() as u64 + 1)? != text.as_bytes())
    };
    RENEWED_ENDS.iter().any(|end| is_old(end) == Some(true))
}

/// The files of which a packed copy says the same but for its hashes: a run renewed the file, and was killed
/// before it packed it again.
pub(crate) fn outdated(others: &BTreeSet<PathBuf>, index: &HashIndex) -> BTreeSet<PathBuf> {
    let copies: Vec<_> = others.iter().filter(|copy| CopyFormat::renewed(copy).is_some()).collect();
    let files = parallel::map(&copies, |copy| {
        Some(copy.with_extension("")).filter(|file| index.has(file) && has_other_hashes(file, copy))
    });
    files.into_iter().flatten().collect()
}

fn has_other_hashes(file: &Path, copy: &Path) -> bool {
    let Some(file) = TextFile::read(file) else { return false };
    // Escapes can make one hash longer than another.
    let Some(copy) = unpacked(copy, 2 * file.bytes.len() as u64) else { return false };
    copy != file.text() && without_hashes(&copy) == without_hashes(file.text())
}

/// What stands between the hashes of a text.
fn without_hashes(text: &[u8]) -> Vec<&[u8]> {
    let words = hash_words(text);
    let starts = std::iter::once(0).chain(words.iter().map(|word| word.place.end));
    let ends = words.iter().map(|word| word.place.start).chain([text.len()]);
    starts.zip(ends).map(|(start, end)| &text[start..end]).collect()
}

/// The first bytes of what was packed; none where it is damaged.
fn unpacked(copy: &Path, most: u64) -> Option<Vec<u8>> {
    let (packed, mut bytes) = (linkless::read(copy, MAX_FILE).ok()?, Vec::new());
    CopyFormat::of(copy)?.unpack(&packed).take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// What is stale among these files.
pub(crate) fn find(
    others: &BTreeSet<PathBuf>,
    index: &HashIndex,
    changed: &BTreeSet<PathBuf>,
    hashes: &ChangedHashes,
) -> StaleFiles {
    let hashes = index.holders(hashes).into_keys().map(on_disk).collect();
    StaleFiles { hashes, packed: packed_copies(others, changed) }
}

/// The packed copies of these files.
pub(crate) fn packed_copies(
    others: &BTreeSet<PathBuf>,
    changed: &BTreeSet<PathBuf>,
) -> BTreeSet<PathBuf> {
    let copies = others.iter().filter(|other| is_packed(other));
    copies.filter(|copy| changed.contains(&copy.with_extension(""))).cloned().collect()
}

/// How often what lists packed copies is packed itself.
pub(crate) const MAX_ROUNDS: usize = 4;

/// All that is stale once these files changed, and would be renewed: what lists a renewed file or its packed
/// copies is stale as well.
pub(crate) fn to_renew(
    others: &BTreeSet<PathBuf>,
    index: &HashIndex,
    mut changed: BTreeSet<PathBuf>,
    mut hashes: ChangedHashes,
) -> BTreeSet<PathBuf> {
    let mut stale = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let holders = holders(index, &mut hashes);
        changed.extend(holders.iter().cloned());
        stale.extend(holders);
        let copies = packed_copies(others, &changed);
        let fresh: Vec<_> = copies.difference(&stale).cloned().collect();
        if fresh.is_empty() {
            break;
        }
        for copy in fresh {
            if let Ok(old) = linkless::read(&copy, MAX_FILE) {
                index.add_changed(&mut hashes, &copy, &old);
            }
            stale.insert(copy);
        }
    }
    stale
}

/// Notes the hashes that packed copies have, and those that they will have, which `fresh` may know from an
/// earlier look.
pub(crate) fn note_copies(
    index: &HashIndex,
    copies: &BTreeSet<PathBuf>,
    fresh: &mut FreshHashes,
) -> std::result::Result<ChangedHashes, FileFailure> {
    let mut hashes = ChangedHashes::default();
    let known = std::mem::take(fresh);
    for copy in copies.iter().filter(|_| !index.is_empty()) {
        // One that is gone already has no hash.
        let Ok(bytes) = linkless::read(copy, MAX_FILE) else { continue };
        let mut old = ChangedHashes::default();
        index.add_changed(&mut old, copy, &bytes);
        if let Some(known) = known.get(copy) {
            index.add_digests(&mut old, copy, known.clone());
        }
        if old.count() > 0 {
            let bytes = packed_again(copy).map_err(|error| (copy.clone(), error))?;
            fresh.insert(copy.clone(), bytes.map_or_else(Vec::new, |bytes| index.digests(&bytes)));
            hashes.extend(old);
        }
    }
    Ok(hashes)
}

/// Packs a copy anew. One of a format that is not written goes, since a server then takes another.
pub(crate) fn pack_again(file: &Path) -> Result<()> {
    match packed_again(file)? {
        Some(bytes) => linkless::replace(file, &bytes),
        // A second change of a script finds it gone.
        None => linkless::remove_if_there(file),
    }
}

/// What a copy is when it is packed anew; none where it goes.
fn packed_again(file: &Path) -> Result<Option<Vec<u8>>> {
    let of = file.with_extension("");
    match CopyFormat::renewed(file).filter(|_| of.exists()) {
        Some(format) => format.pack(&linkless::read(&of, MAX_FILE)?),
        None => Ok(None),
    }
}

/// Whether a file is a packed copy that is not packed anew but deleted, by its name.
pub(crate) fn is_foreign_copy(file: &Path) -> bool {
    is_packed(file) && CopyFormat::renewed(file).is_none()
}

/// Whether a file is a packed copy of another, by its name.
pub(crate) fn is_packed(file: &Path) -> bool {
    CopyFormat::of(file).is_some()
}

/// Whether browsers and service workers check scripts by a file of this name, or it is a packed copy.
pub(crate) fn is_web_file(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let ends = [
        ".html",
        ".htm",
        ".xhtml",
        ".json",
        ".webmanifest",
        ".js.gz",
        ".js.br",
        ".mjs.gz",
        ".mjs.br",
        ".html.gz",
        ".html.br",
        ".json.gz",
        ".json.br",
        ".map.gz",
        ".map.br",
    ];
    ends.iter().any(|end| name.ends_with(end)) || matches!(&*name, "_headers" | ".htaccess")
}
