//! What asks for a release, by which names, and what the outputs say of it.

use super::requests::{HEAD, add_repository, pushed, released};
use crate::support::http_server::{HttpServer, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

fn releases(run: &ProgramRun) -> Vec<String> {
    run.rows("SELECT version FROM release ORDER BY id")
}

#[test]
fn variables_that_programs_share_make_no_release_beside_a_provider() {
    let run = ProgramRun::github().opsgenie();
    let run = run.var("SENTRY_RELEASE", "v1").var("SENTRY_ENVIRONMENT", "production");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "integration-id", "release"]), "complete 1 ");
    assert!(releases(&run).is_empty());
    // Alone they ask for one.
    let alone = ProgramRun::local().without("FINISHLINE_PROVIDER").var("SENTRY_RELEASE", "v1");
    let alone = alone.clone().var("FINISHLINE_DATABASE", alone.database());
    alone.var("SENTRY_ORG", "acme").var("SENTRY_PROJECT", "web").execute().expect(0);
}

#[test]
fn a_project_is_no_step_up_a_path() {
    let run = ProgramRun::github().embedded_release("v1");
    for project in [".", "..", "web, .."] {
        let ended = run.clone().var("FINISHLINE_PROJECTS", project).execute().expect(2);
        assert!(ended.output("error-message").contains("project slugs"), "{}", ended.stdout);
    }
}

#[test]
fn an_integration_and_a_release_are_made_in_one_run() {
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_PROJECTS", "web");
    let run = run.var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_COMMITS", "none");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "integration-id", "release"]), "complete 1 v1");
    assert!(ended.output("redirect-url").contains("/settings/acme/"));
    assert!(ended.stdout.contains("Opsgenie is installed for acme; release v1 is created"));
}

#[test]
fn a_release_is_made_even_when_the_integration_waits_for_a_person() {
    let state = "{url: https://gitlab.com, clientId: c, clientSecret: s3cr3t-key, group: acme}";
    let run = ProgramRun::github().embedded("gitlab", state).var("FINISHLINE_PROJECTS", "web");
    let run = run.var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_COMMITS", "none");
    let ended = run.execute().expect(3);
    assert_eq!(
        ended.joined(["status", "error-code", "release"]),
        "action_required needs-browser v1"
    );
    assert_eq!(releases(&run), ["v1"]);
}

#[test]
fn a_mistake_in_either_of_the_two_keeps_both_from_beginning() {
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_PROJECTS", "web");
    let ended = run.var("FINISHLINE_RELEASE", "a/b").execute().expect(2);
    assert_eq!(ended.output("error-code"), "bad-release");
    let run = ProgramRun::github()
        .opsgenie()
        .var("FINISHLINE_STATE", "{}")
        .var("FINISHLINE_RELEASE", "v1");
    let run = run.var("FINISHLINE_PROJECTS", "web");
    let ended = run.execute().expect(2);
    assert_eq!(ended.output("error-code"), "missing-field");
    assert!(!run.database().exists());
}

#[test]
fn a_slash_in_a_name_is_an_input_error_that_says_so() {
    let relay = ServeProxy::new();
    for name in ["release/1.0", "latest", "a\nb", &"x".repeat(201)] {
        let ended = pushed(&relay).var("FINISHLINE_RELEASE", name).execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-release", "{name}");
    }
    assert!(relay.requests_since(0).is_empty());
}

#[test]
fn the_version_of_a_pull_request_is_its_head_and_not_the_merge_commit() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = pushed(&relay).var("GITHUB_SHA", "c".repeat(40)).var("FINISHLINE_DEPLOY", "false");
    for (event, payload) in [
        ("pull_request", json!({ "pull_request": { "head": { "sha": HEAD } } })),
        ("workflow_run", json!({ "workflow_run": { "head_sha": HEAD } })),
    ] {
        let path = run.file("event.json", payload.to_string());
        let run = run.clone().var("GITHUB_EVENT_NAME", event).var("GITHUB_EVENT_PATH", path);
        assert_eq!(run.execute().expect(0).output("release"), HEAD, "{event}");
    }
}

#[test]
fn a_missing_project_and_a_wrong_one_are_named() {
    let relay = ServeProxy::new();
    let ended = released(&relay).without("SENTRY_PROJECT").execute().expect(2);
    assert!(ended.output("error-message").contains("`projects` is missing"));
    let ended = released(&relay).var("SENTRY_PROJECT", "nope").execute().expect(2);
    assert_eq!(ended.joined(["error-code", "error-status"]), "bad-field 400");
    assert!(ended.stderr.contains("must be the slug of a project in acme"), "{}", ended.stderr);
}

