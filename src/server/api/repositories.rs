//! `/repos/`.

use super::{provider_json, release_json};
use crate::database::integrations::InstalledIntegration;
use crate::database::repositories::{NewRepository, RepositoryFilter};
use crate::model::Object;
use crate::provider::Provider;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body;
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult, json_response};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// `GET`, by name.
pub(crate) async fn list(mut call: OrgRequest) -> ApiResult {
    let wanted = ListQuery::read(&call.asked)?;
    let text = |name| call.asked.query(name).filter(|text| !text.is_empty());
    // No integration has what is no number.
    let integration_id = text("integration_id").map(|id| id.parse().unwrap_or(-1));
    let filter = RepositoryFilter {
        query: text("query").map(str::to_owned),
        status: text("status").map(str::to_owned),
        integration_id,
    };
    let found = call.database.repositories(call.org.id, &filter, wanted.rows()).await?;
    wanted.answer(
        call.server.base(),
        &call.asked,
        found.iter().map(release_json::repository).collect(),
    )
}

/// `POST`: links a repository of an integration. The third party is not asked about it.
pub(crate) async fn create(mut call: OrgRequest) -> ApiResult {
    let object = body::read(&call.asked)?;
    let provider = object.get("provider").and_then(Value::as_str).unwrap_or_default();
    let known = |key: &&str| {
        provider_json::provider_by_integration_key(key)
            .is_some_and(<dyn Provider>::has_repositories)
    };
    let key = provider.strip_prefix("integrations:").filter(known);
    let key = key.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "validation", None))?;
    let installed = integration(&mut call, key, &object).await?;
    let identifier = text(&object, "identifier").filter(|text| text.chars().count() <= 200);
    let identifier = identifier.ok_or_else(|| {
        refusal(StatusCode::BAD_REQUEST, "validation", Some("identifier is required"))
    })?;
    let host = installed.metadata.get("base_url").and_then(Value::as_str);
    let new = NewRepository {
        name: text(&object, "name").unwrap_or_else(|| identifier.clone()),
        url: text(&object, "url").or_else(|| host.map(|host| format!("{host}/{identifier}"))),
        provider: provider.to_owned(),
        external_id: identifier,
        integration_id: installed.id,
    };
    let linked = call.database.link_repository(call.org.id, &new).await?.ok_or_else(|| {
        let message = "A repository with that configuration already exists";
        let detail = json!({ "code": "repo_exists", "message": message, "extra": {} });
        ApiError::new(StatusCode::BAD_REQUEST, json!({ "detail": detail }))
    })?;
    Ok(json_response(StatusCode::CREATED, &release_json::repository(&linked)))
}

/// The integration that the repository is linked through.
async fn integration(
    call: &mut OrgRequest,
    key: &str,
    object: &Object,
) -> Result<InstalledIntegration, ApiError> {
    let name = provider_json::provider_by_integration_key(key)
        .map_or(String::new(), |provider| provider.name().to_owned());
    let id = text(object, "installation").ok_or_else(|| {
        let why = format!("{name} requires an integration id.");
        refusal(StatusCode::BAD_REQUEST, "validation", Some(&why))
    })?;
    let found = match id.parse() {
        Ok(id) => call.database.integration(call.org.id, id).await?,
        Err(_) => None,
    };
    found.filter(|found| found.integration_key == key).ok_or_else(|| {
        let why = "Integration matching query does not exist.";
        refusal(StatusCode::NOT_FOUND, "not found", Some(why))
    })
}

/// The errors of this endpoint have a shape of their own.
fn refusal(status: StatusCode, kind: &str, why: Option<&str>) -> ApiError {
    let mut body = json!({ "error_type": kind });
    if let Some(why) = why {
        body["errors"] = json!({ "__all__": why });
    }
    ApiError::new(status, body)
}

/// A text or a number as a text; an empty one is none.
fn text(object: &Object, name: &str) -> Option<String> {
    match object.get(name)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
