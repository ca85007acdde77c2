//! `/releases/`: made, read, changed, deleted.

use super::organizations::find_project;
use super::release_body::{self, ReleaseBody, is_status};
use super::release_json;
use crate::database::{NewRelease, ReleaseFilter, StoredRelease};
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::{ApiError, ApiResult, ListQuery, empty, json_response, ok};
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
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let projects = requested_projects(&mut request).await?;
    list_response(request, projects).await
}

/// The ids of the projects that a listing is narrowed to; none asks for all.
pub(crate) async fn requested_projects(request: &mut OrgRequest) -> Result<Vec<i64>, ApiError> {
    let mut projects = Vec::new();
    for id in request.raw.project_queries() {
        let number: i64 = id.parse().map_err(|_| {
            ApiError::bad_request("Invalid project parameter. Values must be numbers.")
        })?;
        let project = request.database.project(request.org.id, &id).await?;
        let project = project.filter(|project| project.id == number);
        projects.push(project.ok_or_else(ApiError::forbidden)?.id);
    }
    Ok(projects)
}

/// `GET /projects/{org}/{project}/releases/`.
pub(crate) async fn list_of_project(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    list_response(request, vec![project.id]).await
}

async fn list_response(mut request: OrgRequest, projects: Vec<i64>) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    // Unasked, those that were put away are not shown.
    let status = request.raw.non_empty_query("status").unwrap_or("open").to_owned();
    if !is_status(&status) {
        return Err(ApiError::bad_request("invalid value for status"));
    }
    if request.raw.query("sort").is_some_and(|sort| !SORTS.contains(&sort)) {
        return Err(ApiError::bad_request("invalid sort"));
    }
    let query = request.raw.non_empty_query("query").map(str::to_owned);
    let environments = environments(&mut request).await?;
    let filter = ReleaseFilter { query, status: Some(status), projects, environments };
    let releases = request.database.releases(request.org.id, &filter, page.rows()).await?;
    let mut rows = Vec::new();
    for release in &releases {
        rows.push(release_json::release(&mut request.database, release).await?);
    }
    request.list_response(page, rows)
}

/// The requested environments; one that nothing was deployed to is not there.
async fn environments(request: &mut OrgRequest) -> Result<Vec<String>, ApiError> {
    let environments: Vec<_> = request.raw.queries("environment").map(str::to_owned).collect();
    for environment in &environments {
        let newest = request.database.newest_deploy(request.org.id, environment).await?;
        newest.ok_or_else(ApiError::not_found)?;
    }
    Ok(environments)
}

/// `POST /releases/`: 201 for something new, 208 when everything was there.
pub(crate) async fn create(request: OrgRequest) -> ApiResult {
    create_in(request, None).await
}

/// `POST /projects/{org}/{project}/releases/`: the same for one project, which sentry-cli 2 sends.
pub(crate) async fn create_of_project(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    create_in(request, Some(project.id)).await
}

/// Makes the release for the project of the path, else for those of the body.
async fn create_in(mut request: OrgRequest, project: Option<i64>) -> ApiResult {
    let object = body::read(&request.raw)?;
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
    let slugs = match project {
        Some(_) => None,
        None => release_body::projects(&mut reader),
    };
    let body = ReleaseBody::read(&mut reader);
    reader.finish()?;
    let named = project_ids(&mut request, &slugs.unwrap_or_default()).await?;
    let projects: Vec<_> = project.into_iter().chain(named).collect();
    let user_agent = request.raw.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let user_agent: Option<String> = user_agent.map(|agent| agent.chars().take(256).collect());
    let new = NewRelease {
        version: &version.unwrap_or_default(),
        projects: &projects,
        user_agent: user_agent.as_deref(),
        status: body.status.as_deref(),
        update: &body.update,
    };
    let (release, is_new) = request.database.ensure_release(request.org.id, new).await?;
    // As in Sentry, an unknown repository is refused when the release is there already.
    set_commits_and_refs(&mut request, &release, &body).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::ALREADY_REPORTED };
    release_response(request, status, &release.version).await
}

/// `GET /releases/{version}/`.
pub(crate) async fn show(mut request: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut request).await?;
    release_response(request, StatusCode::OK, &release.version).await
}

/// `PUT /releases/{version}/`: finalizes, and sets commits or refs.
pub(crate) async fn update(mut request: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut request).await?;
    let object = body::read(&request.raw)?;
    let mut reader = BodyReader::new(&object);
    let body = ReleaseBody::read(&mut reader);
    reader.finish()?;
    let status = body.status.as_deref();
    request.database.change_release(release.id, &body.update, status).await?;
    set_commits_and_refs(&mut request, &release, &body).await?;
    release_response(request, StatusCode::OK, &release.version).await
}

/// `DELETE /releases/{version}/`.
pub(crate) async fn delete(mut request: OrgRequest) -> ApiResult {
    let version = release_in_path(&mut request).await?.version;
    if request.database.delete_release(request.org.id, &version).await? {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    Err(ApiError::not_found())
}

/// `GET /releases/{version}/previous-with-commits/`: an empty object when there is none.
pub(crate) async fn previous_with_commits(mut request: OrgRequest) -> ApiResult {
    let release = release_in_path(&mut request).await?;
    let previous = request.database.previous_with_commits(request.org.id, &release, false).await?;
    Ok(ok(&match previous {
        Some(previous) => release_json::release(&mut request.database, &previous).await?,
        None => json!({}),
    }))
}

/// The release as it is now.
async fn release_response(mut request: OrgRequest, status: StatusCode, version: &str) -> ApiResult {
    let release = find(&mut request, version).await?;
    Ok(json_response(status, &release_json::release(&mut request.database, &release).await?))
}

/// The release that the path names. Below a project, it is one of that project's.
pub(crate) async fn release_in_path(request: &mut OrgRequest) -> Result<StoredRelease, ApiError> {
    let version = request.raw.param("version").to_owned();
    let release = find(request, &version).await?;
    if !request.raw.param("project").is_empty() {
        let project = find_project(request).await?;
        let projects = request.database.release_projects(release.id).await?;
        if projects.iter().all(|(id, _)| *id != project.id) {
            return Err(ApiError::not_found());
        }
    }
    Ok(release)
}

async fn find(request: &mut OrgRequest, version: &str) -> Result<StoredRelease, ApiError> {
    request.database.release(request.org.id, version).await?.ok_or_else(ApiError::not_found)
}

/// The ids of the projects with these slugs; Sentry takes no ids here.
async fn project_ids(request: &mut OrgRequest, slugs: &[String]) -> Result<Vec<i64>, ApiError> {
    let mut ids = Vec::new();
    for slug in slugs {
        let project = request.database.project_by_slug(request.org.id, slug).await?;
        ids.push(project.ok_or_else(|| ApiError::field("projects", "Invalid project slugs"))?.id);
    }
    Ok(ids)
}

/// Commits and refs, once the release is there.
async fn set_commits_and_refs(
    request: &mut OrgRequest,
    release: &StoredRelease,
    body: &ReleaseBody,
) -> Result<(), ApiError> {
    if !body.commits.is_empty() {
        let commits: Vec<_> =
            body.commits.iter().map(|(name, commit)| (name.as_deref(), commit)).collect();
        request.database.set_commits(request.org.id, release.id, &commits).await?;
    }
    let refs = &body.update.refs;
    let unknown = request.database.set_refs(request.org.id, release.id, refs).await?;
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
