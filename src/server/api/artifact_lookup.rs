//! `/artifact-lookup/`: the bundle in which a script or its map is found.

use super::artifact_bundles::{download_bundle, may_download};
use super::organizations::find_project;
use crate::database::Project;
use crate::server::endpoint::OrgRequest;
use crate::server::http::{ApiError, ApiResult, empty, ok};
use crate::sourcemap::debug_id::DebugId;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `GET`: by a debug id, else by a release and dist with the URL of a file.
pub(crate) async fn look_up(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    if let Some(id) = request.raw.query("download").map(str::to_owned) {
        if !may_download(&mut request).await? {
            return Ok(empty(StatusCode::FORBIDDEN));
        }
        return download(request, &project, &id).await;
    }
    let found = find(&mut request, &project).await?;
    let base = format!("{}{}", request.base(), request.raw.path);
    let row = |(id, resolved): (i64, &str)| {
        let id = format!("artifact_bundle/{id}");
        let url = format!("{base}?download={id}");
        json!({ "id": id, "type": "bundle", "url": url, "resolved_with": resolved })
    };
    Ok(ok(&Value::Array(found.into_iter().map(row).collect())))
}

async fn download(mut request: OrgRequest, project: &Project, id: &str) -> ApiResult {
    let id = id.strip_prefix("artifact_bundle/").and_then(|id| id.parse().ok());
    let bundle = match id {
        Some(id) => request.database.bundle_by_row(project.id, id).await?,
        None => None,
    };
    let bundle = bundle.ok_or_else(ApiError::not_found)?;
    download_bundle(request.database, bundle).await
}

/// Bundles by their ids, each with what it was found by.
async fn find(
    request: &mut OrgRequest,
    project: &Project,
) -> Result<BTreeMap<i64, &'static str>, ApiError> {
    let text = |name| request.raw.query(name).unwrap_or_default().to_owned();
    let (id, url) = (text("debug_id"), text("url"));
    let (release, dist) = (text("release"), text("dist"));
    if let Some(id) = DebugId::parse_any(&id)
        && let Some(bundle) = request.database.bundle_with_debug_id(project.id, &id).await?
    {
        return Ok(BTreeMap::from([(bundle, "debug-id")]));
    }
    let (place, used) = ((request.org.id, project.id), (release.as_str(), dist.as_str()));
    let all = request.database.bundles_of_release(place, used, None).await?;
    let mut found = BTreeMap::new();
    // As in Sentry, one bundle alone is not searched; several are, by their URLs.
    if all.len() == 1 {
        found.extend(all.into_iter().map(|bundle| (bundle, "release")));
    } else if !url.is_empty() {
        let by_url = request.database.bundles_of_release(place, used, Some(&url)).await?;
        found.extend(by_url.into_iter().map(|bundle| (bundle, "index")));
    }
    Ok(found)
}
