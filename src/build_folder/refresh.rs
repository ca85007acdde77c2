//! Writes hashes anew. A file that gets another hash has another one itself, so what is held comes before
//! what holds it; files that hold each other's hash can have no right one.

use super::fixed_hashes;
use super::hash_index::{ChangedHashes, HashIndex, held_in};
use super::hash_word::HashWord;
use super::hash_words::hash_words;
use super::inline_scripts::{on_disk, page_of};
use super::text_file::{MAX_FILE, TextFile};
use super::walk;
use crate::os::linkless;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Error;
use std::path::{Path, PathBuf};

/// How long a chain of files that hold each other's hash is followed.
const MAX_CHAIN: usize = 32;

/// What became of files with old hashes.
#[derive(Debug, Default)]
pub(crate) struct RefreshedFiles {
    /// Those that were written anew.
    pub(crate) written: BTreeSet<PathBuf>,
    /// Those that hold each other's hash, one that two files had and no longer share, one of a file at another
    /// address, or, in a script, one that would be longer or shorter.
    pub(crate) unsettled: BTreeSet<PathBuf>,
}

/// The files with old hashes, and of which files these are.
struct HolderGraph(BTreeMap<PathBuf, BTreeSet<PathBuf>>);

/// A file that cannot be written, and why.
pub(crate) type FileFailure = (PathBuf, Error);

/// The hashes that files will have which are not written yet; none of a file that will be deleted.
pub(crate) type FreshHashes = BTreeMap<PathBuf, Vec<Vec<u8>>>;

/// The files that hold an old hash, or the hash of one that does, and so on.
pub(super) fn holders(index: &HashIndex, changed: &mut ChangedHashes) -> BTreeSet<PathBuf> {
    HolderGraph::follow(index, changed).0.into_keys().map(on_disk).collect()
}

/// Writes every old hash anew, what is held after its holder: a run that ends between two leaves the next
/// one a holder that is right already.
pub(crate) fn refresh(
    index: &mut HashIndex,
    changed: &mut ChangedHashes,
    fresh: FreshHashes,
    others: &BTreeSet<PathBuf>,
) -> Result<RefreshedFiles, FileFailure> {
    index.note_shared(changed, others);
    let mut graph = HolderGraph::follow(index, changed);
    let (order, circle) = graph.order();
    graph.0.retain(|file, _| !circle.contains(file));
    let mut renewal = HashRenewal { index, changed, graph: &graph, fresh };
    let mut refreshed = RefreshedFiles {
        unsettled: circle.into_iter().map(on_disk).collect(),
        ..RefreshedFiles::default()
    };
    for file in &order {
        if let Some((bytes, is_whole)) = renewal.renewed(file) {
            let digests = renewal.index.digests(&bytes);
            renewal.fresh.insert(file.clone(), digests);
            refreshed.unsettled.extend((!is_whole).then(|| on_disk(file.clone())));
        }
    }
    let order = graph.writing_order(order);
    for file in order.iter().rev().filter(|file| page_of(file).is_none()) {
        let Some((bytes, _)) = renewal.renewed(file) else { continue };
        if TextFile::read(file).is_some_and(|old| old.bytes != bytes) {
            linkless::replace(file, &bytes).map_err(|error| (file.clone(), error))?;
            refreshed.written.insert(file.clone());
        }
    }
    for file in &refreshed.written {
        let held = TextFile::read(file).map(|text| held_in(file, text.text()));
        held.iter().for_each(|held| index.note_all(held));
    }
    Ok(refreshed)
}

impl HolderGraph {
    /// The holders of what changed, their holders, and so on.
    fn follow(index: &HashIndex, changed: &mut ChangedHashes) -> Self {
        let mut known = BTreeSet::new();
        for _ in 0..MAX_CHAIN {
            let before = changed.count();
            for holder in index.holders(changed).into_keys() {
                if known.insert(holder.clone())
                    && let Some(text) = TextFile::read(&holder)
                {
                    index.add_changed(changed, &holder, &text.bytes);
                }
            }
            if changed.count() == before {
                break;
            }
        }
        Self(index.holders(changed))
    }

    /// The holders, each behind those that it holds, and those that form a circle.
    fn order(&self) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        let mut circle = BTreeSet::new();
        loop {
            let (order, rest) = self.order_without(&circle);
            if rest.is_empty() {
                return (order, circle);
            }
            circle.extend(self.circular(rest));
        }
    }

    /// The order in which files are written, from behind: what has the hash of a script in a page comes before
    /// that page, which tells the next run what is left to do.
    fn writing_order(&self, order: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut graph = Self(self.0.clone());
        for (holder, held) in &mut graph.0 {
            let own = on_disk(holder.clone());
            let pages = held.iter().filter_map(|file| Some(page_of(file)?.0.to_owned()));
            let pages: Vec<_> = pages.filter(|page| *page != own).collect();
            held.extend(pages);
        }
        let (with_pages, circle) = graph.order();
        if circle.is_empty() { with_pages } else { order }
    }

    fn order_without(&self, circle: &BTreeSet<PathBuf>) -> (Vec<PathBuf>, BTreeSet<PathBuf>) {
        let mut rest: BTreeSet<_> =
            self.0.keys().filter(|file| !circle.contains(*file)).cloned().collect();
        let mut order = Vec::new();
        loop {
            let is_free = |file: &&PathBuf| self.0[*file].is_disjoint(&rest);
            let free: BTreeSet<_> = rest.iter().filter(is_free).cloned().collect();
            if free.is_empty() {
                return (order, rest);
            }
            rest.retain(|file| !free.contains(file));
            order.extend(free);
        }
    }

    /// Of files none of which can come first, those that no other only waits for.
    fn circular(&self, mut rest: BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        loop {
            let held: BTreeSet<_> = rest.iter().flat_map(|file| &self.0[file]).collect();
            let inner: BTreeSet<_> =
                rest.iter().filter(|file| held.contains(file)).cloned().collect();
            if inner.len() == rest.len() {
                return rest;
            }
            rest = inner;
        }
    }
}

