//! What a release says when the token may make releases, but not read the projects that it names.

use crate::release::requests::pushed;
use crate::support::http_server::Response;
use crate::support::proxy::{ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};

fn deployed(relay: &ServeProxy, project: &str, scopes: &str) -> ProgramRun {
    // A token is a word, and so the scopes in its name are.
    let token = relay.serve.token("owner", scopes);
    let sql = "UPDATE token SET scopes = replace(scopes, ',', ' ')";
    relay.serve.database().execute(sql, []).unwrap();
    pushed(relay)
        .var("SENTRY_AUTH_TOKEN", token)
        .var("SENTRY_PROJECT", project)
        .var("FINISHLINE_COMMITS", "none")
        .var("FINISHLINE_ENVIRONMENT", "production")
}

#[track_caller]
fn assert_scope_is_named(ended: RunResult) {
    let ended = ended.expect(5);
    assert_eq!(ended.joined(["status", "error-code", "error-status"]), "error missing-scope 400");
    let message = ended.output("error-message");
    assert!(message.contains("api") && message.contains("Insufficient access to"), "{message}");
    assert!(ended.stderr.contains("scope project:read beside"), "{}", ended.stderr);
}

#[test]
fn a_later_projects_deploy_names_the_scope_that_it_needs() {
    let relay = ServeProxy::new();
    deployed(&relay, "web", "project:releases").execute().expect(0);
    assert_scope_is_named(deployed(&relay, "api", "project:releases").execute());
    // The release has both projects now, so the first one's next deploy would leak without a name.
    let of = |project: &str, scopes| deployed(&relay, project, scopes);
    let next = of("web", "project:releases").var("GITHUB_RUN_ID", "8").execute().expect(5);
    assert!(next.output("error-message").contains("web"), "{}", next.stderr);
    for project in ["api", "web"] {
        let ended = of(project, "project:releases,project:read").execute().expect(0);
        assert_eq!(ended.output("status"), "complete");
    }
    let own = relay.serve.org_token();
    let ended = of("api", "").var("SENTRY_AUTH_TOKEN", own).var("GITHUB_RUN_ID", "9").execute();
    assert_eq!(ended.expect(0).joined(["status", "changed"]), "complete true");
}

/// Django's lists of errors have two forms, and a server may refuse the project with the release.
#[test]
fn a_project_that_the_token_cannot_read_is_no_wrong_slug() {
    let reasons: [(&str, Value); 3] = [
        ("deploys/", json!(["Insufficient access to project"])),
        ("deploys/", json!({ "0": ["Insufficient access to project"] })),
        ("releases/", json!(["Insufficient access to projects"])),
    ];
    for (path, reason) in reasons {
        let refusal = json!({ "projects": reason });
        let relay = ServeProxy::with(move |request| match request.method == "POST" {
            true if request.path().ends_with(path) => {
                ProxyAction::Intercept(Response::json(400, &refusal))
            }
            _ => ProxyAction::Forward,
        });
        assert_scope_is_named(deployed(&relay, "api", "project:releases").execute());
    }
}

#[test]
fn a_wrong_slug_is_no_missing_scope() {
    let relay = ServeProxy::new();
    let ended = deployed(&relay, "apj", "project:releases").execute().expect(2);
    assert_eq!(ended.joined(["error-code", "error-status"]), "bad-field 400");
}
