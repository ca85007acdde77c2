//! The pipeline that is kept between answers: its row, its signature and its time to live.

use crate::support::engine::{block_on, embedded, vectors};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use finishline::backend::embedded::EmbeddedBackend;
use finishline::error::{Error, ErrorCode};
use finishline::integration::{Pipeline, PipelineStart, StepResult};
use finishline::model::{Fields, OrgSlug, signature};
use finishline::provider;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

#[test]
fn a_signature_hashes_the_step_ids_one_after_another() {
    for case in vectors("pipeline_signature").as_array().unwrap() {
        let ids: Vec<String> = serde_json::from_value(case["views"].clone()).unwrap();
        let signature = signature(ids.iter().map(String::as_str));
        assert_eq!(signature, case["signature"].as_str().unwrap(), "{case}");
    }
}

/// An Opsgenie pipeline that has begun and waits for its one answer.
fn begun(integration_id: Option<i64>) -> (ProgramRun, EmbeddedBackend<'static>) {
    let run = ProgramRun::local();
    let mut backend = embedded(&run.database());
    let org = OrgSlug::parse("acme").unwrap();
    let provider = provider::find("opsgenie").unwrap();
    let site = "http://127.0.0.1:9797";
    let (initial, app) = (None, None);
    let begin = PipelineStart {
        provider,
        org: &org,
        initial_data: initial,
        app,
        integration_id,
        base_url: site,
        next: None,
    };
    let step = block_on(backend.initialize(begin)).unwrap();
    assert_eq!(step.id, "installation_config");
    (run, backend)
}

fn answer() -> Fields {
    let mut fields = Fields::default();
    fields.set("baseUrl", "https://api.opsgenie.com/");
    fields.set("provider", "acme-ops");
    fields.set("apiKey", "s3cr3t-key");
    fields
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Answers a pipeline that must not go on; what the run would say.
#[track_caller]
fn assert_refused(backend: &mut EmbeddedBackend<'_>, code: ErrorCode) -> Error {
    let failure = match block_on(backend.advance(&answer())) {
        Err(failure) => failure,
        Ok(StepResult::Refused(refusal)) => refusal.into(),
        Ok(_) => panic!("the pipeline goes on"),
    };
    assert_eq!(failure.code, code);
    failure
}

#[test]
fn a_pipeline_begins_with_the_fields_that_sentry_keeps() {
    let before = now();
    let (run, _backend) = begun(None);
    let expected = &vectors("pipeline_store")["initial_state"];
    let columns: Vec<_> = expected.as_object().unwrap().keys().cloned().collect();
    let row = run.rows(&format!("SELECT {} FROM pipeline_state", columns.join(", "))).concat();
    let signature = signature(["installation_config"]);
    let kept = ["1", "null", "opsgenie", "1", "0", &signature, "{}", "{}"].join("|");
    assert_eq!((columns.len(), row), (8, kept));
    let seconds = vectors("pipeline_store")["ttl_seconds"].as_i64().unwrap();
    let expires: i64 = run.rows("SELECT expires_at FROM pipeline_state").concat().parse().unwrap();
    assert!((before..=now()).contains(&(expires - seconds * 1000)), "{expires}");
}

#[test]
fn a_pipeline_that_is_answered_is_cleared() {
    let (run, mut backend) = begun(None);
    let progress = block_on(backend.advance(&answer())).unwrap();
    let StepResult::Complete(finished) = progress else { panic!("the last step is answered") };
    assert_eq!((finished.id, finished.name.as_str(), finished.changed), (1, "acme-ops", true));
    assert_eq!(run.rows("SELECT * FROM pipeline_state"), [""; 0]);
    let event: Value =
        serde_json::from_str(&run.rows("SELECT data FROM analytics_event").concat()).unwrap();
    let expected = json!({
        "user_id": 1, "organization_id": 1, "integration": "opsgenie", "step_index": 1,
        "pipeline_type": "install",
    });
    assert_eq!(event, expected);
    assert_refused(&mut backend, ErrorCode::SessionExpired);
}

#[test]
fn a_pipeline_for_an_integration_that_is_there_is_a_reauth() {
    let (run, mut backend) = begun(Some(7));
    assert_eq!(run.rows("SELECT data FROM pipeline_state"), [r#"{"integration_id":7}"#]);
    let refusal = assert_refused(&mut backend, ErrorCode::IntegrationMismatch);
    assert!(refusal.message.contains('7') && refusal.message.contains('1'), "{}", refusal.message);
    let left = "SELECT (SELECT count(*) FROM integration), (SELECT count(*) FROM analytics_event)";
    assert_eq!(run.rows(left), ["0|0"]);
}

#[test]
fn a_pipeline_that_is_no_longer_good_is_not_gone_on_with() {
    for spoil in [
        "UPDATE pipeline_state SET expires_at = 1",
        "UPDATE pipeline_state SET signature = 'd41d8cd98f00b204e9800998ecf8427e'",
        "UPDATE pipeline_state SET step_index = 1",
        "UPDATE pipeline_state SET provider_key = 'gone'",
        "DELETE FROM pipeline_state",
    ] {
        let (run, mut backend) = begun(None);
        run.connection().execute(spoil, []).unwrap();
        assert_refused(&mut backend, ErrorCode::SessionExpired);
        assert_eq!(rows(&run.connection(), "SELECT * FROM integration"), [""; 0], "{spoil}");
    }
}

#[test]
fn an_answer_that_does_not_fit_leaves_the_step_waiting() {
    let (run, mut backend) = begun(None);
    let mut fields = answer();
    fields.set("baseUrl", "https://example.com/");
    let progress = block_on(backend.advance(&fields)).unwrap();
    let StepResult::Invalid(invalid) = progress else { panic!("the answer does not fit") };
    assert_eq!(invalid.len(), 1);
    assert_eq!(invalid[0].0, "baseUrl");
    assert_eq!(run.rows("SELECT step_index, data FROM pipeline_state"), ["0|{}"]);
    assert!(matches!(block_on(backend.advance(&answer())).unwrap(), StepResult::Complete(_)));
}

#[test]
fn a_pipeline_that_is_abandoned_is_forgotten() {
    let (run, mut backend) = begun(None);
    block_on(backend.abandon()).unwrap();
    assert_eq!(run.rows("SELECT * FROM pipeline_state"), [""; 0]);
    assert_refused(&mut backend, ErrorCode::SessionExpired);
}
