//! The providers by Sentry's own cases: what they build, and what each step shows and takes.

use crate::common::Run;
use crate::engine::{vectors, wait};
use crate::journey::parameter;
use crate::standin::{CLIENT_ID, CLIENT_SECRET, Kind, StandIn};
use finishline::backend::embedded::Embedded;
use finishline::model::{IntegrationData, Object, OrgSlug, Refusal, RefusalKind};
use finishline::provider::ask::{Ask, Body, Credentials, Reply};
use finishline::provider::{self, Provider, Step};
use finishline::seam::{Begin, Pipeline, Progress, StepView};
use finishline::state::{Fields, State};
use serde_json::{Value, json};

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

fn fields(value: &Value) -> Fields {
    let mut fields = Fields::default();
    object(value).into_iter().for_each(|(name, value)| fields.set(&name, value));
    fields
}

fn the(key: &str) -> (&'static dyn Provider, &'static Step) {
    let provider = provider::find(key).unwrap();
    (provider, provider.steps().last().unwrap())
}

/// What the provider asks until it lacks nothing, answered by `remote`; then what it builds.
fn build(key: &str, state: &Value, remote: &Value) -> (Vec<Ask>, Result<IntegrationData, Refusal>) {
    let ((provider, step), mut asked) = (the(key), Vec::new());
    let mut state = State::from(object(state));
    while let Some(ask) = provider.ask(step, &state).unwrap() {
        let path = url::Url::parse(&ask.url).unwrap().path().to_owned();
        let said = remote.get(format!("GET {path}")).or_else(|| remote.get(ask.name));
        let (status, body) = match said {
            Some(said) => (200, said.to_string()),
            None => (404, String::new()),
        };
        let heard = provider.hear(ask.name, &Reply::Answered { status, body }, &mut state);
        asked.push(ask);
        if let Err(refusal) = heard {
            return (asked, Err(refusal));
        }
    }
    (asked, provider.build(&state))
}

/// Whether everything in `expected` is in `found`.
#[track_caller]
fn assert_holds(found: &Value, expected: &Value) {
    match (found, expected) {
        (_, Value::String(any)) if any == "<any>" => assert!(!found.is_null()),
        (Value::Object(found), Value::Object(expected)) => {
            for (name, expected) in expected {
                assert!(found.contains_key(name), "{name} is not there");
                assert_holds(&found[name], expected);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len());
            found.iter().zip(expected).for_each(|(found, expected)| assert_holds(found, expected));
        }
        _ => assert_eq!(found, expected),
    }
}

#[test]
fn gitlab_and_gitea_build_what_they_build_in_sentry() {
    let (mut built, mut refused) = (0, 0);
    for case in vectors("build_integration").as_array().unwrap() {
        let key = case["provider"].as_str().unwrap();
        if !["gitlab", "gitea"].contains(&key) {
            continue;
        }
        match (build(key, &case["state"], &case["remote"]).1, case.get("error")) {
            (Ok(data), None) => {
                let identity = data.user_identity.unwrap();
                let found = json!({
                    "name": data.name,
                    "external_id": data.external_id,
                    "metadata": data.metadata,
                    "user_identity": { "type": identity.kind, "external_id": identity.external_id },
                });
                assert_holds(&found, &case["expected"]);
                built += 1;
            }
            (Err(refusal), Some(error)) => {
                assert_eq!((refusal.kind, refusal.status), (RefusalKind::Failure, None));
                assert_eq!(error["kind"], "IntegrationError");
                refused += 1;
            }
            (outcome, _) => panic!("{case}: {:?}", outcome.err()),
        }
    }
    assert_eq!((built, refused), (2, 1));
}

/// The state of a GitLab pipeline after the exchange, for this form.
fn gitlab(form: &Value) -> Value {
    let (provider, mut state) = (provider::find("gitlab").unwrap(), State::default());
    provider.take(&provider.steps()[0], &fields(form), &mut state).unwrap();
    state.bind("oauth_data", json!({ "access_token": "t0ken" }));
    Value::Object(state.data().clone())
}

