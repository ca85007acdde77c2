//! Scripts without a map that a run uploaded before it was ended: where every project finds them by their
//! debug ids, they are done.

use super::ExaminedSourcemaps;
use super::plan::MAX_LOOKUPS;
use super::upload::IdLookup;
use crate::sourcemap::backend::LookupAnswer;
use crate::text::quote;

impl ExaminedSourcemaps<'_> {
    /// Takes them for uploaded, where that is known; otherwise they are scripts without a map.
    pub(super) async fn settle_finished(&mut self, lookup: &mut IdLookup) {
        let projects = &self.target.projects;
        let most = MAX_LOOKUPS / projects.len().max(1);
        for project in projects {
            for id in self.files.finished.values().take(most.max(1)) {
                match lookup.finds(project, id).await {
                    Ok(LookupAnswer::Found) => {}
                    Ok(LookupAnswer::NotFound) => return self.note_lost(&quote(project)),
                    _ => return,
                }
            }
        }
        let progress = &mut self.progress;
        progress.unmapped.retain(|(script, _)| !self.files.finished.contains_key(script));
        progress.finished = self.files.finished.len();
    }

    /// Says of them which project has no map, for one that an earlier run deleted may be gone there.
    fn note_lost(&mut self, project: &str) {
        let finished = &self.files.finished;
        let lost =
            self.progress.unmapped.iter_mut().filter(|(script, _)| finished.contains_key(script));
        for (_, why) in lost {
            *why = format!("it names no map, and project {project} has none by its debug id");
        }
    }
}
