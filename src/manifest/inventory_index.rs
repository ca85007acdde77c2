//! What an organization has, found by its parts: many entries ask, and each pays for its own alone.

use super::{ExistingIntegration, OrganizationInventory};
use crate::inputs::CodeMapping;
use crate::integration::{ExistingLinks, RequestedLinks};
use crate::model::ListedIntegration;
use std::collections::HashMap;

/// An inventory with its integrations and mappings by what tells them apart.
#[derive(Default)]
pub struct InventoryIndex {
    integrations: Vec<ExistingIntegration>,
    by_id: HashMap<i64, usize>,
    /// By project and stack root, of which there is one mapping: the integration, and the mapping's
    /// place in it.
    by_place: HashMap<(String, String), (usize, usize)>,
    /// By name in lower case, of which there may be several: the same of repositories.
    by_repository: HashMap<String, Vec<(usize, usize)>>,
}

impl From<OrganizationInventory> for InventoryIndex {
    fn from(inventory: OrganizationInventory) -> Self {
        let integrations = inventory.integrations;
        let (mut by_id, mut by_place) = (HashMap::new(), HashMap::new());
        let mut by_repository: HashMap<String, Vec<_>> = HashMap::new();
        for (at, one) in integrations.iter().enumerate() {
            by_id.insert(one.listed.id, at);
            for (mapping, found) in one.links.code_mappings.iter().enumerate() {
                by_place.insert(place(&found.mapping), (at, mapping));
            }
            for (repository, found) in one.links.repositories.iter().enumerate() {
                for name in &found.names {
                    by_repository.entry(name.to_lowercase()).or_default().push((at, repository));
                }
            }
        }
        Self { integrations, by_id, by_place, by_repository }
    }
}

impl InventoryIndex {
    /// Each integration.
    pub fn integrations(&self) -> &[ExistingIntegration] {
        &self.integrations
    }

    /// The integrations of a provider, by its key in storage.
    pub fn of_provider(&self, integration_key: &str) -> Vec<ListedIntegration> {
        let ours = self.integrations.iter().filter(|one| one.integration_key == integration_key);
        ours.map(|one| one.listed.clone()).collect()
    }

    /// What an integration has, if one is meant, and which of the requested mappings are another's.
    pub fn links(&self, integration: Option<i64>, requested: &RequestedLinks) -> ExistingLinks {
        let own = integration.and_then(|id| self.by_id.get(&id)).copied();
        let links = own.map(|at| self.integrations[at].links.clone()).unwrap_or_default();
        let found = requested.code_mappings.iter().filter_map(|one| self.by_place.get(&place(one)));
        let others = found.filter(|(at, _)| Some(*at) != own);
        let elsewhere = others
            .map(|(at, mapping)| self.integrations[*at].links.code_mappings[*mapping].clone());
        let lacking = requested.repositories.iter().filter(|name| !links.has(name));
        let named = lacking.filter_map(|name| self.by_repository.get(&name.to_lowercase()));
        let held = named.flatten().filter(|(at, _)| Some(*at) != own);
        let others = held
            .map(|(at, repository)| self.integrations[*at].links.repositories[*repository].clone());
        let (elsewhere, others) = (elsewhere.collect(), others.collect());
        ExistingLinks { elsewhere, others, ..links }
    }
}

fn place(mapping: &CodeMapping) -> (String, String) {
    (mapping.project.clone(), mapping.stack_root.clone())
}
