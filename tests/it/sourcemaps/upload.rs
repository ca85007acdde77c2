//! The order of the requests of an upload: as few as can be, and none in vain.

use super::bundles::{
    TestBundle, TestUpload, bundle_for, bundle_of, large_bundle, many_scripts, noise, small_bundle,
};
use crate::support::chunk_sentry::{ChunkOptions, ChunkSentry};
use crate::support::http_server::Response;
use finishline::error::ErrorCode;
use finishline::sourcemap::bundle::BundleTarget;
use serde_json::json;
use std::time::Duration;

const LIMITS: &str = "GET chunk-upload/";
const STORE: &str = "POST chunk-upload/";
const ASSEMBLE: &str = "POST artifactbundle/assemble/";
const LOOK_UP: &str = "GET /api/0/projects/acme/web/artifact-lookup/";

/// The requests since the last upload, each run of one kind once.
fn kinds(sentry: &ChunkSentry, earlier: usize) -> Vec<String> {
    let mut lines = sentry.peer.lines().split_off(earlier);
    lines.dedup();
    lines
}

#[track_caller]
fn succeeds(bundle: &TestBundle, sentry: &ChunkSentry) -> TestUpload {
    let done = bundle.upload_to(sentry);
    assert_eq!(done.result, Ok(()), "{:?}", sentry.peer.lines());
    assert!(done.progress.is_complete && done.progress.warnings.is_empty(), "{:?}", done.progress);
    let of_bundle = |(_, body): &(serde_json::Value, serde_json::Value)| {
        body["projects"] == json!(bundle.target.projects)
            && body.get("version")
                == bundle.target.release.as_ref().map(|text| json!(text)).as_ref()
            && body.get("dist") == bundle.target.dist.as_ref().map(|text| json!(text)).as_ref()
    };
    assert!(sentry.data().bundles.values().any(of_bundle), "{:?}", sentry.data().bundles);
    done
}

#[test]
fn a_small_new_upload_takes_two_requests_and_an_unchanged_one_takes_one() {
    let sentry = ChunkSentry::new(ChunkOptions::default());
    let done = succeeds(&small_bundle().without_lookups(), &sentry);
    assert_eq!(sentry.peer.lines(), [STORE, ASSEMBLE]);
    assert_eq!(done.progress.sent_bytes, done.progress.bundle_size);
    let done = succeeds(&small_bundle().without_lookups().unchanged(), &sentry);
    assert_eq!(sentry.peer.lines(), [STORE, ASSEMBLE, ASSEMBLE]);
    assert_eq!((done.progress.sent_chunks, done.progress.sent_bytes), (0, 0));
    assert_eq!(sentry.peer.connections(), 2, "one for each run");
}

#[test]
fn what_is_not_there_after_all_is_stored() {
    let sentry = ChunkSentry::new(ChunkOptions::default());
    succeeds(&small_bundle().unchanged(), &sentry);
    assert_eq!(sentry.peer.lines(), [ASSEMBLE, STORE, ASSEMBLE, LOOK_UP]);
}

#[test]
fn a_large_upload_sends_what_is_missing_and_of_a_changed_file_little() {
    let sentry = ChunkSentry::new(ChunkOptions::default());
    let mut scripts = many_scripts();
    let bundle = large_bundle();
    assert!(bundle.size() > 2 * 1024 * 1024);
    let done = succeeds(bundle, &sentry);
    assert_eq!(kinds(&sentry, 0), [LIMITS, ASSEMBLE, STORE, ASSEMBLE, LOOK_UP]);
    assert_eq!(sentry.data().received as u64, done.progress.sent_bytes);
    let earlier = sentry.peer.lines().len();
    scripts[70].push(b' ');
    let changed = bundle_of(&scripts);
    let done = succeeds(&changed, &sentry);
    assert_eq!(kinds(&sentry, earlier), [LIMITS, ASSEMBLE, STORE, ASSEMBLE, LOOK_UP]);
    let (sent, all) = (done.progress.sent_bytes, done.progress.bundle_size);
    assert!(sent * 100 <= all * 3, "{sent} of {all}");
    let earlier = sentry.peer.lines().len();
    succeeds(&changed.unchanged(), &sentry);
    assert_eq!(kinds(&sentry, earlier), [ASSEMBLE, LOOK_UP]);
}

#[test]
fn a_server_that_does_not_tell_missing_chunks_has_them_before_it_is_asked() {
    let sentry = ChunkSentry::new(ChunkOptions::without_missing_chunks());
    succeeds(large_bundle(), &sentry);
    assert_eq!(kinds(&sentry, 0), [LIMITS, STORE, ASSEMBLE, LOOK_UP]);
    let sentry = ChunkSentry::new(ChunkOptions::without_missing_chunks());
    succeeds(&small_bundle(), &sentry);
    assert_eq!(sentry.peer.lines(), [STORE, ASSEMBLE, LOOK_UP]);
}

