//! The pipeline endpoint and the integrations that it leaves behind, by Sentry's transcripts.

use crate::support::engine::vectors;
use crate::support::serve::{ServeProcess, ServeResponse, TOKEN};
use crate::support::vectors::{SkippedVectors, assert_matches};
use serde_json::{Value, json};

const ACME: &str = "/api/0/organizations/acme/";
pub(crate) const PIPELINE: &str = "/api/0/organizations/acme/pipeline/integration_pipeline/";

/// A client with a cookie jar.
pub(crate) struct PipelineClient<'a> {
    pub(crate) serve: &'a ServeProcess,
    pub(crate) token: String,
    pub(crate) cookie: String,
}

impl<'a> PipelineClient<'a> {
    pub(crate) fn new(serve: &'a ServeProcess) -> Self {
        Self { serve, token: TOKEN.to_owned(), cookie: String::new() }
    }

    pub(crate) fn request(&mut self, method: &str, path: &str, body: &Value) -> ServeResponse {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, "application/json", &text)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> ServeResponse {
        let headers = [
            ("Authorization", format!("Bearer {}", self.token)),
            ("Content-Type", kind.to_owned()),
            ("Cookie", self.cookie.clone()),
        ];
        let answer = self.serve.send(method, path, &headers, body);
        let set = answer.header("set-cookie");
        if let Some(cookie) = set.split(';').next().filter(|cookie| !cookie.is_empty()) {
            self.cookie = cookie.to_owned();
        }
        answer
    }

    pub(crate) fn begin(&mut self, provider: &str) -> Value {
        let body = json!({ "action": "initialize", "provider": provider });
        self.request("POST", PIPELINE, &body).expect(200)
    }

    pub(crate) fn post(&mut self, body: Value) -> ServeResponse {
        self.request("POST", PIPELINE, &body)
    }
}

const SKIPPED_ENDPOINT_CASES: SkippedVectors = SkippedVectors(&[
    (
        "session of another org",
        "it needs a session: `a_session_is_for_one_user_and_one_organization` plays it",
    ),
    ("provider hidden by feature flag", "`serve` has no flags: it answers 400 with the reason"),
    ("current step", "of a pipeline that only Sentry's own tests register"),
    ("advance last step -> complete", "of a pipeline that only Sentry's own tests register"),
    ("step handler reports an error", "of a pipeline that only Sentry's own tests register"),
    ("initialData bound", "of a provider that only Sentry's own tests register"),
    ("initialData omitted is treated as {}", "of a provider that only Sentry's own tests register"),
]);

#[test]
fn the_endpoint_answers_as_sentry_does() {
    let serve = ServeProcess::start();
    let org_token = serve.org_token();
    for case in SKIPPED_ENDPOINT_CASES.others(&vectors("endpoint_transcripts"), "name") {
        let (name, request) = (case["name"].as_str().unwrap(), &case["request"]);
        let path = request["url"].as_str().unwrap().replace("{org}", "acme");
        let token = match name {
            "no credentials" => "",
            name if name.starts_with("token without") => &org_token,
            _ => TOKEN,
        };
        let method = request["method"].as_str().unwrap();
        let answer = serve.request_as(token, method, &path, request["json"].clone());
        assert_eq!(u64::from(answer.status), case["response"]["status"], "{name}");
        let wish = &case["response"];
        assert_matches(&answer.json(), &wish["json"], &wish["match"], name);
    }
}

#[test]
fn providers_that_need_no_browser_finish_by_sentrys_transcripts() {
    let serve = ServeProcess::start();
    let mut walked = 0;
    for case in vectors("provider_transcripts").as_array().unwrap() {
        let provider = case["provider"].as_str().unwrap();
        if !["example", "opsgenie"].contains(&provider) {
            continue;
        }
        let mut client = PipelineClient::new(&serve);
        if case["steps"][0]["request"]["json"].is_null() {
            client.begin(provider);
        }
        for step in case["steps"].as_array().unwrap() {
            let method = step["request"]["method"].as_str().unwrap();
            let answer = client.request(method, PIPELINE, &step["request"]["json"]);
            let expected = &step["response"];
            assert_eq!(u64::from(answer.status), expected["status"], "{}", answer.text);
            assert_matches(&answer.json(), &expected["json"], &expected["match"], provider);
        }
        walked += 1;
    }
    assert_eq!(walked, 2);
}

