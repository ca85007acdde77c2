//! Providers that need a browser, over `serve`: by Sentry's transcripts before a stand-in.

use super::pipeline::PipelineClient;
use crate::support::engine::vectors;
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};

const PIPELINE: &str = "/api/0/organizations/acme/pipeline/integration_pipeline/";

fn config(party: &FakeGitLab) -> Value {
    json!({ "url": party.origin, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET,
            "group": "my-group" })
}

fn begin(client: &mut PipelineClient<'_>, provider: &str) -> Value {
    let body = json!({ "action": "initialize", "provider": provider });
    client.request("POST", PIPELINE, &body).expect(200)
}

/// What the person's approval brings back, as the step's fields.
fn approve(party: &FakeGitLab, step: &Value) -> Value {
    let callback = party.approve(step["data"]["oauthUrl"].as_str().unwrap());
    let callback = url::Url::parse(&callback).unwrap();
    callback.query_pairs().map(|(name, value)| (name.into_owned(), Value::from(value))).collect()
}

#[test]
fn gitlab_and_gitea_finish_with_what_the_browser_brings() {
    let serve = ServeProcess::start();
    for (provider, kind) in [("gitlab", ForgeKind::Gitlab), ("gitea", ForgeKind::Gitea)] {
        let party = FakeGitLab::new(kind);
        let mut client = PipelineClient::new(&serve);
        let first = begin(&mut client, provider);
        assert_eq!(
            (&first["step"], &first["totalSteps"]),
            (&json!("installation_config"), &json!(2))
        );
        let second = client.request("POST", PIPELINE, &config(&party)).expect(200);
        assert_eq!((&second["status"], &second["stepIndex"]), (&json!("advance"), &json!(1)));
        let shown = client.request("GET", PIPELINE, &Value::Null).expect(200);
        assert_eq!(shown["data"], second["data"], "a second look shows the same address");
        let done = client.request("POST", PIPELINE, &approve(&party, &second)).expect(200);
        assert_eq!(
            (&done["status"], &done["data"]["provider"]["key"]),
            (&json!("complete"), &json!(provider))
        );
        assert!(!done.to_string().contains(CLIENT_SECRET));
    }
}

#[test]
fn gitlabs_first_step_shows_what_sentrys_does() {
    let serve = ServeProcess::start();
    let first = begin(&mut PipelineClient::new(&serve), "gitlab");
    let all = vectors("provider_transcripts");
    let case = all.as_array().unwrap().iter().find(|case| case["provider"] == "gitlab").unwrap();
    let wanted = &case["steps"][0]["response"]["json"];
    for name in ["step", "stepIndex", "totalSteps", "provider"] {
        assert_eq!(first[name], wanted[name], "{name}");
    }
    assert_eq!(first["data"]["defaults"], wanted["data"]["defaults"]);
    let labels = |value: &Value| -> Vec<Value> {
        value.as_array().unwrap().iter().map(|one| one["label"].clone()).collect()
    };
    assert_eq!(labels(&first["data"]["setupValues"]), labels(&wanted["data"]["setupValues"]));
}

#[test]
fn a_wrong_callback_is_refused_and_the_right_one_still_taken() {
    let serve = ServeProcess::start();
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let mut client = PipelineClient::new(&serve);
    begin(&mut client, "gitlab");
    let step = client.request("POST", PIPELINE, &config(&party)).expect(200);
    let missing = client.request("POST", PIPELINE, &json!({})).expect(400);
    let required = json!(["This field is required."]);
    assert_eq!(missing, json!({ "code": required, "state": required }));
    let wrong = json!({ "code": "abc123", "state": "wrong-state" });
    let wrong = client.request("POST", PIPELINE, &wrong).expect(400);
    assert_eq!(wrong["status"], "error");
    assert!(wrong["data"]["detail"].is_string());
    client.request("POST", PIPELINE, &approve(&party, &step)).expect(200);
    let used = client.request("POST", PIPELINE, &approve(&party, &step)).expect(404);
    assert_eq!(used, json!({ "detail": "No active pipeline session." }));
}

#[test]
fn a_browser_that_comes_back_finishes_on_the_pages() {
    let serve = ServeProcess::start();
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let mut client = PipelineClient::new(&serve);
    client.request("GET", "/organizations/acme/integrations/gitlab/setup/", &Value::Null);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("url", &party.origin)
        .append_pair("client_id", CLIENT_ID)
        .append_pair("client_secret", CLIENT_SECRET)
        .append_pair("group", "my-group")
        .finish();
    let form = "application/x-www-form-urlencoded";
    let left = client.send("POST", "/extensions/gitlab/setup/", form, &body);
    assert_eq!(left.status, 302);
    let callback = party.approve(left.header("location"));
    let path = callback.strip_prefix(&serve.url()).expect("the browser comes back here");
    let done = client.request("GET", path, &Value::Null);
    assert!(done.text.contains("id=\"message\">{\"success\":true"), "{}", done.text);
}

#[test]
fn a_third_party_that_is_slow_keeps_nobody_else_waiting() {
    let serve = ServeProcess::start();
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let mut client = PipelineClient::new(&serve);
    begin(&mut client, "gitlab");
    let step = client.request("POST", PIPELINE, &config(&party)).expect(200);
    let answer = approve(&party, &step);
    party.misbehave("/oauth/token", crate::support::fake_gitlab::Misbehavior::Hang);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.request("POST", PIPELINE, &answer).status);
        party.wait_for_requests("/oauth/token", 1);
        serve.get("/api/0/organizations/acme/").expect(200);
        party.behave();
        assert_eq!(waiting.join().unwrap(), 200);
    });
}

#[test]
fn a_third_partys_certificate_is_trusted_by_the_file_that_is_given() {
    for as_flag in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.pem").to_str().unwrap().to_owned();
        std::fs::write(&file, FakeGitLab::certificate()).unwrap();
        let flag = ["--org", "acme", "--ca-file", &file];
        let arguments = if as_flag { &flag[..] } else { &flag[..2] };
        let variable = ("FINISHLINE_CA_FILE", if as_flag { "" } else { file.as_str() });
        let variables = [("SENTRY_AUTH_TOKEN", TOKEN), variable];
        let serve = ServeProcess::with(folder, arguments, variables);
        let party = FakeGitLab::with_untrusted_tls(ForgeKind::Gitlab);
        let mut client = PipelineClient::new(&serve);
        begin(&mut client, "gitlab");
        let second = client.request("POST", PIPELINE, &config(&party)).expect(200);
        let done = client.request("POST", PIPELINE, &approve(&party, &second)).expect(200);
        assert_eq!(done["status"], "complete");
    }
}

#[test]
fn a_certificate_file_that_cannot_be_used_is_said_at_the_start() {
    let run = ProgramRun::local();
    for (file, words) in [
        (run.path("nowhere.pem"), "cannot read"),
        (run.file("other.pem", "no certificate"), "is not a file of PEM certificates"),
    ] {
        let arguments = ["serve", "--ca-file", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        let ended = run.clone().args(&arguments).execute().expect(2);
        assert!(
            ended.stderr.contains(words) && ended.stderr.contains("--ca-file"),
            "{}",
            ended.stderr
        );
    }
}
