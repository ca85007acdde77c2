//! What an organization has in the embedded backend's file, with what is linked through it.

use super::{ALL, EmbeddedBackend, list};
use crate::failure::Result;
use crate::links::RequestedLinks;
use crate::manifest::ExistingIntegration;
use crate::model::OrgSlug;
use crate::provider;
use std::collections::BTreeSet;
use std::path::Path;

/// Lists everything of one organization, and only reads; nothing when the file is not there.
pub async fn inventory(path: &Path, org: &OrgSlug) -> Result<Vec<ExistingIntegration>> {
    let Some(mut engine) = EmbeddedBackend::open_to_read(path).await? else {
        return Ok(Vec::new());
    };
    let Some(found) = engine.organization(org.as_str()).await? else { return Ok(Vec::new()) };
    let installed = engine.integrations(found.id, None, ALL).await?;
    let keys: BTreeSet<_> = installed.into_iter().map(|one| one.integration_key).collect();
    let mut held = Vec::new();
    for integration_key in keys {
        let is_of =
            |provider: &&&dyn provider::Provider| provider.integration_key() == integration_key;
        let Some(provider) = provider::PROVIDERS.iter().find(is_of) else { continue };
        for listed in list(&mut engine.store, org, *provider).await? {
            let linked = engine.linked(found.id, listed.id).await?;
            let links = RequestedLinks {
                repositories: linked.repositories.into_iter().flatten().collect(),
                code_mappings: linked.code_mappings,
            };
            held.push(ExistingIntegration {
                integration_key: integration_key.clone(),
                listed,
                links,
            });
        }
    }
    Ok(held)
}
