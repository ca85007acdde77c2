//! What an organization has at a Sentry: its integrations with what is linked through them.

use super::client::permission::Permission;
use super::client::{SentryClient, permission};
use super::links::{mapping, names};
use super::{ConnectOptions, listed};
use crate::error::Result;
use crate::http;
use crate::integration::links::RequestedLinks;
use crate::manifest::ExistingIntegration;
use crate::model::OrgSlug;
use crate::text::url::segment;
use serde_json::Value;

/// Lists everything of one organization; only reads.
pub async fn inventory(access: ConnectOptions, org: &OrgSlug) -> Result<Vec<ExistingIntegration>> {
    let client = SentryClient::new(access, Vec::new(), http::USER_AGENT)?;
    let pages = async |rest: &str, need: Permission| {
        let path = format!("/api/0/organizations/{}/{rest}", segment(org.as_str()));
        client.get_all(&path, |reply| permission::denied(&client, reply, need, org)).await
    };
    let integrations = pages("integrations/?includeConfig=0", Permission::ListIntegrations).await?;
    let repositories = pages("repos/?status=active", Permission::ListRepositories).await?;
    let mappings = pages("code-mappings/?per_page=100", Permission::Repositories).await?;
    let held = |item: &Value| {
        let listed = listed(item)?;
        let ours = |one: &&Value| is_of(one, listed.id);
        Some(ExistingIntegration {
            integration_key: item["provider"]["key"].as_str()?.to_owned(),
            links: RequestedLinks {
                repositories: repositories.iter().filter(ours).filter_map(repository).collect(),
                code_mappings: mappings.iter().filter(ours).map(mapping).collect(),
            },
            listed,
        })
    };
    Ok(integrations.iter().filter_map(held).collect())
}

fn is_of(one: &Value, integration: i64) -> bool {
    match &one["integrationId"] {
        Value::String(id) => id.parse() == Ok(integration),
        id => id.as_i64() == Some(integration),
    }
}

/// The name to link it by: GitLab's own has blanks, and its path stands last.
fn repository(one: &Value) -> Option<String> {
    let names = names(one);
    let path = names.last().filter(|_| names[0].contains(' '));
    path.or(names.first()).cloned()
}
