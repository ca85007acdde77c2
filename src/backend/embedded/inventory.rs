//! What an organization has in the embedded backend's file, with what is linked through it.

use super::{EmbeddedBackend, list};
use crate::database::{Database, PageQuery};
use crate::error::Result;
use crate::integration::RequestedLinks;
use crate::manifest::ExistingIntegration;
use crate::model::OrgSlug;
use crate::provider::{self, ListingFilter};
use std::collections::BTreeSet;
use std::path::Path;

/// Lists everything of one organization, and only reads; nothing when the file is not there.
pub async fn inventory(path: &Path, org: &OrgSlug) -> Result<Vec<ExistingIntegration>> {
    let Some(mut database) = Database::open_to_read(path).await? else { return Ok(Vec::new()) };
    let Some(organization) = database.organization(org.as_str()).await? else {
        return Ok(Vec::new());
    };
    let installed = database.integrations(organization.id, None, PageQuery::ALL).await?;
    let keys: BTreeSet<_> =
        installed.into_iter().map(|installed| installed.integration_key).collect();
    let mut existing = Vec::new();
    for integration_key in keys {
        let is_of =
            |provider: &&&dyn provider::Provider| provider.integration_key() == integration_key;
        let Some(provider) = provider::PROVIDERS.iter().find(is_of) else { continue };
        for listed in list(&mut database, org, *provider, &ListingFilter::All).await? {
            let linked =
                EmbeddedBackend::new(&mut database).linked(organization.id, listed.id).await?;
            let links = RequestedLinks {
                repositories: linked.repositories.into_iter().flatten().collect(),
                code_mappings: linked.code_mappings,
            };
            let integration_key = integration_key.clone();
            existing.push(ExistingIntegration { integration_key, listed, links });
        }
    }
    Ok(existing)
}
