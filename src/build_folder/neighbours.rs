//! What a changed script leaves stale beside it: hashes in pages and service workers, packed copies.

use crate::os::files;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Read, Result, Write};
use std::path::{Path, PathBuf};

/// The largest file that is looked at.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// The hashes of the files that change, from the old one to the new one. What is in a page, a
/// service worker's list or a policy is one of these to the letter.
#[derive(Default)]
pub(crate) struct ChangedHashes(BTreeMap<String, String>);

/// What is stale, by the file that is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StaleFiles {
    /// Files with old hashes.
    pub(crate) hashes: BTreeSet<PathBuf>,
    /// Packed copies of changed files.
    pub(crate) packed: BTreeSet<PathBuf>,
}

impl ChangedHashes {
    /// Notes a file that changes.
    pub(crate) fn add(&mut self, old: &[u8], new: &[u8]) {
        self.0.extend(hashes(old).into_iter().zip(hashes(new)));
    }

    /// Notes the files of another.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The text with new hashes; none where it holds no old one.
    fn refreshed(&self, text: &str) -> Option<String> {
        let mut fresh = String::new();
        let mut done = 0;
        for (at, word) in hash_words(text) {
            if let Some(new) = self.0.get(word) {
                fresh.push_str(&text[done..at]);
                fresh.push_str(new);
                done = at + word.len();
            }
        }
        (done > 0).then(|| fresh + &text[done..])
    }
}

/// Whether one of these files has a word that may be the hash of a script.
pub(crate) fn hold_hashes(others: &BTreeSet<PathBuf>) -> bool {
    let mut texts = others.iter().filter(|other| !is_packed(other)).filter_map(|other| read(other));
    texts.any(|text| hash_words(&text).next().is_some())
}

/// Whether the copy of this file was packed when it held something else. What Brotli packed is not
/// looked into.
pub(crate) fn has_old_copy(others: &BTreeSet<PathBuf>, file: &Path, text: &str) -> bool {
    let mut copy = file.as_os_str().to_owned();
    copy.push(".gz");
    let Some(copy) = others.get(Path::new(&copy)) else { return false };
    let Ok(packed) = files::read_regular(copy, MAX_FILE) else { return false };
    let mut unpacked = Vec::new();
    let most = text.len() as u64 + 1;
    let read = GzDecoder::new(packed.as_slice()).take(most).read_to_end(&mut unpacked);
    read.is_ok() && unpacked != text.as_bytes()
}

fn is_packed(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "gz" || end == "br")
}

/// What is stale among these files.
pub(crate) fn find(
    others: &BTreeSet<PathBuf>,
    changed: &BTreeSet<PathBuf>,
    hashes: &ChangedHashes,
) -> StaleFiles {
    let mut stale = StaleFiles::default();
    for other in others {
        let is_packed = is_packed(other);
        if is_packed && changed.contains(&other.with_extension("")) {
            stale.packed.insert(other.clone());
        } else if !is_packed && read(other).and_then(|text| hashes.refreshed(&text)).is_some() {
            stale.hashes.insert(other.clone());
        }
    }
    stale
}

/// Writes what is stale anew; a copy that was packed by Brotli goes, since a server then takes another.
/// What this changes makes others stale in their turn.
pub(crate) fn refresh(
    stale: &StaleFiles,
    hashes: &ChangedHashes,
) -> std::result::Result<(BTreeSet<PathBuf>, ChangedHashes), (PathBuf, Error)> {
    let of = |file: &PathBuf, result: Result<()>| result.map_err(|error| (file.clone(), error));
    let (mut changed, mut new_hashes) = (BTreeSet::new(), ChangedHashes::default());
    for file in &stale.hashes {
        let Some(old) = read(file) else { continue };
        if let Some(text) = hashes.refreshed(&old) {
            of(file, files::replace_bytes(file, text.as_bytes()))?;
            new_hashes.add(old.as_bytes(), text.as_bytes());
            changed.insert(file.clone());
        }
    }
    stale.packed.iter().try_for_each(|file| of(file, pack_again(file)))?;
    Ok((changed, new_hashes))
}

fn pack_again(file: &Path) -> Result<()> {
    if file.extension().is_none_or(|end| end != "gz") || !file.with_extension("").exists() {
        // A second change of a script finds it gone.
        return files::remove_if_there(file);
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&files::read_regular(&file.with_extension(""), MAX_FILE)?)?;
    files::replace_bytes(file, &packer.finish()?)
}

fn read(file: &Path) -> Option<String> {
    String::from_utf8(files::read_regular(file, MAX_FILE).ok()?).ok()
}

/// The words of a text that may be a hash: of subresource integrity and of policies, of Angular's
/// service worker (SHA-1) and of Workbox (MD5).
fn hash_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-');
    let mut rest = 0;
    std::iter::from_fn(move || {
        loop {
            let start = rest + text[rest..].find(is_part)?;
            let end = text[start..].find(|c| !is_part(c)).map_or(text.len(), |end| start + end);
            rest = end;
            // An attribute without quotation marks has its name before it.
            let start = text[start..end].rfind("=sha").map_or(start, |at| start + at + 1);
            let word = &text[start..end];
            if word.starts_with("sha") || matches!(word.len(), 32 | 40) {
                return Some((start, word));
            }
        }
    })
}

fn hashes(bytes: &[u8]) -> [String; 5] {
    let integrity = |name: &str, hash: &[u8]| format!("{name}-{}", STANDARD.encode(hash));
    [
        integrity("sha256", &Sha256::digest(bytes)),
        integrity("sha384", &Sha384::digest(bytes)),
        integrity("sha512", &Sha512::digest(bytes)),
        crate::text::hex(&Sha1::digest(bytes)),
        crate::text::hex(&Md5::digest(bytes)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_hash_is_found_and_renewed() {
        let mut changed = ChangedHashes::default();
        changed.add(b"old", b"new");
        let (old, new) = (hashes(b"old"), hashes(b"new"));
        let page = |hashes: &[String; 5]| {
            format!(
                "<script integrity=\"{} {}\"></script><meta content=\"script-src '{}'\">{{\"/a.js\":\"{}\"}}{{revision:\"{}\"}}",
                hashes[0], hashes[1], hashes[2], hashes[3], hashes[4]
            )
        };
        assert_eq!(changed.refreshed(&page(&old)), Some(page(&new)));
        assert_eq!(changed.refreshed(&page(&new)), None);
    }
}