/// The checksum of each bundle that was to be put together, each run of one once.
fn checksums(sentry: &ChunkSentry) -> Vec<String> {
    let requests = sentry.peer.requests();
    let assembles = requests.iter().filter(|request| request.line() == ASSEMBLE);
    let mut all: Vec<_> =
        assembles.map(|request| request.json()["checksum"].as_str().unwrap().to_owned()).collect();
    all.dedup();
    all
}

#[test]
fn an_error_that_the_server_remembers_is_passed_by_under_another_checksum() {
    let sentry = ChunkSentry::new(ChunkOptions::without_missing_chunks());
    let done = succeeds(&small_bundle().unchanged(), &sentry);
    assert_eq!(kinds(&sentry, 0), [ASSEMBLE, STORE, ASSEMBLE, LOOK_UP]);
    let sums = checksums(&sentry);
    assert_eq!(sums.len(), 2, "{sums:?}");
    assert!(done.progress.sent_chunks > 0);
    // The next run meets the same error, and then a bundle that is there.
    succeeds(&small_bundle().unchanged(), &sentry);
    assert_eq!(checksums(&sentry)[2..], sums);
}

#[test]
fn an_error_for_want_of_chunks_that_stays_is_told() {
    for (detail, attempts) in [
        ("Not all chunks available for assembling", 3),
        ("internal server error", 3),
        ("the bundle is invalid", 1),
        ("uploading a bundle without debug ids or release is prohibited", 1),
        ("::error::no\nway", 1),
    ] {
        let sentry =
            ChunkSentry::new(ChunkOptions { detail: Some(detail), ..ChunkOptions::default() });
        let failed = small_bundle().upload_to(&sentry);
        assert_eq!(checksums(&sentry).len(), attempts, "{detail}");
        let message = failed.failure();
        let words = detail.split(['\n', ':']).next_back().unwrap();
        assert!(message.starts_with("sourcemaps-refused: Sentry cannot process"), "{message}");
        assert!(message.contains(words) && !message.contains(['\n']), "{message}");
        assert!(!failed.progress.is_complete);
    }
}

#[test]
fn chunks_that_are_lost_are_stored_again_a_few_times() {
    let sentry = ChunkSentry::new(ChunkOptions { lost_chunks: 2, ..ChunkOptions::default() });
    succeeds(&bundle_of(&[noise(1, 90_000), noise(2, 90_000)]), &sentry);
    assert_eq!(sentry.peer.lines(), [STORE, ASSEMBLE, STORE, ASSEMBLE, LOOK_UP]);
    let sentry =
        ChunkSentry::new(ChunkOptions { lost_chunks: usize::MAX, ..ChunkOptions::default() });
    let message = small_bundle().upload_to(&sentry).failure();
    assert!(message.starts_with("sourcemaps-refused: Sentry still misses chunks"), "{message}");
    assert_eq!(sentry.peer.count(STORE), 4);
}

#[test]
fn small_limits_are_kept_to() {
    let options = |chunk_size, chunks_per_request, request_size| ChunkOptions {
        chunk_size,
        chunks_per_request,
        request_size,
        ..ChunkOptions::default()
    };
    let scripts = [noise(1, 300_000), noise(2, 200_000), noise(3, 50_000), noise(4, 70_000)];
    for (chunk_size, chunks, request_size) in [
        (40_000, 64, 10_000_000),
        (8_000_000, 2, 10_000_000),
        (8_000_000, 64, 210_000),
        (5_000, 3, 12_000),
    ] {
        let sentry = ChunkSentry::new(options(chunk_size, chunks, request_size));
        succeeds(&bundle_of(&scripts), &sentry);
        assert_eq!(kinds(&sentry, 0)[..3], [STORE, LIMITS, STORE], "{chunk_size}");
        assert_eq!(sentry.peer.count(LIMITS), 1);
    }
    let sentry =
        ChunkSentry::new(ChunkOptions { bundle_size: 1_000_000, ..ChunkOptions::default() });
    let message = large_bundle().upload_to(&sentry).failure();
    assert!(message.starts_with("sourcemaps-refused: the bundle of source maps has "), "{message}");
    assert_eq!(sentry.peer.lines(), [LIMITS]);
}

#[test]
fn a_proxy_that_takes_less_than_sentry_is_sent_less() {
    for limit in [1_048_576, 300_000, 80_000] {
        let sentry =
            ChunkSentry::new(ChunkOptions { proxy_limit: limit, ..ChunkOptions::default() });
        succeeds(&bundle_of(&[noise(1, 1_900_000), noise(2, 90_000)]), &sentry);
        assert!(sentry.peer.count(STORE) < 50, "{}", sentry.peer.count(STORE));
    }
    let sentry = ChunkSentry::new(ChunkOptions { proxy_limit: 9_000, ..ChunkOptions::default() });
    let failed = bundle_of(&[noise(1, 1_900_000)]).upload_to(&sentry);
    let failure = failed.result.clone().unwrap_err();
    assert_eq!((failure.code, failure.status), (ErrorCode::SourcemapsRefused, Some(413)));
    assert!(failure.message.contains("or a proxy in front of it"), "{}", failure.message);
    assert!(failure.message.contains("413 Request Entity Too Large"), "{}", failure.message);
}

