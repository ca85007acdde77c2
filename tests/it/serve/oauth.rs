//! Providers that need a browser, over `serve`: by Sentry's transcripts before a stand-in.

use super::pipeline::Client;
use crate::support::engine::vectors;
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, Kind, StandIn};
use crate::support::serve::Serve;
use serde_json::{Value, json};

const PIPELINE: &str = "/api/0/organizations/acme/pipeline/integration_pipeline/";

fn config(party: &StandIn) -> Value {
    json!({ "url": party.origin, "clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET,
            "group": "my-group" })
}

fn begin(client: &mut Client<'_>, provider: &str) -> Value {
    let body = json!({ "action": "initialize", "provider": provider });
    client.ask("POST", PIPELINE, &body).expect(200)
}

/// What the person's approval brings back, as the step's fields.
fn approve(party: &StandIn, step: &Value) -> Value {
    let callback = party.approve(step["data"]["oauthUrl"].as_str().unwrap());
    let callback = url::Url::parse(&callback).unwrap();
    callback.query_pairs().map(|(name, value)| (name.into_owned(), Value::from(value))).collect()
}

#[test]
fn gitlab_and_gitea_finish_with_what_the_browser_brings() {
    let serve = Serve::start();
    for (provider, kind) in [("gitlab", Kind::Gitlab), ("gitea", Kind::Gitea)] {
        let party = StandIn::new(kind);
        let mut client = Client::new(&serve);
        let first = begin(&mut client, provider);
        assert_eq!(
            (&first["step"], &first["totalSteps"]),
            (&json!("installation_config"), &json!(2))
        );
        let second = client.ask("POST", PIPELINE, &config(&party)).expect(200);
        assert_eq!((&second["status"], &second["stepIndex"]), (&json!("advance"), &json!(1)));
        let shown = client.ask("GET", PIPELINE, &Value::Null).expect(200);
        assert_eq!(shown["data"], second["data"], "a second look shows the same address");
        let done = client.ask("POST", PIPELINE, &approve(&party, &second)).expect(200);
        assert_eq!(
            (&done["status"], &done["data"]["provider"]["key"]),
            (&json!("complete"), &json!(provider))
        );
        assert!(!done.to_string().contains(CLIENT_SECRET));
    }
}

#[test]
fn gitlabs_first_step_shows_what_sentrys_does() {
    let serve = Serve::start();
    let first = begin(&mut Client::new(&serve), "gitlab");
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
    let serve = Serve::start();
    let party = StandIn::new(Kind::Gitlab);
    let mut client = Client::new(&serve);
    begin(&mut client, "gitlab");
    let step = client.ask("POST", PIPELINE, &config(&party)).expect(200);
    let missing = client.ask("POST", PIPELINE, &json!({})).expect(400);
    let required = json!(["This field is required."]);
    assert_eq!(missing, json!({ "code": required, "state": required }));
    let wrong = json!({ "code": "abc123", "state": "wrong-state" });
    let wrong = client.ask("POST", PIPELINE, &wrong).expect(400);
    assert_eq!(wrong["status"], "error");
    assert!(wrong["data"]["detail"].is_string());
    client.ask("POST", PIPELINE, &approve(&party, &step)).expect(200);
    let used = client.ask("POST", PIPELINE, &approve(&party, &step)).expect(404);
    assert_eq!(used, json!({ "detail": "No active pipeline session." }));
}

#[test]
fn a_browser_that_comes_back_finishes_on_the_pages() {
    let serve = Serve::start();
    let party = StandIn::new(Kind::Gitlab);
    let mut client = Client::new(&serve);
    client.ask("GET", "/organizations/acme/integrations/gitlab/setup/", &Value::Null);
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
    let done = client.ask("GET", path, &Value::Null);
    assert!(done.text.contains("id=\"message\">{\"success\":true"), "{}", done.text);
}

#[test]
fn a_third_party_that_is_slow_keeps_nobody_else_waiting() {
    let serve = Serve::start();
    let party = StandIn::new(Kind::Gitlab);
    let mut client = Client::new(&serve);
    begin(&mut client, "gitlab");
    let step = client.ask("POST", PIPELINE, &config(&party)).expect(200);
    let answer = approve(&party, &step);
    party.trick("/oauth/token", crate::support::fake_gitlab::How::Holds);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.ask("POST", PIPELINE, &answer).status);
        party.hear("/oauth/token", 1);
        serve.get("/api/0/organizations/acme/").expect(200);
        party.behave();
        assert_eq!(waiting.join().unwrap(), 200);
    });
}