#[test]
fn a_missing_scope_is_named() {
    let relay = ServeProxy::new();
    let token = relay.serve.token("owner", "org:read");
    let ended = released(&relay).var("SENTRY_AUTH_TOKEN", token).execute().expect(5);
    assert_eq!(ended.joined(["error-code", "error-status"]), "missing-scope 403");
    assert!(ended.stderr.contains("project:releases"), "{}", ended.stderr);
}

#[test]
fn a_401_and_a_403_say_their_cause() {
    let relay = ServeProxy::new();
    let ended = released(&relay).var("SENTRY_AUTH_TOKEN", "revoked").execute().expect(5);
    assert_eq!(ended.joined(["error-code", "error-status"]), "unauthorized 401");
    assert!(ended.output("error-message").contains("does not accept the token"));
    let token = relay.serve.token("", "project:releases");
    let ended = released(&relay).var("SENTRY_AUTH_TOKEN", token).execute().expect(5);
    assert_eq!(ended.output("error-status"), "403");
    assert!(ended.stderr.contains("its owner must be a member of acme"), "{}", ended.stderr);
}

#[test]
fn an_organizations_own_token_makes_releases() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let token = relay.serve.org_token();
    let ended = released(&relay).var("SENTRY_AUTH_TOKEN", token).execute().expect(0);
    assert_eq!(ended.joined(["status", "deploy-id"]), "complete 1");
}

/// A deploy without projects would be one of every project of the release.
#[test]
fn a_deploy_does_not_leak_into_other_projects() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    released(&relay).var("SENTRY_PROJECT", "web, api").without("FINISHLINE_ENVIRONMENT").execute();
    released(&relay).var("SENTRY_PROJECT", "api").execute().expect(0);
    let sent = relay.peer.requests().last().unwrap().json();
    assert_eq!(sent["projects"], json!(["api"]));
    let sql = "SELECT slug FROM deploy_project JOIN project ON project.id = project_id";
    let database = relay.serve.database();
    let slug: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(slug, "api");
}

#[test]
fn a_deploy_has_its_name_its_page_and_its_times() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = released(&relay)
        .var("FINISHLINE_DEPLOY_NAME", "blue")
        .var("FINISHLINE_DEPLOY_URL", "https://deploys.example/7?a=b")
        .var("FINISHLINE_STARTED_AT", "1700000000");
    run.execute().expect(0);
    let deploy = &relay.get("releases/web@1.0.0/deploys/")[0];
    assert_eq!(
        (&deploy["name"], &deploy["url"]),
        (&json!("blue"), &json!("https://deploys.example/7?a=b"))
    );
    assert_eq!(deploy["dateStarted"], "2023-11-14T22:13:20Z");
    assert!(deploy["dateFinished"].is_string());
}

/// A later one would be the last for ever, and no retry would be recognized.
#[test]
fn a_deploy_that_has_not_begun_or_ended_is_a_mistake() {
    let run = ProgramRun::local();
    let common = "run --backend embedded --database x.db --org acme --projects web --release v1 \
                  --environment prod --commits none";
    let common: Vec<_> = common.split(' ').collect();
    for (times, words) in [
        (&["--finished-at", "253402300799"][..], "`finished-at` is in the future"),
        (&["--started-at", "31536000000"], "`started-at` is in the future"),
        (&["--started-at", "1790000000", "--finished-at", "1780000000"], "ends before it starts"),
        (&["--started-at", "2026-11-29T10:00:00+99:99"], "started-at"),
    ] {
        let ended = run.clone().args(&[&common, times].concat()).execute().expect(2);
        assert!(ended.stderr.contains(words), "{times:?}: {}", ended.stderr);
        assert!(!run.path("x.db").exists(), "{times:?}");
    }
}

#[test]
fn the_hosts_environment_is_taken_where_a_deploy_is_demanded() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let job = || {
        ProgramRun::gitlab()
            .var("CI_PROJECT_PATH", "acme/web")
            .var("CI_COMMIT_SHA", HEAD)
            .var("SENTRY_URL", relay.peer.url())
            .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
            .var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_PROJECTS", "web")
            .var("FINISHLINE_DEPLOY", "true")
    };
    let ended = job().execute().expect(2);
    assert!(ended.output("error-message").contains("needs an `environment`"));
    let ended = job().var("CI_ENVIRONMENT_NAME", "review/x").execute().expect(2);
    assert!(ended.output("error-message").contains("the CI host's environment `review/x`"));
    assert!(relay.requests_since(0).is_empty());
    job().var("CI_ENVIRONMENT_NAME", "review").execute().expect(0);
    assert_eq!(relay.get(&format!("releases/{HEAD}/deploys/"))[0]["environment"], "review");
}

