//! What no script shows by itself: two with one debug id, and a map that says it is another script's.

use super::examine::{ExaminedGroup, TextSum};
use super::groups::{FileGroup, FileGroups};
use crate::error::Warning;
use crate::sourcemap::debug_id::DebugId;
use crate::text::quote;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The debug ids of the scripts so far, each with the script that had it first.
#[derive(Default)]
pub(super) struct KnownIds(HashMap<DebugId, (TextSum, String)>);

impl KnownIds {
    /// The group, unless it has the id of another script: then that script, and why.
    pub(super) fn unless_double(
        &mut self,
        group: ExaminedGroup,
    ) -> Result<ExaminedGroup, (String, String)> {
        self.double(&group).map_or(Ok(group), Err)
    }

    /// Copies of one script have one id by right.
    fn double(&mut self, group: &ExaminedGroup) -> Option<(String, String)> {
        for (script, sum) in group.scripts.iter().zip(&group.sums) {
            let Some(id) = &script.id else { continue };
            match self.0.entry(id.clone()) {
                Entry::Occupied(known) if known.get().0 != *sum => {
                    let first = quote(&known.get().1);
                    let why = format!(
                        "it has the debug id {id} of {first}, which is another script: build both without debug ids, or each with its own"
                    );
                    return Some((script.path.clone(), why));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => drop(free.insert((*sum, script.path.clone()))),
            }
        }
        None
    }
}

impl FileGroups {
    /// A warning about a map that names another script of its folder than those it is used for.
    pub(super) fn stranger(&self, group: &FileGroup, examined: &ExaminedGroup) -> Option<Warning> {
        let (map, script) = (group.map.as_ref()?, group.scripts.first()?);
        let file = examined.map_file.as_deref()?.rsplit(['/', '\\']).next()?;
        let other = script.file.with_file_name(file);
        let is_own = group.scripts.iter().any(|one| one.file.file_name() == other.file_name());
        if is_own || file.is_empty() || !self.folder.has_script(&other) {
            return None;
        }
        let message = format!(
            "{} is used for {}, and says that it is of `{file}` beside it: if the two were mixed up, Sentry shows the wrong code",
            quote(&map.shown),
            quote(&script.shown)
        );
        Some(Warning::new("map-of-another", message))
    }
}
