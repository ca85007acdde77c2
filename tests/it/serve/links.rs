//! Repositories and code mappings over `serve`.

use super::pipeline::PipelineClient;
use crate::support::engine::vectors;
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};

const REPOS: &str = "/api/0/organizations/acme/repos/";
const MAPPINGS: &str = "/api/0/organizations/acme/code-mappings/";

/// Installs `example` and gives its id.
fn install(serve: &ServeProcess, name: &str) -> String {
    let path = "/api/0/organizations/acme/pipeline/integration_pipeline/";
    let mut client = PipelineClient::new(serve);
    let body = json!({ "action": "initialize", "provider": "example" });
    client.request("POST", path, &body).expect(200);
    let done = client.request("POST", path, &json!({ "name": name })).expect(200);
    done["data"]["id"].as_str().unwrap().to_owned()
}

fn link(serve: &ServeProcess, integration: &str, name: &str) -> Value {
    let body = json!({ "provider": "integrations:example", "installation": integration,
                       "identifier": name });
    serve.request("POST", REPOS, body).expect(201)
}

#[test]
fn a_repository_is_linked_through_an_integration() {
    let serve = ServeProcess::start();
    let id = install(&serve, "demo");
    let linked = link(&serve, &id, "acme/web");
    assert_eq!((&linked["name"], &linked["integrationId"]), (&json!("acme/web"), &json!(id)));
    assert_eq!(linked["provider"], json!({ "id": "integrations:example", "name": "Example" }));
    assert_eq!(serve.get(REPOS).expect(200), json!([linked]));
    assert_eq!(serve.get(&format!("{REPOS}?query=WEB")).expect(200), json!([linked]));
    assert_eq!(serve.get(&format!("{REPOS}?query=nope")).expect(200), json!([]));
    assert_eq!(serve.get(&format!("{REPOS}?status=deleted")).expect(200), json!([]));
    assert_eq!(serve.get(&format!("{REPOS}?integration_id=99")).expect(200), json!([]));
    let of_integration = format!("/api/0/organizations/acme/integrations/{id}/repos/");
    let shown = serve.get(&of_integration).expect(200);
    assert_eq!(shown["repos"][0]["identifier"], "acme/web");
    let body = json!({ "provider": "integrations:example", "installation": id,
                       "identifier": "acme/web" });
    assert_eq!(serve.request("POST", REPOS, body).expect(400)["detail"]["code"], "repo_exists");
}

#[test]
fn a_repository_that_a_commit_named_is_taken_over() {
    let serve = ServeProcess::start();
    let body = json!({ "version": "v", "projects": ["web"],
                       "commits": [{ "id": "a", "repository": "acme/web" }] });
    serve.request("POST", "/api/0/organizations/acme/releases/", body).expect(201);
    let named = serve.get(REPOS).expect(200)[0]["id"].clone();
    assert_eq!(link(&serve, &install(&serve, "demo"), "acme/web")["id"], named);
}

#[test]
fn what_cannot_be_linked_is_refused_in_the_shape_of_its_own() {
    let serve = ServeProcess::start();
    let id = install(&serve, "demo");
    for (body, status, error) in [
        (json!({}), 400, json!({ "error_type": "validation" })),
        (json!({ "provider": "zzz" }), 400, json!({ "error_type": "validation" })),
        (
            json!({ "provider": "integrations:opsgenie" }),
            400,
            json!({ "error_type": "validation" }),
        ),
        (
            json!({ "provider": "integrations:example", "identifier": "x" }),
            400,
            json!({ "error_type": "validation",
                 "errors": { "__all__": "Example requires an integration id." } }),
        ),
        (
            json!({ "provider": "integrations:example", "installation": "99", "identifier": "x" }),
            404,
            json!({ "error_type": "not found",
                 "errors": { "__all__": "Integration matching query does not exist." } }),
        ),
        (
            json!({ "provider": "integrations:gitlab", "installation": id, "identifier": "x" }),
            404,
            json!({ "error_type": "not found",
                 "errors": { "__all__": "Integration matching query does not exist." } }),
        ),
    ] {
        assert_eq!(serve.request("POST", REPOS, body.clone()).expect(status), error, "{body}");
    }
}

