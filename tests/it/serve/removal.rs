//! What `serve` answers where something ends or is changed: integrations, repositories, code mappings.

use super::pipeline::PipelineClient;
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};

const API: &str = "/api/0/organizations/acme/";

/// Installs an integration; its id.
fn install(serve: &ServeProcess, provider: &str, answer: &Value) -> String {
    let path = format!("{API}pipeline/integration_pipeline/");
    let mut client = PipelineClient::new(serve);
    let body = json!({ "action": "initialize", "provider": provider });
    client.request("POST", &path, &body).expect(200);
    let done = client.request("POST", &path, answer).expect(200);
    done["data"]["id"].as_str().unwrap().to_owned()
}

/// An integration with the repository `acme/web` and a code mapping; their ids.
fn seed(serve: &ServeProcess, provider: &str, answer: &Value) -> [String; 3] {
    let integration = install(serve, provider, answer);
    let body = json!({ "provider": format!("integrations:{provider}"), "installation": integration,
                       "identifier": "acme/web" });
    let repository = serve.request("POST", &format!("{API}repos/"), body).expect(201);
    let repository = repository["id"].as_str().unwrap().to_owned();
    let mapping = post_mapping(serve, &integration, &repository, "a");
    [integration, repository, mapping]
}

fn body(serve: &ServeProcess, repository: &str, root: &str) -> Value {
    let project = serve.get("/api/0/projects/acme/web/").expect(200)["id"].clone();
    json!({ "repositoryId": repository, "projectId": project, "stackRoot": root,
            "sourceRoot": "src", "defaultBranch": "main" })
}

