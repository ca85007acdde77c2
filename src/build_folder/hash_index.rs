//! Which files hold which hashes, and of which files these were before the files changed.

use super::base64_form::SIZES;
use super::fixed_hashes;
use super::hash_word::{HashWord, SIZED_HASH, with_size};
use super::hash_words::hash_words;
use super::inline_scripts::{inline_path, inline_scripts};
use super::text_file::MAX_FILE;
use crate::os::linkless;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// How many bytes a hash is kept by.
const BRIEF: usize = 8;

/// The hashes that files hold. A hash is kept by its first bytes, so that a folder of thousands of files
/// takes little memory; whoever changes a file compares the whole.
#[derive(Default)]
pub(crate) struct HashIndex {
    holders: BTreeMap<PathBuf, Vec<u64>>,
    all: HashSet<u64>,
    /// Which of the algorithms occur at all.
    sizes: BTreeSet<usize>,
    /// Those that are parts of the names of files, which nobody renames.
    names: HashSet<u64>,
}

/// The hashes that changed files had.
#[derive(Clone, Default)]
pub(crate) struct ChangedHashes {
    /// Each with the files that had it.
    files: BTreeMap<Vec<u8>, BTreeSet<PathBuf>>,
    /// How large those files were.
    file_sizes: BTreeSet<usize>,
    /// Those that a file has which did not change.
    shared: BTreeSet<Vec<u8>>,
}

/// The hashes that a file holds, before they are indexed.
pub(crate) struct HeldHashes(Vec<(u64, usize)>);

impl HeldHashes {
    /// Those of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(
            hash_words(bytes).iter().map(|word| (brief(&word.digest), word.digest.len())).collect(),
        )
    }
}

/// What a text holds, and what each script inside of it does.
pub(super) fn held_in(file: &Path, text: &[u8]) -> Vec<(PathBuf, HeldHashes)> {
    let of_file = HeldHashes::of(text);
    let scripts = if of_file.0.is_empty() { Vec::new() } else { inline_scripts(text) };
    let scripts = scripts.iter().enumerate().map(|(number, script)| {
        let held = HeldHashes::of(script);
        (inline_path(file, number), held)
    });
    std::iter::once((file.to_owned(), of_file)).chain(scripts).collect()
}

