//! What an organization has at a Sentry: its integrations with what is linked through them.

use super::access::{self, Need};
use super::after::{mapping, names};
use super::client::Client;
use super::{Access, listed, segment};
use crate::failure::Failure;
use crate::http;
use crate::links::Links;
use crate::manifest::Held;
use crate::model::OrgSlug;
use serde_json::Value;

/// Lists everything of one organization; only reads.
///
/// # Errors
///
/// One of its lists cannot be read.
pub async fn inventory(access: Access, org: &OrgSlug) -> Result<Vec<Held>, Failure> {
    let client = Client::new(access, Vec::new(), http::AGENT)?;
    let pages = async |rest: &str, need: Need| {
        let path = format!("/api/0/organizations/{}/{rest}", segment(org.as_str()));
        client.pages(&path, |reply| access::denied(&client, reply, need, org)).await
    };
    let integrations = pages("integrations/?includeConfig=0", Need::ListIntegrations).await?;
    let repositories = pages("repos/?status=active", Need::ListRepositories).await?;
    let mappings = pages("code-mappings/?per_page=100", Need::Repositories).await?;
    let held = |item: &Value| {
        let listed = listed(item)?;
        let ours = |one: &&Value| is_of(one, listed.id);
        Some(Held {
            integration_key: item["provider"]["key"].as_str()?.to_owned(),
            links: Links {
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
