//! `/releases/`: made, read, changed, deleted.

use super::organizations::find_project;
use super::release_body::{self, ReleaseBody, is_status};
use super::release_json;
use crate::database::releases::{NewRelease, ReleaseFilter, StoredRelease};
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult, empty, json_response, ok};
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use serde_json::json;

/// The orders that Sentry knows. Those by health say nothing here, where no events are, so the
/// listing is by date in any case.
const SORTS: [&str; 10] = [
    "date",
    "sessions",
    "users",
    "crash_free_users",
    "crash_free_sessions",
    "sessions_24h",
    "users_24h",
    "build",
    "semver",
    "adoption",
];

/// `GET /releases/`, newest first.
pub(crate) async fn list(mut call: OrgRequest) -> ApiResult {
    let mut projects = Vec::new();
    let named = call.asked.query.iter().filter(|(name, _)| name == "project");
    let named: Vec<_> = named.map(|(_, value)| value.clone()).filter(|id| id != "-1").collect();
    for id in named {
        let number: i64 = id.parse().map_err(|_| {
            ApiError::bad_request("Invalid project parameter. Values must be numbers.")
        })?;
        let found = call.database.project(call.org.id, &id).await?;
        projects.push(found.filter(|found| found.id == number).ok_or_else(ApiError::forbidden)?.id);
    }
    answer_list(call, projects).await
}

/// `GET /projects/{org}/{project}/releases/`.
pub(crate) async fn list_of_project(mut call: OrgRequest) -> ApiResult {
    let project = find_project(&mut call).await?;
    answer_list(call, vec![project.id]).await
}

async fn answer_list(mut call: OrgRequest, projects: Vec<i64>) -> ApiResult {
    let wanted = ListQuery::read(&call.asked)?;
    let status = match call.asked.query("status").filter(|status| !status.is_empty()) {
        // Unasked, those that were put away are not shown.
        None => Some("open".to_owned()),
        Some(status) if is_status(status) => Some(status.to_owned()),
        Some(_) => return Err(ApiError::bad_request("invalid value for status")),
    };
    if call.asked.query("sort").is_some_and(|sort| !SORTS.contains(&sort)) {
        return Err(ApiError::bad_request("invalid sort"));
    }
    let query = call.asked.query("query").filter(|query| !query.is_empty()).map(str::to_owned);
    let environments = environments(&mut call).await?;
    let filter = ReleaseFilter { query, status, projects, environments };
    let found = call.database.releases(call.org.id, &filter, wanted.rows()).await?;
    let mut shown = Vec::new();
    for release in &found {
        shown.push(release_json::release(&mut call.database, release).await?);
    }
    wanted.answer(call.server.base(), &call.asked, shown)
}

/// The environments that are asked for; one that nothing was deployed to is not there.
async fn environments(call: &mut OrgRequest) -> Result<Vec<String>, ApiError> {
    let named = call.asked.query.iter().filter(|(name, _)| name == "environment");
    let named: Vec<_> = named.map(|(_, value)| value.clone()).collect();
    for environment in &named {
        let newest = call.database.newest_deploy(call.org.id, environment).await?;
        newest.ok_or_else(ApiError::not_found)?;
    }
    Ok(named)
}

/// `POST /releases/`: 201 for something new, 208 when everything was there.
pub(crate) async fn create(mut call: OrgRequest) -> ApiResult {
    let object = body::read(&call.asked)?;
    let mut reader = BodyReader::new(&object);
    let version = reader.text("version", TextRule::required(200).allow_blank().untrimmed());
    match &version {
        Some(version) if version.is_empty() => {
            reader.error("version", "This field may not be blank.");
        }
        Some(version) if !is_version(version) => {
            reader.error("version", format!("Release with name {version} is not allowed"));
        }
        Some(_) | None => {}
    }
    let slugs = release_body::projects(&mut reader);
    let given = ReleaseBody::read(&mut reader);
    reader.finish()?;
    let projects = project_ids(&mut call, &slugs.unwrap_or_default()).await?;
    let user_agent = call.asked.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let new = NewRelease {
        version: version.unwrap_or_default(),
        projects,
        user_agent: user_agent.map(|agent| agent.chars().take(256).collect()),
        change: given.change.clone(),
    };
    let (release, is_new) = call.database.ensure_release(call.org.id, &new).await?;
    // As in Sentry, an unknown repository is refused when the release is there already.
    set_commits_and_refs(&mut call, &release, &given).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::ALREADY_REPORTED };
    let release = find(&mut call, &release.version).await?;
    Ok(json_response(status, &release_json::release(&mut call.database, &release).await?))
}