#[test]
fn a_code_mapping_is_made_once_for_a_project_and_a_root() {
    let serve = ServeProcess::start();
    let id = install(&serve, "demo");
    let repository = link(&serve, &id, "acme/web")["id"].clone();
    let project = serve.get("/api/0/projects/acme/web/").expect(200)["id"].clone();
    let body = json!({ "integrationId": id, "repositoryId": repository, "projectId": project,
                       "stackRoot": "a", "sourceRoot": "", "defaultBranch": "main" });
    let made = serve.request("POST", MAPPINGS, body.clone()).expect(201);
    assert_eq!((&made["projectSlug"], &made["repoName"]), (&json!("web"), &json!("acme/web")));
    assert_eq!(made["provider"]["key"], "example");
    let error = "Code path config already exists with this project and stack trace root";
    assert_eq!(
        serve.request("POST", MAPPINGS, body).expect(400),
        json!({ "nonFieldErrors": [error] })
    );
    assert_eq!(serve.get(MAPPINGS).expect(200), json!([made]));
    let of_integration = format!("{MAPPINGS}?integrationId={id}");
    assert_eq!(serve.get(&of_integration).expect(200), json!([made]));
    serve.get(&format!("{MAPPINGS}?integrationId=99")).expect(404);
    serve.get(&format!("{MAPPINGS}?project=99")).expect(403);
}

#[test]
fn what_is_wrong_with_a_code_mapping_is_said_as_sentry_says_it() {
    let serve = ServeProcess::start();
    let id = install(&serve, "demo");
    let repository = link(&serve, &id, "acme/web")["id"].clone();
    let required = json!(["This field is required."]);
    let path = json!(["Path may not contain spaces or quotations"]);
    let branch = "Branch name may only have letters, numbers, underscores, forward slashes, dashes, \
                  and periods. Branch name may not start or end with a forward slash.";
    for (body, status, error) in [
        (json!({}), 400, json!("Missing param: integration_id")),
        (
            json!({ "integrationId": "99" }),
            404,
            json!("Could not find this integration installed on your organization"),
        ),
        (
            json!({ "integrationId": id }),
            400,
            json!({ "repositoryId": required, "projectId": required, "stackRoot": required,
                 "sourceRoot": required, "defaultBranch": required }),
        ),
        (
            json!({ "integrationId": id, "repositoryId": "99", "projectId": "99",
                 "stackRoot": "a b", "sourceRoot": "\"", "defaultBranch": "/x" }),
            400,
            json!({ "repositoryId": ["Repository does not exist"],
                 "projectId": ["Project does not exist"], "stackRoot": path, "sourceRoot": path,
                 "defaultBranch": [branch] }),
        ),
        (
            json!({ "integrationId": id, "repositoryId": repository, "projectId": "1",
                 "stackRoot": "", "sourceRoot": "", "defaultBranch": "" }),
            400,
            json!({ "defaultBranch": ["This field may not be blank."] }),
        ),
    ] {
        assert_eq!(serve.request("POST", MAPPINGS, body.clone()).expect(status), error, "{body}");
    }
}

#[test]
fn the_bulk_upsert_answers_as_sentry_does() {
    let serve = ServeProcess::start();
    let id = install(&serve, "demo");
    link(&serve, &id, "acme/web");
    link(&serve, &id, "dup");
    // The same name at another provider.
    serve
        .database()
        .execute(
            "INSERT INTO repository (organization_id, name, provider, external_id, integration_id,
                 created_at) SELECT 1, 'dup', 'integrations:gitlab', '7', integration_id, 0
             FROM repository WHERE name = 'dup'",
            [],
        )
        .unwrap();
    for case in vectors("code_mappings_bulk").as_array().unwrap() {
        let mut request = case["request"].clone();
        match request["mappings"].as_str() {
            Some("<301 items>") => {
                let item = |n| json!({ "stackRoot": format!("s{n}"), "sourceRoot": "" });
                request["mappings"] = (0..301).map(item).collect();
            }
            Some(_) => {
                request["mappings"] = json!([{ "stackRoot": "good", "sourceRoot": "src" },
                                             { "stackRoot": "a b", "sourceRoot": "" }]);
            }
            None => {}
        }
        let path = case["url"].as_str().unwrap().replace("{org}", "acme");
        let answer = serve.request("POST", &path, request.clone());
        assert_eq!(u64::from(answer.status), case["status"], "{request}: {}", answer.text);
        if let Some(part) = case["body_contains"].as_str() {
            assert!(answer.text.contains(part), "{}", answer.text);
        }
        if let Some(field) = case["body_field"].as_str() {
            assert!(answer.json()[field][0].is_string(), "{}", answer.text);
        }
        if case["body"]["detail"].is_string() {
            assert_eq!(answer.json(), case["body"]);
        }
    }
}

