//! `/releases/{version}/deploys/`.

use super::{release_json, releases};
use crate::database::deploys::NewDeploy;
use crate::database::releases::StoredRelease;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult, json_response};
use axum::http::StatusCode;
use serde_json::json;

/// The longest environment, and the longest name of a deploy.
const NAME: usize = 64;

/// `GET`, the latest first.
pub(crate) async fn list(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.database.deploys(release.id, wanted.rows()).await?;
    wanted.answer(call.server.base(), &call.asked, found.iter().map(release_json::deploy).collect())
}

/// `POST`.
pub(crate) async fn create(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let object = body::read(&call.asked)?;
    let mut reader = BodyReader::new(&object);
    let environment = reader.text("environment", TextRule::required(NAME));
    if environment.as_ref().is_some_and(|name| name.contains(['\n', '\r', '\u{c}', '/'])) {
        reader.error("environment", "Invalid value for environment");
    }
    let slugs = reader.texts("projects");
    if slugs.as_ref().is_some_and(Vec::is_empty) {
        reader.error("projects", "This list may not be empty.");
    }
    let new = NewDeploy {
        environment: environment.unwrap_or_default(),
        name: reader.text("name", TextRule::optional(NAME)),
        url: reader.url("url"),
        date_started: reader.date("dateStarted"),
        date_finished: reader.date("dateFinished"),
        projects: Vec::new(),
    };
    reader.finish()?;
    let projects = project_ids(&mut call, &release, &slugs.unwrap_or_default()).await?;
    let deploy = call.database.deploy(release.id, &NewDeploy { projects, ..new }).await?;
    Ok(json_response(StatusCode::CREATED, &release_json::deploy(&deploy)))
}

/// The ids of the projects with these slugs, each of which the release must have.
async fn project_ids(
    call: &mut OrgRequest,
    release: &StoredRelease,
    slugs: &[String],
) -> Result<Vec<i64>, ApiError> {
    let own = call.database.release_projects(release.id).await?;
    let (mut ids, mut strange) = (Vec::new(), Vec::new());
    for slug in slugs {
        let found = call.database.project(call.org.id, slug).await?;
        let found = found.filter(|found| found.slug == *slug);
        let id = found.ok_or_else(|| ApiError::field("projects", "Invalid project"))?.id;
        if own.iter().any(|(own, _)| *own == id) {
            ids.push(id);
        } else {
            strange.push(slug.as_str());
        }
    }
    if strange.is_empty() {
        return Ok(ids);
    }
    let (names, version) = (strange.join(", "), &release.version);
    let message = format!("Invalid projects ({names}) for release {version}");
    let detail = json!({ "code": "parameter-validation-error", "message": message,
                         "extra": { "context": "" } });
    Err(ApiError::new(StatusCode::BAD_REQUEST, json!({ "detail": detail })))
}
