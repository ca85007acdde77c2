//! `/files/artifact-bundles/` and `/artifact-bundles/`: the bundles of a project, and their files.

use super::organizations::find_project;
use crate::backend::embedded::bundle_bytes::BundleBytes;
use crate::database::{BundleOrder, BundleRemoval, Project, StoredBundle};
use crate::server::endpoint::OrgRequest;
use crate::server::http::{ApiError, ApiResult, ListQuery, empty};
use crate::server::state::DatabaseLease;
use crate::sourcemap::archive_reader::EntryReader;
use crate::sourcemap::bundle_reader::BundleEntry;
use crate::sourcemap::debug_id::DebugId;
use crate::text::date::iso;
use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use futures_util::stream::unfold;
use serde_json::{Value, json};

/// How many bundles a page has unasked.
const PAGE: i64 = 10;

/// `GET`, the newest first.
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    let page = ListQuery::read_with(&request.raw, PAGE)?;
    let order = order(request.raw.query("sortBy").unwrap_or("-date_added"))?;
    let query = request.raw.non_empty_query("query").map(str::to_owned);
    let query = query.as_deref();
    let bundles = request.database.bundles(project.id, query, order, page.rows()).await?;
    let mut rows = Vec::new();
    for bundle in bundles {
        let associations = associations(&mut request, &bundle).await?;
        rows.push(json!({
            "bundleId": bundle.bundle_id,
            "associations": associations,
            "fileCount": bundle.file_count,
            "dateModified": second(bundle.modified_at),
            "date": second(bundle.created_at),
        }));
    }
    request.list_response(page, rows)
}

fn order(text: &str) -> Result<BundleOrder, ApiError> {
    let (is_ascending, column) = match text.strip_prefix('-') {
        Some(column) => (false, column),
        None => (true, text),
    };
    let by_modified = match column {
        "date_added" => false,
        "date_modified" => true,
        _ => {
            let message = "You can either sort via 'date_added' or 'date_modified'";
            let code = "invalid_sort_by_parameter";
            let detail = json!({ "code": code, "message": message, "extra": {} });
            return Err(ApiError::new(StatusCode::BAD_REQUEST, json!({ "detail": detail })));
        }
    };
    Ok(BundleOrder { by_modified, is_ascending })
}

/// A time without parts of a second.
fn second(ms: i64) -> String {
    iso(ms - ms.rem_euclid(1000))
}

async fn associations(
    request: &mut OrgRequest,
    bundle: &StoredBundle,
) -> Result<Vec<Value>, ApiError> {
    let releases = request.database.bundle_releases(bundle.id).await?;
    let association = |(release, dist): (String, String)| json!({ "release": release, "dist": Some(dist).filter(|dist| !dist.is_empty()) });
    Ok(releases.into_iter().map(association).collect())
}

/// `DELETE ?bundleId=`.
pub(crate) async fn delete(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    let given = request.raw.query("bundleId").unwrap_or("None").to_owned();
    let Some(id) = DebugId::parse_any(&given) else {
        return Err(failure(
            StatusCode::NOT_FOUND,
            format!("Supplied an invalid bundle_id {given}"),
        ));
    };
    match request.database.remove_bundle(request.org.id, project.id, &id).await? {
        BundleRemoval::Removed => Ok(empty(StatusCode::NO_CONTENT)),
        BundleRemoval::OfOthers => {
            let text = format!(
                "Artifact bundle with {given} found but it is not connected to project {}",
                project.id
            );
            Err(failure(StatusCode::NOT_FOUND, text))
        }
    }
}

fn failure(status: StatusCode, text: impl Into<String>) -> ApiError {
    ApiError::new(status, json!({ "error": text.into() }))
}

/// The bundle that the path names.
async fn find(request: &mut OrgRequest, project: &Project) -> Result<StoredBundle, ApiError> {
    let given = request.raw.param("bundle").to_owned();
    let bundle = match DebugId::parse_any(&given) {
        Some(id) => request.database.bundle(project.id, &id).await?,
        None => None,
    };
    bundle.ok_or_else(|| {
        let text = "is not bound to this project or doesn't exist";
        failure(StatusCode::BAD_REQUEST, format!("The artifact bundle with {given} {text}"))
    })
}

