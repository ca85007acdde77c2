//! The commits of a release or a repository, and the files that they touched.

use super::{release_json, releases};
use crate::database::StoredCommit;
use crate::server::endpoint::OrgRequest;
use crate::server::http::{ApiError, ApiResult, ListQuery};

/// `GET /releases/{version}/commits/`.
pub(crate) async fn of_release(mut request: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut request).await?;
    let page = ListQuery::read(&request.raw)?;
    let commits = request.database.release_commits(release.id, page.rows()).await?;
    list_response(request, page, &commits).await
}

/// `GET /repos/{id}/commits/`.
pub(crate) async fn of_repository(mut request: OrgRequest) -> ApiResult {
    let id = request.raw.id("id").map_err(|_| ApiError::not_found())?;
    let repository = request.database.repository(request.org.id, id).await?;
    let repository = repository.ok_or_else(ApiError::not_found)?;
    let page = ListQuery::read(&request.raw)?;
    let commits = request.database.repository_commits(repository.id, page.rows()).await?;
    list_response(request, page, &commits).await
}

async fn list_response(
    mut request: OrgRequest,
    page: ListQuery,
    commits: &[StoredCommit],
) -> ApiResult {
    let mut rows = Vec::new();
    for commit in commits {
        rows.push(release_json::commit(&mut request.database, commit).await?);
    }
    request.list_response(page, rows)
}

/// `GET /releases/{version}/commitfiles/`.
pub(crate) async fn files(mut request: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut request).await?;
    let page = ListQuery::read(&request.raw)?;
    let files = request.database.release_files(release.id, page.rows()).await?;
    let org = request.org.id;
    request.list_response(page, files.iter().map(|file| release_json::file(org, file)))
}
