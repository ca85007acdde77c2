//! What a run would do besides the upload: maps that it would delete, files that it would leave stale or
//! write anew; and whether there is anything to upload. It only reads.

use super::ExaminedSourcemaps;
use super::groups::read_text;
use super::settle::StaleWords;
use super::upload::IdLookup;
use super::write::WrittenFiles;
use crate::build_folder::{BuildFile, neighbours};
use crate::command::RunContext;
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::sourcemap::backend::LookupAnswer;
use crate::sourcemap::trailer;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tokio::time::Instant;

/// The most look-ups of a plan; each is a request. With more scripts a plan does not ask.
pub(super) const MAX_LOOKUPS: usize = 200;

impl ExaminedSourcemaps<'_> {
    /// Notes what a run would do.
    pub(crate) async fn plan(&mut self, run: &RunContext<'_>, inputs: &Inputs, deadline: Instant) {
        let is_embedded = inputs.backend(run.job) == Ok(BackendName::Embedded);
        self.stays_here = is_embedded && inputs.backend.is_none();
        if self.deletes() {
            let deletable = self.deletable();
            let scripts = deletable.iter().flat_map(|group| &group.scripts);
            let scripts: BTreeSet<_> = scripts.map(|script| &script.file).collect();
            let is_deletable = |script: &&BuildFile| scripts.contains(&script.file);
            let maps = deletable.iter().filter_map(|group| group.map.as_ref());
            let maps = maps.chain(self.inline_maps().filter(is_deletable));
            self.progress.to_delete = maps.map(|map| map.shown.clone()).collect();
        }
        self.plan_neighbours();
        if !self.files.finished.is_empty()
            && let Ok(Some(mut lookup)) = IdLookup::open_to_read(run, inputs, deadline).await
        {
            self.settle_finished(&mut lookup).await;
        }
        self.progress.is_known = self.is_known(run, inputs, deadline).await;
    }

    fn deletes(&self) -> bool {
        self.inputs.delete && self.inputs.wait && !self.stays_here
    }

    /// The files beside the scripts that a run would leave stale, or write anew.
    fn plan_neighbours(&mut self) {
        if !self.has_neighbours() {
            return;
        }
        let (mut earlier, planned) = (self.earlier_changes(), self.planned_changes(self.deletes()));
        let others = &self.files.folder.others;
        if self.inputs.refresh {
            earlier.extend(planned);
            let WrittenFiles { files, hashes, .. } = earlier;
            let to_refresh = neighbours::to_renew(others, &self.index, files, hashes);
            let shown = |file: &PathBuf| self.files.folder.shown(file);
            self.progress.to_refresh = to_refresh.iter().map(shown).collect();
            return;
        }
        for (changed, words) in [(earlier, StaleWords::DONE), (planned, StaleWords::PLANNED)] {
            let WrittenFiles { files, hashes, .. } = changed;
            let others = &self.files.folder.others;
            let stale = neighbours::find(others, &self.index, &files, &hashes);
            self.warn_of_all(&stale, &words);
        }
    }

    /// The files that would change, with the hashes that they have; with `deletes`, those that would go, too.
    pub(super) fn planned_changes(&self, deletes: bool) -> WrittenFiles {
        let mut changed = WrittenFiles::default();
        for (group, (_, change)) in self.groups.iter().zip(&self.changes) {
            let mut note = |file: &BuildFile, text: &str| {
                self.index.add_changed(&mut changed.hashes, &file.file, text.as_bytes());
                changed.files.insert(file.file.clone());
            };
            for (at, file) in group.scripts.iter().chain(&group.map).enumerate() {
                let Ok(text) = read_text(&file.file) else { continue };
                let is_script = at < group.scripts.len();
                // What is deleted, or loses the name of what is.
                let goes = || !is_script || trailer::mapping_url(&text).is_some();
                if !change.leaves(at) || deletes && goes() {
                    note(file, &text);
                }
            }
        }
        changed
    }

    /// Whether no script would change, and each project finds all of them by their ids.
    async fn is_known(&self, run: &RunContext<'_>, inputs: &Inputs, deadline: Instant) -> bool {
        let progress = &self.progress;
        let changes = self.has_changes();
        let ids: BTreeSet<_> = progress.scripts.iter().filter_map(|one| one.id.as_ref()).collect();
        let has_ids = progress.scripts.iter().all(|script| script.id.is_some());
        let (projects, is_faulty) = (&self.target.projects, !progress.faults.is_empty());
        let fits = (1..=MAX_LOOKUPS).contains(&(ids.len() * projects.len()));
        if changes || is_faulty || !has_ids || !fits {
            return false;
        }
        let Ok(Some(mut lookup)) = IdLookup::open_to_read(run, inputs, deadline).await else {
            return false;
        };
        for project in projects {
            for id in &ids {
                if lookup.finds(project, id).await != Ok(LookupAnswer::Found) {
                    return false;
                }
            }
        }
        true
    }
}
