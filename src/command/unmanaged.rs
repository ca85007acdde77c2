//! What the organizations of a manifest have besides, once its entries are planned.

use super::RunContext;
use super::manifest::PreparedEntry;
use crate::error::Warning;
use crate::outcome::changes::PlannedPlace;
use crate::outcome::unmanaged::ManagedThings;
use crate::outcome::{EntryOutcome, Outcome};
use crate::provider;
use std::collections::BTreeMap;

/// The warning about what is not known of an organization.
const NOT_LISTED: &str = "unmanaged-not-listed";

impl RunContext<'_> {
    /// Adds what no entry names, of each organization that one of them has planned in.
    pub(super) fn add_unmanaged(&self, entries: &[PreparedEntry], outcome: &mut Outcome) {
        let (mut all, mut warnings) = (Vec::new(), Vec::new());
        for (organization, (org, managed)) in managed(entries, outcome) {
            match self.cache.known_inventory(&organization) {
                None => {}
                Some(Ok(inventory)) => {
                    all.extend(managed.unmanaged(&org, inventory.integrations()));
                    let untold = managed.untold.iter();
                    let why = "which of them an entry means is not known, for it failed";
                    warnings.extend(untold.map(|key| not_listed(&org, &format!("{key}: {why}"))));
                }
                Some(Err(failure)) => warnings.push(not_listed(&org, &failure.message)),
            }
        }
        outcome.unmanaged = Some(all);
        outcome.warnings.extend(warnings);
    }
}

fn not_listed(org: &str, why: &str) -> Warning {
    let message = format!("what {org} has besides the manifest is not listed: {why}");
    Warning::new(NOT_LISTED, message)
}

/// What the entries name, and what is pruned, by organization and backend, each with the organization's
/// slug.
fn managed(
    entries: &[PreparedEntry],
    outcome: &Outcome,
) -> BTreeMap<String, (String, ManagedThings)> {
    let mut managed = BTreeMap::<String, (String, ManagedThings)>::new();
    let is_placed = |place: &&PlannedPlace| !place.organization.is_empty();
    let place = |end: &EntryOutcome| end.outcome.plan.as_ref().map(|plan| plan.place.clone());
    for place in outcome.entries.iter().filter_map(place).filter(|place| is_placed(&place)) {
        let known = managed.entry(place.organization.clone()).or_default();
        known.0.clone_from(&place.org);
        known.1.add(&place);
    }
    for (entry, end) in entries.iter().zip(&outcome.entries) {
        let (Some(key), Some(org)) = (&entry.inputs.provider, &entry.inputs.org) else { continue };
        if place(end).as_ref().is_some_and(|place| is_placed(&place)) {
            continue;
        }
        let key = provider::find(key).map_or(key.as_str(), |one| one.integration_key());
        for (_, managed) in managed.values_mut().filter(|(known, _)| *known == org.as_str()) {
            managed.untold.insert(key.to_owned());
        }
    }
    managed
}
