//! Which deploys count as those of an earlier attempt, in a run and in its plan.

use crate::release::requests::{add_repository, released};
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use serde_json::json;

fn at(relay: &ServeProxy, run: ProgramRun) -> ProgramRun {
    run.var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_COMMITS", "none")
        .var("FINISHLINE_ENVIRONMENT", "production")
}

const DEPLOYS: &str = "SELECT count(*) FROM deploy";

#[test]
fn without_a_page_of_the_run_each_pipeline_records_its_deploy() {
    let relay = ServeProxy::new();
    let sentry = at(&relay, ProgramRun::local().var("CI", "true"));
    let embedded = ProgramRun::local().var("CI", "true").embedded_release("v1");
    let embedded = embedded.var("FINISHLINE_ENVIRONMENT", "production");
    for run in [sentry, embedded] {
        for number in 1..=2 {
            let planned = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
            assert!(!planned.stdout.contains("has already done so"), "{}", planned.stdout);
            let ended = run.clone().args(&["run", "--format", "json"]).execute().expect(0).json();
            assert_eq!(ended["changed"], true, "{ended}");
            assert_eq!(ended["release"]["deploy_id"], number.to_string(), "{ended}");
        }
        // What is typed tells one from another.
        let named = run.clone().var("FINISHLINE_DEPLOY_URL", "https://ci.example.com/7");
        named.execute().expect(0);
        named.execute().expect(0);
        let database = match run.database().exists() {
            true => run.connection(),
            false => relay.serve.database(),
        };
        assert_eq!(rows(&database, DEPLOYS), ["3"]);
    }
}

/// A Sentry takes no page at a host without a dot.
#[test]
fn where_the_page_is_refused_each_pipeline_records_its_deploy() {
    let relay = ServeProxy::with(|request| match request.json()["url"].is_string() {
        true => {
            ProxyAction::Intercept(Response::json(400, &json!({ "url": ["Enter a valid URL."] })))
        }
        false => ProxyAction::Forward,
    });
    add_repository(&relay, "acme/web", None);
    for number in ["1", "2"] {
        let ended = released(&relay).var("GITHUB_RUN_ID", number).execute().expect(0);
        assert_eq!(ended.joined(["changed", "deploy-id"]), format!("true {number}"));
    }
}

#[test]
fn a_plan_finds_nothing_to_do_where_this_job_has_deployed_already() {
    let relay = ServeProxy::new();
    let on_github = |run: ProgramRun| {
        run.var("GITHUB_REPOSITORY", "acme/web")
            .var("GITHUB_SERVER_URL", "https://github.com")
            .var("GITHUB_RUN_ID", "1")
    };
    let sentry = at(&relay, on_github(ProgramRun::github()));
    let embedded = on_github(ProgramRun::github()).embedded_release("web@1.0.0");
    let embedded = embedded.var("FINISHLINE_ENVIRONMENT", "production");
    for run in [sentry, embedded] {
        run.execute().expect(0);
        let planned = run.clone().args(&["plan", "--exit-code"]).execute().expect(0);
        assert!(planned.stdout.contains("nothing to do"), "{}", planned.stdout);
        assert_eq!(run.execute().expect(0).output("changed"), "false");
        // Another run deploys anew, and says so before.
        let other = run.clone().var("GITHUB_RUN_ID", "2");
        let planned = other.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        let words = "would be deployed to production for acme";
        assert!(planned.stdout.contains(words), "{}", planned.stdout);
        assert_eq!(other.execute().expect(0).output("changed"), "true");
    }
}

/// An end that the inputs name may lie before that of a deploy which was recorded earlier.
#[test]
fn a_deploy_with_an_earlier_end_is_recognized_by_the_next_attempt() {
    let relay = ServeProxy::new();
    let embedded = ProgramRun::github().embedded_release("v1");
    let job = |run: &ProgramRun, id: &str, version: &str| {
        let run = run.clone().var("GITHUB_RUN_ID", id).var("GITHUB_REPOSITORY", "acme/web");
        let run = run.var("FINISHLINE_ENVIRONMENT", "production");
        run.var("GITHUB_SERVER_URL", "https://github.com").var("FINISHLINE_RELEASE", version)
    };
    for run in [at(&relay, ProgramRun::github()), embedded] {
        job(&run, "501", "v2").execute().expect(0);
        let earlier = job(&run, "500", "v1").var("FINISHLINE_FINISHED_AT", "1790000000");
        assert_eq!(earlier.execute().expect(0).output("changed"), "true");
        for _ in 0..2 {
            assert_eq!(earlier.execute().expect(0).output("changed"), "false");
        }
        // One that is recorded behind it is later, whatever its end.
        job(&run, "502", "v2").var("FINISHLINE_FINISHED_AT", "1780000000").execute().expect(0);
        assert_eq!(earlier.execute().expect(0).output("changed"), "true");
    }
}
