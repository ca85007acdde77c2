//! Where an upload goes, and what is said where it is refused.

use super::bundles::{
    TestUpload, asking_bundle, bundle_for, bundle_of, large_bundle, noise, small_bundle,
    small_chunks,
};
use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkData, ChunkOptions, ChunkSentry};
use crate::support::http_server::{HttpServer, Request, Response};
use finishline::error::ErrorCode;
use finishline::http::TlsTrust;
use finishline::sourcemap::bundle::BundleTarget;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const LIMITS: &str = "GET chunk-upload/";
const ASSEMBLE: &str = "POST artifactbundle/assemble/";

type AnswerMaker = Box<dyn Fn() -> Response + Send + Sync>;

/// An upload to a server that answers one request in its own way.
fn with_answer(
    line: &'static str,
    answer: impl Fn() -> Response + Send + Sync + 'static,
) -> (ChunkSentry, TestUpload) {
    let answer = move |data: &mut ChunkData, request: &Request| match request.line() == line {
        true => answer(),
        false => data.answer(request),
    };
    let sentry = ChunkSentry::with(small_chunks(), answer);
    let done = asking_bundle().upload_to(&sentry);
    (sentry, done)
}

#[test]
fn chunks_go_where_the_server_says() {
    for told in ["/chunks/here/", "../../chunks/here/"] {
        let told_url = Some(told.to_owned());
        let sentry = ChunkSentry::new(ChunkOptions {
            told_url,
            is_elsewhere: true,
            ..ChunkOptions::default()
        });
        assert_eq!(large_bundle().upload_to(&sentry).result, Ok(()), "{told}");
        assert!(sentry.peer.count("POST /chunks/here/") > 0);
        // A small bundle goes to the usual address first.
        let earlier = sentry.peer.lines().len();
        assert_eq!(bundle_of(&[noise(9, 500)]).upload_to(&sentry).result, Ok(()), "{told}");
        let lines = sentry.peer.lines();
        assert_eq!(
            lines[earlier..earlier + 3],
            ["POST chunk-upload/", LIMITS, "POST /chunks/here/"]
        );
    }
    let told_url = Some("organizations/acme/chunk-upload/".to_owned());
    let sentry = ChunkSentry::new(ChunkOptions { told_url, ..small_chunks() });
    assert_eq!(asking_bundle().upload_to(&sentry).result, Ok(()));
}

#[test]
fn another_host_gets_chunks_and_token_where_the_server_names_it() {
    // The same machine under another name, as far as a client can tell.
    let data = Arc::new(Mutex::new(None::<Arc<ChunkSentry>>));
    let store = Arc::clone(&data);
    let other = HttpServer::new(move |request| {
        store.lock().unwrap().as_ref().unwrap().data().answer(request)
    });
    let url = other.url().replace("127.0.0.1", "localhost");
    let told_url = Some(format!("{url}/chunks/here/"));
    let sentry = Arc::new(ChunkSentry::new(ChunkOptions {
        told_url,
        is_elsewhere: true,
        ..ChunkOptions::default()
    }));
    *data.lock().unwrap() = Some(Arc::clone(&sentry));
    assert_eq!(large_bundle().upload_to(&sentry).result, Ok(()));
    let requests = other.requests();
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request.line(), "POST /chunks/here/");
        assert_eq!(request.header("authorization"), format!("Bearer {CHUNK_TOKEN}"));
        assert_eq!(request.header("cookie"), "");
    }
    assert_eq!(sentry.peer.count("POST chunk-upload/"), 0);
}

