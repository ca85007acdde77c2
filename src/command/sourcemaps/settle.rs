//! What a change of scripts leaves to do beside them: files that hold a hash or a packed copy of a script,
//! and maps that are not to be published.

use super::ExaminedSourcemaps;
use super::examine::GroupChange;
use super::groups::read_text;
use super::write::{self, WrittenFiles};
use crate::build_folder::neighbours::{self, StaleFiles};
use crate::build_folder::{MAX_FILE, refresh};
use crate::error::{Result, Warning};
use crate::os::linkless;
use crate::sourcemap::earlier::earlier_texts;
use crate::text::quote;
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

    /// What an earlier run changed of the scripts that stay: it may have been killed before it renewed
    /// what is beside them, or was not asked to.
    pub(super) fn earlier_changes(&self) -> WrittenFiles {
        let mut earlier = WrittenFiles::default();
        let others = &self.files.folder.others;
        let groups = self.groups.iter().zip(&self.changes);
        let unchanged = groups.filter(|(_, (_, change))| matches!(change, GroupChange::None));
        let mut scripts = unchanged.flat_map(|(group, _)| &group.scripts).peekable();
        // On a first run every script changes, and nothing has to be read for this.
        if scripts.peek().is_none() || !self.has_neighbours() {
            return earlier;
        }
        for script in scripts {
            let Ok(text) = read_text(&script.file) else { continue };
            if neighbours::has_old_copy(others, &script.file, &text) {
                earlier.files.insert(script.file.clone());
            }
            for old in earlier_texts(&text).iter().filter(|old| **old != text) {
                self.index.add_changed(&mut earlier.hashes, &script.file, old.as_bytes());
            }
        }
        earlier
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
        let uploaded: Vec<_> =
            self.groups.iter().filter(|group| group.is_mapped(self.inputs)).collect();
        let written = write::delete_maps(&uploaded, &self.index)?;
        let maps = uploaded.iter().filter_map(|group| group.map.as_ref());
        let inline = self.inline_maps().filter(|script| written.files.contains(&script.file));
        self.deleted = maps.chain(inline).map(|map| map.file.clone()).collect();
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
}
