//! What a change of scripts leaves to do beside them: files that hold a hash or a packed copy of a script,
//! and maps that are not to be published.

use super::ExaminedSourcemaps;
use super::write::{self, WrittenFiles};
use crate::build_folder::neighbours::{self, MAX_ROUNDS, StaleFiles};
use crate::build_folder::{BuildFile, FileFailure, FreshHashes, MAX_FILE, refresh};
use crate::error::{Result, Warning};
use crate::os::linkless;
use crate::text::quote;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is wrong with a file beside a changed one.
pub(super) struct StaleWords {
    hash: &'static str,
    copy: &'static str,
}

impl StaleWords {
    /// After the change.
    pub(super) const DONE: Self = Self {
        hash: "has the hash of a file that was changed, and what goes by it refuses the new one, cuts it off or keeps the old one",
        copy: "is a packed copy of a file that was changed, and not of what is there now",
    };
    /// In a plan.
    pub(super) const PLANNED: Self = Self {
        hash: "has the hash of a file that would be changed, and what goes by it would refuse the new one, cut it off or keep the old one",
        copy: "is a packed copy of a file that would be changed",
    };
}

const UNSETTLED: &str = "has a hash that cannot be corrected: of a file that is deleted, of one that has its own hash or is at another address, of two that were equal and differ now, or with escapes in a script, where the code behind it would move";

fn unwritable((file, error): FileFailure) -> crate::error::Error {
    write::unwritable(&file.to_string_lossy(), &error)
}

/// Packs these copies anew.
fn pack_all(copies: &BTreeSet<PathBuf>) -> Result {
    let pack = |copy: &PathBuf| {
        neighbours::pack_again(copy).map_err(|error| unwritable((copy.clone(), error)))
    };
    copies.iter().try_for_each(pack)
}

impl ExaminedSourcemaps<'_> {
    /// Whether a file holds the hash of another, or may be a packed copy of one.
    pub(super) fn has_neighbours(&self) -> bool {
        let mut others = self.files.folder.others.iter();
        !self.index.is_empty() || others.any(|other| neighbours::is_packed(other))
    }

    /// Deletes the packed copies of what will change that cannot be packed anew, while it is as it was: once a
    /// run was killed, nobody can tell that they are old.
    pub(super) fn drop_foreign_copies(&self, earlier: &mut WrittenFiles) -> Result {
        let others = &self.files.folder.others;
        if !self.inputs.refresh || !others.iter().any(|one| neighbours::is_foreign_copy(one)) {
            return Ok(());
        }
        let WrittenFiles { mut files, mut hashes, .. } = self.planned_changes(false);
        files.extend(earlier.files.iter().cloned());
        hashes.extend(earlier.hashes.clone());
        let stale = neighbours::to_renew(others, &self.index, files, hashes);
        for copy in stale.into_iter().filter(|one| neighbours::is_foreign_copy(one)) {
            if let Ok(old) = linkless::read(&copy, MAX_FILE) {
                self.index.add_changed(&mut earlier.hashes, &copy, &old);
            }
            linkless::remove_if_there(&copy).map_err(|error| unwritable((copy, error)))?;
        }
        Ok(())
    }

    /// Names what the change leaves stale, or writes it anew.
    pub(super) fn settle_neighbours(&mut self, written: WrittenFiles) -> Result {
        if self.inputs.refresh {
            return self.refresh_neighbours(written);
        }
        let WrittenFiles { files, hashes, .. } = written;
        let stale = neighbours::find(&self.files.folder.others, &self.index, &files, &hashes);
        self.warn_of_all(&stale, &StaleWords::DONE);
        Ok(())
    }

    /// Names each file that is stale, or would be.
    pub(super) fn warn_of_all(&mut self, stale: &StaleFiles, words: &StaleWords) {
        let remedy = "set `inject-refresh: true`, or run this step before that file is made";
        for file in &stale.hashes {
            self.warn_of_stale(file, words.hash, remedy);
        }
        for file in &stale.packed {
            self.warn_of_stale(file, words.copy, remedy);
        }
    }

    fn refresh_neighbours(&mut self, written: WrittenFiles) -> Result {
        let WrittenFiles { mut files, mut hashes, .. } = written;
        let (mut copies, mut fresh) = (BTreeSet::new(), FreshHashes::new());
        // A packed copy that is packed anew has another hash, too, and whatever lists that a third one. What
        // lists a copy is written before it: a run that ends between leaves a copy that is seen to be old.
        for _ in 0..MAX_ROUNDS {
            let refreshed =
                refresh(&mut self.index, &mut hashes, fresh.clone(), &self.files.folder.others)
                    .map_err(unwritable)?;
            let remedy = "make that file after this step";
            for file in &refreshed.unsettled {
                self.warn_of_stale(file, UNSETTLED, remedy);
            }
            files.extend(refreshed.written);
            pack_all(&copies)?;
            copies = neighbours::packed_copies(&self.files.folder.others, &files);
            files.clear();
            hashes =
                neighbours::note_copies(&self.index, &copies, &mut fresh).map_err(unwritable)?;
            if hashes.count() == 0 {
                break;
            }
        }
        pack_all(&copies)
    }

    fn warn_of_stale(&mut self, file: &Path, what: &str, remedy: &str) {
        let message = format!("{} {what}: {remedy}", quote(&self.files.folder.shown(file)));
        let warning = Warning::new("stale-files", message);
        if !self.progress.warnings.contains(&warning) {
            self.progress.warnings.push(warning);
        }
    }

    /// Deletes the maps, where that is asked for and Sentry has them.
    pub(crate) fn delete_maps(&mut self) -> Result {
        // What is not waited for is not proven: a server may remember a bundle that is gone.
        let may_go = self.inputs.wait && self.progress.upload.is_settled() && !self.stays_here;
        if !self.inputs.delete || !may_go {
            return Ok(());
        }
        let uploaded = self.deletable();
        let written = write::delete_maps(&uploaded, &self.index)?;
        let maps: Vec<_> = uploaded.iter().filter_map(|group| group.map.clone()).collect();
        let inline = self.inline_maps().filter(|script| written.files.contains(&script.file));
        self.deleted = maps.iter().chain(inline).map(|map| map.file.clone()).collect();
        self.forget_copies(&maps);
        self.progress.deleted = self.deleted.len();
        let mentions = written.mentions.iter().map(|script| {
            let message = format!(
                "{} still names its deleted source map in a comment, since code follows that comment: browsers look for the map in vain",
                quote(script)
            );
            Warning::new("sourcemap-comment-left", message)
        });
        self.progress.warnings.extend(mentions);
        self.settle_neighbours(written)?;
        self.note_listed_maps();
        Ok(())
    }

    /// What was said of packed copies of maps that are gone.
    fn forget_copies(&mut self, maps: &[BuildFile]) {
        let copy = |map: &BuildFile, end: &str| quote(&format!("{}.{end}", map.shown));
        let copies = maps.iter().flat_map(|map| ["gz", "br", "zst"].map(|end| copy(map, end)));
        let copies: BTreeSet<_> = copies.collect();
        let is_gone = |warning: &Warning| {
            let (file, _) = warning.message.split_once(StaleWords::DONE.copy)?;
            copies.contains(file.trim_end()).then_some(())
        };
        self.progress.warnings.retain(|warning| is_gone(warning).is_none());
    }
}
