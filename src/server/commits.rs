//! The commits of a release or a repository, and the files that they touched.

use super::call::Call;
use super::errors::{Answer, ApiError};
use super::pagination::Wanted;
use super::releases;
use super::shapes;
use crate::backend::embedded::Commit;

/// `GET /releases/{version}/commits/`.
pub(super) async fn of_release(mut call: Call) -> Answer {
    let release = releases::named(&mut call).await?;
    let wanted = Wanted::read(&call.asked)?;
    let found = call.engine.release_commits(release.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

/// `GET /repos/{id}/commits/`.
pub(super) async fn of_repository(mut call: Call) -> Answer {
    let id = call.asked.id("id").map_err(|_| ApiError::not_found())?;
    let found = call.engine.repository(call.org.id, id).await?;
    let repository = found.ok_or_else(ApiError::not_found)?;
    let wanted = Wanted::read(&call.asked)?;
    let found = call.engine.repository_commits(repository.id, wanted.rows()).await?;
    answer(call, wanted, &found).await
}

async fn answer(mut call: Call, wanted: Wanted, commits: &[Commit]) -> Answer {
    let mut shown = Vec::new();
    for commit in commits {
        shown.push(shapes::commit(&mut call.engine, commit).await?);
    }
    wanted.answer(&call.server, &call.asked, shown)
}

/// `GET /releases/{version}/commitfiles/`.
pub(super) async fn files(mut call: Call) -> Answer {
    let release = releases::named(&mut call).await?;
    let wanted = Wanted::read(&call.asked)?;
    let found = call.engine.release_files(release.id, wanted.rows()).await?;
    let shown = found.iter().map(|file| shapes::file(call.org.id, file)).collect();
    wanted.answer(&call.server, &call.asked, shown)
}