impl HashIndex {
    /// One of a folder with files of these names.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a Path>) -> Self {
        let names = names.filter_map(|path| path.file_name()?.to_str());
        let names = names.flat_map(fixed_hashes::in_name).map(|hash| brief(&hash)).collect();
        Self { names, ..Self::default() }
    }

    /// Notes what a file holds, in the place of what it held.
    pub(crate) fn note(&mut self, file: &Path, held: &HeldHashes) {
        let held: Vec<_> = held.0.iter().filter(|(hash, _)| !self.names.contains(hash)).collect();
        if held.is_empty() {
            self.holders.remove(file);
            return;
        }
        self.all.extend(held.iter().map(|(hash, _)| *hash));
        self.sizes.extend(held.iter().map(|(_, size)| *size));
        let mut hashes: Vec<_> = held.iter().map(|(hash, _)| *hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        self.holders.insert(file.to_owned(), hashes);
    }

    /// Notes what a text holds, and what the scripts inside of it hold.
    pub(super) fn note_all(&mut self, held: &[(PathBuf, HeldHashes)]) {
        held.iter().for_each(|(file, held)| self.note(file, held));
    }

    /// Whether this file holds any.
    pub(super) fn has(&self, file: &Path) -> bool {
        self.holders.contains_key(file)
    }

    /// Whether no file holds any.
    pub(crate) fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Notes the hashes that these bytes had, as far as a file holds one of them. Those of nothing are constants
    /// in programs.
    pub(crate) fn add_changed(&self, changed: &mut ChangedHashes, file: &Path, old: &[u8]) {
        if !old.trim_ascii().is_empty() {
            self.add_digests(changed, file, self.digests(old));
            changed.file_sizes.insert(old.len());
        }
    }

    /// The same of hashes that were taken before.
    pub(super) fn add_digests(
        &self,
        changed: &mut ChangedHashes,
        file: &Path,
        digests: Vec<Vec<u8>>,
    ) {
        for digest in digests {
            if self.all.contains(&brief(&digest)) {
                changed.files.entry(digest).or_default().insert(file.to_owned());
            }
        }
    }

    /// The hashes of these bytes by the algorithms that occur.
    pub(super) fn digests(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let digest = |size: &usize| match size {
            16 => Md5::digest(bytes).to_vec(),
            20 => Sha1::digest(bytes).to_vec(),
            32 => Sha256::digest(bytes).to_vec(),
            48 => Sha384::digest(bytes).to_vec(),
            &SIZED_HASH => with_size(Sha1::digest(bytes).to_vec(), bytes.len() as u64),
            _ => Sha512::digest(bytes).to_vec(),
        };
        SIZES
            .iter()
            .chain([&SIZED_HASH])
            .filter(|size| self.sizes.contains(size))
            .map(digest)
            .collect()
    }

    /// Notes which of these hashes one of the other files has, which did not change.
    pub(super) fn note_shared(&self, changed: &mut ChangedHashes, others: &BTreeSet<PathBuf>) {
        if changed.files.is_empty() {
            return;
        }
        for other in others {
            let size = other.metadata().map_or(usize::MAX, |found| found.len() as usize);
            if changed.file_sizes.contains(&size)
                && let Ok(bytes) = linkless::read(other, MAX_FILE)
            {
                let shared = self.digests(&bytes).into_iter();
                changed.shared.extend(shared.filter(|one| {
                    changed.files.get(one).is_some_and(|files| !files.contains(other))
                }));
            }
        }
    }

    /// The files that hold one of these hashes, each with the files that had it.
    pub(super) fn holders(&self, changed: &ChangedHashes) -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
        let mut files: BTreeMap<u64, BTreeSet<&PathBuf>> = BTreeMap::new();
        for (digest, of) in &changed.files {
            files.entry(brief(digest)).or_default().extend(of);
        }
        let mut found = BTreeMap::new();
        for (holder, held) in self.holders.iter().filter(|_| !files.is_empty()) {
            let of: BTreeSet<_> =
                held.iter().filter_map(|hash| files.get(hash)).flatten().collect();
            if !of.is_empty() {
                found.insert(holder.clone(), of.into_iter().map(|file| (*file).clone()).collect());
            }
        }
        found
    }
}

impl ChangedHashes {
    /// Notes those of another.
    pub(crate) fn extend(&mut self, others: Self) {
        for (digest, files) in others.files {
            self.files.entry(digest).or_default().extend(files);
        }
        self.file_sizes.extend(others.file_sizes);
        self.shared.extend(others.shared);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.files.values().map(BTreeSet::len).sum()
    }

    /// The files that had the hash of a word.
    pub(super) fn files_of(&self, word: &HashWord) -> Option<&BTreeSet<PathBuf>> {
        self.files.get(&word.digest)
    }

    /// Whether a hash begins as a word, which may be a part of it.
    pub(super) fn has_beginning(&self, word: &HashWord) -> bool {
        let begin = &word.digest[..BRIEF.min(word.digest.len())];
        let mut from = self.files.range(begin.to_vec()..);
        from.next().is_some_and(|(digest, _)| digest.starts_with(begin))
    }

    /// Whether a file that did not change has the hash of a word.
    pub(super) fn is_shared(&self, word: &HashWord) -> bool {
        self.shared.contains(&word.digest)
    }
}

/// The first bytes of a hash.
fn brief(digest: &[u8]) -> u64 {
    digest.iter().take(BRIEF).fold(0, |all, byte| all << 8 | u64::from(*byte))
}
