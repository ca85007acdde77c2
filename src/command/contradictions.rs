//! Entries of a manifest that remove an integration which another entry sets up. Where one names it by
//! its id and the other by its state, only the backend knows that both mean the same one.

use super::RunContext;
use super::manifest::PreparedEntry;
use crate::error::{Error, ErrorCode};
use crate::inputs::Inputs;
use crate::inputs::types::Mode;
use crate::outcome::Outcome;
use crate::provider;
use crate::text::quote;
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

impl RunContext<'_> {
    /// Why none of the entries begins, if they contradict each other. It only reads.
    pub(super) async fn contradiction(
        &self,
        base: &Inputs,
        entries: &[PreparedEntry],
        deadline: Instant,
    ) -> Option<Outcome> {
        let plans = suspects(entries)
            .into_iter()
            .map(|entry| async move { (entry, self.entry(base, entry, deadline, true).await) });
        let planned: Vec<_> = stream::iter(plans).buffered(base.max_parallel).collect().await;
        let mut by_id: BTreeMap<i64, Vec<&PreparedEntry>> = BTreeMap::new();
        for (entry, outcome) in &planned {
            if let Some(id) = outcome.integration_id() {
                by_id.entry(id).or_default().push(entry);
            }
        }
        let mistakes = by_id.iter().flat_map(|(id, same)| mistakes(*id, same)).collect();
        Error::combine(mistakes).map(Outcome::failed)
    }
}

/// The mistakes in entries that mean one integration.
fn mistakes<'a>(id: i64, same: &'a [&PreparedEntry]) -> impl Iterator<Item = Error> + 'a {
    same.iter().filter_map(move |entry| {
        let others = same.iter().filter(|other| {
            other.key() != entry.key() && place(&other.inputs) == place(&entry.inputs)
        });
        let unwanted = |other: &&PreparedEntry| {
            Some((unwanted(&entry.inputs, &other.inputs)?, other.key().to_owned()))
        };
        let (unwanted, other) = others.copied().find_map(|other| unwanted(&other))?;
        let message =
            format!("`{}` removes {unwanted} {id}, but `{other}` sets it up", entry.key());
        let hint = "remove it from one of the two entries";
        Some(Error::new(ErrorCode::BadManifest, message).with_hint(hint))
    })
}

/// The entries that may contradict each other: in an organization where one removes something, one sets
/// something up and one names an integration by its id.
fn suspects(entries: &[PreparedEntry]) -> Vec<&PreparedEntry> {
    let mut by_place: BTreeMap<_, Vec<&PreparedEntry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.inputs.asks_integration()) {
        by_place.entry(place(&entry.inputs)).or_default().push(entry);
    }
    let is_suspect = |same: &&Vec<&PreparedEntry>| {
        same.iter().any(|one| removes(&one.inputs))
            && same.iter().any(|one| one.inputs.mode != Mode::Remove)
            && same.iter().any(|one| one.inputs.integration_id.is_some())
    };
    by_place.values().filter(is_suspect).flat_map(|same| with_provider_removed(same)).collect()
}

/// Those of a provider of which something is removed; an entry need not name its own.
fn with_provider_removed<'a>(same: &[&'a PreparedEntry]) -> Vec<&'a PreparedEntry> {
    let removing = same.iter().filter(|one| removes(&one.inputs));
    let removed: BTreeSet<_> = removing.map(|one| provider_key(&one.inputs)).collect();
    let is_meant = |one: &&&PreparedEntry| {
        let key = provider_key(&one.inputs);
        key.is_empty() || removed.contains("") || removed.contains(&key)
    };
    same.iter().filter(is_meant).copied().collect()
}

fn removes(inputs: &Inputs) -> bool {
    inputs.mode == Mode::Remove || !inputs.repositories_absent.is_empty()
}

/// What one entry removes of the integration that another one sets up, to stand before its id.
fn unwanted(one: &Inputs, other: &Inputs) -> Option<String> {
    if other.mode == Mode::Remove {
        return None;
    }
    if one.mode == Mode::Remove {
        return Some("integration".to_owned());
    }
    let mapped = other.code_mappings.iter().map(|mapping| &mapping.repository);
    let mut set = other.repositories.iter().chain(mapped);
    let repository = set.find(|name| {
        one.repositories_absent.iter().any(|absent| absent.eq_ignore_ascii_case(name))
    })?;
    Some(format!("repository {} of integration", quote(repository)))
}

/// The organization of an entry.
fn place(inputs: &Inputs) -> (String, String) {
    let org = inputs.org.as_ref().map(ToString::to_string);
    (inputs.page_url().to_string(), org.unwrap_or_default())
}

/// The key by which the provider is stored; empty where none is named.
fn provider_key(inputs: &Inputs) -> String {
    let key = inputs.provider.clone().unwrap_or_default();
    provider::find(&key).map_or(key, |known| known.integration_key().to_owned())
}
