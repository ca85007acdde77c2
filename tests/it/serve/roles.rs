//! Role and token must hold one and the same scope, whichever door somebody comes by; and nobody
//! goes on with what another user has begun.

use super::browser::{Browser, EXAMPLE, installed};
use super::pipeline::{PIPELINE, PipelineClient};
use crate::support::engine::vectors;
use crate::support::serve::{ServeProcess, ServeResponse};
use serde_json::{Value, json};

/// What each role of Sentry's holds of the scopes below.
const ROLES: [(&str, &[&str]); 3] = [
    ("member", &["org:read", "project:read", "project:releases"]),
    (
        "admin",
        &[
            "org:read",
            "org:integrations",
            "project:read",
            "project:write",
            "project:admin",
            "project:releases",
        ],
    ),
    (
        "manager",
        &[
            "org:read",
            "org:write",
            "org:integrations",
            "project:read",
            "project:write",
            "project:admin",
            "project:releases",
        ],
    ),
];

/// The scopes that a token of ours is asked for.
pub(super) const SCOPES: [&str; 8] = [
    "org:read",
    "org:write",
    "org:admin",
    "org:integrations",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
];

#[test]
fn a_scope_that_only_the_token_holds_allows_nothing_at_the_api() {
    let serve = ServeProcess::start();
    for (role, held) in ROLES {
        for scope in SCOPES {
            let token = serve.token(role, scope);
            for line in vectors("token_matrix").as_array().unwrap() {
                let path = line["endpoint"].as_str().unwrap().replace("{org}", "acme");
                let path = path.replace("{name}", "integration_pipeline").replace("{id}", "7");
                let (path, method) = (path.replace("{version}", "v"), line["method"].as_str());
                let answer = serve.request_as(&token, method.unwrap(), &path, json!({}));
                let asked = line["any_of_scopes"].as_array().unwrap().contains(&json!(scope));
                let allowed = asked && held.contains(&scope);
                let case = format!("{method:?} {path} for a {role} with {scope}");
                assert_eq!(answer.status != 403, allowed, "{case}: {}", answer.text);
            }
        }
    }
}

/// What came of the set-up page for a client with this token.
fn set_up(serve: &ServeProcess, token: &str, path: &str) -> ServeResponse {
    let mut client = PipelineClient { token: token.to_owned(), ..PipelineClient::new(serve) };
    client.request("GET", path, &Value::Null);
    let form = "application/x-www-form-urlencoded";
    client.send("POST", "/extensions/example/setup/", form, "name=demo")
}

#[test]
fn a_scope_that_only_the_token_holds_sets_nothing_up_by_a_page() {
    let serve = ServeProcess::start();
    let configure = "/extensions/example/configure/?org=acme";
    for (role, scope) in [
        ("owner", "org:read"),
        ("owner", "project:releases"),
        ("admin", "org:write"),
        ("admin", "org:admin"),
        ("manager", "org:admin"),
        ("member", "org:integrations"),
    ] {
        let token = serve.token(role, scope);
        for path in [EXAMPLE, configure] {
            let answer = set_up(&serve, &token, path);
            assert!(!answer.text.contains("is set up"), "{role} {scope}: {}", answer.text);
        }
        let mut browser = Browser::new(&serve);
        browser.sign_in(&token, "/");
        let page = browser.get(EXAMPLE);
        assert_ne!(page.status, 200, "{role} {scope}: {}", page.text);
        browser.submit(&page, "/extensions/example/setup/", "name=demo");
        assert_eq!(installed(&serve), 0, "{role} {scope}");
        let kept: i64 = serve
            .database()
            .query_row("SELECT count(*) FROM pipeline_state", [], |row| row.get(0))
            .unwrap();
        assert_eq!(kept, 0, "{role} {scope} starts a pipeline");
    }
    let token = serve.token("admin", "org:integrations");
    set_up(&serve, &token, EXAMPLE);
    assert_eq!(installed(&serve), 1);
}

#[test]
fn an_organization_tells_whoever_asks_the_role_that_is_theirs() {
    let serve = ServeProcess::start();
    for role in ["member", "admin", "manager", "owner"] {
        let token = serve.token(role, "org:read");
        let path = "/api/0/organizations/acme/";
        let shown = serve.request_as(&token, "GET", path, Value::Null).expect(200);
        assert_eq!(shown["orgRole"], role);
    }
}

#[test]
fn a_page_is_not_answered_by_a_token_of_the_same_user_that_sets_nothing_up() {
    let serve = ServeProcess::start();
    let token = serve.token("owner", "org:integrations");
    let mut client = PipelineClient { token, ..PipelineClient::new(&serve) };
    client.request("GET", EXAMPLE, &Value::Null);
    let sql = "UPDATE token SET scopes = 'org:read' WHERE scopes = 'org:integrations'";
    serve.database().execute(sql, []).unwrap();
    let form = "application/x-www-form-urlencoded";
    let refused = client.send("POST", "/extensions/example/setup/", form, "name=demo");
    assert_eq!((refused.status, installed(&serve)), (403, 0), "{}", refused.text);
}

#[test]
fn a_pipeline_that_another_user_began_is_nobody_elses() {
    let serve = ServeProcess::start();
    let mut owner = PipelineClient::new(&serve);
    owner.begin("example");
    let token = serve.token("owner", "org:admin org:integrations");
    let mut other = PipelineClient { token, cookie: owner.cookie.clone(), serve: &serve };
    for (method, body) in [("GET", Value::Null), ("POST", json!({ "name": "stolen" }))] {
        let refused = other.request(method, PIPELINE, &body).expect(404);
        assert_eq!(refused, json!({ "detail": "Invalid pipeline state." }));
    }
    assert_eq!(installed(&serve), 0);
    assert_eq!(owner.post(json!({ "name": "demo" })).expect(200)["status"], "complete");
    // The same by the pages, whose pipeline is found by the same cookie.
    owner.request("GET", EXAMPLE, &Value::Null);
    other.cookie.clone_from(&owner.cookie);
    let form = "application/x-www-form-urlencoded";
    let refused = other.send("POST", "/extensions/example/setup/", form, "name=stolen");
    let words = "Current user does not match user that started the pipeline.";
    assert!(refused.text.contains(words), "{}", refused.text);
    let names = serve.get("/api/0/organizations/acme/integrations/").expect(200);
    assert_eq!(names.as_array().unwrap().len(), 1);
    assert_eq!(names[0]["name"], "demo");
}

#[test]
fn a_pipeline_of_one_organization_is_not_gone_on_with_for_another() {
    let serve = ServeProcess::start();
    let sql = "INSERT INTO organization (slug, created_at) VALUES ('beta', 0);
               INSERT INTO member SELECT organization.id, user_id, 'owner'
               FROM member, organization WHERE slug = 'beta'";
    serve.database().execute_batch(sql).unwrap();
    let mut owner = PipelineClient::new(&serve);
    owner.begin("example");
    let elsewhere = PIPELINE.replace("acme", "beta");
    for (method, body) in [("GET", Value::Null), ("POST", json!({ "name": "demo" }))] {
        let refused = owner.request(method, &elsewhere, &body).expect(404);
        assert_eq!(refused, json!({ "detail": "Invalid pipeline state." }));
    }
    assert_eq!(owner.post(json!({ "name": "demo" })).expect(200)["status"], "complete");
}
