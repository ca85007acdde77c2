//! What a changed script leaves stale beside it: hashes in pages, other scripts, lists and settings, and
//! packed copies.

use super::hash_index::{ChangedHashes, HashIndex, HeldHashes};
use super::text_file::{MAX_FILE, read};
use crate::os::{linkless, parallel};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::collections::BTreeSet;
use std::io::{Read, Result, Write};
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
    let texts: Vec<_> = others.iter().filter(|other| !is_packed(other)).collect();
    for batch in texts.chunks(BATCH) {
        let held = parallel::map(batch, |file| read(file).map(|bytes| HeldHashes::of(&bytes)));
        for (file, held) in batch.iter().zip(held) {
            held.iter().for_each(|held| index.note(file, held));
        }
    }
}

/// Whether the copy of this file was packed when it held something else. What others than gzip packed is
/// not looked into.
pub(crate) fn has_old_copy(others: &BTreeSet<PathBuf>, file: &Path, text: &str) -> bool {
    let mut copy = file.as_os_str().to_owned();
    copy.push(".gz");
    let Some(copy) = others.get(Path::new(&copy)) else { return false };
    let Ok(packed) = linkless::read(copy, MAX_FILE) else { return false };
    let mut unpacked = Vec::new();
    let most = text.len() as u64 + 1;
    let read = GzDecoder::new(packed.as_slice()).take(most).read_to_end(&mut unpacked);
    read.is_ok() && unpacked != text.as_bytes()
}

/// What is stale among these files.
pub(crate) fn find(
    others: &BTreeSet<PathBuf>,
    index: &HashIndex,
    changed: &BTreeSet<PathBuf>,
    hashes: &ChangedHashes,
) -> StaleFiles {
    let hashes = index.holders(hashes).into_keys().collect();
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

/// Packs a copy anew. One that others than gzip packed goes, since a server then takes another.
pub(crate) fn pack_again(file: &Path) -> Result<()> {
    if file.extension().is_none_or(|end| end != "gz") || !file.with_extension("").exists() {
        // A second change of a script finds it gone.
        return linkless::remove_if_there(file);
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&linkless::read(&file.with_extension(""), MAX_FILE)?)?;
    linkless::replace(file, &packer.finish()?)
}

/// Whether a file is a packed copy of another, by its name.
pub(crate) fn is_packed(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "gz" || end == "br" || end == "zst")
}
