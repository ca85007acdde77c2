//! What was found of the groups so far: those that are in order, what is packed of them, and what the
//! reader should know.

use super::bundle_file::BundleDraft;
use super::examine::{ExaminedGroup, GroupChange};
use super::groups::{FileGroup, FileGroups};
use super::mismatches::KnownIds;
use crate::build_folder::{BuildFolder, HashIndex};
use crate::error::Warning;
use crate::outcome::sourcemaps::SourcemapProgress;
use std::io::Result;

/// The groups that were looked at.
#[derive(Default)]
pub(super) struct AcceptedGroups {
    /// Those without a fault.
    pub(super) groups: Vec<FileGroup>,
    /// The number of scripts of each, and what changes of it.
    pub(super) changes: Vec<(usize, GroupChange)>,
    /// Which files hold a hash of another.
    pub(super) index: HashIndex,
    /// Their scripts, and the files with a fault.
    pub(super) progress: SourcemapProgress,
    /// Sources whose text is nowhere.
    pub(super) without_text: Vec<String>,
    /// Maps that say they are another script's.
    pub(super) strangers: Vec<Warning>,
    ids: KnownIds,
}

impl AcceptedGroups {
    /// None yet, of this folder.
    pub(super) fn of(folder: &BuildFolder) -> Self {
        Self { index: HashIndex::new(folder.files()), ..Self::default() }
    }

    /// How many were looked at.
    pub(super) fn count(&self) -> usize {
        self.groups.len() + self.progress.faults.len()
    }

    /// Adds one, or notes its fault. Scripts with a fault stay as they are, and may hold a hash all the same.
    pub(super) fn add(
        &mut self,
        files: &mut FileGroups,
        group: FileGroup,
        result: std::result::Result<ExaminedGroup, (String, String)>,
        draft: &mut BundleDraft<'_>,
    ) -> Result<()> {
        match result.and_then(|examined| self.ids.unless_double(examined)) {
            Ok(mut examined) => {
                self.strangers.extend(files.stranger(&group, &examined));
                match group.scripts.iter().all(|one| files.unsent.contains(&one.shown)) {
                    true if group
                        .scripts
                        .iter()
                        .all(|one| files.finished.contains_key(&one.shown)) => {}
                    // What is refused stays as it is.
                    true => examined.keep_as_it_is(),
                    false => draft.add(&examined.entries)?,
                }
                self.accept(group, examined);
                Ok(())
            }
            Err(fault) => {
                self.progress.faults.push(fault);
                files.folder.others.extend(group.scripts.into_iter().map(|script| script.file));
                Ok(())
            }
        }
    }

    /// Adds bytecode, or notes its fault.
    pub(super) fn add_bytecode(
        &mut self,
        result: std::result::Result<ExaminedGroup, (String, String)>,
        draft: &mut BundleDraft<'_>,
    ) -> Result<()> {
        match result {
            Ok(examined) => {
                draft.add(&examined.entries)?;
                self.progress.scripts.extend(examined.scripts);
                self.without_text.extend(examined.without_text);
            }
            Err(fault) => self.progress.faults.push(fault),
        }
        Ok(())
    }

    fn accept(&mut self, group: FileGroup, examined: ExaminedGroup) {
        for (script, held) in group.scripts.iter().zip(&examined.held) {
            self.index.note(&script.file, held);
        }
        self.changes.push((examined.scripts.len(), examined.change));
        self.progress.scripts.extend(examined.scripts);
        self.without_text.extend(examined.without_text);
        self.groups.push(group);
    }
}
