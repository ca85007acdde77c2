//! The release job before the real `serve`: which requests it takes, and what is there afterwards.

use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

/// The commit that was pushed.
pub(crate) const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A push to `acme/web` on GitHub.
pub(crate) fn pushed(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::github()
        .var("GITHUB_EVENT_NAME", "push")
        .var("GITHUB_REF", "refs/heads/main")
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_SERVER_URL", "https://github.com")
        .var("GITHUB_RUN_ID", "7")
        .var("GITHUB_SHA", HEAD)
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
}

/// The same with a release and a deploy asked for.
pub(crate) fn released(relay: &ServeProxy) -> ProgramRun {
    pushed(relay).var("FINISHLINE_RELEASE", "web@1.0.0").var("FINISHLINE_ENVIRONMENT", "production")
}

/// Makes a repository known, as one that is linked is.
pub(crate) fn add_repository(relay: &ServeProxy, name: &str, url: Option<&str>) {
    let sql = "INSERT INTO repository
                   (organization_id, name, url, provider, external_id, created_at)
               SELECT id, ?1, ?2, 'integrations:github', ?1, 0 FROM organization";
    relay.serve.database().execute(sql, (name, url)).unwrap();
}

#[test]
fn a_debug_log_has_every_request_with_its_status() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("FINISHLINE_COMMITS", "none");
    let ended = run.clone().var("FINISHLINE_LOG_LEVEL", "debug").execute().expect(0);
    for (line, status) in [("releases/", 201), ("releases/web%401.0.0/deploys/", 201)] {
        let words = format!("request=\"POST /api/0/organizations/acme/{line}\"");
        let logged = ended.stderr.lines().find(|logged| logged.contains(&words));
        let logged = logged.unwrap_or_else(|| panic!("{line}: {}", ended.stderr));
        assert!(logged.contains(&format!("status={status}")), "{logged}");
    }
    assert!(!run.execute().expect(0).stderr.contains("request="));
}

const CREATE: &str = "POST releases/";
const DEPLOY: &str = "POST releases/web%401.0.0/deploys/";

fn is_request(request: &Request, line: &str) -> bool {
    request.line() == line
}

#[test]
fn a_new_release_with_refs_and_a_deploy_takes_two_requests() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(0);
    assert_eq!(relay.requests_since(0), [CREATE, DEPLOY]);
    assert_eq!(
        run.joined(["status", "changed", "release", "deploy-id"]),
        "complete true web@1.0.0 1"
    );
    let page = format!("{}/organizations/acme/releases/web%401.0.0/", relay.peer.url());
    assert_eq!(run.output("release-url"), page);
    assert_eq!(run.joined(["error-code", "error-status", "warnings"]), "  ");
    let release = relay.get("releases/web@1.0.0/");
    assert_eq!(release["ref"], HEAD);
    assert!(release["dateReleased"].is_string());
    let deploy = &relay.get("releases/web@1.0.0/deploys/")[0];
    assert_eq!(deploy["environment"], "production");
    assert_eq!(deploy["url"], "https://github.com/acme/web/actions/runs/7");
    let sent = relay.peer.requests()[0].json();
    assert_eq!(sent["refs"], json!([{ "repository": "acme/web", "commit": HEAD }]));
}

#[test]
fn an_unknown_repository_ends_finalized_and_deployed_and_says_so() {
    let relay = ServeProxy::new();
    let run = released(&relay).execute().expect(0);
    assert!(relay.requests_since(0).len() <= 5, "{:?}", relay.requests_since(0));
    assert_eq!(run.joined(["status", "changed", "deploy-id"]), "complete true 1");
    assert_eq!(run.output("warnings"), "repository-unknown,no-commits");
    assert!(run.stderr.contains("no repository `acme/web` is linked to acme"), "{}", run.stderr);
    assert!(
        run.stderr.contains("the working directory is not inside a git checkout"),
        "{}",
        run.stderr
    );
    assert!(relay.get("releases/web@1.0.0/")["dateReleased"].is_string());
    // The second time, nothing is different.
    let again = released(&relay).execute().expect(0);
    assert_eq!(again.joined(["changed", "deploy-id"]), "false 1");
}

