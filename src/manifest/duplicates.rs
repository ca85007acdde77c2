//! What a manifest says twice, and a backend has once: each run would change it to and fro.

use super::compared::{ComparedEntry, mistake};
use super::release_conflicts::{deleted_maps, deploys_twice};
use crate::error::Error;
use crate::inputs::MappingPlace;
use crate::text::quote;
use crate::text::yaml::LineColumn;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A mistake for each thing that stands twice, at the second place and with the first.
pub fn duplicates(entries: &[ComparedEntry<'_>]) -> Vec<Error> {
    let (mut accounts, mut mappings) = (BTreeMap::new(), BTreeMap::new());
    let mut mistakes = Vec::new();
    for entry in entries {
        let organization = entry.organization();
        let provider = entry.inputs.provider.as_deref().unwrap_or_default();
        let own = entry.accounts().into_iter().map(|account| format!("{organization} {account}"));
        let twice = own.filter_map(|account| first_place(&mut accounts, account, entry)).next();
        mistakes.extend(twice.map(|(key, first)| {
            let message = format!("the same {provider} account as `{key}` at {first}");
            mistake(message, "remove one of the two entries", entry.place)
        }));
        for (mapping, place) in entry.inputs.code_mappings.iter().zip(entry.mapping_places) {
            let (project, root) = (&mapping.project, &mapping.stack_root);
            let same = (organization.clone(), project, root);
            if let Some(first) = mappings.insert(same, *place) {
                let (project, root) = (quote(project), quote(root));
                let message = format!(
                    "project {project} with stack root {root} is mapped twice, first at {first}"
                );
                mistakes.push(mistake(message, "remove one of the two code mappings", *place));
            }
        }
    }
    mistakes.extend(repositories_twice(entries));
    mistakes.extend(contradictions(entries));
    mistakes.extend(deploys_twice(entries));
    mistakes.extend(deleted_maps(entries));
    mistakes
}

/// A mistake for each repository that two integrations would take from one another.
fn repositories_twice(entries: &[ComparedEntry<'_>]) -> Vec<Error> {
    let (mut seen, mut mistakes) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        let Some(owner) = entry.repository_owner() else { continue };
        for name in &entry.inputs.repositories {
            let same = format!("{owner} {}", name.to_ascii_lowercase());
            let first = first_place(&mut seen, same, entry);
            mistakes.extend(first.filter(|(key, _)| *key != entry.key).map(|(key, first)| {
                let name = quote(name);
                let message = format!("repository {name} is linked by `{key}` at {first}, too");
                mistake(message, "remove it from one of the two entries", entry.place)
            }));
        }
    }
    mistakes
}

/// A mistake for each thing that one entry wants to be there and another one to be gone.
fn contradictions(entries: &[ComparedEntry<'_>]) -> Vec<Error> {
    let has_absent = |entry: &ComparedEntry<'_>| {
        let inputs = entry.inputs;
        !inputs.repositories_absent.is_empty() || !inputs.code_mappings_absent.is_empty()
    };
    let absent = entries.iter().filter(|entry| has_absent(entry));
    let pairs = absent.flat_map(|one| entries.iter().map(move |other| (one, other)));
    let same = pairs
        .filter(|(one, other)| one.key != other.key && one.organization() == other.organization());
    same.filter_map(|(one, other)| {
        let (what, key) = (wanted(one, other)?, other.key);
        let message = format!("{what} is to be gone, but `{key}` at {} sets it", other.place);
        Some(mistake(message, "remove it from one of the two entries", one.place))
    })
    .collect()
}

/// What the one wants to be gone and the other to be there.
fn wanted(one: &ComparedEntry<'_>, other: &ComparedEntry<'_>) -> Option<String> {
    let (gone, there) = (one.inputs, other.inputs);
    let is_mapped = |place: &&MappingPlace| there.code_mappings.iter().any(|m| place.is_of(m));
    let mapping = gone.code_mappings_absent.iter().find(is_mapped).map(|place| {
        let (project, root) = (quote(&place.project), quote(&place.stack_root));
        format!("the code mapping of project {project} with stack root {root}")
    });
    let is_linked = |name: &&String| {
        let mapped = there.code_mappings.iter().map(|one| &one.repository);
        gone.provider == there.provider
            && there.repositories.iter().chain(mapped).any(|one| one.eq_ignore_ascii_case(name))
    };
    let repository = gone.repositories_absent.iter().find(is_linked);
    mapping.or_else(|| repository.map(|name| format!("repository {}", quote(name))))
}

/// Where this was named before, if it was.
fn first_place<'a>(
    seen: &mut BTreeMap<String, (&'a str, LineColumn)>,
    account: String,
    entry: &ComparedEntry<'a>,
) -> Option<(&'a str, LineColumn)> {
    match seen.entry(account) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(free) => {
            free.insert((entry.key, entry.place));
            None
        }
    }
}
