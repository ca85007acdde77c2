//! What `check` can see, what it cannot, and how it tells the two apart.

use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult, STATE};
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};

fn check(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::github()
        .args(&["check"])
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("GITHUB_SHA", "a".repeat(40))
}

fn release(relay: &ServeProxy) -> ProgramRun {
    check(relay).var("FINISHLINE_RELEASE", "v1").var("SENTRY_PROJECT", "web")
}

fn integration(relay: &ServeProxy) -> ProgramRun {
    check(relay).var("FINISHLINE_PROVIDER", "opsgenie").var("FINISHLINE_STATE", STATE)
}

/// The server as a token with these scopes sees it; `answer` goes before it.
fn server(
    scopes: &[&str],
    answer: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
) -> ServeProxy {
    let owner = json!({ "version": "0", "auth": { "scopes": scopes }, "user": null });
    ServeProxy::with(move |request| match (answer(request), request.path()) {
        (Some(response), _) => ProxyAction::Intercept(response),
        (None, "/api/0/") => ProxyAction::Intercept(Response::json(200, &owner)),
        (None, _) => ProxyAction::Forward,
    })
}

/// The line about this, which is there.
fn line<'a>(ended: &'a RunResult, about: &str) -> &'a str {
    let mut lines = ended.stdout.lines().map(str::trim).filter(|line| line.contains(about));
    lines.next().unwrap_or_else(|| panic!("{about}: {}", ended.stdout))
}

#[test]
fn what_is_not_checked_has_its_own_sign_and_is_not_counted_as_passed() {
    let forbidden = |request: &Request| {
        let is_project = request.path().starts_with("/api/0/projects/");
        is_project.then(|| Response::detail(403, "You do not have permission"))
    };
    let relay = server(&["org:ci"], forbidden);
    let ended = release(&relay).execute().expect(0);
    assert!(line(&ended, "project web").starts_with("? acme: project web: not checked"));
    let (passed, rest) = ended.stdout.split_once(" of ").unwrap();
    let (all, rest) = rest.split_once(' ').unwrap();
    let (passed, all): (usize, usize) = (passed.parse().unwrap(), all.parse().unwrap());
    assert!(rest.starts_with("checks passed, 1 not checked"), "{}", ended.stdout);
    assert_eq!(passed + 1, all, "{}", ended.stdout);
    assert_eq!(ended.stdout.matches('✓').count(), passed);
    assert_eq!(ended.output("warnings"), "not-checked");
    assert!(!ended.summary().contains("✅ ?"), "{}", ended.summary());
}

