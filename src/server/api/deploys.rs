//! `/releases/{version}/deploys/`.

use super::{release_json, releases};
use crate::database::StoredRelease;
use crate::os::clock::unix_ms;
use crate::release::Deploy;
use crate::server::auth::scopes::Scopes;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::{ApiError, ApiResult, ListQuery, json_response};
use axum::http::StatusCode;
use serde_json::json;

/// The longest environment, and the longest name of a deploy.
const NAME: usize = 64;

/// What a user's token takes to name projects, beside what it takes to note a deploy.
const PROJECT_FIELD: Scopes = &["project:read"];

/// `GET`, the latest first; as since 2024, those of the projects that the query names.
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut request).await?;
    let page = ListQuery::read(&request.raw)?;
    let projects = releases::requested_projects(&mut request).await?;
    let deploys = request.database.deploys(release.id, &projects, page.rows()).await?;
    request.list_response(page, deploys.iter().map(release_json::deploy))
}

/// `POST`.
pub(crate) async fn create(mut request: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut request).await?;
    let object = body::read(&request.raw)?;
    let mut reader = BodyReader::new(&object);
    let environment = reader.text("environment", TextRule::required(NAME));
    if environment.as_ref().is_some_and(|name| name.contains(['\n', '\r', '\u{c}', '/'])) {
        reader.error("environment", "Invalid value for environment");
    }
    let slugs = reader.texts("projects");
    if slugs.as_ref().is_some_and(Vec::is_empty) {
        reader.error("projects", "This list may not be empty.");
    }
    let deploy = Deploy {
        environment: environment.unwrap_or_default(),
        name: reader.text("name", TextRule::optional(NAME)),
        url: reader.url("url"),
        started: reader.date("dateStarted"),
        finished: reader.date("dateFinished").unwrap_or_else(unix_ms),
    };
    reader.finish()?;
    let projects = project_ids(&mut request, &release, &slugs.unwrap_or_default()).await?;
    let stored = request.database.deploy(release.id, &projects, &deploy).await?;
    Ok(json_response(StatusCode::CREATED, &release_json::deploy(&stored)))
}

/// The ids of the projects with these slugs, each of which the release must have.
async fn project_ids(
    request: &mut OrgRequest,
    release: &StoredRelease,
    slugs: &[String],
) -> Result<Vec<i64>, ApiError> {
    let own = request.database.release_projects(release.id).await?;
    let may_read = request.allows(PROJECT_FIELD).await?;
    let (mut ids, mut invalid) = (Vec::new(), Vec::new());
    for slug in slugs {
        let project = request.database.project_by_slug(request.org.id, slug).await?;
        let id = project.ok_or_else(|| ApiError::field("projects", "Invalid project"))?.id;
        if !may_read {
            return Err(ApiError::field("projects", "Insufficient access to project"));
        }
        if own.iter().any(|(own, _)| *own == id) {
            ids.push(id);
        } else {
            invalid.push(slug.as_str());
        }
    }
    if invalid.is_empty() {
        return Ok(ids);
    }
    let (names, version) = (invalid.join(", "), &release.version);
    let message = format!("Invalid projects ({names}) for release {version}");
    let detail = json!({ "code": "parameter-validation-error", "message": message,
                         "extra": { "context": "" } });
    Err(ApiError::new(StatusCode::BAD_REQUEST, json!({ "detail": detail })))
}