/// What becomes of a word that may be an old hash.
enum WordRenewal {
    /// It is none.
    Stays,
    /// It is one, and what it should be is not certain.
    Unsettled,
    /// It is written like that.
    Becomes(Vec<u8>),
}

/// Files on their way to new hashes.
struct HashRenewal<'a> {
    index: &'a HashIndex,
    changed: &'a ChangedHashes,
    graph: &'a HolderGraph,
    /// The hashes of what was changed, as it will be.
    fresh: FreshHashes,
}

impl HashRenewal<'_> {
    /// The bytes of a file with new hashes, and whether every old one has a new one.
    fn renewed(&mut self, file: &Path) -> Option<(Vec<u8>, bool)> {
        let is_script = walk::is_script(&file.file_name()?.to_string_lossy());
        let file = TextFile::read(file)?;
        let old = file.text();
        let (mut new, mut done, mut is_whole) = (Vec::with_capacity(old.len()), 0, true);
        for word in hash_words(old) {
            match self.renewed_word(&word, old, is_script) {
                WordRenewal::Stays => {}
                WordRenewal::Unsettled => is_whole = false,
                WordRenewal::Becomes(written) => {
                    new.extend(&old[done..word.place.start]);
                    new.extend(written);
                    done = word.place.end;
                }
            }
        }
        new.extend(&old[done..]);
        Some((file.with_text(new).ok()?, is_whole))
    }

    /// What becomes of a word of this text.
    fn renewed_word(&mut self, word: &HashWord, text: &[u8], is_script: bool) -> WordRenewal {
        let Some(files) = self.changed.files_of(word) else {
            return match self.changed.has_beginning(word) {
                true => WordRenewal::Unsettled,
                false => WordRenewal::Stays,
            };
        };
        let is_name = |name: &str| files.iter().any(|file| file.ends_with(name));
        let is_elsewhere =
            || !word.is_of_server() && fixed_hashes::is_elsewhere(text, &word.place, is_name);
        if self.changed.is_shared(word) || is_elsewhere() {
            return WordRenewal::Unsettled;
        }
        let fresh = files.iter().filter_map(|of| self.fresh_hash(of, word.digest.len()));
        let hashes: BTreeSet<_> = fresh.collect();
        let only = hashes.first().filter(|_| hashes.len() == 1).map(|hash| word.rewritten(hash));
        if word.is_of_server() && hashes.is_empty() {
            // Nobody is cut off a file that is deleted.
            return WordRenewal::Stays;
        }
        // The code behind it would stand where the script's source map does not look for it; a server that
        // cuts every script off is worse.
        let fits =
            |new: &Vec<u8>| !is_script || word.is_of_server() || new.len() == word.place.len();
        only.filter(fits).map_or(WordRenewal::Unsettled, WordRenewal::Becomes)
    }

    /// The hash of a file as it will be.
    fn fresh_hash(&mut self, file: &Path, size: usize) -> Option<Vec<u8>> {
        if !self.fresh.contains_key(file) && !self.graph.0.contains_key(file) {
            let digests = self.index.digests(&linkless::read(file, MAX_FILE).ok()?);
            self.fresh.insert(file.to_owned(), digests);
        }
        self.fresh.get(file)?.iter().find(|digest| digest.len() == size).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> HolderGraph {
        let files = |names: &[&str]| names.iter().map(PathBuf::from).collect();
        HolderGraph(edges.iter().map(|(file, held)| (file.into(), files(held))).collect())
    }

    fn ordered(edges: &[(&str, &[&str])]) -> (Vec<String>, Vec<String>) {
        let (order, circle) = graph(edges).order();
        let names = |path: PathBuf| path.to_string_lossy().into_owned();
        (order.into_iter().map(names).collect(), circle.into_iter().map(names).collect())
    }

    #[test]
    fn what_is_held_comes_first() {
        let chain: [(&str, &[&str]); 3] = [("a", &["b", "x"]), ("b", &["c"]), ("c", &["x"])];
        assert_eq!(ordered(&chain), (["c", "b", "a"].map(str::to_owned).into(), Vec::new()));
    }

    #[test]
    fn a_circle_is_left_and_what_only_holds_it_is_not() {
        let edges: [(&str, &[&str]); 5] =
            [("a", &["b"]), ("b", &["a"]), ("c", &["a"]), ("d", &["d"]), ("e", &["c"])];
        let (order, circle) = ordered(&edges);
        assert_eq!(order, ["c", "e"]);
        assert_eq!(circle, ["a", "b", "d"]);
    }

    #[test]
    fn a_policy_is_written_before_the_page_whose_script_it_has_the_hash_of() {
        let edges: [(&str, &[&str]); 3] =
            [("page", &["x", "page/\x000"]), ("page/\x000", &["x"]), ("headers", &["page/\x000"])];
        let holders = graph(&edges);
        let order = holders.writing_order(holders.order().0);
        let place = |name: &str| order.iter().position(|file| file == Path::new(name));
        assert!(place("page") < place("headers"), "{order:?} is written from behind");
        let circular = graph(&[edges[0], edges[1], edges[2], ("page", &["headers", "page/\x000"])]);
        assert_eq!(circular.writing_order(circular.order().0), circular.order().0);
    }
}
