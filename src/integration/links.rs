//! The repositories and code mappings that are asked for, and what of them is lacking.

use super::existing_links::{ExistingLinks, LinkedMapping, LinkedRepository};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::recorded_links::{PrunedLinks, RecordedMapping};
use crate::inputs::{CodeMapping, Inputs, MappingPlace};
use crate::text::quote;
use std::collections::HashSet;

/// Repositories and code mappings, as inputs name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedLinks {
    /// Repositories, as `owner/name`.
    pub repositories: Vec<String>,
    /// Code mappings.
    pub code_mappings: Vec<CodeMapping>,
    /// Repositories that are to be gone.
    pub absent_repositories: Vec<String>,
    /// Where there is to be no code mapping.
    pub absent_mappings: Vec<MappingPlace>,
    /// What a manifest managed and names no longer.
    pub pruned: PrunedLinks,
}

/// What of an integration's links is to go.
#[derive(Default)]
pub struct UnwantedLinks<'a> {
    /// The repositories.
    pub repositories: Vec<&'a LinkedRepository>,
    /// The code mappings.
    pub code_mappings: Vec<&'a LinkedMapping>,
    /// What stays of what is pruned.
    pub kept: PrunedLinks,
    /// Why some of it stays.
    pub doubts: Vec<String>,
}

impl RequestedLinks {
    /// What is asked for.
    pub fn from_inputs(inputs: &Inputs) -> Self {
        Self {
            repositories: inputs.repositories.clone(),
            code_mappings: inputs.code_mappings.clone(),
            absent_repositories: inputs.repositories_absent.clone(),
            absent_mappings: inputs.code_mappings_absent.clone(),
            pruned: inputs.pruned.as_ref().map(|one| one.links.clone()).unwrap_or_default(),
        }
    }

    /// Whether a user must ask for them: an organization's token may set code mappings alone.
    pub fn needs_user(&self) -> bool {
        !self.repositories.is_empty() || self.has_absent()
    }

    /// Whether anything is to be gone.
    pub fn has_absent(&self) -> bool {
        !self.absent_repositories.is_empty()
            || !self.absent_mappings.is_empty()
            || !self.pruned.is_empty()
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && self.code_mappings.is_empty() && !self.has_absent()
    }

    /// Why nothing of these is done: a name means two repositories, or one is to be gone that is named by
    /// its other name as well, and would take along what is set.
    ///
    /// # Errors
    ///
    /// `ambiguous` with both repositories, `bad-field` with both names.
    pub fn check_names(&self, existing: &ExistingLinks) -> Result {
        let mapped = self.code_mappings.iter().map(|mapping| &mapping.repository);
        let wanted: Vec<_> = self.repositories.iter().chain(mapped).collect();
        let mut named = wanted.iter().copied().chain(&self.absent_repositories);
        named.try_for_each(|name| check_name(name, existing))?;
        for absent in &self.absent_repositories {
            let Some(row) = existing.repository(absent) else { continue };
            let is_same = |name: &&&String| existing.repository(name) == Some(row);
            if let Some(other) = wanted.iter().find(is_same) {
                let (absent, other) = (quote(absent), quote(other));
                let message = format!(
                    "repository {absent} is to be removed, and is named as {other} as well"
                );
                let hint = "remove one of both from the inputs";
                return Err(Error::new(ErrorCode::BadField, message).with_hint(hint));
            }
        }
        Ok(())
    }

    /// What of these is not there, or is there although it is to be gone.
    #[must_use]
    pub fn missing(&self, existing: &ExistingLinks) -> Self {
        let repositories = self.repositories.iter().filter(|name| !existing.has(name));
        let code_mappings = self.code_mappings.iter().filter(|one| !existing.maps(one));
        let absent = self.absent_repositories.iter().filter(|name| existing.has(name));
        let is_there = |place: &&MappingPlace| {
            existing.code_mappings.iter().any(|one| place.is_of(&one.mapping))
        };
        Self {
            repositories: repositories.cloned().collect(),
            code_mappings: code_mappings.cloned().collect(),
            absent_repositories: absent.cloned().collect(),
            absent_mappings: self.absent_mappings.iter().filter(is_there).cloned().collect(),
            pruned: self.pruned.clone(),
        }
    }

    /// What is to go of what is there.
    pub fn unwanted<'a>(&self, existing: &'a ExistingLinks) -> UnwantedLinks<'a> {
        let is_absent = |one: &&LinkedMapping| {
            self.absent_mappings.iter().any(|place| place.is_of(&one.mapping))
        };
        let absent = self.absent_repositories.iter();
        let mut unwanted = UnwantedLinks {
            repositories: absent.filter_map(|name| existing.repository(name)).collect(),
            code_mappings: existing.code_mappings.iter().filter(is_absent).collect(),
            ..UnwantedLinks::default()
        };
        unwanted.prune_mappings(&self.pruned, existing);
        unwanted.prune_repositories(&self.pruned, existing);
        // Two names may mean one.
        let mut ids = HashSet::new();
        unwanted.repositories.retain(|one| ids.insert(&one.id));
        let mut ids = HashSet::new();
        unwanted.code_mappings.retain(|one| ids.insert(&one.id));
        unwanted
    }
}

