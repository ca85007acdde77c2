//! `/chunk-upload/` and `/artifactbundle/assemble/`: how bundles arrive.

use crate::backend::embedded::sourcemaps::{BundleRequest, LIMITS, MAX_CHUNKS, assemble_bundle};
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{MAX_LOOKED_UP, check_values};
use crate::server::http::multipart::{self, FormPart};
use crate::server::http::{ApiError, ApiResult, RawRequest, empty, ok};
use crate::sourcemap::backend::AssembleState;
use crate::text::hex;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;
use std::io::Read;

/// The longest version and dist, as in Sentry.
const MAX_VERSION: usize = 250;
const MAX_DIST: usize = 64;

/// `GET`: what an upload may be, and where it goes.
pub(crate) async fn limits(request: OrgRequest) -> ApiResult {
    let path = format!("organizations/{}/chunk-upload/", request.org.slug);
    let url = match takes_relative_url(&request.raw) {
        true => path,
        false => format!("{}/api/0/{path}", request.base()),
    };
    Ok(ok(&json!({
        "url": url,
        "chunkSize": LIMITS.chunk_size,
        "chunksPerRequest": LIMITS.chunks_per_request,
        "maxFileSize": LIMITS.bundle_size,
        "maxRequestSize": LIMITS.request_size,
        "concurrency": 2,
        "hashAlgorithm": "sha1",
        "compression": ["gzip"],
        "accept": ["artifact_bundles", "artifact_bundles_v2"],
    })))
}

/// Whether the client is a sentry-cli that resolves a relative address; each part of its version counts
/// by itself, as in Sentry.
fn takes_relative_url(request: &RawRequest) -> bool {
    let agent = request.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    let version = agent.and_then(|agent| agent.strip_prefix("sentry-cli/"));
    let numbers = version.unwrap_or_default().splitn(3, '.').map(|number| {
        let digits = number.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        digits.parse::<u32>().unwrap_or_default()
    });
    let numbers: Vec<_> = numbers.collect();
    matches!(numbers[..], [major, minor, patch] if major >= 1 && minor >= 70 && patch >= 1)
}

/// `POST`: stores chunks.
pub(crate) async fn upload(mut request: OrgRequest) -> ApiResult {
    let RawRequest { headers, body, .. } = &request.raw;
    let parts = multipart::parts(headers, body.bytes(), LIMITS.chunks_per_request)?;
    if parts.len() > LIMITS.chunks_per_request {
        return Err(refused("Too many chunks"));
    }
    let (mut chunks, mut size) = (Vec::new(), 0);
    for part in parts {
        let (hash, chunk) = chunk(&part)?;
        size += chunk.len() as u64;
        if size > LIMITS.request_size {
            return Err(refused("Request too large"));
        }
        chunks.push((hash, chunk));
    }
    request.database.store_chunks(request.org.id, &chunks).await?;
    Ok(empty(StatusCode::OK))
}

/// A chunk, unpacked, with its hash.
fn chunk(part: &FormPart<'_>) -> Result<(String, Vec<u8>), ApiError> {
    let mut chunk = Vec::new();
    let most = LIMITS.chunk_size + 1;
    let read = match part.name.as_str() {
        "file" => part.contents.take(most).read_to_end(&mut chunk),
        "file_gzip" => MultiGzDecoder::new(part.contents).take(most).read_to_end(&mut chunk),
        _ => return Err(refused(&format!("The form has an unknown field: {}", part.name))),
    };
    read.map_err(|_| refused("A chunk is not in gzip's format"))?;
    if chunk.len() as u64 > LIMITS.chunk_size {
        return Err(refused("Chunk size too large"));
    }
    let hash = hex(&Sha1::digest(&chunk));
    if hash == part.filename { Ok((hash, chunk)) } else { Err(refused("Checksum mismatch")) }
}

fn refused(words: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, json!({ "error": words }))
}

/// What `assemble` is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AssembleBody {
    checksum: String,
    chunks: Vec<String>,
    projects: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    version: Option<String>,
    #[serde(default, deserialize_with = "text")]
    dist: Option<String>,
}

/// A text; null is none, and an error.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

impl AssembleBody {
    fn read(request: &RawRequest) -> Result<Self, ApiError> {
        let body = request.body.bytes();
        check_values(body, false)?;
        let parsed: Self =
            serde_json::from_slice(body).map_err(|error| match error.classify() {
                serde_json::error::Category::Data => refused(&error.to_string()),
                _ => refused("Invalid json body"),
            })?;
        let hashes = parsed.chunks.iter().chain([&parsed.checksum]);
        if let Some(wrong) = hashes.into_iter().find(|hash| !is_hash(hash)) {
            return Err(refused(&format!("{} does not match '^[0-9a-f]{{40}}$'", python(wrong))));
        }
        if let Some(version) = &parsed.version
            && (version.is_empty() || version.contains('/'))
        {
            return Err(refused(&format!("{} does not match '^[^/]+$'", python(version))));
        }
        let is_long = |text: &Option<String>, most| {
            text.as_ref().is_some_and(|text| text.chars().count() > most)
        };
        if is_long(&parsed.version, MAX_VERSION) || is_long(&parsed.dist, MAX_DIST) {
            return Err(refused("The release or dist is too long"));
        }
        if parsed.chunks.len() > MAX_CHUNKS {
            return Err(refused("Too many chunks"));
        }
        if parsed.projects.len() > MAX_LOOKED_UP {
            return Err(refused("Too many projects"));
        }
        Ok(parsed)
    }

    /// The dist, for which an empty text is none.
    fn dist(&self) -> Option<&str> {
        self.dist.as_deref().filter(|dist| !dist.is_empty())
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn python(text: &str) -> String {
    format!("'{text}'")
}

/// `POST .../assemble/`: puts a bundle together.
pub(crate) async fn assemble(mut request: OrgRequest) -> ApiResult {
    let body = AssembleBody::read(&request.raw)?;
    let slugs: BTreeSet<_> = body.projects.iter().collect();
    if slugs.is_empty() {
        return Err(refused("You need to specify at least one project"));
    }
    let mut projects = Vec::new();
    for slug in slugs {
        let project = request.database.project_by_slug(request.org.id, slug).await?;
        projects.push(project.ok_or_else(|| refused("One or more projects are invalid"))?.id);
    }
    if body.version.is_none() && body.dist().is_some() {
        return Err(refused("You need to specify a release together with a dist"));
    }
    let bundle = BundleRequest {
        checksum: &body.checksum,
        chunks: &body.chunks,
        projects: &projects,
        release: body.version.as_deref(),
        dist: body.dist(),
    };
    let state = assemble_bundle(&mut request.database, request.org.id, &bundle).await?;
    Ok(ok(&state_json(state)))
}

fn state_json(state: AssembleState) -> Value {
    match state {
        AssembleState::Missing(chunks) => json!({ "state": "not_found", "missingChunks": chunks }),
        AssembleState::Pending => json!({ "state": "assembling", "missingChunks": [] }),
        AssembleState::Complete => json!({ "state": "ok", "missingChunks": [], "detail": null }),
        AssembleState::Failed(words) => {
            json!({ "state": "error", "missingChunks": [], "detail": words })
        }
    }
}
