//! Releases, commits, deploys and repositories in Sentry's JSON.

use super::{provider_json, version_info};
use crate::database::{
    Author, CommitFile, Database, StoredCommit, StoredRelease, StoredRepository,
};
use crate::error::Result;
use crate::release::ExistingDeploy;
use crate::text::date::iso;
use serde_json::{Value, json};

/// A release with all that a listing tells of it.
pub(crate) async fn release(database: &mut Database, release: &StoredRelease) -> Result<Value> {
    let last_commit = match database.newest_commit(release.id).await? {
        Some(last) => commit(database, &last).await?,
        None => Value::Null,
    };
    let last_deploy = database.last_deploy(release.id).await?.as_ref().map(last_deploy);
    let authors = database.release_authors(release.id).await?;
    let authors: Vec<_> = authors.iter().map(|known| author(Some(known))).collect();
    let projects = database.release_projects(release.id).await?;
    let projects: Vec<_> = projects.iter().map(|(id, slug)| project(*id, slug)).collect();
    Ok(json!({
        "id": release.id,
        "version": release.version,
        "status": release.status,
        "shortVersion": release.version,
        "versionInfo": version_info::info(&release.version),
        "ref": release.r#ref,
        "url": release.url,
        "dateReleased": release.date_released.map(iso),
        "dateCreated": iso(release.created_at),
        "data": {},
        "newGroups": 0,
        "owner": null,
        "commitCount": release.commit_count,
        "lastCommit": last_commit,
        "deployCount": release.deploy_count,
        "lastDeploy": last_deploy,
        "authors": authors,
        "projects": projects,
        "firstEvent": null,
        "lastEvent": null,
        "currentProjectMeta": {},
        "userAgent": release.user_agent,
    }))
}

/// A commit with the releases that it is in.
pub(crate) async fn commit(database: &mut Database, commit: &StoredCommit) -> Result<Value> {
    let releases = database.releases_of(commit.id).await?;
    let release = |release: &StoredRelease| {
        json!({
            "version": release.version,
            "shortVersion": release.version,
            "ref": release.r#ref,
            "url": release.url,
            "dateReleased": release.date_released.map(iso),
            "dateCreated": iso(release.created_at),
        })
    };
    Ok(json!({
        "id": commit.key,
        "message": commit.message,
        "dateCreated": iso(commit.date_added),
        "pullRequest": null,
        "suspectCommitType": "",
        "repository": repository(&commit.repository),
        "author": author(commit.author.as_ref()),
        "releases": releases.iter().map(release).collect::<Vec<_>>(),
    }))
}

/// An author who is no user here; nobody is an empty object.
fn author(author: Option<&Author>) -> Value {
    match author {
        Some(author) => json!({ "name": author.name, "email": author.email }),
        None => json!({}),
    }
}

/// A file of a release's commits.
pub(crate) fn file(org: i64, file: &CommitFile) -> Value {
    json!({
        "id": file.id.to_string(),
        "orgId": org,
        "author": author(file.author.as_ref()),
        "commitMessage": file.message,
        "filename": file.filename,
        "type": file.kind,
        "repoName": file.repository,
    })
}

/// A deploy.
pub(crate) fn deploy(ExistingDeploy { id, deploy }: &ExistingDeploy) -> Value {
    json!({
        "id": id.as_str(),
        "environment": deploy.environment,
        "dateStarted": deploy.started.map(iso),
        "dateFinished": iso(deploy.finished),
        "name": deploy.name,
        "url": deploy.url,
    })
}

/// A release's last deploy. Where 23.7.1 has null for its name, the published API has a text, so
/// it is an empty one.
fn last_deploy(last: &ExistingDeploy) -> Value {
    let mut shown = deploy(last);
    shown["name"] = last.deploy.name.clone().unwrap_or_default().into();
    shown
}

/// A repository.
pub(crate) fn repository(repository: &StoredRepository) -> Value {
    let provider = match repository.provider.as_deref() {
        None => json!({ "id": "unknown", "name": "Unknown Provider" }),
        Some(id) => {
            let key = id.strip_prefix("integrations:").unwrap_or(id);
            json!({ "id": id, "name": provider_json::provider_name(key) })
        }
    };
    json!({
        "id": repository.id.to_string(),
        "name": repository.name,
        "url": repository.url,
        "provider": provider,
        "status": repository.status,
        "dateCreated": iso(repository.created_at),
        "integrationId": repository.integration_id.map(|id| id.to_string()),
        "externalSlug": repository.external_id,
        "externalId": repository.external_id,
    })
}

/// A project inside a release.
fn project(id: i64, slug: &str) -> Value {
    json!({
        "id": id,
        "slug": slug,
        "name": slug,
        "newGroups": 0,
        "platform": null,
        "platforms": [],
        "hasHealthData": false,
    })
}