#[test]
fn an_address_that_the_token_must_not_go_to_is_refused() {
    let other = HttpServer::new(|_| Response::html(200, ""));
    let plain = other.url().replace("127.0.0.1", "other.localhost");
    for (told, reason) in [
        (plain.as_str(), "has no TLS"),
        ("ftp://example.com/", "is no such URL"),
        ("https://me:pass@example.com/", "is no such URL"),
        ("https://", "is no such URL"),
        ("file:///etc/passwd", "is no such URL"),
    ] {
        let data = Mutex::new(ChunkData { options: small_chunks(), ..ChunkData::default() });
        data.lock().unwrap().options.told_url = Some(told.to_owned());
        let (peer, authority) =
            HttpServer::tls("localhost", move |request| data.lock().unwrap().answer(request));
        let url = peer.url().replace("127.0.0.1", "localhost");
        let trust = TlsTrust::Roots(vec![authority]);
        let message = asking_bundle().upload(&url, trust, CHUNK_TOKEN).failure();
        assert!(message.starts_with("backend-error: ") && message.contains(reason), "{message}");
        assert!(!message.contains("pass@"), "{message}");
        assert_eq!(peer.lines(), ["POST chunk-upload/", LIMITS]);
    }
    assert_eq!(other.lines(), [""; 0]);
}

#[test]
fn a_server_that_does_not_know_its_own_tls_is_spoken_to_over_tls() {
    let data = Mutex::new(ChunkData { options: small_chunks(), ..ChunkData::default() });
    data.lock().unwrap().options.told_url =
        Some("http://localhost/api/0/organizations/acme/chunk-upload/".to_owned());
    let (peer, authority) =
        HttpServer::tls("localhost", move |request| data.lock().unwrap().answer(request));
    let url = peer.url().replace("127.0.0.1", "localhost");
    let trust = TlsTrust::Roots(vec![authority]);
    assert_eq!(asking_bundle().upload(&url, trust, CHUNK_TOKEN).result, Ok(()));
}

#[test]
fn a_redirect_is_not_followed_with_the_token() {
    let thief = HttpServer::new(|_| Response::html(200, ""));
    for line in [LIMITS, "POST chunk-upload/", ASSEMBLE] {
        let target = format!("{}/stolen?key=s3cr3t", thief.url());
        let (_, done) = with_answer(line, move || Response::redirect(&target));
        let message = done.failure();
        assert!(message.starts_with("backend-error: "), "{message}");
        assert!(message.contains("redirect") && !message.contains("s3cr3t"), "{message}");
    }
    assert_eq!(thief.lines(), [""; 0]);
}

#[test]
fn a_server_without_artifact_bundles_is_said_to_have_none() {
    for bundle in [&small_bundle(), large_bundle()] {
        let accept = vec!["debug_files", "release_files"];
        let sentry = ChunkSentry::new(ChunkOptions { accept, ..ChunkOptions::default() });
        let failed = bundle.upload_to(&sentry);
        let message = failed.failure();
        assert!(message.starts_with("unsupported: "), "{message}");
        assert!(message.contains("does not accept artifact bundles"), "{message}");
        assert!(message.contains("`debug_files`, `release_files`"), "{message}");
        assert!(failed.result.unwrap_err().hint.contains("upgrade"));
    }
}

#[test]
fn a_refusal_is_quoted_and_blames_nobody_who_did_not_refuse() {
    let page = || Response::html(403, "<title>Blocked by the firewall</title>");
    let detail = |status, words: &'static str| move || Response::detail(status, words);
    let error = |words: &'static str| move || Response::json(400, &json!({ "error": words }));
    for line in [LIMITS, "POST chunk-upload/", ASSEMBLE] {
        let cases: [(AnswerMaker, &str, &[&str]); 7] = [
            (Box::new(detail(401, "Invalid token")), "unauthorized", &["Invalid token"]),
            (
                Box::new(detail(403, "You do not have permission")),
                "missing-scope",
                &["cannot upload source maps for acme", "You do not have permission"],
            ),
            (Box::new(page), "backend-error", &["is not Sentry's", "Blocked by the firewall"]),
            (
                Box::new(detail(404, "The requested resource does not exist")),
                "not-a-member",
                &["acme"],
            ),
            (
                Box::new(|| Response::html(404, "")),
                "backend-error",
                &["is not Sentry's", "HTTP 404"],
            ),
            (
                Box::new(|| Response::html(405, "")),
                "backend-error",
                &["is not Sentry's", "HTTP 405"],
            ),
            (Box::new(|| Response::html(400, "Bad Request")), "backend-error", &["Bad Request"]),
        ];
        for (answer, code, words) in cases {
            let message = with_answer(line, answer).1.failure();
            assert!(message.starts_with(&format!("{code}: ")), "{line}: {message}");
            assert!(words.iter().all(|word| message.contains(word)), "{line}: {message}");
            let is_token_blamed = message.contains("the token cannot");
            assert_eq!(is_token_blamed, code == "missing-scope", "{message}");
        }
    }
    let (_, failed) = with_answer("POST chunk-upload/", error("Checksum mismatch"));
    assert!(failed.failure().ends_with("refused the source maps: Checksum mismatch"));
    assert_eq!(failed.result.unwrap_err().status, Some(400));
}