impl<'a> UnwantedLinks<'a> {
    /// What a person should know of what stays.
    pub fn warnings(&self) -> impl Iterator<Item = Warning> {
        self.doubts.iter().map(|doubt| Warning::new("not-pruned", doubt.as_str()))
    }

    /// The recorded id says which repository goes, if that is still called so: a server that was put back gives its
    /// ids again. Without an id the name does, where it can mean no other one.
    fn prune_repositories(&mut self, pruned: &PrunedLinks, existing: &'a ExistingLinks) {
        for recorded in &pruned.repositories {
            let is_meant = |one: &&LinkedRepository| match &recorded.id {
                Some(id) => one.id == *id,
                None => one.is_named(&recorded.name),
            };
            let meant: Vec<_> = existing.repositories.iter().filter(is_meant).collect();
            let is_needed =
                |one: &&LinkedRepository| pruned.kept_names.iter().any(|name| one.is_named(name));
            match meant[..] {
                [] => {}
                [one] if !one.is_named(&recorded.name) => {
                    let (name, now) = (quote(&recorded.name), one.told_apart());
                    self.doubts.push(format!(
                        "repository {name} stays: its id is now that of {now}; if that is the same one, remove it with \
                         `repositories-absent`, or in Sentry"
                    ));
                }
                [one] if !is_needed(&one) => self.repositories.push(one),
                [_] => self.kept.repositories.push(recorded.clone()),
                _ => {
                    let name = quote(&recorded.name);
                    let which = told_apart(&meant);
                    self.doubts.push(format!(
                        "repository {name} stays, as several are called so ({which}) and the record does not \
                         say which was managed; remove it with `repositories-absent`, or in Sentry"
                    ));
                    self.kept.repositories.push(recorded.clone());
                }
            }
        }
    }

    fn prune_mappings(&mut self, pruned: &PrunedLinks, existing: &'a ExistingLinks) {
        for recorded in &pruned.code_mappings {
            let place = recorded.place();
            let is_meant = |one: &&LinkedMapping| match &recorded.id {
                Some(id) => one.id == *id,
                None => place.is_of(&one.mapping),
            };
            for one in existing.code_mappings.iter().filter(is_meant) {
                if is_recorded(recorded, one) {
                    self.code_mappings.push(one);
                    continue;
                }
                let (project, root) = (quote(&place.project), quote(&place.stack_root));
                let now = describe_mapping(&one.mapping);
                self.doubts.push(format!(
                    "the code mapping of {root} of {project} stays, as it was changed: it maps {now} now; delete it with \
                     `code-mappings-absent`, or in Sentry"
                ));
                if recorded.id.is_none() {
                    self.kept.code_mappings.push(recorded.clone());
                }
            }
        }
    }
}

/// Whether a mapping is still the recorded one.
fn is_recorded(recorded: &RecordedMapping, one: &LinkedMapping) -> bool {
    let ids = recorded.repository_id.as_ref().zip(one.repository_id.as_ref());
    recorded.place().is_of(&one.mapping) && ids.is_none_or(|(recorded, now)| recorded == now)
}

/// Checks that a name means one repository at most.
fn check_name(name: &str, existing: &ExistingLinks) -> Result {
    let named = existing.named(name);
    if named.len() < 2 {
        return Ok(());
    }
    let (name, which) = (quote(name), told_apart(&named));
    let message = format!("repository {name} is not changed: several are called so: {which}");
    let hint = "name it by its path, set `integration-id`, or remove the other one in Sentry";
    Err(Error::new(ErrorCode::Ambiguous, message).with_hint(hint))
}

fn told_apart(named: &[&LinkedRepository]) -> String {
    named.iter().map(|one| one.told_apart()).collect::<Vec<_>>().join(", ")
}

/// A code mapping for a person, to stand after "map" or "mapped".
pub fn describe_mapping(mapping: &CodeMapping) -> String {
    let CodeMapping { project, repository, stack_root, source_root, .. } = mapping;
    format!("`{stack_root}` of {project} to `{source_root}` of {repository}")
}

/// Whether Sentry takes this as the branch of a code mapping.
pub(crate) fn is_branch_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    !text.is_empty() && text.chars().all(fits) && !text.starts_with('/') && !text.ends_with('/')
}
