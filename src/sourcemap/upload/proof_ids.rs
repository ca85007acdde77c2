//! Which debug ids prove an upload: one that the server finds already says nothing about what is new.

use crate::sourcemap::backend::{LookupAnswer, SourcemapBackend};
use crate::sourcemap::debug_id::DebugId;

/// So few ids are all looked up afterwards, and none before.
const FEW: usize = 4;
/// How many of more are looked up before, until one is not known.
const PROBES: usize = 8;

/// What a project is asked for after an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProofIds {
    /// The ids.
    pub(super) ids: Vec<DebugId>,
    /// Whether finding them shows that this upload is there, and no earlier one.
    pub(super) are_enough: bool,
}

impl ProofIds {
    /// Those for a project, which is asked now what it knows.
    pub(super) async fn choose(
        backend: &mut impl SourcemapBackend,
        project: &str,
        all: &[DebugId],
    ) -> Self {
        if all.len() <= FEW {
            return Self { ids: all.to_vec(), are_enough: true };
        }
        for number in 0..PROBES.min(all.len()) {
            let id = &all[number * all.len() / PROBES.min(all.len())];
            match backend.finds_soon(project, id).await {
                Ok(LookupAnswer::Found) => {}
                Ok(LookupAnswer::NotFound) => {
                    return Self { ids: vec![id.clone()], are_enough: true };
                }
                // Whoever does not answer is not asked again and again.
                _ => break,
            }
        }
        Self { ids: all.to_vec(), are_enough: false }
    }
}
