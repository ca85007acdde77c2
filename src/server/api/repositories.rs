//! `/repos/`.

use super::{provider_json, release_json};
use crate::database::{InstalledIntegration, NewRepository, RepositoryFilter, StoredRepository};
use crate::model::{IntegrationStatus, Object};
use crate::provider::Provider;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule, non_empty_text};
use crate::server::http::{ApiError, ApiResult, ListQuery, json_response, ok};
use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// `GET`, by name.
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    let text = |name| request.raw.non_empty_query(name).map(str::to_owned);
    // No integration has what is no number.
    let integration_id = text("integration_id").map(|id| id.parse().unwrap_or(-1));
    let filter = RepositoryFilter { query: text("query"), status: text("status"), integration_id };
    let repositories = request.database.repositories(request.org.id, &filter, page.rows()).await?;
    request.list_response(page, repositories.iter().map(release_json::repository))
}

/// `POST`: links a repository of an integration. The third party is not asked about it.
pub(crate) async fn create(mut request: OrgRequest) -> ApiResult {
    let object = body::read(&request.raw)?;
    let provider = object.get("provider").and_then(Value::as_str).unwrap_or_default();
    let key = provider.strip_prefix("integrations:");
    let known = key.and_then(|key| Some((key, provider_json::provider_by_integration_key(key)?)));
    let known = known.filter(|(_, provider)| provider.has_repositories());
    let (key, known) = known.ok_or_else(|| refusal(StatusCode::BAD_REQUEST, "validation", None))?;
    if known.has_manual_repositories() {
        return take(request, provider, &object).await;
    }
    let installed = integration(&mut request, key, &object).await?;
    let identifier = identifier(&object, known).ok_or_else(|| {
        refusal(StatusCode::BAD_REQUEST, "validation", Some("identifier is required"))
    })?;
    let host = installed.metadata.get("base_url").and_then(Value::as_str);
    let new = NewRepository {
        name: non_empty_text(&object, "name").unwrap_or_else(|| identifier.clone()),
        url: non_empty_text(&object, "url")
            .or_else(|| host.map(|host| format!("{host}/{identifier}"))),
        provider: provider.to_owned(),
        external_id: identifier,
        integration_id: installed.id,
    };
    let linked =
        request.database.link_repository(request.org.id, &new).await?.ok_or_else(|| {
            let message = "A repository with that configuration already exists";
            let detail = json!({ "code": "repo_exists", "message": message, "extra": {} });
            ApiError::new(StatusCode::BAD_REQUEST, json!({ "detail": detail }))
        })?;
    Ok(json_response(StatusCode::CREATED, &release_json::repository(&linked)))
}

/// What the third party is asked for. GitLab takes an encoded path in the place of a number, and is not
/// asked: the path is what a repository is known by.
fn identifier(object: &Object, provider: &dyn Provider) -> Option<String> {
    let given = non_empty_text(object, "identifier")?;
    let identifier = match provider.has_numbered_repositories() {
        true => percent_decode_str(&given).decode_utf8().map_or(given.clone(), Into::into),
        false => given,
    };
    Some(identifier).filter(|text| text.chars().count() <= 200)
}

/// Links what a commit named through a source host of one's own: there the identifier is the
/// repository's own id.
async fn take(mut request: OrgRequest, provider: &str, object: &Object) -> ApiResult {
    let given = |name| non_empty_text(object, name).unwrap_or_default();
    let installed = request.integration(&given("installation")).await?;
    let installed = installed.ok_or_else(ApiError::no_such_row)?;
    let id = given("identifier").parse().map_err(|_| ApiError::no_such_row())?;
    let org = request.org.id;
    let taken = request.database.take_repository(org, id, installed.id, provider).await?;
    let taken = taken.ok_or_else(ApiError::no_such_row)?;
    Ok(json_response(StatusCode::CREATED, &release_json::repository(&taken)))
}

