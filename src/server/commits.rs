//! The commits of a release or a repository, and the files that they touched.

use super::call::OrgRequest;
use super::errors::{ApiError, ApiResult};
use super::pagination::ListQuery;
use super::releases;
use super::shapes;
use crate::backend::embedded::StoredCommit;

/// `GET /releases/{version}/commits/`.
pub(super) async fn of_release(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.engine.release_commits(release.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

/// `GET /repos/{id}/commits/`.
pub(super) async fn of_repository(mut call: OrgRequest) -> ApiResult {
    let id = call.asked.id("id").map_err(|_| ApiError::not_found())?;
    let found = call.engine.repository(call.org.id, id).await?;
    let repository = found.ok_or_else(ApiError::not_found)?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.engine.repository_commits(repository.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

async fn answer(mut call: OrgRequest, wanted: ListQuery, commits: &[StoredCommit]) -> ApiResult {
    let mut shown = Vec::new();
    for commit in commits {
        shown.push(shapes::commit(&mut call.engine, commit).await?);
    }
    wanted.answer(&call.server, &call.asked, shown)
}

/// `GET /releases/{version}/commitfiles/`.
pub(super) async fn files(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.engine.release_files(release.id, wanted.rows()).await?;
    let shown = found.iter().map(|file| shapes::file(call.org.id, file)).collect();
    wanted.answer(&call.server, &call.asked, shown)
}