#[test]
fn an_organization_token_sees_a_project_by_its_releases() {
    let relay = server(&["org:ci"], |request| {
        // What such a token gets at the project's own address.
        let is_closed = matches!(
            request.path(),
            "/api/0/projects/acme/web/"
                | "/api/0/projects/acme/wbe/"
                | "/api/0/organizations/acme/projects/"
        );
        is_closed.then(|| Response::detail(403, "You do not have permission"))
    });
    let ended = release(&relay).execute().expect(0);
    assert!(line(&ended, "project web").starts_with("✓ acme: project web: exists"));
    let ended = release(&relay).var("SENTRY_PROJECT", "wbe").execute().expect(5);
    assert!(line(&ended, "project wbe").starts_with("✗ acme: project wbe"), "{}", ended.stdout);
    assert!(relay.peer.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn the_near_project_is_named() {
    let relay = ServeProxy::new();
    let ended = release(&relay).var("SENTRY_PROJECT", "webb").execute().expect(5);
    assert!(ended.stdout.contains("did you mean `web`?"), "{}", ended.stdout);
}

#[test]
fn the_version_has_a_form_that_a_sentry_takes() {
    let relay = ServeProxy::new();
    let ended = release(&relay).execute().expect(0);
    assert!(line(&ended, "version").starts_with("✓ acme: release version: v1"), "{}", ended.stdout);
    for bad in ["a/b", "latest", ".."] {
        let ended = release(&relay).var("FINISHLINE_RELEASE", bad).execute().expect(2);
        assert!(line(&ended, "release version").starts_with('✗'), "{}", ended.stdout);
        assert!(ended.stdout.contains("✓ acme: project web"), "the rest is looked at too");
        assert_eq!(ended.output("error-code"), "bad-release");
    }
    let ended = release(&relay).without("SENTRY_PROJECT").execute().expect(2);
    assert!(ended.stdout.contains("`projects` is missing"), "{}", ended.stdout);
}

#[test]
fn the_fields_of_the_state_are_looked_at() {
    let relay = ServeProxy::new();
    let ended = integration(&relay).execute().expect(0);
    assert!(line(&ended, "state").starts_with("✓ acme: state of opsgenie"), "{}", ended.stdout);
    for (state, words) in [
        ("{baseUrl: 'https://api.opsgenie.com/'}", "`provider` is missing"),
        ("{baseUrl: 'https://api.opsgenie.com/', provider: a, apiKeys: s3cr3t-key}", "`apiKey`"),
    ] {
        let ended = integration(&relay).var("FINISHLINE_STATE", state).execute().expect(2);
        assert!(line(&ended, "state of opsgenie").starts_with('✗'), "{}", ended.stdout);
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
        assert!(ended.stdout.contains("✓ acme: provider opsgenie"), "the rest is looked at too");
        assert!(!ended.everything().contains("s3cr3t-key"), "{}", ended.everything());
    }
}

fn organization(more: &Value) -> Response {
    let mut body = json!({ "slug": "acme", "links": {} });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Response::json(200, &body)
}

#[test]
fn the_role_of_the_member_decides_about_integrations() {
    for (more, sign, exit) in [
        (json!({ "orgRole": "owner" }), '✓', 0),
        (json!({ "orgRole": "admin", "access": ["org:read", "org:integrations"] }), '✓', 0),
        (json!({ "role": "manager" }), '✓', 0),
        (json!({ "orgRole": "member", "access": ["org:read"] }), '✗', 5),
        (json!({ "orgRole": "billing" }), '✗', 5),
        (json!({}), '?', 0),
    ] {
        let shown = more.clone();
        let relay = server(&["org:read", "org:integrations"], move |request| {
            (request.path() == "/api/0/organizations/acme/").then(|| organization(&more))
        });
        let ended = integration(&relay).execute().expect(exit);
        assert!(line(&ended, "role").starts_with(sign), "{shown}: {}", ended.stdout);
    }
    let relay = server(&["org:integrations"], |request| {
        let is_org = request.path() == "/api/0/organizations/acme/";
        is_org.then(|| Response::detail(403, "You do not have permission"))
    });
    let ended = integration(&relay).execute().expect(0);
    assert!(line(&ended, "role").starts_with('?'), "{}", ended.stdout);
}

#[test]
fn the_project_and_the_branch_of_a_mapping_are_looked_at() {
    let relay = ServeProxy::new();
    let mapped = |project: &str, branch: &str| {
        let mappings =
            json!([{ "project": project, "repository": "acme/web", "defaultBranch": branch }]);
        integration(&relay).var("FINISHLINE_CODE_MAPPINGS", mappings.to_string())
    };
    let ended = mapped("web", "release/1.x").execute().expect(0);
    assert!(line(&ended, "project web").starts_with('✓'), "{}", ended.stdout);
    assert!(line(&ended, "branch release/1.x").starts_with('✓'), "{}", ended.stdout);
    let ended = mapped("wbe", "main").execute().expect(5);
    assert!(line(&ended, "project wbe").starts_with('✗'), "{}", ended.stdout);
    for bad in ["/main", "main/", "my branch", "größe"] {
        let ended = mapped("web", bad).execute().expect(2);
        assert!(line(&ended, &format!("branch {bad}")).starts_with('✗'), "{}", ended.stdout);
    }
}

#[test]
fn a_removal_with_nothing_to_remove_passes_as_it_runs() {
    let relay = server(&["org:admin", "org:integrations"], |_| None);
    for command in ["check", "plan", "run"] {
        let gone = check(&relay).args(&[command]).var("FINISHLINE_PROVIDER", "example");
        let gone = gone.var("FINISHLINE_MODE", "remove").var("FINISHLINE_INTEGRATION_ID", "1");
        let ended = gone.execute();
        assert_eq!(ended.exit, Some(0), "{command}: {}", ended.everything());
    }
}

#[test]
fn an_organization_token_passes_for_what_a_run_does_with_it() {
    let serve = ServeProcess::start();
    let run = serve.github_run().var("SENTRY_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
    let install = run.clone().var("FINISHLINE_STATE", "{name: demo}");
    install.var("FINISHLINE_REPOSITORIES", "acme/web").execute().expect(0);
    let mappings = "[{project: web, repository: acme/web, stackRoot: a/, sourceRoot: b/}]";
    let alone = run.var("FINISHLINE_MODE", "link").var("SENTRY_AUTH_TOKEN", serve.org_token());
    let bare = alone.clone().var("FINISHLINE_INTEGRATION_ID", "1");
    let mapped = alone.clone().var("FINISHLINE_CODE_MAPPINGS", mappings);
    let entries = "version: 1\nintegrations:\n  - provider: example\n    mode: link\n    \
                   code-mappings: [{project: web, repository: acme/web, stackRoot: c/, sourceRoot: d/}]\n";
    let file = alone.file("mappings.yml", entries);
    let listed = alone.without("FINISHLINE_PROVIDER").without("FINISHLINE_MODE");
    let listed = listed.var("FINISHLINE_MANIFEST", file);
    for run in [mapped.clone(), listed] {
        let checked = run.clone().args(&["check"]).execute().expect(0);
        assert!(line(&checked, "scope for code mappings").starts_with('✓'), "{}", checked.stdout);
        assert!(line(&checked, "integration of example").starts_with('?'), "{}", checked.stdout);
        run.args(&["run"]).execute().expect(0);
    }
    for (input, value, what) in [
        ("FINISHLINE_REPOSITORIES", "acme/api", "link repositories"),
        ("FINISHLINE_REPOSITORIES_ABSENT", "acme/web", "remove an integration"),
    ] {
        let run = bare.clone().var(input, value);
        let checked = run.clone().args(&["check"]).execute().expect(5);
        let said = checked.everything();
        assert!(said.contains(what), "{input}: {said}");
        run.args(&["run"]).execute().expect(5);
    }
}
