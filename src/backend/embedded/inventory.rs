//! What an organization has in the embedded backend's file, with what is linked through it.

use super::{EmbeddedBackend, list};
use crate::database::{Database, PageQuery};
use crate::error::{Error, ErrorCode, Result};
use crate::integration::RequestedLinks;
use crate::manifest::{ExistingIntegration, OrganizationInventory};
use crate::model::OrgSlug;
use crate::provider::{self, ListingFilter};
use crate::text::quote;
use std::collections::BTreeSet;
use std::path::Path;

/// Lists everything of one organization, and only reads.
///
/// # Errors
///
/// `database` where there is no file, `not-a-member` where the organization is not in it.
pub async fn inventory(path: &Path, org: &OrgSlug) -> Result<OrganizationInventory> {
    let Some(mut database) = Database::open_to_read(path).await? else {
        let message = format!("{} does not exist, so there is nothing to import", path.display());
        return Err(Error::new(ErrorCode::Database, message));
    };
    let Some(organization) = database.organization(org.as_str()).await? else {
        let message = format!("organization {org} does not exist in {}", path.display());
        let hint = "check `org` and `database`";
        return Err(Error::new(ErrorCode::NotAMember, message).with_hint(hint));
    };
    let installed = database.integrations(organization.id, None, PageQuery::ALL).await?;
    let keys: BTreeSet<_> =
        installed.into_iter().map(|installed| installed.integration_key).collect();
    let mut existing = OrganizationInventory::default();
    for integration_key in keys {
        let is_of =
            |provider: &&&dyn provider::Provider| provider.integration_key() == integration_key;
        let Some(provider) = provider::PROVIDERS.iter().find(is_of) else {
            let key = quote(&integration_key);
            existing.left_out.push(format!("skipped the integrations of unknown provider {key}"));
            continue;
        };
        for listed in list(&mut database, org, *provider, &ListingFilter::All).await? {
            let linked =
                EmbeddedBackend::new(&mut database).linked(organization.id, listed.id).await?;
            let links = RequestedLinks {
                repositories: linked.repositories.into_iter().flatten().collect(),
                code_mappings: linked.code_mappings,
                ..RequestedLinks::default()
            };
            let integration_key = integration_key.clone();
            existing.integrations.push(ExistingIntegration { integration_key, listed, links });
        }
    }
    Ok(existing)
}