#[test]
fn a_finish_gives_the_integration_that_the_listing_then_has() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("opsgenie");
    let fields =
        json!({ "baseUrl": "https://api.opsgenie.com/", "provider": "cool", "apiKey": "k" });
    let finished = client.post(fields).expect(200);
    assert_eq!(finished["status"], "complete");
    let data = &finished["data"];
    assert_eq!(data["externalId"], "cool");
    assert_eq!(data["provider"]["key"], "opsgenie");
    assert_eq!(data["configData"]["team_table"][0]["integration_key"], "k");
    assert_eq!(serve.get(&format!("{ACME}integrations/")).expect(200), json!([data]));
    let id = data["id"].as_str().unwrap();
    assert_eq!(&serve.get(&format!("{ACME}integrations/{id}/")).expect(200), data);
    let bare = serve.get(&format!("{ACME}integrations/?providerKey=opsgenie&includeConfig=0"));
    assert_eq!(bare.expect(200)[0]["configData"], Value::Null);
    assert_eq!(serve.get(&format!("{ACME}integrations/?provider_key=gitlab")).json(), json!([]));
    let over = json!({ "detail": "No active pipeline session." });
    assert_eq!(client.request("GET", PIPELINE, &Value::Null).expect(404), over);
}

#[test]
fn a_wrong_field_is_named_and_the_step_stays() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("opsgenie");
    let wrong = client.post(json!({ "baseUrl": "https://evil.example/", "provider": "" }));
    let wrong = wrong.expect(400);
    assert!(wrong["baseUrl"][0].is_string() && wrong.get("status").is_none(), "{wrong}");
    let missing = client.post(json!({})).expect(400);
    assert_eq!(missing["provider"], json!(["This field is required."]));
    let shown = client.request("GET", PIPELINE, &Value::Null).expect(200);
    assert_eq!((&shown["step"], &shown["stepIndex"]), (&json!("installation_config"), &json!(0)));
    assert!(shown.get("status").is_none());
    // The older spelling is read too, and what is no field is ignored.
    let fields = json!({ "base_url": "https://api.opsgenie.com/", "provider": 7, "extra": true });
    assert_eq!(client.post(fields).expect(200)["data"]["externalId"], "7");
}

#[test]
fn a_second_beginning_replaces_the_first() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("opsgenie");
    let first = client.cookie.clone();
    assert_eq!(client.begin("example")["step"], "setup");
    assert_ne!(client.cookie, first);
    client.cookie = first;
    client.request("GET", PIPELINE, &Value::Null).expect(404);
    let count: i64 = serve
        .database()
        .query_row("SELECT count(*) FROM pipeline_state", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_session_is_for_one_user_and_one_organization() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("example");
    let invalid = json!({ "detail": "Invalid pipeline state." });
    client.token = serve.token("admin", "org:integrations");
    assert_eq!(client.request("GET", PIPELINE, &Value::Null).expect(404), invalid);
    TOKEN.clone_into(&mut client.token);
    serve
        .database()
        .execute_batch(
            "INSERT INTO organization (slug, created_at) VALUES ('second', 0);
             INSERT INTO member SELECT max(id), 1, 'owner' FROM organization",
        )
        .unwrap();
    let other = PIPELINE.replace("acme", "second");
    assert_eq!(client.request("GET", &other, &Value::Null).expect(404), invalid);
    client.request("GET", PIPELINE, &Value::Null).expect(200);
}

#[test]
fn a_session_ends_with_its_hour() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("example");
    serve.database().execute("UPDATE pipeline_state SET expires_at = 1", []).unwrap();
    let over = json!({ "detail": "No active pipeline session." });
    assert_eq!(client.post(json!({ "name": "x" })).expect(404), over);
}

