//! `/integrations/` and `/config/integrations/`.

use super::provider_json;
use crate::database::{DeletionMark, InstalledIntegration, StoredRepository};
use crate::provider::PROVIDERS;
use crate::server::deletions;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::{ApiError, ApiResult, ListQuery, empty, ok};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// `GET /integrations/`, by name.
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    if let Some(kind) = request.raw.query("integrationType") {
        // Every provider here is of one of Sentry's types, and the answer is for a later one.
        if !["messaging", "project_management", "source_code_management", "on_call_scheduling"]
            .contains(&kind)
        {
            return Err(ApiError::bad_request("Invalid integration type"));
        }
    }
    let key = provider_key(&request).map(str::to_owned);
    let with_config = !matches!(request.raw.query("includeConfig"), Some("0" | "false"));
    let org = request.org.id;
    let installed = request.database.integrations(org, key.as_deref(), page.rows()).await?;
    let row = |one| provider_json::integration(org, one, with_config);
    request.list_response(page, installed.iter().map(row))
}

/// `GET /integrations/{id}/`.
pub(crate) async fn show(mut request: OrgRequest) -> ApiResult {
    let installed = find(&mut request).await?;
    Ok(ok(&provider_json::integration(request.org.id, &installed, true)))
}

/// `DELETE /integrations/{id}/`: the link waits for its deletion.
pub(crate) async fn delete(mut request: OrgRequest) -> ApiResult {
    let (org, id) = (request.org.id, request.raw.id("id")?);
    let mark = request.database.uninstall(org, request.principal.user, id).await?;
    match mark.ok_or_else(ApiError::no_such_row)? {
        DeletionMark::New => deletions::schedule(request.server, org, id),
        DeletionMark::Known => {}
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /integrations/{id}/`: the name and the address of a source host of one's own, as in 23.7.1.
pub(crate) async fn update(mut request: OrgRequest) -> ApiResult {
    let object = body::read(&request.raw)?;
    let installed = find(&mut request).await?;
    if installed.integration_key != "custom_scm" {
        return Err(ApiError::bad_request("Invalid action for this integration"));
    }
    let mut reader = BodyReader::new(&object);
    let name = reader.text("name", TextRule::required(200).or_absent());
    let domain = reader.url("domain");
    reader.finish()?;
    request.database.describe_integration(installed.id, name, domain).await?;
    show(request).await
}

/// `GET /integrations/{id}/repos/`: the repositories of it that the organization has linked. The
/// third party is not asked. A source host of one's own offers those that nothing has linked.
pub(crate) async fn repositories(mut request: OrgRequest) -> ApiResult {
    let installed = find(&mut request).await?;
    let provider = provider_json::provider_by_integration_key(&installed.integration_key);
    let Some(provider) = provider.filter(|provider| provider.has_repositories()) else {
        return Err(ApiError::bad_request("Repositories not supported"));
    };
    let search = request.raw.query("search").unwrap_or_default().to_lowercase();
    let is_manual = provider.has_manual_repositories();
    let mut offered = match is_manual {
        true => request.database.unlinked_repositories(request.org.id).await?,
        false => request.database.linked_repositories(request.org.id, installed.id).await?,
    };
    offered.retain(|repository| {
        // Sentry looks for no text among those without a third party.
        is_manual || repository.name.to_lowercase().contains(&search)
    });
    offered.truncate(1000);
    let row = |StoredRepository { id, name, external_id, .. }: &StoredRepository| {
        let identifier = if is_manual { Some(id.to_string()) } else { external_id.clone() };
        json!({ "name": name, "identifier": identifier, "defaultBranch": null })
    };
    let rows: Vec<Value> = offered.iter().map(row).collect();
    Ok(ok(&json!({ "repos": rows, "searchable": !is_manual })))
}

/// `GET /config/integrations/`.
pub(crate) async fn configurations(request: OrgRequest) -> ApiResult {
    let key = provider_key(&request);
    let shown: Vec<_> = PROVIDERS
        .iter()
        .filter(|provider| key.is_none_or(|key| provider.key() == key))
        .map(|provider| provider_json::configuration(&request.org.slug, *provider))
        .collect();
    if shown.is_empty() {
        return Err(ApiError::detail(StatusCode::NOT_FOUND, "Providers do not exist"));
    }
    Ok(ok(&json!({ "providers": shown })))
}

/// The integration that the path names.
async fn find(request: &mut OrgRequest) -> Result<InstalledIntegration, ApiError> {
    let id = request.raw.id("id")?;
    request.database.integration(request.org.id, id).await?.ok_or_else(ApiError::no_such_row)
}

/// Both spellings: the older servers know one, the newer ones the other.
fn provider_key(request: &OrgRequest) -> Option<&str> {
    let key = request.raw.query("providerKey").or_else(|| request.raw.query("provider_key"));
    key.filter(|key| !key.is_empty())
}
