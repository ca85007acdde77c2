//! What an organization has and no entry of the manifest names. It is told, and is no difference.

use super::changes::{ChangedKind, LinkScope, PlannedPlace};
use crate::inputs::MappingPlace;
use crate::integration::LinkedRepository;
use crate::integration::links::describe_mapping;
use crate::manifest::ExistingIntegration;
use std::collections::HashSet;

/// Something that no entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmanagedThing {
    /// The organization.
    pub org: String,
    /// What kind of thing.
    pub kind: ChangedKind,
    /// The provider of its integration, as the backend calls it.
    pub provider: String,
    /// The id of its integration.
    pub integration: i64,
    /// What it is called.
    pub name: String,
    /// Its status, where it is not active.
    pub status: Option<String>,
}

impl UnmanagedThing {
    /// Every text that others have a say in.
    pub(super) fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        [&mut self.provider, &mut self.name].into_iter().chain(&mut self.status)
    }

    /// What it is, for a person.
    pub fn words(&self) -> String {
        let Self { kind, provider, integration, name, status, .. } = self;
        let status = status.iter().map(|status| format!(", {status}")).collect::<String>();
        match kind {
            ChangedKind::Integration => {
                format!("{provider} integration {integration} ({name}){status}")
            }
            kind => {
                let kind = kind.as_str().replace('-', " ");
                format!("{kind} {name}, of {provider} integration {integration}")
            }
        }
    }
}

/// What the entries of one organization name.
#[derive(Default)]
pub struct ManagedThings {
    integrations: HashSet<i64>,
    /// Those that end, with all that they link.
    ending: HashSet<i64>,
    /// By their ids.
    repositories: HashSet<String>,
    code_mappings: HashSet<MappingPlace>,
    /// The providers of entries of which nobody knows which integration they mean.
    pub untold: HashSet<String>,
}

impl ManagedThings {
    /// Adds an entry whose plan is about this.
    pub fn add(&mut self, place: &PlannedPlace) {
        self.integrations.extend(&place.integrations);
        match &place.links {
            LinkScope::Everything => self.ending.extend(&place.integrations),
            LinkScope::Named { repositories, code_mappings } => {
                self.repositories.extend(repositories.iter().cloned());
                self.code_mappings.extend(code_mappings.iter().cloned());
            }
        }
    }

    /// What of this organization is nobody's.
    pub fn unmanaged(&self, org: &str, existing: &[ExistingIntegration]) -> Vec<UnmanagedThing> {
        existing.iter().flat_map(|one| self.of_integration(org, one)).collect()
    }

    fn of_integration(&self, org: &str, one: &ExistingIntegration) -> Vec<UnmanagedThing> {
        let id = one.listed.id;
        let thing = |kind, name: &str| UnmanagedThing {
            org: org.to_owned(),
            kind,
            provider: one.integration_key.clone(),
            integration: id,
            name: name.to_owned(),
            status: None,
        };
        let is_managed = self.integrations.contains(&id);
        if self.ending.contains(&id) {
            return Vec::new();
        }
        if !is_managed && self.untold.contains(&one.integration_key) {
            return Vec::new();
        }
        let statuses = one.listed.health.statuses().join(", ");
        let status = (!one.listed.active).then_some(statuses);
        let integration =
            UnmanagedThing { status, ..thing(ChangedKind::Integration, &one.listed.name) };
        let repositories = one.links.repositories.iter();
        let repositories = repositories.filter(|row| !self.repositories.contains(&row.id));
        let repositories = repositories.map(LinkedRepository::shown_name);
        let mappings = one.links.code_mappings.iter().map(|known| &known.mapping);
        let mappings = mappings.filter(|one| !self.code_mappings.contains(&one.place()));
        let integration = (!is_managed).then_some(integration).into_iter();
        integration
            .chain(repositories.map(|name| thing(ChangedKind::Repository, name)))
            .chain(mappings.map(|one| thing(ChangedKind::CodeMapping, &describe_mapping(one))))
            .collect()
    }
}
