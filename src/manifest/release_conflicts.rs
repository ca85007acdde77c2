//! What two releases of a manifest have in common, and can have only once: a deploy, and the files of a
//! build.

use super::compared::{ComparedEntry, ComparedRelease, mistake};
use crate::error::Error;
use crate::text::quote;
use crate::text::yaml::LineColumn;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A mistake for each deploy that two entries would record.
pub(super) fn deploys_twice(entries: &[ComparedEntry<'_>]) -> Vec<Error> {
    let mut deploys = BTreeMap::new();
    let twice = entries.iter().filter_map(|entry| {
        let deploy = entry.release.deploy.as_ref()?;
        match deploys.entry((entry.organization(), deploy)) {
            Entry::Vacant(free) => {
                free.insert((entry.key, entry.place));
                None
            }
            Entry::Occupied(first) => {
                let (key, first) = first.get();
                let (version, environment) = (quote(&deploy.version), quote(&deploy.environment));
                let message = format!(
                    "the same deploy of release {version} to {environment} as `{key}` at {first}"
                );
                let hint = "remove one of the two entries, or set another `deploy-name`";
                Some(mistake(message, hint, entry.place))
            }
        }
    });
    twice.collect()
}

/// A mistake for each entry with source maps that another one deletes, or that deletes another's: a run
/// that fails in between would leave none to upload.
pub(super) fn deleted_maps(entries: &[ComparedEntry<'_>]) -> Vec<Error> {
    let mut owners = HashMap::<&Path, FileOwners<'_>>::new();
    let mut mistakes = Vec::new();
    for entry in entries {
        let deletes = entry.inputs.sourcemaps.delete;
        let own = (entry.key, entry.place);
        let mut conflict = None;
        for file in &entry.release.build_files {
            let known = owners.entry(file).or_default();
            let other = if deletes { known.first } else { known.first_deleting };
            conflict = conflict.or(other);
            known.first.get_or_insert(own);
            known.first_deleting = known.first_deleting.or(deletes.then_some(own));
        }
        mistakes.extend(conflict.map(|(key, first)| {
            let message = format!(
                "its source maps are also those of `{key}` at {first}, and `delete-sourcemaps` of one \
                 of the two would delete what the other uploads"
            );
            let hint = "name all projects in one entry, or remove `delete-sourcemaps` and delete the \
                        source maps after the run";
            mistake(message, hint, entry.place)
        }));
    }
    mistakes
}

/// The entries that have a file: the first of them, and the first that deletes it.
#[derive(Default)]
struct FileOwners<'a> {
    first: Option<(&'a str, LineColumn)>,
    first_deleting: Option<(&'a str, LineColumn)>,
}

/// Which entries have files of a build in common, directly or by others between them, or parts of one
/// release: a number for each entry, the same one for those that must not be under way at once.
pub fn shared_turns(releases: &[ComparedRelease]) -> Vec<usize> {
    let mut leaders: Vec<usize> = (0..releases.len()).collect();
    let mut first_of = HashMap::<&Path, usize>::new();
    let mut first_part = HashMap::new();
    for (index, release) in releases.iter().enumerate() {
        let builds = release.build_files.iter().map(|file| *first_of.entry(file).or_insert(index));
        let parts = release.part_of.iter().map(|whole| *first_part.entry(whole).or_insert(index));
        for other in builds.chain(parts) {
            let (one, two) = (leader(&leaders, index), leader(&leaders, other));
            leaders[one.max(two)] = one.min(two);
        }
    }
    (0..releases.len()).map(|index| leader(&leaders, index)).collect()
}

fn leader(leaders: &[usize], mut index: usize) -> usize {
    while leaders[index] != index {
        index = leaders[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn entries_share_a_build_by_others_between_them() {
        let release = |files: &[&str]| ComparedRelease {
            build_files: files.iter().map(PathBuf::from).collect(),
            ..ComparedRelease::default()
        };
        let releases = [&["a"][..], &["b"], &[], &["c", "d"], &["b", "c"], &["a"]].map(release);
        assert_eq!(shared_turns(&releases), [0, 1, 2, 1, 1, 0]);
    }
}
