//! The engine at its seam by Sentry's transcripts: what each step shows and takes.

use super::browser_flow::parameter;
use super::providers::fields;
use crate::support::engine::{block_on, embedded, vectors};
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::run::ProgramRun;
use crate::support::vectors::assert_matches;
use finishline::backend::embedded::EmbeddedBackend;
use finishline::integration::{Pipeline, PipelineStart, StepResult, StepView};
use finishline::model::{Fields, OrgSlug};
use finishline::provider;
use serde_json::{Value, json};

/// A pipeline of `acme`, and its first step.
fn begun(run: &ProgramRun, key: &str) -> (EmbeddedBackend<'static>, StepView) {
    let mut engine = embedded(&run.database());
    let (provider, org) = (provider::find(key).unwrap(), OrgSlug::parse("acme").unwrap());
    let site = "https://sentry.example.com/";
    let (initial, app) = (None, None);
    let begin = PipelineStart {
        provider,
        org: &org,
        initial_data: initial,
        app,
        integration_id: None,
        base_url: site,
        next: None,
    };
    let step = block_on(engine.initialize(begin)).unwrap();
    (engine, step)
}

/// An answer in the words of Sentry's endpoint: HTTP status and body.
fn as_response(progress: StepResult) -> (u16, Value) {
    match progress {
        StepResult::Advance(step) => {
            (200, json!({ "status": "advance", "step": step.id, "data": step.data }))
        }
        StepResult::Complete(finished) => {
            (200, json!({ "status": "complete", "data": { "id": finished.id.to_string() } }))
        }
        StepResult::Invalid(fields) => {
            let lists = fields.into_iter().map(|(name, why)| (name, json!([why])));
            (400, Value::Object(lists.collect()))
        }
        StepResult::Stay(data) => (200, json!({ "status": "stay", "data": data })),
        StepResult::Refused(no) => {
            (400, json!({ "status": "error", "data": { "detail": no.message } }))
        }
    }
}

/// The steps of a transcript.
fn steps_of(name: &str) -> Vec<Value> {
    let all = vectors("provider_transcripts");
    let found = all.as_array().unwrap().iter().find(|case| case["provider"] == name).cloned();
    let found = found.unwrap_or_else(|| panic!("there is {name}"));
    found["steps"].as_array().unwrap().clone()
}

/// What is posted at each step, and what is answered.
fn transcript(name: &str) -> Vec<(Value, Value)> {
    let pair = |step: &Value| (step["request"]["json"].clone(), step["response"].clone());
    steps_of(name).iter().map(pair).collect()
}

/// The keys of a step that the seam tells; counts are the endpoint's.
fn of_the_seam(mut expected: Value) -> Value {
    let body = expected["json"].as_object_mut().unwrap();
    ["stepIndex", "totalSteps", "provider"].iter().for_each(|key| drop(body.remove(*key)));
    expected
}

#[track_caller]
fn assert_shown(shown: &Value, expected: Value) {
    let expected = of_the_seam(expected);
    assert_matches(shown, &expected["json"], &expected["match"], "the step");
}

#[track_caller]
fn assert_response(progress: StepResult, expected: &Value) {
    let (status, body) = as_response(progress);
    assert_eq!(status, expected["status"], "{body}");
    assert_matches(&body, &expected["json"], &expected["match"], "the answer");
}

#[test]
fn forms_show_and_take_what_they_do_in_sentry() {
    for (name, key) in [("example", "example"), ("opsgenie", "opsgenie")] {
        let steps = transcript(name);
        let (mut engine, first) = begun(&ProgramRun::local(), key);
        let shown = json!({ "step": first.id, "data": first.data });
        assert_shown(&shown, steps[0].1.clone());
        let empty = block_on(engine.advance(&Fields::default())).unwrap();
        assert_eq!(as_response(empty).0, 400);
        assert_response(block_on(engine.advance(&fields(&steps[1].0))).unwrap(), &steps[1].1);
    }
    let (mut engine, _) = begun(&ProgramRun::local(), "opsgenie");
    for (answer, expected) in transcript("opsgenie (bad base url)") {
        assert_response(block_on(engine.advance(&fields(&answer))).unwrap(), &expected);
    }
}

#[test]
fn gitlab_shows_and_takes_what_it_does_in_sentry() {
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let run = ProgramRun::github().embedded("gitlab", "{}").without("FINISHLINE_PROVIDER");
    let run = run.without("FINISHLINE_STATE");
    let steps = transcript("gitlab");
    let (mut engine, first) = begun(&run, "gitlab");
    let shown = json!({ "step": first.id, "data": first.data });
    assert_shown(&shown, placed_at(&party, &steps[0].1));
    let redirect_uri = "https://sentry.example.com/extensions/gitlab/setup/";
    assert_eq!(first.data["setupValues"][1]["value"], redirect_uri);
    let advanced = block_on(engine.advance(&fields(&placed_at(&party, &steps[1].0)))).unwrap();
    let StepResult::Advance(second) = advanced else { panic!("the form is taken") };
    assert_eq!(second.id, steps[1].1["json"]["step"]);
    let page = second.data["oauthUrl"].as_str().unwrap();
    assert!(page.starts_with(&format!("{}/oauth/authorize?", party.origin)), "{page}");
    assert_eq!(parameter(page, "client_id"), CLIENT_ID);
    assert_eq!(parameter(page, "redirect_uri"), redirect_uri);
    for name in ["gitlab (wrong state)", "gitlab (missing callback fields)"] {
        for (answer, expected) in transcript(name) {
            assert_response(block_on(engine.advance(&fields(&answer))).unwrap(), &expected);
        }
    }
    // The rest is another process's: it has a callback, and what the engine kept.
    let resume = run.args(&["resume"]).var("FINISHLINE_CALLBACK_URL", party.approve(page));
    assert_eq!(resume.execute().expect(0).joined(["status", "integration-id"]), "complete 1");
    let full = |line: &String| line.replace(" /", &format!(" {}/", party.origin));
    let asked: Vec<_> = party.requests().iter().map(full).collect();
    assert_eq!(json!(asked), placed_at(&party, &steps_of("gitlab")[2]["remote_calls"]));
}

/// A part of a transcript with the stand-in in GitLab's place.
fn placed_at(party: &FakeGitLab, part: &Value) -> Value {
    let text = part.to_string().replace("https://gitlab.example.com", &party.origin);
    text.replace("secret-xyz789", CLIENT_SECRET).parse().unwrap()
}

#[test]
fn trailing_slashes_of_gitlabs_address_are_removed() {
    let (mut engine, _) = begun(&ProgramRun::local(), "gitlab");
    let (answer, _) = transcript("gitlab (trailing slashes)").remove(0);
    let StepResult::Advance(step) = block_on(engine.advance(&fields(&answer))).unwrap() else {
        panic!("the form is taken")
    };
    let page = step.data["oauthUrl"].as_str().unwrap();
    assert!(page.starts_with("https://gitlab.example.com/oauth/authorize?"), "{page}");
}