#[test]
fn a_bulk_upsert_makes_and_then_updates_and_tells_which() {
    let serve = ServeProcess::start();
    link(&serve, &install(&serve, "demo"), "acme/web");
    let path = format!("{MAPPINGS}bulk/");
    let body = |source: &str| {
        json!({ "project": "web", "repository": "acme/web", "defaultBranch": "main",
                "mappings": [{ "stackRoot": "a", "sourceRoot": source },
                             { "stackRoot": "", "sourceRoot": "" }] })
    };
    let token = serve.org_token();
    let made = serve.request_as(&token, "POST", &path, body("one")).expect(200);
    assert_eq!(
        (&made["created"], &made["updated"], &made["errors"]),
        (&json!(2), &json!(0), &json!(0))
    );
    let again = serve.request_as(&token, "POST", &path, body("two")).expect(200);
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(2)));
    assert_eq!(
        again["mappings"][0],
        json!({ "stackRoot": "a", "sourceRoot": "two", "status": "updated" })
    );
    let listed = serve.get(MAPPINGS).expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["sourceRoot"], "two");
    let unknown = json!({ "project": "nope", "repository": "acme/web",
                          "mappings": [{ "stackRoot": "", "sourceRoot": "" }] });
    let detail = json!({ "detail": "Project not found or not active: nope" });
    assert_eq!(serve.request("POST", &path, unknown).expect(404), detail);
    let commit = json!({ "version": "v", "projects": ["web"],
                         "commits": [{ "id": "a", "repository": "loose" }] });
    serve.request("POST", "/api/0/organizations/acme/releases/", commit).expect(201);
    let loose = json!({ "project": "web", "repository": "loose",
                        "mappings": [{ "stackRoot": "", "sourceRoot": "" }] });
    serve.request("POST", &path, loose).expect(400);
}

/// As 23.7.1 has it: such a repository is made by a commit, and its identifier is its own id.
#[test]
fn a_source_host_of_ones_own_takes_what_a_commit_named_by_its_id() {
    let serve = ServeProcess::start();
    let path = "/api/0/organizations/acme/pipeline/integration_pipeline/";
    let mut client = PipelineClient::new(&serve);
    client.begin("custom_scm");
    let answer = json!({ "name": "forge", "url": "https://forge.example.com" });
    let done = client.request("POST", path, &answer).expect(200);
    let id = done["data"]["id"].as_str().unwrap();
    let offered = format!("/api/0/organizations/acme/integrations/{id}/repos/");
    assert_eq!(serve.get(&offered).expect(200), json!({ "repos": [], "searchable": false }));
    let commits = json!([{ "id": "a", "repository": "acme/web" }]);
    let release = json!({ "version": "v", "projects": ["web"], "commits": commits });
    serve.request("POST", "/api/0/organizations/acme/releases/", release).expect(201);
    let shown = serve.get(&format!("{offered}?search=nothing-of-that-name")).expect(200);
    let number = shown["repos"][0]["identifier"].as_str().unwrap();
    assert_eq!(shown["repos"][0]["name"], "acme/web");
    let link = |identifier: &str| {
        let body = json!({ "provider": "integrations:custom_scm", "installation": id,
                           "identifier": identifier });
        serve.request("POST", REPOS, body)
    };
    for wrong in ["acme/web", "99", ""] {
        assert_eq!(link(wrong).expect(404), json!({ "detail": "Not found." }), "{wrong}");
    }
    let linked = link(number).expect(201);
    assert_eq!((&linked["name"], &linked["integrationId"]), (&json!("acme/web"), &json!(id)));
    assert_eq!(linked["provider"]["id"], "integrations:custom_scm");
    assert_eq!(link(number).expect(404), json!({ "detail": "Not found." }));
    assert_eq!(serve.get(&offered).expect(200)["repos"], json!([]));
}
