//! What an organization has at a Sentry: its integrations with what is linked through them.

use super::client::permission::Permission;
use super::client::{SentryClient, organization_path};
use super::links::{mapping, repository};
use super::{ConnectOptions, listed};
use crate::error::Result;
use crate::http::retry::RetryPolicy;
use crate::http::{self, HttpResponse};
use crate::integration::ExistingLinks;
use crate::manifest::{ExistingIntegration, OrganizationInventory};
use crate::model::OrgSlug;
use serde_json::Value;

/// Lists everything of one organization; only reads.
pub async fn inventory(options: ConnectOptions, org: &OrgSlug) -> Result<OrganizationInventory> {
    let client = SentryClient::new(options, http::USER_AGENT)?;
    let pages = async |rest: &str, permission: Permission| {
        let denied = |response: &HttpResponse| client.denied(response, permission, org);
        client.get_all(&organization_path(org, rest), RetryPolicy::Safe, denied).await
    };
    let integrations = pages("integrations/?includeConfig=0", Permission::ListIntegrations).await?;
    let repositories = pages("repos/?status=active", Permission::ListRepositories).await?;
    let mappings = pages("code-mappings/?per_page=100", Permission::Repositories).await?;
    let existing = |item: &Value| {
        let listed = listed(item)?;
        let is_linked = |linked: &&Value| is_of(linked, listed.id);
        Some(ExistingIntegration {
            integration_key: item["provider"]["key"].as_str()?.to_owned(),
            links: ExistingLinks {
                repositories: repositories.iter().filter(is_linked).map(repository).collect(),
                code_mappings: mappings.iter().filter(is_linked).map(mapping).collect(),
                ..ExistingLinks::default()
            },
            listed,
        })
    };
    let rows = integrations;
    let integrations: Vec<_> = rows.iter().filter_map(existing).collect();
    let nameless = rows.len() - integrations.len();
    let nameless = (nameless > 0)
        .then(|| format!("skipped integrations without an id or a provider key: {nameless}"));
    let left_out = [("repositories", &repositories), ("code mappings", &mappings)]
        .into_iter()
        .filter_map(|(what, rows)| unlinked(what, rows, &integrations))
        .chain(nameless)
        .collect();
    Ok(OrganizationInventory { integrations, left_out })
}

/// How many of these are of no integration, if any is.
fn unlinked(what: &str, rows: &[Value], integrations: &[ExistingIntegration]) -> Option<String> {
    let has_one = |row: &&Value| integrations.iter().any(|one| is_of(row, one.listed.id));
    let count = rows.iter().filter(|row| !has_one(row)).count();
    (count > 0).then(|| format!("skipped {what} that belong to no listed integration: {count}"))
}

fn is_of(linked: &Value, integration: i64) -> bool {
    match &linked["integrationId"] {
        Value::String(id) => id.parse() == Ok(integration),
        id => id.as_i64() == Some(integration),
    }
}