fn post_mapping(serve: &ServeProcess, integration: &str, repository: &str, root: &str) -> String {
    let mut body = body(serve, repository, root);
    body["integrationId"] = integration.into();
    let made = serve.request("POST", &format!("{API}code-mappings/"), body).expect(201);
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_code_mapping_is_changed_and_deleted() {
    let serve = ServeProcess::start();
    let [integration, repository, mapping] = seed(&serve, "example", &json!({ "name": "demo" }));
    let path = format!("{API}code-mappings/{mapping}/");
    let changed = serve.request("PUT", &path, body(&serve, &repository, "b")).expect(200);
    assert_eq!((&changed["id"], &changed["stackRoot"]), (&json!(mapping), &json!("b")));
    post_mapping(&serve, &integration, &repository, "c");
    let text = "Code path config already exists with this project and stack trace root";
    let refused = serve.request("PUT", &path, body(&serve, &repository, "c")).expect(400);
    assert_eq!(refused, json!({ "nonFieldErrors": [text] }));
    let refused = serve.request("PUT", &path, json!({ "stackRoot": "a b" })).expect(400);
    assert_eq!(refused["repositoryId"], json!(["This field is required."]));
    assert_eq!(refused["stackRoot"], json!(["Path may not contain spaces or quotations"]));
    assert_eq!(serve.request("DELETE", &path, Value::Null).status, 204);
    for method in ["DELETE", "PUT"] {
        let answer = serve.request(method, &path, body(&serve, &repository, "d"));
        assert_eq!(answer.expect(404), json!({ "detail": "Not found." }), "{method}");
    }
    assert_eq!(serve.get(&format!("{API}code-mappings/")).expect(200).as_array().unwrap().len(), 1);
}

#[test]
fn a_repository_is_deleted_with_its_mappings_and_its_name_is_free() {
    let serve = ServeProcess::start();
    let [integration, repository, _] = seed(&serve, "example", &json!({ "name": "demo" }));
    let path = format!("{API}repos/{repository}/");
    assert_eq!(serve.get(&path).expect(200)["name"], "acme/web");
    for _ in 0..2 {
        let deleted = serve.request("DELETE", &path, Value::Null).expect(202);
        let told = (&deleted["name"], &deleted["status"]);
        assert_eq!(told, (&json!("acme/web"), &json!("pending_deletion")));
    }
    assert_eq!(serve.get(&format!("{API}repos/")).expect(200), json!([]));
    assert_eq!(serve.get(&format!("{API}code-mappings/")).expect(200), json!([]));
    let active = json!({ "status": "active" });
    assert_eq!(serve.request("PUT", &path, active.clone()).expect(200)["name"], "acme/web");
    serve.request("DELETE", &path, Value::Null).expect(202);
    let link = json!({ "provider": "integrations:example", "installation": integration,
                       "identifier": "acme/web" });
    let linked = serve.request("POST", &format!("{API}repos/"), link).expect(201);
    assert_ne!(linked["id"], json!(repository));
    // Another one has the name now.
    assert_eq!(serve.request("PUT", &path, active).expect(200)["status"], "pending_deletion");
}

#[test]
fn a_repository_is_hidden_shown_and_given_to_another_integration() {
    let serve = ServeProcess::start();
    let [_, repository, _] = seed(&serve, "example", &json!({ "name": "demo" }));
    let path = format!("{API}repos/{repository}/");
    let put = |body: Value| serve.request("PUT", &path, body);
    assert_eq!(put(json!({ "status": "hidden" })).expect(200)["status"], "hidden");
    assert_eq!(serve.get(&format!("{API}repos/")).expect(200), json!([]));
    assert_eq!(put(json!({ "status": "visible" })).expect(200)["status"], "active");
    let wrong = put(json!({ "status": "gone", "integrationId": "x" })).expect(400);
    assert_eq!(wrong["status"], json!(["\"gone\" is not a valid choice."]));
    assert_eq!(wrong["integrationId"], json!(["A valid integer is required."]));
    let wrong = put(json!({ "integrationId": 99 })).expect(400);
    assert_eq!(wrong, json!({ "detail": "Invalid integration id" }));
    assert_eq!(put(json!({})).expect(200)["name"], "acme/web");
    let missing = format!("{API}repos/99/");
    for method in ["GET", "PUT", "DELETE"] {
        let answer = serve.request(method, &missing, json!({}));
        let detail = json!({ "detail": "The requested resource does not exist" });
        assert_eq!(answer.expect(404), detail, "{method}");
    }
}

#[test]
fn only_a_source_host_of_ones_own_is_renamed() {
    let serve = ServeProcess::start();
    let answer = json!({ "name": "forge", "url": "https://forge.example.com" });
    let forge = install(&serve, "custom_scm", &answer);
    let path = format!("{API}integrations/{forge}/");
    let renamed = serve.request("PUT", &path, json!({ "name": "smithy" })).expect(200);
    assert_eq!(renamed["name"], "smithy");
    let moved = json!({ "domain": "https://smithy.example.com" });
    let moved = serve.request("PUT", &path, moved).expect(200);
    let told = (&moved["name"], &moved["domainName"]);
    assert_eq!(told, (&json!("smithy"), &json!("https://smithy.example.com")));
    let wrong = serve.request("PUT", &path, json!({ "domain": "nowhere" })).expect(400);
    assert_eq!(wrong, json!({ "domain": ["Enter a valid URL."] }));
    serve.request("PUT", &format!("{API}integrations/99/"), json!({})).expect(404);
    let other = install(&serve, "example", &json!({ "name": "demo" }));
    let other = format!("{API}integrations/{other}/");
    let refused = serve.request("PUT", &other, json!({ "name": "x" })).expect(400);
    assert_eq!(refused, json!({ "detail": "Invalid action for this integration" }));
}

/// Sentry's scopes: any one of these, and nobody else.
#[test]
fn each_of_these_wants_its_scope() {
    let serve = ServeProcess::start();
    let [integration, repository, mapping] = seed(&serve, "example", &json!({ "name": "demo" }));
    let paths = [
        format!("{API}integrations/{integration}/"),
        format!("{API}repos/{repository}/"),
        format!("{API}code-mappings/{mapping}/"),
    ];
    let is_allowed = |method: &str, path: &str, scope: &str| match (method, scope) {
        (_, "org:admin" | "org:integrations") => true,
        ("PUT", "org:write") => true,
        ("PUT", "org:read") => path.contains("code-mappings"),
        _ => false,
    };
    for scope in ["org:read", "org:write", "project:admin", "org:integrations", "org:admin"] {
        let token = serve.token("owner", scope);
        for path in &paths {
            for method in ["PUT", "DELETE"] {
                // What is not there is looked for after the right is.
                let nowhere = path.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/');
                let status =
                    serve.request_as(&token, method, &format!("{nowhere}/99/"), json!({})).status;
                let allowed = is_allowed(method, path, scope);
                assert_eq!(status != 403, allowed, "{method} {path} with {scope}: {status}");
            }
        }
    }
    let organization = serve.org_token();
    for path in &paths {
        assert_eq!(
            serve.request_as(&organization, "DELETE", path, json!({})).status,
            403,
            "{path}"
        );
    }
    assert_eq!(serve.get(&paths[1]).status, 200);
}

/// Sentry's task does so some minutes later; here what waits at the end is over at the next start.
#[test]
fn what_is_marked_is_deleted_with_its_mappings_and_its_repository_may_be_linked_again() {
    let serve = ServeProcess::start();
    let [gone, ..] = seed(&serve, "example", &json!({ "name": "demo" }));
    let stays = install(&serve, "example", &json!({ "name": "stays" }));
    let path = format!("{API}integrations/{gone}/");
    for _ in 0..2 {
        assert_eq!(serve.request("DELETE", &path, Value::Null).status, 204);
    }
    assert_eq!(serve.get(&path).expect(200)["organizationIntegrationStatus"], "pending_deletion");
    let (_, folder) = serve.stop();
    let serve = ServeProcess::over(folder, &[], Some(TOKEN));
    serve.get(&path).expect(404);
    assert_eq!(serve.get(&format!("{API}code-mappings/")).expect(200), json!([]));
    let left = serve.get(&format!("{API}repos/")).expect(200);
    assert_eq!((&left[0]["name"], &left[0]["integrationId"]), (&json!("acme/web"), &Value::Null));
    let link = json!({ "provider": "integrations:example", "installation": stays,
                       "identifier": "acme/web" });
    let linked = serve.request("POST", &format!("{API}repos/"), link).expect(201);
    assert_eq!((&linked["id"], &linked["integrationId"]), (&left[0]["id"], &json!(stays)));
}