#[test]
fn a_second_attempt_makes_no_second_deploy_and_no_second_release() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).var("GITHUB_RUN_ATTEMPT", "1");
    run.execute().expect(0);
    let before = relay.requests_since(0).len();
    let again = run.var("GITHUB_RUN_ATTEMPT", "2").execute().expect(0);
    assert_eq!(again.joined(["status", "changed", "deploy-id"]), "complete false 1");
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
    assert!(relay.requests_since(before).len() <= 3, "{:?}", relay.requests_since(before));
    assert_eq!(relay.get("releases/").as_array().unwrap().len(), 1);
    assert_eq!(relay.get("releases/web@1.0.0/deploys/").as_array().unwrap().len(), 1);
}

#[test]
fn a_retried_job_on_gitlab_makes_no_second_deploy() {
    let relay = ServeProxy::new();
    let job = |id: &str| {
        ProgramRun::gitlab()
            .var("CI_PROJECT_PATH", "acme/web")
            .var("CI_COMMIT_SHA", HEAD)
            .var("CI_JOB_URL", format!("https://gitlab.com/acme/web/-/jobs/{id}"))
            .var("CI_PIPELINE_URL", "https://gitlab.com/acme/web/-/pipelines/5")
            .var("SENTRY_URL", relay.peer.url())
            .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
            .args(&["run", "--org", "acme", "--project", "web", "--release", "web@1.0.0"])
            .var("FINISHLINE_ENVIRONMENT", "production")
    };
    assert_eq!(job("1").execute().expect(0).output("changed"), "true");
    assert_eq!(job("2").execute().expect(0).joined(["changed", "deploy-id"]), "false 1");
    assert_eq!(relay.get("releases/web@1.0.0/deploys/").as_array().unwrap().len(), 1);
}

#[test]
fn running_an_old_job_again_after_a_newer_deploy_is_a_deploy() {
    let relay = ServeProxy::new();
    let job = |version: &str, run: &str| {
        let job = pushed(&relay).var("GITHUB_RUN_ID", run).var("FINISHLINE_COMMITS", "none");
        job.var("FINISHLINE_RELEASE", version).var("FINISHLINE_ENVIRONMENT", "production")
    };
    for (version, run, id) in
        [("v1", "1", "1"), ("v2", "2", "2"), ("v1", "1", "3"), ("v1", "1", "3")]
    {
        assert_eq!(job(version, run).execute().expect(0).output("deploy-id"), id, "{version}");
    }
    // A deploy elsewhere in between is none of this environment.
    job("v1", "9").var("FINISHLINE_ENVIRONMENT", "staging").execute().expect(0);
    assert_eq!(job("v1", "1").execute().expect(0).joined(["changed", "deploy-id"]), "false 3");
}

#[test]
fn each_run_on_a_laptop_is_a_deploy_of_its_own() {
    let run = |version: &str, folder: &ProgramRun| {
        let args = ["run", "--org", "acme", "--project", "web", "--release", version];
        folder
            .clone()
            .args(&[&args[..], &["--environment", "production"]].concat())
            .execute()
            .expect(0)
    };
    let folder = ProgramRun::local().var("FINISHLINE_COMMITS", "none");
    let folder = folder.clone().var("FINISHLINE_DATABASE", folder.database());
    for version in ["v1", "v2", "v1"] {
        run(version, &folder);
    }
    let deploys =
        "SELECT version FROM deploy JOIN release ON release.id = release_id ORDER BY deploy.id";
    assert_eq!(folder.rows(deploys), ["v1", "v2", "v1"]);
}