/// A user and a group, by the name of what is asked.
fn people() -> Value {
    json!({ "user": { "id": 42 }, "group": { "id": 7, "full_name": "G", "full_path": "g" } })
}

#[test]
fn gitlab_is_asked_for_user_and_group_at_its_own_address_with_the_token() {
    let origin = "https://gitlab.example.com";
    for (url, group, api, path) in [
        (origin, "my-group", origin, "my-group"),
        ("https://gitlab.example.com///", "acme/widgets", origin, "acme%2Fwidgets"),
        ("http://127.0.0.1:8080/git/", "a b/é", "http://127.0.0.1:8080/git", "a%20b%2F%C3%A9"),
        (origin, "../user?x#y", origin, "..%2Fuser%3Fx%23y"),
    ] {
        let mut form = json!({ "url": url, "clientId": "c", "clientSecret": "s" });
        (form["group"], form["verifySsl"]) = (json!(group), json!(false));
        let (asked, built) = build("gitlab", &gitlab(&form), &people());
        let urls: Vec<_> = asked.iter().map(|ask| ask.url.clone()).collect();
        assert_eq!(urls, [format!("{api}/api/v4/user"), format!("{api}/api/v4/groups/{path}")]);
        for ask in asked {
            let Credentials::Bearer(token) = &ask.credentials else { panic!("{ask:?}") };
            assert_eq!((token.expose(), ask.verify_tls), ("t0ken", false));
            assert!(matches!(ask.body, Body::None));
        }
        assert_eq!(built.unwrap().metadata["base_url"], api);
    }
}

#[test]
fn a_whole_gitlab_instance_has_no_subgroups() {
    for group in [json!(""), Value::Null, json!("g")] {
        let mut form = json!({ "url": "https://x.example", "clientId": "c", "clientSecret": "s" });
        let has_group = group == "g";
        (form["group"], form["includeSubgroups"]) = (group, json!(true));
        let (asked, built) = build("gitlab", &gitlab(&form), &people());
        let data = built.unwrap();
        assert_eq!(asked.len(), if has_group { 2 } else { 1 });
        assert_eq!(data.metadata["include_subgroups"], has_group);
        let id = if has_group { "x.example:7" } else { "x.example:_instance_" };
        assert_eq!(data.external_id, id);
    }
}

#[test]
fn gitea_does_without_a_version() {
    let state = json!({
        "installation_data": {"url": "https://gitea.example.com", "client_id": "cid"},
        "oauth_data": {"access_token": "t"},
    });
    let home = "https://GITEA.example.com/someone";
    let (asked, built) = build("gitea", &state, &json!({"user": {"id": 7, "html_url": home}}));
    let urls: Vec<_> = asked.iter().map(|ask| ask.url.as_str()).collect();
    let api = "https://gitea.example.com/api/v1";
    assert_eq!(urls, [format!("{api}/user"), format!("{api}/version")]);
    let data = built.unwrap();
    assert_eq!(data.external_id, "gitea.example.com:cid");
    assert_eq!(data.metadata["instance_version"], Value::Null);
    assert_eq!(data.user_identity.unwrap().external_id, "gitea.example.com:7");
}

/// A pipeline of `acme`, and its first step.
fn begun(run: &Run, key: &str) -> (Embedded, StepView) {
    let mut engine = wait(Embedded::open(&run.database())).unwrap();
    let (provider, org) = (provider::find(key).unwrap(), OrgSlug::parse("acme").unwrap());
    let site = "https://sentry.example.com/";
    let (initial, app) = (None, None);
    let begin = Begin { provider, org: &org, initial, app, integration_id: None, site, next: None };
    let step = wait(engine.begin(begin)).unwrap();
    (engine, step)
}