/// `GET {id}/`.
pub(crate) async fn show(mut request: OrgRequest) -> ApiResult {
    let repository = find(&mut request).await?;
    Ok(ok(&release_json::repository(&repository)))
}

/// `PUT {id}/`: its status, and the integration that it is linked through.
pub(crate) async fn update(mut request: OrgRequest) -> ApiResult {
    check_user(&request)?;
    let object = body::read(&request.raw)?;
    let id = find(&mut request).await?.id;
    let mut reader = BodyReader::new(&object);
    let status = reader.text("status", TextRule::required(usize::MAX).or_absent());
    let status = status.map(|status| match status.as_str() {
        "visible" | "active" => "active",
        "hidden" => "hidden",
        other => {
            reader.error("status", format!("\"{other}\" is not a valid choice."));
            "active"
        }
    });
    let integration = reader.text("integrationId", TextRule::optional(usize::MAX));
    let integration = integration.filter(|id| !id.is_empty());
    if integration.as_ref().is_some_and(|id| id.parse::<i64>().is_err()) {
        reader.error("integrationId", "A valid integer is required.");
    }
    reader.finish()?;
    let linked = match integration {
        None => None,
        Some(id) => {
            let installed = request.integration(&id).await?.filter(is_active);
            let installed =
                installed.ok_or_else(|| ApiError::bad_request("Invalid integration id"))?;
            Some((installed.id, format!("integrations:{}", installed.integration_key)))
        }
    };
    let linked = linked.as_ref().map(|(id, provider)| (*id, provider.as_str()));
    let updated = request.database.update_repository(request.org.id, id, status, linked).await?;
    Ok(ok(&release_json::repository(&updated.ok_or_else(ApiError::not_found)?)))
}

/// `DELETE {id}/`.
pub(crate) async fn delete(mut request: OrgRequest) -> ApiResult {
    check_user(&request)?;
    let id = find(&mut request).await?.id;
    let deleted = request.database.delete_repository(request.org.id, id).await?;
    let deleted = deleted.ok_or_else(ApiError::not_found)?;
    Ok(json_response(StatusCode::ACCEPTED, &release_json::repository(&deleted)))
}

/// The repository that the path names.
async fn find(request: &mut OrgRequest) -> Result<StoredRepository, ApiError> {
    let id = request.raw.param("id").parse().map_err(|_| ApiError::not_found())?;
    request.database.repository(request.org.id, id).await?.ok_or_else(ApiError::not_found)
}

/// Who is no user changes no repository, whatever the scopes; the answer has no body.
fn check_user(request: &OrgRequest) -> Result<(), ApiError> {
    let nobody = || ApiError::new(StatusCode::UNAUTHORIZED, Value::Null);
    request.principal.user.map(drop).ok_or_else(nobody)
}

fn is_active(installed: &InstalledIntegration) -> bool {
    installed.link_status == IntegrationStatus::Active.as_str()
}

/// The integration that the repository is linked through.
async fn integration(
    request: &mut OrgRequest,
    key: &str,
    object: &Object,
) -> Result<InstalledIntegration, ApiError> {
    let id = non_empty_text(object, "installation").ok_or_else(|| {
        let reason = format!("{} requires an integration id.", provider_json::provider_name(key));
        refusal(StatusCode::BAD_REQUEST, "validation", Some(&reason))
    })?;
    let installed = request.integration(&id).await?;
    installed.filter(|installed| installed.integration_key == key).ok_or_else(|| {
        let reason = "Integration matching query does not exist.";
        refusal(StatusCode::NOT_FOUND, "not found", Some(reason))
    })
}

/// The errors of this endpoint have a shape of their own.
fn refusal(status: StatusCode, kind: &str, reason: Option<&str>) -> ApiError {
    let mut body = json!({ "error_type": kind });
    if let Some(reason) = reason {
        body["errors"] = json!({ "__all__": reason });
    }
    ApiError::new(status, body)
}
