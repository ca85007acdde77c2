//! The proof of an upload: each project is asked whether it finds the debug ids.

use super::proof_ids::ProofIds;
use super::{AttemptEnd, AttemptStart, FIRST_PAUSE, MAX_PAUSE, UploadAttempt};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::sourcemap::backend::{LookupAnswer, SourcemapBackend};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::upload::ChunkBytes;
use crate::text::quote;

/// How often an id is looked up that is not found.
const MAX_LOOKUPS: u32 = 5;
/// How many ids are looked up where an earlier upload may be what is found.
const MAX_IDS: usize = 200;

impl<B: SourcemapBackend, C: ChunkBytes> UploadAttempt<'_, B, C> {
    /// Has each project look for the ids. Where none was waited for, the server may only remember a
    /// bundle that is gone.
    pub(super) async fn prove(&mut self, is_new: bool) -> Result<AttemptEnd> {
        (self.progress.is_accepted, self.progress.is_complete) = (true, true);
        if self.proofs.is_empty() {
            return Ok(AttemptEnd::Done);
        }
        self.progress.proven.clear();
        self.progress.untold.clear();
        for (project, proof) in self.target.projects.iter().zip(self.proofs) {
            let answer = self.look_up_all(project, proof).await;
            if let (LookupAnswer::NotFound, Some(id)) = &answer {
                self.progress.is_complete = false;
                return self.refute(project, id, is_new);
            }
            if answer.0 != LookupAnswer::Found
                && let Some(failure) = self.not_found.take()
            {
                self.progress.is_complete = false;
                return Err(failure);
            }
            self.note(project, answer.0);
        }
        self.judge_untold();
        Ok(AttemptEnd::Done)
    }

    /// The first answer that is no yes, and to which id.
    async fn look_up_all(
        &mut self,
        project: &str,
        proof: &ProofIds,
    ) -> (LookupAnswer, Option<DebugId>) {
        for (number, id) in proof.ids.iter().take(MAX_IDS).enumerate() {
            match self.look_up(project, id).await {
                LookupAnswer::Found => {}
                other => return (other, Some(id.clone())),
            }
            let may_be_earlier = number == 0 && !proof.are_enough;
            if may_be_earlier && self.backend.holds(project, &self.bundle.id, id).await == Ok(true)
            {
                return (LookupAnswer::Found, None);
            }
        }
        match proof.are_enough || proof.ids.len() <= MAX_IDS {
            true => (LookupAnswer::Found, None),
            false => (LookupAnswer::Unclear(only_earlier()), None),
        }
    }

    /// Whether a project finds an id, soon if not at once. A failure later on does not undo a no.
    async fn look_up(&mut self, project: &str, id: &DebugId) -> LookupAnswer {
        let mut pause = FIRST_PAUSE;
        let mut found = self.ask(project, id).await;
        for _ in 1..MAX_LOOKUPS {
            if found != LookupAnswer::NotFound || !self.backend.pause(pause).await {
                break;
            }
            pause = (pause * 2).min(MAX_PAUSE);
            let next = self.ask(project, id).await;
            found = if next == LookupAnswer::Found { next } else { found };
        }
        found
    }

    async fn ask(&mut self, project: &str, id: &DebugId) -> LookupAnswer {
        let found = self.backend.finds(project, id).await;
        found.unwrap_or_else(|failure| LookupAnswer::Unclear(failure.message))
    }

    fn note(&mut self, project: &str, answer: LookupAnswer) {
        let progress = &mut *self.progress;
        match answer {
            LookupAnswer::Unsupported => progress.untold.push(project.to_owned()),
            LookupAnswer::Unclear(reason) => {
                progress.warnings.push(not_proven(project, &reason));
                progress.doubtful.push(project.to_owned());
            }
            LookupAnswer::Found | LookupAnswer::NotFound | LookupAnswer::OnlyRelease => {
                progress.proven.push(project.to_owned());
            }
        }
    }

    /// Says what the projects without a look-up come to: where the server answered another one, it has a
    /// look-up, and does not show them to this token.
    fn judge_untold(&mut self) {
        let progress = &mut *self.progress;
        let has_lookup = !progress.proven.is_empty();
        let reason = match has_lookup {
            true => "its look-up is answered by HTTP 404, and those of other projects are not",
            false => "this server has no look-up",
        };
        let warnings = progress.untold.iter().map(|project| not_proven(project, reason));
        progress.warnings.extend(warnings);
        if has_lookup {
            progress.doubtful.append(&mut progress.untold);
        }
    }

    /// The end of an attempt whose bundle is there, by the server's word, and is not found.
    fn refute(&mut self, project: &str, id: &DebugId, is_new: bool) -> Result<AttemptEnd> {
        let project = quote(project);
        let message = format!(
            "Sentry reports that the source maps are processed, but {project} does not find the \
             debug id {id}"
        );
        let failure = Error::new(ErrorCode::SourcemapsRefused, message);
        if is_new {
            return Err(failure);
        }
        self.not_found = Some(failure.clone());
        Ok(AttemptEnd::Refused(failure, AttemptStart::AsFits))
    }
}

fn only_earlier() -> String {
    format!("it finds {MAX_IDS} of their debug ids, but an earlier upload may have brought these")
}

fn not_proven(project: &str, reason: &str) -> Warning {
    let project = quote(project);
    let message = format!(
        "Sentry reports the upload as processed, but finishline cannot check that {project} finds the source maps: {reason}"
    );
    Warning::new("sourcemaps-not-proven", message)
}
