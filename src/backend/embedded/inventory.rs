//! What an organization has in the embedded backend's file, with what is linked through it.

use super::list;
use crate::database::{Database, PageQuery, RepositoryFilter};
use crate::error::{Error, ErrorCode, Result};
use crate::integration::ExistingLinks;
use crate::manifest::{ExistingIntegration, OrganizationInventory};
use crate::model::OrgSlug;
use crate::provider::{self, ListingFilter};
use crate::text::quote;
use std::collections::HashMap;
use std::path::Path;

/// The same for a plan: an organization that is not there has nothing.
pub async fn inventory_or_none(path: &Path, org: &OrgSlug) -> Result<OrganizationInventory> {
    match inventory(path, org).await {
        Err(failure) if failure.code == ErrorCode::NotAMember || !path.exists() => {
            Ok(OrganizationInventory::default())
        }
        listed => listed,
    }
}

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
    let keys = database.integration_keys(organization.id).await?;
    let mut linked = links_of_all(&mut database, organization.id).await?;
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
            let links = linked.remove(&listed.id).unwrap_or_default();
            let integration_key = integration_key.clone();
            existing.integrations.push(ExistingIntegration { integration_key, listed, links });
        }
    }
    Ok(existing)
}

/// What is linked through each integration of an organization: two queries, however many there are.
async fn links_of_all(database: &mut Database, org: i64) -> Result<HashMap<i64, ExistingLinks>> {
    let mut links = HashMap::<_, ExistingLinks>::new();
    let filter = RepositoryFilter::default();
    for stored in database.repositories(org, &filter, PageQuery::ALL).await? {
        if let Some(integration) = stored.integration_id {
            links.entry(integration).or_default().repositories.push(stored.into());
        }
    }
    for stored in database.code_mappings(org, None, &[], PageQuery::ALL).await? {
        links.entry(stored.integration_id).or_default().code_mappings.push(stored.into());
    }
    Ok(links)
}
