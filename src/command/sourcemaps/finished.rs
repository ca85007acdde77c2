//! Scripts without a map that a run uploaded before it was ended: where every project finds them by their
//! debug ids, they are done.

use super::ExaminedSourcemaps;
use super::plan::MAX_LOOKUPS;
use super::upload::IdLookup;
use crate::sourcemap::backend::LookupAnswer;

impl ExaminedSourcemaps<'_> {
    /// Takes them for uploaded, where that is known; otherwise they are scripts without a map.
    pub(super) async fn settle_finished(&mut self, lookup: &mut IdLookup) {
        let projects = &self.target.projects;
        let most = MAX_LOOKUPS / projects.len().max(1);
        for project in projects {
            for id in self.files.finished.values().take(most.max(1)) {
                if lookup.finds(project, id).await != Ok(LookupAnswer::Found) {
                    return;
                }
            }
        }
        let progress = &mut self.progress;
        progress.unmapped.retain(|(script, _)| !self.files.finished.contains_key(script));
        progress.finished = self.files.finished.len();
    }
}