#[test]
fn a_project_that_does_not_exist_is_named() {
    let target = BundleTarget {
        organization: "acme".to_owned(),
        projects: vec!["web".to_owned(), "ap".to_owned()],
        ..BundleTarget::default()
    };
    let sentry = ChunkSentry::new(ChunkOptions::default());
    let failed = bundle_for(target, &[b"alert(4)".to_vec()]).upload_to(&sentry);
    let failure = failed.result.clone().unwrap_err();
    assert_eq!(failure.code, ErrorCode::SourcemapsRefused);
    assert!(failure.message.ends_with("One or more projects are invalid: `ap`"), "{failure}");
    assert!(failure.hint.starts_with("did you mean `api`?"), "{}", failure.hint);
}

/// Answers that are no limits.
fn odd_limits() -> Vec<Value> {
    let accept = json!(["artifact_bundles"]);
    vec![
        json!(null),
        json!([]),
        json!({"chunkSize": 8_388_608}),
        json!({"chunkSize": 0, "accept": accept}),
        json!({"chunkSize": 1, "accept": accept}),
        json!({"chunkSize": "8", "accept": accept}),
        json!({"chunkSize": 8_388_608, "accept": "artifact_bundles"}),
        json!({"chunkSize": 8_388_608, "accept": [1, "artifact_bundles"]}),
        json!({"chunkSize": 8_388_608, "accept": accept, "hashAlgorithm": "md5"}),
        json!({"chunkSize": 8_388_608, "accept": accept, "chunksPerRequest": -1}),
    ]
}

/// Answers that are no state of a bundle.
fn odd_states() -> Vec<Value> {
    vec![
        json!(null),
        json!("ok"),
        json!({"state": null}),
        json!({"state": "done"}),
        json!({"state": "not_found"}),
        json!({"state": "not_found", "missingChunks": [1]}),
    ]
}

#[test]
fn answers_of_another_shape_are_not_taken_for_what_was_asked() {
    for (line, bodies) in [(LIMITS, odd_limits()), (ASSEMBLE, odd_states())] {
        for body in bodies {
            let shown = body.to_string();
            let (_, done) = with_answer(line, move || Response::json(200, &body));
            let message = done.failure();
            assert!(
                message.starts_with("backend-error: unexpected response"),
                "{shown}: {message}"
            );
        }
    }
    let page = || Response::html(200, "<title>Sign in</title>");
    let message = with_answer("POST chunk-upload/", page).1.failure();
    assert!(
        message.contains("not the receipt of chunks") && message.contains("Sign in"),
        "{message}"
    );
}

#[test]
fn hashes_that_are_none_of_the_bundle_do_not_hold_the_run() {
    let answer =
        || Response::json(200, &json!({"state": "not_found", "missingChunks": ["a", "a"]}));
    let (sentry, done) = with_answer(ASSEMBLE, answer);
    assert!(done.failure().starts_with("sourcemaps-refused: Sentry still misses chunks"));
    assert_eq!(sentry.peer.count(ASSEMBLE), 4);
    let answer = || Response::json(200, &json!({"state": "not_found", "missingChunks": []}));
    let message = with_answer(ASSEMBLE, answer).1.failure();
    assert!(message.starts_with("sourcemaps-refused: "), "{message}");
}