#[test]
fn a_bundle_is_waited_for_within_the_deadline() {
    let states = vec!["created", "assembling", "assembling"];
    let sentry = ChunkSentry::new(ChunkOptions { states, ..ChunkOptions::default() });
    succeeds(&small_bundle(), &sentry);
    assert_eq!(sentry.peer.count(ASSEMBLE), 4);
    for timeout in [400, 1_500] {
        let states = vec!["created"; 10_000];
        let sentry = ChunkSentry::new(ChunkOptions { states, ..ChunkOptions::default() });
        let timeout = Duration::from_millis(timeout);
        let failed = small_bundle().within(timeout).upload_to(&sentry);
        assert!(failed.failure().starts_with("deadline: the source maps are uploaded"));
        assert!(failed.progress.is_accepted && !failed.progress.is_complete);
        // A busy machine may take longer than the run itself does.
        assert!(failed.time < timeout + Duration::from_secs(20), "{:?}", failed.time);
        assert!(sentry.peer.count(ASSEMBLE) < 8);
    }
}

#[test]
fn without_waiting_the_first_answer_is_the_last() {
    let states = vec!["created"; 10];
    let sentry = ChunkSentry::new(ChunkOptions { states, ..ChunkOptions::default() });
    let mut bundle = small_bundle();
    bundle.plan.waits = false;
    let done = bundle.upload_to(&sentry);
    assert_eq!(done.result, Ok(()));
    assert!(done.progress.is_accepted && !done.progress.is_complete);
    assert_eq!(sentry.peer.lines(), [STORE, ASSEMBLE]);
}

#[test]
fn every_project_is_asked_for_the_ids() {
    let target = BundleTarget {
        organization: "acme".to_owned(),
        projects: vec!["web".to_owned(), "api".to_owned()],
        release: Some("1.0+é".to_owned()),
        dist: Some("7".to_owned()),
    };
    let sentry = ChunkSentry::new(ChunkOptions { late_lookups: 2, ..ChunkOptions::default() });
    let done = succeeds(&bundle_for(target, &[b"alert(2)".to_vec()]), &sentry);
    assert_eq!(done.progress.proven, ["web", "api"]);
    let lookups = sentry.peer.lines().iter().filter(|line| line.contains("lookup")).count();
    assert_eq!(lookups, 4);
}

#[test]
fn ids_that_are_not_found_are_a_failure_and_an_older_server_is_a_warning() {
    let late_lookups = usize::MAX;
    let sentry = ChunkSentry::new(ChunkOptions { late_lookups, ..ChunkOptions::default() });
    let failed = small_bundle().within(Duration::from_secs(6)).upload_to(&sentry);
    let message = failed.failure();
    assert!(message.starts_with("sourcemaps-refused: Sentry reports"), "{message}");
    assert!(message.contains("`web` does not find the debug id"), "{message}");
    assert!(!failed.progress.is_complete);
    let sentry = ChunkSentry::new(ChunkOptions { has_lookup: false, ..ChunkOptions::default() });
    let done = small_bundle().upload_to(&sentry);
    assert_eq!(done.result, Ok(()));
    let warnings: Vec<_> = done.progress.warnings.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "Sentry reports the upload as processed, but finishline cannot check that `web` finds the \
          source maps: this server has no look-up"
        ]
    );
    assert!(done.progress.is_complete && done.progress.proven.is_empty());
}

#[test]
fn a_bundle_that_was_deleted_while_the_server_remembers_it_is_uploaded_anew() {
    let sentry = ChunkSentry::new(ChunkOptions::default());
    succeeds(&small_bundle(), &sentry);
    sentry.data().bundles.clear();
    succeeds(&small_bundle().unchanged(), &sentry);
    assert_eq!(checksums(&sentry).len(), 2);
}

#[test]
fn what_a_server_would_refuse_half_way_is_not_sent() {
    let sentry = ChunkSentry::with(ChunkOptions::default(), |_, _| Response::html(200, ""));
    for (projects, dist) in [(&["web"][..], Some("7")), (&[], None)] {
        let target = BundleTarget {
            organization: "acme".to_owned(),
            projects: projects.iter().map(ToString::to_string).collect(),
            release: None,
            dist: dist.map(str::to_owned),
        };
        let failed = bundle_for(target, &[b"alert(3)".to_vec()]).upload_to(&sentry);
        assert!(failed.failure().starts_with("usage: "), "{}", failed.failure());
    }
    assert_eq!(sentry.peer.lines(), [""; 0]);
}