/// An answer in the words of Sentry's endpoint: HTTP status and body.
fn told(progress: Progress) -> (u16, Value) {
    match progress {
        Progress::Advance(step) => {
            (200, json!({ "status": "advance", "step": step.id, "data": step.data }))
        }
        Progress::Complete(finished) => {
            (200, json!({ "status": "complete", "data": { "id": finished.id.to_string() } }))
        }
        Progress::Invalid(fields) => {
            let lists = fields.into_iter().map(|(name, why)| (name, json!([why])));
            (400, Value::Object(lists.collect()))
        }
        Progress::Stay(data) => (200, json!({ "status": "stay", "data": data })),
        Progress::Refused(no) => {
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
fn assert_told(progress: Progress, expected: &Value) {
    let (status, body) = told(progress);
    assert_eq!(status, expected["status"], "{body}");
    assert_holds(&body, &expected["json"]);
}

#[test]
fn forms_show_and_take_what_they_do_in_sentry() {
    for (name, key) in [("example", "example"), ("opsgenie", "opsgenie")] {
        let steps = transcript(name);
        let (mut engine, first) = begun(&Run::local(), key);
        let shown = json!({ "step": first.id, "data": first.data });
        assert_holds(&shown, &of_the_seam(steps[0].1.clone())["json"]);
        let empty = wait(engine.answer(&Fields::default())).unwrap();
        assert_eq!(told(empty).0, 400);
        assert_told(wait(engine.answer(&fields(&steps[1].0))).unwrap(), &steps[1].1);
    }
    let (mut engine, _) = begun(&Run::local(), "opsgenie");
    for (answer, expected) in transcript("opsgenie (bad base url)") {
        assert_told(wait(engine.answer(&fields(&answer))).unwrap(), &expected);
    }
}

#[test]
fn gitlab_shows_and_takes_what_it_does_in_sentry() {
    let party = StandIn::new(Kind::Gitlab);
    let run = Run::github().embedded("gitlab", "{}").without("FINISHLINE_PROVIDER");
    let run = run.without("FINISHLINE_STATE");
    let steps = transcript("gitlab");
    let (mut engine, first) = begun(&run, "gitlab");
    let shown = json!({ "step": first.id, "data": first.data });
    assert_holds(&shown, &of_the_seam(at(&party, &steps[0].1))["json"]);
    let redirect_uri = "https://sentry.example.com/extensions/gitlab/setup/";
    assert_eq!(first.data["setupValues"][1]["value"], redirect_uri);
    let advanced = wait(engine.answer(&fields(&at(&party, &steps[1].0)))).unwrap();
    let Progress::Advance(second) = advanced else { panic!("the form is taken") };
    assert_eq!(second.id, steps[1].1["json"]["step"]);
    let page = second.data["oauthUrl"].as_str().unwrap();
    assert!(page.starts_with(&format!("{}/oauth/authorize?", party.origin)), "{page}");
    assert_eq!(parameter(page, "client_id"), CLIENT_ID);
    assert_eq!(parameter(page, "redirect_uri"), redirect_uri);
    for name in ["gitlab (wrong state)", "gitlab (missing callback fields)"] {
        for (answer, expected) in transcript(name) {
            assert_told(wait(engine.answer(&fields(&answer))).unwrap(), &expected);
        }
    }
    // The rest is another process's: it has a callback, and what the engine kept.
    let resume = run.args(&["resume"]).var("FINISHLINE_CALLBACK_URL", party.approve(page));
    assert_eq!(resume.go().expect(0).said(["status", "integration-id"]), "complete 1");
    let full = |line: &String| line.replace(" /", &format!(" {}/", party.origin));
    let asked: Vec<_> = party.requests().iter().map(full).collect();
    assert_eq!(json!(asked), at(&party, &steps_of("gitlab")[2]["remote_calls"]));
}

/// A part of a transcript with the stand-in in GitLab's place.
fn at(party: &StandIn, part: &Value) -> Value {
    let text = part.to_string().replace("https://gitlab.example.com", &party.origin);
    text.replace("secret-xyz789", CLIENT_SECRET).parse().unwrap()
}

#[test]
fn trailing_slashes_of_gitlabs_address_are_removed() {
    let (mut engine, _) = begun(&Run::local(), "gitlab");
    let (answer, _) = transcript("gitlab (trailing slashes)").remove(0);
    let Progress::Advance(step) = wait(engine.answer(&fields(&answer))).unwrap() else {
        panic!("the form is taken")
    };
    let page = step.data["oauthUrl"].as_str().unwrap();
    assert!(page.starts_with("https://gitlab.example.com/oauth/authorize?"), "{page}");
}
