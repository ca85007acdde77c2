//! What the organizations of a manifest have besides, once its entries are planned.

use super::RunContext;
use super::manifest::PreparedEntry;
use crate::error::Warning;
use crate::integration::RequestedLinks;
use crate::outcome::Outcome;
use crate::outcome::unmanaged::ManagedThings;
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

/// What the entries name, by organization and backend, each with the organization's slug.
fn managed(
    entries: &[PreparedEntry],
    outcome: &Outcome,
) -> BTreeMap<String, (String, ManagedThings)> {
    let mut managed = BTreeMap::<String, (String, ManagedThings)>::new();
    let mut untold = Vec::new();
    for (entry, end) in entries.iter().zip(&outcome.entries) {
        let (Some(key), Some(org)) = (&entry.inputs.provider, &entry.inputs.org) else { continue };
        let place = end.outcome.plan.as_ref().map(|plan| &plan.place);
        match place.filter(|place| !place.organization.is_empty()) {
            Some(place) => {
                let known = managed.entry(place.organization.clone()).or_default();
                known.0 = org.to_string();
                let links = RequestedLinks::from_inputs(&entry.inputs);
                known.1.add(&place.integrations, &links);
            }
            None => {
                let key = provider::find(key).map_or(key.as_str(), |one| one.integration_key());
                untold.push((org.to_string(), key.to_owned()));
            }
        }
    }
    for (org, key) in untold {
        for (_, managed) in managed.values_mut().filter(|(known, _)| *known == org) {
            managed.untold.insert(key.clone());
        }
    }
    managed
}
