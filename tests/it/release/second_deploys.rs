//! A job that runs again makes no second deploy, whatever it deployed before and however a server lags
//! or answers.

use crate::release::requests::{add_repository, released};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

const MANIFEST: &str = "version: 1
defaults: {org: acme, projects: web, commits: none, environment: production}
releases:
- release: v1
- release: v2
- {release: v3, environment: staging}
";

fn manifest(run: ProgramRun) -> ProgramRun {
    run.file("finishline.yml", MANIFEST);
    run.var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_MAX_PARALLEL", "1")
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_SERVER_URL", "https://github.com")
        .var("GITHUB_RUN_ID", "7")
}

#[test]
fn two_releases_of_one_project_in_one_place_are_deployed_once_each() {
    let relay = ServeProxy::new();
    let embedded = ProgramRun::github();
    let database = embedded.database();
    let embedded =
        embedded.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    let sentry = ProgramRun::github()
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    for (run, is_embedded) in [(manifest(embedded), true), (manifest(sentry), false)] {
        let count = || {
            let database = if is_embedded { run.connection() } else { relay.serve.database() };
            rows(&database, "SELECT version FROM deploy JOIN release ON release.id = release_id")
        };
        run.execute().expect(0);
        assert_eq!(count(), ["v1", "v2", "v3"]);
        run.clone().var("GITHUB_RUN_ATTEMPT", "2").execute().expect(0);
        assert_eq!(count(), ["v1", "v2", "v3"]);
        // Another run has deployed since: that one is what runs there.
        run.clone().var("GITHUB_RUN_ID", "8").execute().expect(0);
        run.clone().var("GITHUB_RUN_ATTEMPT", "3").execute().expect(0);
        assert!(count().len() > 6, "{:?}", count());
    }
}

#[test]
fn a_listing_of_the_environment_that_lags_makes_no_second_deploy() {
    for not_yet in
        [|| Response::json(200, &json!([])), || Response::detail(404, "no such environment")]
    {
        let relay = ServeProxy::with(move |request| {
            match request.line() == "GET releases/" && !request.parameter("environment").is_empty()
            {
                true => ProxyAction::Intercept(not_yet()),
                false => ProxyAction::Forward,
            }
        });
        add_repository(&relay, "acme/web", None);
        let run = released(&relay).var("FINISHLINE_TIMEOUT", "3");
        run.execute().expect(0);
        let again = run.execute().expect(0);
        assert_eq!(again.joined(["changed", "deploy-id"]), "false 1", "{}", again.stderr);
    }
}

fn answering(line: &'static str, answer: Value) -> ServeProxy {
    let relay = ServeProxy::with(move |request: &Request| match request.line() == line {
        true => ProxyAction::ReplaceResponse(Response::json(201, &answer)),
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    relay
}

#[test]
fn an_answer_about_another_deploy_is_none_and_ours_is_looked_for() {
    for answer in [
        json!({ "id": "99", "environment": "staging" }),
        json!({ "id": "99", "environment": "production", "url": "https://other.example/" }),
    ] {
        let relay = answering("POST releases/web%401.0.0/deploys/", answer);
        let ended = released(&relay).execute().expect(0);
        assert_eq!(ended.joined(["changed", "deploy-id"]), "true 1", "{}", ended.stderr);
        assert_eq!(relay.peer.count("POST releases/web%401.0.0/deploys/"), 1);
    }
}

#[test]
fn an_answer_about_another_release_or_project_is_an_error() {
    for (answer, words) in [
        (json!({ "version": "other", "projects": [] }), "not release web@1.0.0"),
        (
            json!({ "version": "web@1.0.0", "projects": [{ "slug": "api", "id": "5" }] }),
            "not a release of the project `web`",
        ),
    ] {
        let relay = answering("POST releases/", answer);
        let ended = released(&relay).execute().expect(6);
        assert_eq!(ended.joined(["error-code", "deploy-id"]), "backend-error ");
        assert!(ended.output("error-message").contains(words), "{}", ended.stderr);
    }
}
