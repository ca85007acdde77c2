//! `/integrations/` and `/config/integrations/`.

use super::provider_json;
use crate::database::integrations::InstalledIntegration;
use crate::database::organizations::PageQuery;
use crate::database::repositories::RepositoryFilter;
use crate::provider::{PROVIDERS, Provider};
use crate::server::endpoint::OrgRequest;
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult, empty, ok};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// `GET /integrations/`, by name.
pub(crate) async fn list(mut call: OrgRequest) -> ApiResult {
    let wanted = ListQuery::read(&call.asked)?;
    if let Some(kind) = call.asked.query("integrationType") {
        // Every provider here is of one of Sentry's types, and the answer is for a later one.
        if !["messaging", "project_management", "source_code_management", "on_call_scheduling"]
            .contains(&kind)
        {
            return Err(ApiError::bad_request("Invalid integration type"));
        }
    }
    let key = provider_key(&call).map(str::to_owned);
    let with_config = !matches!(call.asked.query("includeConfig"), Some("0" | "false"));
    let found = call.database.integrations(call.org.id, key.as_deref(), wanted.rows()).await?;
    let shape =
        |one: &InstalledIntegration| provider_json::integration(call.org.id, one, with_config);
    let shown = found.iter().map(shape).collect();
    wanted.answer(call.server.base(), &call.asked, shown)
}

/// `GET /integrations/{id}/`.
pub(crate) async fn show(mut call: OrgRequest) -> ApiResult {
    let found = find(&mut call).await?;
    Ok(ok(&provider_json::integration(call.org.id, &found, true)))
}

/// `DELETE /integrations/{id}/`: the link waits for its deletion, which nothing here carries out.
pub(crate) async fn delete(mut call: OrgRequest) -> ApiResult {
    let id = call.asked.id("id")?;
    if call.database.uninstall(call.org.id, call.bearer.user, id).await? {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    Err(ApiError::no_such_row())
}

/// `GET /integrations/{id}/repos/`: the repositories of it that the organization has linked. The
/// third party is not asked.
pub(crate) async fn repositories(mut call: OrgRequest) -> ApiResult {
    let found = find(&mut call).await?;
    if !provider_json::provider_by_integration_key(&found.integration_key)
        .is_some_and(<dyn Provider>::has_repositories)
    {
        return Err(ApiError::bad_request("Repositories not supported"));
    }
    let search = call.asked.query("search").unwrap_or_default().to_lowercase();
    let all = PageQuery { offset: 0, rows: 1000 };
    let linked = RepositoryFilter { integration_id: Some(found.id), ..RepositoryFilter::default() };
    let linked = call.database.repositories(call.org.id, &linked, all).await?;
    let fits = |name: &str| name.to_lowercase().contains(&search);
    let shown: Vec<Value> = linked
        .iter()
        .filter(|repository| fits(&repository.name))
        .map(|repository| {
            json!({
                "name": repository.name,
                "identifier": repository.external_id,
                "defaultBranch": null,
            })
        })
        .collect();
    Ok(ok(&json!({ "repos": shown, "searchable": true })))
}

/// `GET /config/integrations/`.
pub(crate) async fn configurations(call: OrgRequest) -> ApiResult {
    let key = provider_key(&call);
    let shown: Vec<_> = PROVIDERS
        .iter()
        .filter(|provider| key.is_none_or(|key| provider.key() == key))
        .map(|provider| provider_json::configuration(&call.org.slug, *provider))
        .collect();
    if shown.is_empty() {
        return Err(ApiError::detail(StatusCode::NOT_FOUND, "Providers do not exist"));
    }
    Ok(ok(&json!({ "providers": shown })))
}

/// The integration that the path names.
async fn find(call: &mut OrgRequest) -> Result<InstalledIntegration, ApiError> {
    let id = call.asked.id("id")?;
    call.database.integration(call.org.id, id).await?.ok_or_else(ApiError::no_such_row)
}

/// Both spellings: the older servers know one, the newer ones the other.
fn provider_key(call: &OrgRequest) -> Option<&str> {
    let key = call.asked.query("providerKey").or_else(|| call.asked.query("provider_key"));
    key.filter(|key| !key.is_empty())
}