#[test]
fn the_names_of_other_tools_are_flags_too() {
    let folder = ProgramRun::local();
    let run = folder.clone().var("FINISHLINE_DATABASE", folder.database()).args(&[
        "run",
        "--org",
        "acme",
        "--project",
        "web",
        "--release",
        "1.0",
        "--release_prefix",
        "web@",
        "--set_commits",
        "skip",
        "--started_at",
        "1700000000",
        "--environment",
        "production",
    ]);
    run.execute().expect(0);
    assert_eq!(releases(&run), ["web@1.0"]);
    assert_eq!(run.rows("SELECT date_started FROM deploy"), ["1700000000000"]);
}

#[test]
fn the_files_of_sentry_cli_name_what_nothing_else_does() {
    let relay = ServeProxy::new();
    let run =
        ProgramRun::local().var("SENTRY_AUTH_TOKEN", PROXY_TOKEN).var("FINISHLINE_RELEASE", "v1");
    run.file(
        ".sentryclirc",
        format!("[defaults]\nurl={}\norg=acme\nproject=web\n", relay.peer.url()),
    );
    // The address is named by a file alone, so it is not used without a terminal.
    let run = run.var("FINISHLINE_COMMITS", "none");
    run.clone().execute().expect(2);
    let ended = run.var("SENTRY_URL", relay.peer.url()).execute().expect(0);
    assert!(ended.stdout.contains("release v1 is created"), "{}", ended.stdout);
}

/// A pull request could change the file, and so have the token sent anywhere.
#[test]
fn no_file_of_a_checkout_says_where_the_token_goes_in_ci() {
    let stranger = HttpServer::new(|_| Response::detail(500, "thanks"));
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).without("SENTRY_ORG").without("SENTRY_PROJECT");
    let text = format!("[defaults]\nurl={}\norg=acme\nproject=web\n", stranger.url());
    run.file(".sentryclirc", text);
    assert_eq!(run.execute().expect(0).output("release"), "web@1.0.0");
    let without = run.without("SENTRY_URL").var("HTTPS_PROXY", HttpServer::unused_url());
    without.var("FINISHLINE_TIMEOUT", "2s").execute().expect(2);
    assert!(stranger.requests().is_empty());
}

#[test]
fn a_file_of_sentry_cli_does_not_choose_the_backend() {
    let folder = ProgramRun::local();
    folder.file(
        "sentry.properties",
        "defaults.url=https://sentry.example\ndefaults.org=acme\ndefaults.project=web\n",
    );
    let run = folder.clone().var("FINISHLINE_DATABASE", folder.database());
    let ended = run.args(&["run", "--release", "v1", "--commits", "none"]).execute().expect(0);
    assert!(ended.stdout.contains("http://127.0.0.1:9797/organizations/acme/releases/v1/"));
}

#[test]
fn a_fork_without_secrets_is_skipped_and_the_job_goes_on() {
    let relay = ServeProxy::new();
    let run =
        released(&relay).without("SENTRY_AUTH_TOKEN").var("GITHUB_EVENT_NAME", "pull_request");
    let head = json!({ "repo": { "full_name": "stranger/web" }, "sha": HEAD });
    let base = json!({ "repo": { "full_name": "acme/web" } });
    let event = json!({ "pull_request": { "head": head, "base": base } });
    let path = run.file("event.json", event.to_string());
    let ended = run.clone().var("GITHUB_EVENT_PATH", path).execute().expect(0);
    assert_eq!(ended.joined(["status", "skipped-reason"]), "skipped fork");
    let ended = run.var("GITHUB_EVENT_NAME", "push").execute().expect(5);
    assert_eq!(ended.output("error-code"), "no-token");
}

#[test]
fn no_output_is_missing_whatever_happens() {
    let relay = ServeProxy::new();
    for run in [released(&relay), released(&relay).var("SENTRY_AUTH_TOKEN", "revoked")] {
        let outputs = run.execute().outputs();
        for name in
            ["release", "release-url", "deploy-id", "commit-count", "error-status", "result"]
        {
            assert!(outputs.contains_key(name), "{name}");
        }
    }
    let result: Value = serde_json::from_str(&released(&relay).execute().output("result")).unwrap();
    assert_eq!(result["release"]["version"], "web@1.0.0");
}

