//! The commits of a release or a repository, and the files that they touched.

use super::{release_json, releases};
use crate::database::commits::StoredCommit;
use crate::server::endpoint::OrgRequest;
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult};

/// `GET /releases/{version}/commits/`.
pub(crate) async fn of_release(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.database.release_commits(release.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

/// `GET /repos/{id}/commits/`.
pub(crate) async fn of_repository(mut call: OrgRequest) -> ApiResult {
    let id = call.asked.id("id").map_err(|_| ApiError::not_found())?;
    let found = call.database.repository(call.org.id, id).await?;
    let repository = found.ok_or_else(ApiError::not_found)?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.database.repository_commits(repository.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

async fn answer(mut call: OrgRequest, wanted: ListQuery, commits: &[StoredCommit]) -> ApiResult {
    let mut shown = Vec::new();
    for commit in commits {
        shown.push(release_json::commit(&mut call.database, commit).await?);
    }
    wanted.answer(call.server.base(), &call.asked, shown)
}

/// `GET /releases/{version}/commitfiles/`.
pub(crate) async fn files(mut call: OrgRequest) -> ApiResult {
    let release = releases::release_in_path(&mut call).await?;
    let wanted = ListQuery::read(&call.asked)?;
    let found = call.database.release_files(release.id, wanted.rows()).await?;
    let shown = found.iter().map(|file| release_json::file(call.org.id, file)).collect();
    wanted.answer(call.server.base(), &call.asked, shown)
}
