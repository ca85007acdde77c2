//! What is sent to a Sentry and read from it when source maps are uploaded. Its texts are hostile.

use super::client::response::error_text;
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::os::random::random_bytes;
use crate::sourcemap::backend::{AssembleState, ChunkedBundle, LookupAnswer, UploadLimits};
use crate::sourcemap::bundle::BundleTarget;
use crate::text::{hex, quote};
use serde_json::{Value, json};
use url::Url;

/// Servers that take smaller chunks are none: a bundle would be millions of them.
const LEAST_CHUNK_SIZE: u64 = 4096;

/// The body of a request with chunks, each under its hash, and its content type.
pub(super) fn files_body(chunks: Vec<(String, Vec<u8>)>) -> Result<(String, Vec<u8>)> {
    let random = random_bytes::<16>().map_err(|error| {
        Error::new(ErrorCode::Internal, format!("the system has no random bytes: {error}"))
    })?;
    let boundary = hex(&random);
    let size: usize = chunks.iter().map(|(_, bytes)| bytes.len() + 200).sum();
    let mut body = Vec::with_capacity(size + 100);
    for (hash, bytes) in chunks {
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{hash}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

/// The body of the request that puts a bundle together. Other keys are refused.
pub(super) fn assemble_body(bundle: &ChunkedBundle, target: &BundleTarget) -> Value {
    let chunks: Vec<_> = bundle.chunks.iter().map(|chunk| chunk.hash.as_str()).collect();
    let mut body = json!({"checksum": bundle.hash, "chunks": chunks, "projects": target.projects});
    for (key, text) in [("version", &target.release), ("dist", &target.dist)] {
        if let Some(text) = text {
            body[key] = json!(text);
        }
    }
    body
}

/// What a server says that it takes; `None` where it is something else that answers.
pub(super) fn upload_limits(body: &Value) -> Option<UploadLimits> {
    let number = |name: &str, usual: u64| match &body[name] {
        Value::Null => Some(usual),
        value => value.as_u64().filter(|number| *number > 0),
    };
    if body["hashAlgorithm"].as_str().is_some_and(|name| name != "sha1") {
        return None;
    }
    let chunks = number("chunksPerRequest", 64)?;
    Some(UploadLimits {
        chunk_size: body["chunkSize"].as_u64().filter(|size| *size >= LEAST_CHUNK_SIZE)?,
        chunks_per_request: usize::try_from(chunks).unwrap_or(usize::MAX),
        request_size: number("maxRequestSize", 32 * 1024 * 1024)?.max(LEAST_CHUNK_SIZE),
        bundle_size: number("maxFileSize", 2 * 1024 * 1024 * 1024)?,
        tells_missing_chunks: accepts(body)?.contains(&"artifact_bundles_v2"),
    })
}

fn accepts(body: &Value) -> Option<Vec<&str>> {
    body["accept"].as_array()?.iter().map(Value::as_str).collect()
}

/// Checks that the server takes bundles at all: one of before 2023 knows single files only.
pub(super) fn check_accepts(body: &Value, base: &Url) -> Result {
    let accepts = accepts(body).unwrap_or_default();
    if accepts.iter().any(|kind| kind.starts_with("artifact_bundles")) {
        return Ok(());
    }
    let accepts: Vec<_> = accepts.iter().take(20).map(|kind| quote(kind)).collect();
    let message = format!(
        "{base} does not accept artifact bundles, in which source maps are uploaded; it accepts {}",
        accepts.join(", ")
    );
    Err(Error::new(ErrorCode::Unsupported, message)
        .with_hint("upgrade that Sentry to a version of 2023 or later"))
}

/// How far a bundle is; `None` where it is something else that answers.
pub(super) fn bundle_state(body: &Value) -> Option<AssembleState> {
    match body["state"].as_str()? {
        "ok" => Some(AssembleState::Complete),
        "created" | "assembling" => Some(AssembleState::Pending),
        "error" => Some(AssembleState::Failed(error_text(&body["detail"]).unwrap_or_default())),
        "not_found" => {
            let hash = |item: &Value| item.as_str().map(str::to_owned);
            let missing = body["missingChunks"].as_array()?.iter().map(hash);
            missing.collect::<Option<_>>().map(AssembleState::Missing)
        }
        _ => None,
    }
}

/// What a look-up by a debug id comes to: only a match by it counts, which servers of early 2023 do not name.
/// `None` where it is something else that answers.
pub(super) fn found_by_id(body: &Value) -> Option<LookupAnswer> {
    let is_match = |file: &Value| {
        let by = &file["resolved_with"];
        file["type"] == "bundle" && (by.is_null() || by == "debug-id")
    };
    Some(found_files(body)?.iter().any(is_match).into())
}

/// The same of one by the address of a file: a bundle that is found only by its release may hold anything.
pub(super) fn found_by_address(body: &Value) -> Option<LookupAnswer> {
    let files = found_files(body)?;
    let is_match = |file: &Value| file["type"] == "file" || file["resolved_with"] == "index";
    Some(match files.iter().any(is_match) {
        false if !files.is_empty() => LookupAnswer::OnlyRelease,
        is_found => is_found.into(),
    })
}

/// The files that a look-up lists.
fn found_files(body: &Value) -> Option<&Vec<Value>> {
    let is_file = |item: &Value| item["id"].is_string() && item["type"].is_string();
    body.as_array().filter(|found| found.iter().all(is_file))
}

/// Whether a server has no such look-up: Sentry's 404 of a path that it does not know has no body. A reason
/// is that of a project which the token does not see, and a page that of a proxy.
pub(super) fn has_no_lookup(response: &HttpResponse) -> bool {
    response.status == 404 && response.body.trim().is_empty()
}

/// The reason of a refusal in the shape that these endpoints have for it.
pub(super) fn refusal(response: &HttpResponse) -> Option<String> {
    let body = response.json();
    error_text(body.get("error").filter(|text| text.is_string())?)
}

/// Whether a reason is that a chunk or a request is more than the server takes.
pub(super) fn is_limit(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    reason.contains("too large") || reason.contains("too many")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_match_by_a_debug_id_is_one_and_a_release_alone_says_nothing_of_a_file() {
        let found = |kind: &str, by: Value| {
            let body = json!([{"id": "1", "type": kind, "resolved_with": by}]);
            (found_by_id(&body).unwrap(), found_by_address(&body).unwrap())
        };
        use LookupAnswer::{Found, NotFound, OnlyRelease};
        for (kind, by, of_id, of_address) in [
            ("bundle", json!("debug-id"), Found, OnlyRelease),
            ("bundle", Value::Null, Found, OnlyRelease),
            ("bundle", json!("release"), NotFound, OnlyRelease),
            ("bundle", json!("index"), NotFound, Found),
            ("bundle", json!(1), NotFound, OnlyRelease),
            ("file", json!("release-old"), NotFound, Found),
            ("file", json!("debug-id"), NotFound, Found),
        ] {
            assert_eq!(found(kind, by.clone()), (of_id, of_address), "{kind} {by}");
        }
        assert_eq!(
            (found_by_id(&json!([])), found_by_address(&json!([]))),
            (Some(NotFound), Some(NotFound))
        );
        for body in [json!({}), json!(null), json!([{"id": 1, "type": "bundle"}])] {
            assert_eq!((found_by_id(&body), found_by_address(&body)), (None, None), "{body}");
        }
    }
}