#[test]
fn a_plain_member_cannot_begin_whatever_the_token_says() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.token = serve.token("member", "org:read org:write org:admin org:integrations");
    let body = json!({ "action": "initialize", "provider": "example" });
    client.request("POST", PIPELINE, &body).expect(403);
    client.request("GET", PIPELINE, &Value::Null).expect(404);
}

#[test]
fn the_user_who_begins_is_the_one_who_installs() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.token = serve.token("manager", "org:integrations");
    client.begin("example");
    client.post(json!({ "name": "demo" })).expect(200);
    let actor: String = serve
        .database()
        .query_row("SELECT name FROM audit_log_entry JOIN user ON user.id = actor_id", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(actor, "user manager:org:integrations");
}

#[test]
fn a_refused_finish_leaves_a_session_that_cannot_be_read() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("custom_scm");
    // What the answer is taken for, and the finish cannot use.
    let spoil = "UPDATE pipeline_state SET data = json_set(data, '$.installation_id', 5)";
    assert_eq!(serve.database().execute(spoil, []).unwrap(), 1);
    let form = json!({ "name": "x", "url": "https://scm.example" });
    assert_eq!(client.post(form.clone()).expect(400)["status"], "error");
    for body in [Value::Null, form] {
        let method = if body.is_null() { "GET" } else { "POST" };
        let answer = client.request(method, PIPELINE, &body).expect(500);
        assert!(answer["detail"] == "Internal Error" && answer["errorId"].is_string(), "{answer}");
    }
    // Only a new beginning replaces it.
    assert_eq!(client.begin("example")["stepIndex"], 0);
    assert_eq!(serve.get(&format!("{ACME}integrations/")).expect(200), json!([]));
}

#[test]
fn a_deleted_integration_waits_for_its_deletion_and_a_finish_revives_it() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.begin("example");
    let id = client.post(json!({ "name": "demo" })).expect(200)["data"]["id"].clone();
    let path = format!("{ACME}integrations/{}/", id.as_str().unwrap());
    let status = |serve: &ServeProcess| {
        serve.get(&path).expect(200)["organizationIntegrationStatus"].clone()
    };
    assert_eq!(serve.request("DELETE", &path, Value::Null).status, 204);
    assert_eq!(status(&serve), "pending_deletion");
    assert_eq!(serve.request("DELETE", &path, Value::Null).status, 204);
    client.begin("example");
    assert_eq!(client.post(json!({ "name": "demo" })).expect(200)["data"]["id"], id);
    assert_eq!(status(&serve), "active");
    for path in [format!("{ACME}integrations/99/"), format!("{ACME}integrations/x/")] {
        let answer = serve.request("DELETE", &path, Value::Null);
        assert_eq!(answer.expect(404), json!({ "detail": "Not found." }));
    }
}

#[test]
fn the_catalogue_names_every_provider_and_the_page_that_sets_it_up() {
    let serve = ServeProcess::start();
    let all = serve.get(&format!("{ACME}config/integrations/")).expect(200);
    let keys: Vec<_> = all["providers"].as_array().unwrap().iter().map(|p| &p["key"]).collect();
    assert!(keys.contains(&&json!("gitlab")) && keys.contains(&&json!("example")));
    let one = serve.get(&format!("{ACME}config/integrations/?provider_key=pagerduty")).expect(200);
    assert_eq!(one["providers"].as_array().unwrap().len(), 1);
    let page = "/organizations/acme/integrations/pagerduty/setup/";
    assert_eq!(one["providers"][0]["setupDialog"]["url"], page);
    let none = serve.get(&format!("{ACME}config/integrations/?providerKey=zzz")).expect(404);
    assert_eq!(none, json!({ "detail": "Providers do not exist" }));
}

#[test]
fn nothing_installs_by_posting_to_the_listing() {
    let serve = ServeProcess::start();
    let answer = serve.request("POST", &format!("{ACME}integrations/"), json!({}));
    assert_eq!(answer.expect(405), json!({ "detail": "Method \"POST\" not allowed." }));
}