/// A run that is to set a commit status on a GitHub that answers so.
fn with_status(
    answer: impl Fn() -> Response + Send + Sync + 'static,
) -> (HttpServer, String, String) {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let github = HttpServer::new(move |_| answer());
    let run = released(&relay)
        .var("GITHUB_API_URL", github.url())
        .var("GITHUB_TOKEN", "gh-s3cr3t")
        .var("FINISHLINE_GITHUB_STATUS", "sentry release");
    let ended = run.execute().expect(0);
    assert!(!ended.stdout.contains("gh-s3cr3t"));
    (github, ended.output("warnings"), ended.stderr)
}

#[test]
fn a_commit_status_links_the_release() {
    let (github, warnings, _) = with_status(|| Response::json(201, &json!({ "id": 1 })));
    assert_eq!(warnings, "");
    let request = &github.requests()[0];
    assert_eq!(request.line(), format!("POST /repos/acme/web/statuses/{HEAD}"));
    let body = request.json();
    assert_eq!((&body["state"], &body["context"]), (&json!("success"), &json!("sentry release")));
    assert!(body["target_url"].as_str().unwrap().ends_with("/releases/web%401.0.0/"));
}

#[test]
fn a_commit_status_is_for_github_and_needs_a_token() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let github = HttpServer::new(|_| Response::detail(500, "no"));
    let run = released(&relay).var("FINISHLINE_GITHUB_STATUS", "sentry");
    let ended = run.var("GITHUB_API_URL", github.url()).execute().expect(0);
    assert_eq!(ended.output("warnings"), "github-status-not-set");
    assert!(ended.stderr.contains("set `github-token`"), "{}", ended.stderr);
    assert!(github.requests().is_empty());
}

#[test]
fn a_commit_status_that_is_not_permitted_is_a_warning_with_the_permission() {
    let refused =
        || Response::json(403, &json!({ "message": "Resource not accessible by integration" }));
    let (_, warnings, stderr) = with_status(refused);
    assert_eq!(warnings, "github-status-not-set");
    assert!(stderr.contains("statuses: write"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_signal_while_the_commit_status_is_set_costs_no_output() {
    let manifest = "version: 1\nreleases:\n- {org: acme, projects: web, release: web@1.0.0}\n";
    for is_manifest in [false, true] {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let github = format!("http://{}", silent.local_addr().unwrap());
        let relay = ServeProxy::new();
        add_repository(&relay, "acme/web", None);
        let run = match is_manifest {
            false => released(&relay),
            true => {
                let run = released(&relay).without("FINISHLINE_RELEASE");
                let run = run.without("FINISHLINE_PROJECTS").without("FINISHLINE_ENVIRONMENT");
                run.file("finishline.yml", manifest);
                run.var("FINISHLINE_MANIFEST", "finishline.yml")
            }
        };
        let run = run.var("GITHUB_API_URL", &github).var("GITHUB_TOKEN", "gh-s3cr3t");
        let started = run.var("FINISHLINE_GITHUB_STATUS", "sentry release").start();
        // It is all that GitHub is asked for.
        let _held = silent.accept().unwrap();
        started.signal("TERM");
        let ended = started.wait().expect(9);
        assert_eq!(ended.joined(["status", "error-code", "changed"]), "error cancelled true");
        let told = if is_manifest { ended.output("result") } else { ended.output("release") };
        assert!(told.contains("web@1.0.0"), "{told}");
    }
}

#[test]
fn a_run_on_the_embedded_backend_ends_as_one_at_a_server() {
    let told = |run: ProgramRun| {
        let ended = run.var("FINISHLINE_FORMAT", "json").execute().expect(0);
        let mut told = ended.json();
        told["release"]["url"] = Value::Null;
        told["details"] = Value::Null;
        told
    };
    let relay = ServeProxy::new();
    let inputs = |run: ProgramRun| {
        run.var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_PROJECTS", "web")
            .var("FINISHLINE_RELEASE", "v1")
            .var("FINISHLINE_COMMITS", "none")
            .var("FINISHLINE_ENVIRONMENT", "production")
    };
    let here = ProgramRun::local();
    let here = inputs(here.clone().var("FINISHLINE_DATABASE", here.database()));
    let there = inputs(ProgramRun::local().var("SENTRY_URL", relay.peer.url()));
    let there = there.var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    for _ in 0..2 {
        assert_eq!(told(here.clone()), told(there.clone()));
    }
}

#[test]
fn a_server_that_is_no_sentry_is_said_to_be_none() {
    let relay = ServeProxy::with(|_| {
        ProxyAction::Intercept(Response::json(200, &json!({ "hello": "world" })))
    });
    let ended = released(&relay).execute().expect(6);
    assert!(ended.output("error-message").contains("not a release"), "{}", ended.stderr);
}