/// `GET .../{bundle}/files/`.
pub(crate) async fn files(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    let bundle = find(&mut request, &project).await?;
    let page = ListQuery::read(&request.raw)?;
    let query = request.raw.non_empty_query("query").map(str::to_owned);
    let files = request.database.bundle_files(bundle.id, query.as_deref(), page.rows()).await?;
    let files = files.iter().map(file_json).collect();
    let associations = associations(&mut request, &bundle).await?;
    page.respond_within(&request.base(), &request.raw, files, |files| {
        json!({ "bundleId": bundle.bundle_id, "associations": associations, "files": files })
    })
}

fn file_json(file: &BundleEntry) -> Value {
    json!({
        "id": URL_SAFE.encode(&file.path),
        "fileType": file.kind,
        "filePath": file.url,
        "fileSize": file.contents.size,
        "debugId": file.debug_id.as_ref().map(DebugId::as_str),
    })
}

/// `GET .../{bundle}/files/{id}/`: what is in a file.
pub(crate) async fn download_file(mut request: OrgRequest) -> ApiResult {
    let project = find_project(&mut request).await?;
    if !may_download(&mut request).await? {
        let text = "You don't have the permissions to download this file";
        return Err(failure(StatusCode::FORBIDDEN, text));
    }
    let given = request.raw.param("id").to_owned();
    let path = URL_SAFE.decode(&given).ok().and_then(|path| String::from_utf8(path).ok());
    let path = path.ok_or_else(|| {
        failure(StatusCode::BAD_REQUEST, format!("The file_id {given} is invalid"))
    })?;
    let bundle = find(&mut request, &project).await?;
    let file = request.database.bundle_file(bundle.id, &path).await?.ok_or_else(|| {
        let text = format!("The file {path} can't be found in the artifact bundle");
        failure(StatusCode::NOT_FOUND, text)
    })?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let bytes = BundleBytes::of_bundle(&mut request.database, bundle.id).await?;
    let state = (request.database, bytes, EntryReader::new(file.contents));
    let pieces = unfold(state, |(mut database, mut bytes, mut reader)| async move {
        let piece = bytes.next_piece(&mut database, &mut reader).await.transpose()?;
        Some((piece.map_err(anyhow::Error::from), (database, bytes, reader)))
    });
    Ok(attachment(name, file.contents.size, Body::from_stream(pieces)))
}

/// The bytes of a whole bundle.
pub(super) async fn download_bundle(
    mut database: DatabaseLease,
    bundle: StoredBundle,
) -> ApiResult {
    let bytes = BundleBytes::of_bundle(&mut database, bundle.id).await?;
    let pieces = unfold((database, bytes, 0), |(mut database, bytes, number)| async move {
        if number == bytes.chunk_count() {
            return None;
        }
        let chunk = bytes.chunk(&mut database, number).await.map_err(anyhow::Error::from);
        Some((chunk, (database, bytes, number + 1)))
    });
    Ok(attachment(&bundle.bundle_id, bundle.size, Body::from_stream(pieces)))
}

/// Whether somebody may download files: a user whose role is admin at least, as Sentry has it unless it
/// is told otherwise. An organization's token is no user's.
pub(super) async fn may_download(request: &mut OrgRequest) -> Result<bool, ApiError> {
    let Some(user) = request.principal.user else { return Ok(false) };
    let role = request.database.role(request.org.id, user).await?;
    Ok(role.is_some_and(|role| ["owner", "manager", "admin"].contains(&role.as_str())))
}

/// A body that a browser saves, and never shows: its uploader chose what is in it.
fn attachment(name: &str, size: u64, body: Body) -> Response {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-~".contains(c) { c } else { '_' };
    let name: String = name.chars().map(safe).collect();
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
    headers.insert(CONTENT_DISPOSITION, disposition);
    response
}