/// `GET /releases/{version}/`.
pub(crate) async fn show(mut call: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut call).await?;
    Ok(ok(&release_json::release(&mut call.database, &release).await?))
}

/// `PUT /releases/{version}/`: finalizes, and sets commits or refs.
pub(crate) async fn update(mut call: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut call).await?;
    let object = body::read(&call.asked)?;
    let mut reader = BodyReader::new(&object);
    let given = ReleaseBody::read(&mut reader);
    reader.finish()?;
    call.database.change_release(release.id, &given.change).await?;
    set_commits_and_refs(&mut call, &release, &given).await?;
    let release = find(&mut call, &release.version).await?;
    Ok(ok(&release_json::release(&mut call.database, &release).await?))
}

/// `DELETE /releases/{version}/`.
pub(crate) async fn delete(mut call: OrgRequest) -> ApiResult {
    let version = call.asked.param("version").to_owned();
    if call.database.delete_release(call.org.id, &version).await? {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    Err(ApiError::not_found())
}

/// `GET /releases/{version}/previous-with-commits/`: an empty object when there is none.
pub(crate) async fn previous_with_commits(mut call: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut call).await?;
    let found = call.database.previous_with_commits(call.org.id, &release).await?;
    Ok(ok(&match found {
        Some(found) => release_json::release(&mut call.database, &found).await?,
        None => json!({}),
    }))
}

/// The release that the path names.
pub(crate) async fn release_in_path(call: &mut OrgRequest) -> Result<StoredRelease, ApiError> {
    let version = call.asked.param("version").to_owned();
    find(call, &version).await
}

async fn find(call: &mut OrgRequest, version: &str) -> Result<StoredRelease, ApiError> {
    let found = call.database.release(call.org.id, version).await?;
    found.ok_or_else(ApiError::not_found)
}

/// The ids of the projects with these slugs; Sentry takes no ids here.
async fn project_ids(call: &mut OrgRequest, slugs: &[String]) -> Result<Vec<i64>, ApiError> {
    let mut ids = Vec::new();
    for slug in slugs {
        let found = call.database.project(call.org.id, slug).await?;
        let found = found.filter(|found| found.slug == *slug);
        ids.push(found.ok_or_else(|| ApiError::field("projects", "Invalid project slugs"))?.id);
    }
    Ok(ids)
}

/// Commits and refs, once the release is there.
async fn set_commits_and_refs(
    call: &mut OrgRequest,
    release: &StoredRelease,
    given: &ReleaseBody,
) -> Result<(), ApiError> {
    if !given.commits.is_empty() {
        call.database.set_commits(call.org.id, release.id, &given.commits).await?;
    }
    if given.refs.is_empty() {
        return Ok(());
    }
    let unknown = call.database.set_refs(call.org.id, release.id, &given.refs).await?;
    if unknown.is_empty() {
        return Ok(());
    }
    let names = unknown.join(",");
    Err(ApiError::field("refs", format!("Invalid repository names: {names}")))
}

/// Sentry's `is_valid_version`: what stands in a path, and is not the word for the newest one.
fn is_version(version: &str) -> bool {
    let bad = ['\n', '\r', '\t', '\u{c}', '/', '\\'];
    let trimmed = version.trim();
    !trimmed.is_empty()
        && !matches!(trimmed, "." | "..")
        && !version.contains(bad)
        && !trimmed.eq_ignore_ascii_case("latest")
}
