//! What a change of scripts leaves to do beside them: files that hold a hash or a packed copy of a script,
//! and maps that are not to be published.

use super::ExaminedSourcemaps;
use super::write::{self, WrittenFiles};
use crate::build_folder::neighbours::{self, StaleFiles};
use crate::build_folder::{BuildFile, MAX_FILE, refresh};
use crate::error::{Result, Warning};
use crate::os::linkless;
use crate::text::quote;
use std::collections::BTreeSet;
use std::io::Error;
use std::path::{Path, PathBuf};

/// What is wrong with a file beside a changed one.
pub(super) struct StaleWords {
    hash: &'static str,
    copy: &'static str,
}

impl StaleWords {
    /// After the change.
    pub(super) const DONE: Self = Self {
        hash: "has the hash of a file that was changed, and what compares it refuses the new one or keeps the old one",
        copy: "is a packed copy of a file that was changed, and not of what is there now",
    };
    /// In a plan.
    pub(super) const PLANNED: Self = Self {
        hash: "has the hash of a file that would be changed, and what compares it would refuse the new one or keep the old one",
        copy: "is a packed copy of a file that would be changed",
    };
}

const UNSETTLED: &str = "has a hash that cannot be corrected: of a file that is deleted, of one that has its own hash, or of two that were equal and differ now";

/// How often what lists packed copies is packed itself.
const MAX_ROUNDS: usize = 4;

impl ExaminedSourcemaps<'_> {
    /// Whether a file holds the hash of another, or may be a packed copy of one.
    pub(super) fn has_neighbours(&self) -> bool {
        let mut others = self.files.folder.others.iter();
        !self.index.is_empty() || others.any(|other| neighbours::is_packed(other))
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

    fn refresh_neighbours(&mut self, mut written: WrittenFiles) -> Result {
        let unwritable =
            |(file, error): (PathBuf, Error)| write::unwritable(&file.to_string_lossy(), &error);
        // A packed copy that is packed anew has another hash, too, and whatever lists that a third one.
        for _ in 0..MAX_ROUNDS {
            let refreshed = refresh(&mut self.index, &mut written.hashes).map_err(unwritable)?;
            written.files.extend(refreshed.written);
            let remedy = "make that file after this step";
            for file in &refreshed.unsettled {
                self.warn_of_stale(file, UNSETTLED, remedy);
            }
            let copies = neighbours::packed_copies(&self.files.folder.others, &written.files);
            written = WrittenFiles::default();
            for copy in copies {
                let old = linkless::read(&copy, MAX_FILE).unwrap_or_default();
                neighbours::pack_again(&copy).map_err(|error| unwritable((copy.clone(), error)))?;
                self.index.add_changed(&mut written.hashes, &copy, &old);
            }
            if written.hashes.count() == 0 {
                break;
            }
        }
        Ok(())
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
        self.settle_neighbours(written)
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