#[test]
fn a_deploy_that_fails_leaves_the_release_in_the_outputs_and_the_next_run_completes_it() {
    let relay = ServeProxy::with(|request| match is_request(request, DEPLOY) && request.nth < 6 {
        true => ProxyAction::Intercept(Response::detail(503, "down")),
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(6);
    assert_eq!(run.joined(["status", "changed", "release"]), "error true web@1.0.0");
    assert_eq!(run.joined(["error-code", "error-status", "deploy-id"]), "backend-error 503 ");
    assert!(run.output("error-message").contains("the release was still created and finalized"));
    assert!(!run.output("release-url").is_empty());
    let mut again = released(&relay).execute();
    while again.exit == Some(6) {
        again = released(&relay).execute();
    }
    assert_eq!(again.expect(0).joined(["status", "changed", "deploy-id"]), "complete true 1");
    assert_eq!(relay.get("releases/web@1.0.0/deploys/").as_array().unwrap().len(), 1);
}

/// Sentry answers 500 after it has written, and a proxy loses answers.
#[test]
fn a_500_after_the_write_makes_nothing_twice() {
    let relay = ServeProxy::with(|request| match request.nth == 0 && request.method == "POST" {
        true => ProxyAction::ReplaceResponse(Response::detail(500, "Internal Error")),
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(0);
    assert_eq!(run.joined(["status", "changed", "deploy-id"]), "complete true 1");
    assert_eq!(relay.get("releases/").as_array().unwrap().len(), 1);
    assert_eq!(relay.get("releases/web@1.0.0/deploys/").as_array().unwrap().len(), 1);
}

#[test]
fn a_404_right_after_the_release_was_made_is_waited_out() {
    let relay = ServeProxy::with(|request| match is_request(request, DEPLOY) && request.nth < 2 {
        true => {
            ProxyAction::Intercept(Response::detail(404, "The requested resource does not exist"))
        }
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(0);
    assert_eq!(run.joined(["status", "deploy-id"]), "complete 1");
    assert!(run.stderr.contains("the server is not ready yet"), "{}", run.stderr);
}

#[test]
fn a_429_is_waited_out_with_its_reason() {
    let relay = ServeProxy::with(|request| match request.nth {
        0 => ProxyAction::Intercept(Response::detail(429, "slow down").with("Retry-After", "1")),
        _ => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(0);
    assert_eq!(run.joined(["status", "changed"]), "complete true");
    assert!(run.stderr.contains("HTTP 429: slow down"), "{}", run.stderr);
}

#[test]
fn commits_that_are_being_processed_are_waited_for() {
    let relay = ServeProxy::with(|request| match is_request(request, CREATE) && request.nth < 2 {
        true => ProxyAction::Intercept(Response::detail(
            409,
            "Release commits are currently being processed",
        )),
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    released(&relay).execute().expect(0);
    assert_eq!(relay.peer.count(CREATE), 3);
}

#[test]
fn an_outage_that_is_tolerated_does_not_break_the_deploy_of_the_job() {
    let relay = ServeProxy::with(|_| ProxyAction::Intercept(Response::detail(503, "down")));
    let run = released(&relay).var("FINISHLINE_TOLERATE", "unavailable");
    let run = run.var("FINISHLINE_TIMEOUT", "3s").execute().expect(0);
    assert_eq!(run.joined(["status", "error-code"]), "error backend-error");
    assert!(run.output("warnings").contains("tolerated"));
    released(&relay).var("FINISHLINE_TIMEOUT", "3s").execute().expect(6);
}

#[test]
fn a_page_that_the_server_does_not_take_is_left_out() {
    let relay = ServeProxy::with(|request| match request.json()["url"].is_string() {
        true => {
            ProxyAction::Intercept(Response::json(400, &json!({ "url": ["Enter a valid URL."] })))
        }
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).execute().expect(0);
    assert_eq!(run.joined(["status", "warnings"]), "complete url-left-out");
    assert_eq!(relay.get("releases/web@1.0.0/deploys/")[0]["url"], Value::Null);
    // Nothing tells this deploy from that of another run.
    assert_eq!(released(&relay).execute().expect(0).joined(["changed", "deploy-id"]), "true 2");
}

#[test]
fn a_release_that_an_event_made_is_filled_and_finalized() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let made = json!({ "version": "web@1.0.0", "projects": ["web"] });
    relay.serve.request("POST", "/api/0/organizations/acme/releases/", made).expect(201);
    let run = released(&relay).execute().expect(0);
    assert_eq!(relay.requests_since(0), [CREATE, "PUT releases/web%401.0.0/", DEPLOY]);
    let words = "release web@1.0.0 is updated, finalized and deployed to production for acme";
    assert!(run.stdout.contains(words), "{}", run.stdout);
    let release = relay.get("releases/web@1.0.0/");
    assert!(release["dateReleased"].is_string() && release["ref"] == HEAD);
}

#[test]
fn what_was_refused_is_not_told_as_done() {
    let relay = ServeProxy::with(|request| match request.method.as_str() {
        "PUT" => ProxyAction::Intercept(Response::detail(403, "no")),
        _ => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    let made = json!({ "version": "web@1.0.0", "projects": ["web"] });
    relay.serve.request("POST", "/api/0/organizations/acme/releases/", made).expect(201);
    let run = released(&relay).execute().expect(5);
    assert_eq!(run.joined(["status", "changed", "release"]), "error false web@1.0.0");
    assert!(!run.output("error-message").contains("all the same"));
}

#[test]
fn an_open_release_is_finalized_later() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let open = pushed(&relay).var("FINISHLINE_RELEASE", "web@1.0.0");
    open.clone().var("FINISHLINE_FINALIZE", "false").execute().expect(0);
    assert_eq!(relay.get("releases/web@1.0.0/")["dateReleased"], Value::Null);
    let run = open.execute().expect(0);
    assert!(run.stdout.contains("is updated and finalized"), "{}", run.stdout);
    assert_eq!(run.output("changed"), "true");
}

#[test]
fn a_plan_reads_only_and_shows_the_first_request() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
    let looks = ["GET releases/web%401.0.0/", "GET /api/0/projects/acme/web/"];
    assert_eq!(relay.requests_since(0), looks);
    assert_eq!(run.joined(["status", "changed", "release"]), "planned false ");
    assert!(run.stdout.contains("would be created, finalized and deployed to production"));
    let first = format!("POST {}/api/0/organizations/acme/releases/ {{", relay.peer.url());
    assert!(run.stdout.contains(&first), "{}", run.stdout);
    assert!(run.stdout.contains("then POST ") && run.stdout.contains("deploys/"), "{}", run.stdout);
    assert!(relay.get("releases/").as_array().unwrap().is_empty());
}

#[test]
fn a_plan_for_a_project_that_is_not_there_says_so() {
    let relay = ServeProxy::new();
    let plan = released(&relay).var("FINISHLINE_DRY_RUN", "true");
    for (variable, text) in [("SENTRY_PROJECT", "wbe"), ("SENTRY_ORG", "nobody")] {
        let ended = plan.clone().var(variable, text).execute().expect(5);
        let message = ended.output("error-message");
        assert!(
            message.starts_with("project `") && message.contains("` does not exist in "),
            "{message}"
        );
    }
}

#[test]
fn proof_waits_until_the_backend_has_the_commits() {
    let relay =
        ServeProxy::with(|request| match is_request(request, "GET releases/web%401.0.0/") {
            false => ProxyAction::Forward,
            true if request.nth == 0 => ProxyAction::Forward,
            true => {
                let release = json!({ "version": "web@1.0.0", "commitCount": 3 });
                ProxyAction::Intercept(Response::json(200, &release))
            }
        });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).var("FINISHLINE_WAIT_FOR_COMMITS", "true").execute().expect(0);
    assert_eq!(run.output("commit-count"), "3");
    assert_eq!(relay.peer.count("GET releases/web%401.0.0/"), 2);
}

#[test]
fn commits_that_do_not_come_are_a_failure_that_keeps_the_release() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run =
        released(&relay).var("FINISHLINE_WAIT_FOR_COMMITS", "true").var("FINISHLINE_TIMEOUT", "2s");
    let run = run.execute().expect(6);
    assert_eq!(run.joined(["error-code", "release", "deploy-id"]), "deadline web@1.0.0 1");
    let message = run.output("error-message");
    assert!(message.contains("did not fetch the release's commits"), "{message}");
}
