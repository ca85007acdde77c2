//! What a change of scripts leaves to do beside them: files that hold a hash or a packed copy of a script,
//! and maps that are not to be published.

use super::ExaminedSourcemaps;
use super::examine::GroupChange;
use super::groups::read_text;
use super::write::{self, WrittenFiles};
use crate::build_folder::neighbours::{self, ChangedHashes, StaleFiles};
use crate::error::{Result, Warning};
use crate::sourcemap::earlier::earlier_texts;
use crate::text::quote;

/// How often what is renewed may make more stale: two files with each other's hash have no end.
const MAX_ROUNDS: usize = 8;

impl ExaminedSourcemaps<'_> {
    /// Whether a file may hold a hash of a script, or a packed copy.
    pub(super) fn has_neighbours(&self) -> bool {
        !self.files.folder.others.is_empty()
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
        if others.is_empty() || scripts.peek().is_none() {
            return earlier;
        }
        let holds_hashes = neighbours::hold_hashes(others);
        for script in scripts {
            let Ok(text) = read_text(&script.file) else { continue };
            if neighbours::has_old_copy(others, &script.file, &text) {
                earlier.files.insert(script.file.clone());
            }
            if holds_hashes {
                for old in earlier_texts(&text) {
                    earlier.hashes.add(old.as_bytes(), text.as_bytes());
                }
            }
        }
        earlier
    }

    /// Names what the change leaves stale, or writes it anew.
    pub(super) fn settle_neighbours(&mut self, written: &WrittenFiles) -> Result {
        let stale = neighbours::find(&self.files.folder.others, &written.files, &written.hashes);
        if self.inputs.refresh {
            return self.refresh_neighbours(stale, &written.hashes);
        }
        let hashes = stale.hashes.iter().map(|file| {
            (file, "has the hash of a script that was changed, and browsers refuse the new one")
        });
        let packed = stale.packed.iter().map(|file| {
            (file, "is a packed copy of a file that was changed, and not of what is there now")
        });
        for (file, what) in hashes.chain(packed) {
            let message = format!(
                "{} {what}: set `inject-refresh: true`, or run this step before that file is made",
                quote(&self.files.folder.shown(file))
            );
            let warning = Warning::new("stale-files", message);
            if !self.progress.warnings.contains(&warning) {
                self.progress.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// A page that has another hash is another file for the list that has its own.
    fn refresh_neighbours(&self, mut stale: StaleFiles, hashes: &ChangedHashes) -> Result {
        let mut renewed = None;
        for _ in 0..MAX_ROUNDS {
            let hashes = renewed.as_ref().unwrap_or(hashes);
            let (files, new) = neighbours::refresh(&stale, hashes)
                .map_err(|(file, error)| write::unwritable(&file.to_string_lossy(), &error))?;
            if files.is_empty() {
                break;
            }
            stale = neighbours::find(&self.files.folder.others, &files, &new);
            renewed = Some(new);
        }
        Ok(())
    }

    /// Deletes the maps, where that is asked for and Sentry has them.
    pub(crate) fn delete_maps(&mut self) -> Result {
        if !self.inputs.delete || !self.progress.upload.is_settled() || self.stays_here {
            return Ok(());
        }
        let uploaded: Vec<_> =
            self.groups.iter().filter(|group| group.is_mapped(self.inputs)).collect();
        let written = write::delete_maps(&uploaded, self.has_neighbours())?;
        let maps = uploaded.iter().filter_map(|group| group.map.as_ref());
        let inline = self.inline_maps().filter(|script| written.files.contains(&script.file));
        self.deleted = maps.chain(inline).map(|map| map.file.clone()).collect();
        self.progress.deleted = self.deleted.len();
        self.settle_neighbours(&written)
    }
}
