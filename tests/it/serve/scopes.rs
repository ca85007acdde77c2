//! Who may do what: Sentry's matrix of scopes, line by line.

use super::roles::SCOPES;
use crate::support::engine::vectors;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};

#[test]
fn scopes_are_those_of_sentrys_matrix() {
    let serve = ServeProcess::start();
    let org_token = serve.org_token();
    let every = [&SCOPES[..], &["event:admin"]].concat();
    for line in vectors("token_matrix").as_array().unwrap() {
        let path = line["endpoint"].as_str().unwrap();
        let path = path.replace("{org}", "acme").replace("{name}", "integration_pipeline");
        let path = path.replace("{id}", "7").replace("{version}", "v");
        let method = line["method"].as_str().unwrap();
        let any_of: Vec<_> = line["any_of_scopes"].as_array().unwrap().iter().collect();
        for scope in &every {
            let token = serve.token("owner", scope);
            let status = serve.request_as(&token, method, &path, json!({})).status;
            let allowed = any_of.contains(&&json!(scope));
            assert_eq!(status != 403, allowed, "{method} {path} with {scope}: {status}");
        }
        let status = serve.request_as(&org_token, method, &path, json!({})).status;
        let allowed = line["org_auth_token_org_ci"] == true;
        assert_eq!(status != 403, allowed, "{method} {path} as the organization: {status}");
    }
}

/// Who may only install sees no list of what could be.
#[test]
fn the_list_of_providers_wants_more_than_the_right_to_install() {
    let serve = ServeProcess::start();
    let path = "/api/0/organizations/acme/config/integrations/";
    for (scope, status) in
        [("org:integrations", 403), ("org:read", 200), ("org:write", 200), ("org:admin", 200)]
    {
        let token = serve.token("owner", scope);
        assert_eq!(serve.request_as(&token, "GET", path, Value::Null).status, status, "{scope}");
    }
    // `check` says that it could not look, and not that the provider is missing.
    let token = serve.token("owner", "org:integrations");
    let run = ProgramRun::github().var("SENTRY_URL", serve.url()).var("SENTRY_AUTH_TOKEN", token);
    let run = run.var("FINISHLINE_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
    let ended = run.args(&["check"]).var("FINISHLINE_STATE", "name: demo").execute().expect(0);
    assert!(ended.everything().contains("needs a token with `org:read`"), "{}", ended.everything());
}
