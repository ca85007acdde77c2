//! Events after which nothing was built or deployed.

use super::ShapedJob;
use super::events::{deployment_status, github, pull_request, release, workflow_run};
use super::story::StoryCommits;
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

/// A release with a deploy that is asked for at this event.
fn at(event: &str, payload: impl Fn(&StoryCommits) -> Value) -> ProgramRun {
    let job = ShapedJob::new(|folder| folder.state("the pushed commit"));
    let facts = github(event, "refs/heads/main", &job.commits.pushed, Value::Null);
    let payload = job.run.file("event.json", payload(&job.commits).to_string());
    let run = job.run.clone().var("GITHUB_EVENT_PATH", payload);
    let run = run.var("GITHUB_OUTPUT", job.run.file("out", ""));
    let run = run.var("FINISHLINE_DEPLOY", "true").var("FINISHLINE_ENVIRONMENT", "production");
    facts.0.into_iter().fold(run, |run, (name, value)| run.var(name, value))
}

/// Checks that the run is skipped for this reason, says why in these words, and does nothing.
fn is_skipped(run: &ProgramRun, reason: &str, words: &str) {
    let ended = run.execute().expect(0);
    let result = ended.json();
    let (status, slug) = (&result["status"], &result["skipped_reason"]);
    assert_eq!((status.as_str(), slug.as_str()), (Some("skipped"), Some(reason)), "{words}");
    assert!(result["changed"] == false && !run.database().exists(), "{words}");
    assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
}

#[test]
fn only_a_deployment_that_succeeded_is_a_deploy() {
    for state in ["failure", "error", "inactive", "in_progress", "queued", "pending", "waiting"] {
        let run = at("deployment_status", |commits| deployment_status(commits, state));
        is_skipped(&run, "not-deployed", &format!("the status `{state}`"));
    }
    let run = at("deployment_status", |commits| deployment_status(commits, "success"));
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["production"]);
}

#[test]
fn a_deployment_that_the_job_carries_out_is_a_deploy() {
    let run = at(
        "deployment",
        |commits| json!({"action": "created", "deployment": {"sha": commits.pushed, "environment": "stage"}}),
    );
    let run = run.without("FINISHLINE_ENVIRONMENT");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["stage"]);
}

#[test]
fn a_release_of_the_host_is_one_when_it_is_published() {
    for action in ["edited", "deleted", "unpublished"] {
        let run = at("release", |_| release(action));
        is_skipped(&run, "not-published", &format!("was {action}"));
    }
    for action in ["published", "released", "prereleased", "created"] {
        let run = at("release", |_| release(action));
        run.execute().expect(0);
        let version = run.rows("SELECT version FROM release").concat();
        assert_eq!([version], run.rows("SELECT ref FROM release").as_slice(), "{action}");
    }
}

#[test]
fn a_workflow_that_failed_built_nothing() {
    let bad = ["failure", "cancelled", "timed_out", "skipped", "action_required", "stale"];
    for conclusion in bad.into_iter().chain(["startup_failure"]) {
        let run = at("workflow_run", |commits| workflow_run(commits, "acme", conclusion));
        is_skipped(&run, "workflow-failed", &format!("ended as `{conclusion}`"));
    }
    for conclusion in [json!("success"), json!("neutral"), Value::Null] {
        let run = at("workflow_run", |commits| {
            let mut payload = workflow_run(commits, "acme", "");
            payload["workflow_run"]["conclusion"] = conclusion.clone();
            payload
        });
        assert_eq!(run.execute().expect(0).json()["status"], "complete", "{conclusion}");
    }
}

#[test]
fn a_pull_request_that_is_closed_without_a_merge_built_nothing() {
    for event in ["pull_request", "pull_request_target"] {
        let run = at(event, |commits| {
            let mut payload = pull_request(commits, "acme", false);
            payload["action"] = json!("closed");
            payload
        });
        is_skipped(&run, "not-merged", "closed without being merged");
        let run = at(event, |commits| pull_request(commits, "acme", true));
        assert_eq!(run.execute().expect(0).json()["status"], "complete", "{event}");
    }
}

#[test]
fn a_job_of_gitlab_that_stops_its_environment_deploys_nothing() {
    let job = ShapedJob::new(|folder| folder.state("the pushed commit"));
    let run = job.at("gitlab push").var("FINISHLINE_DEPLOY", "true");
    let run = run.var("CI_ENVIRONMENT_NAME", "review/feature").var("CI_ENVIRONMENT_ACTION", "stop");
    is_skipped(&run, "not-deployed", "the job stops its environment");
}

#[test]
fn a_plan_says_that_nothing_would_be_done() {
    let run = at("deployment_status", |commits| deployment_status(commits, "failure"));
    is_skipped(&run.args(&["plan", "--backend=embedded"]), "not-deployed", "no release, because");
}

#[test]
fn the_integration_beside_it_is_set_up_all_the_same() {
    let run = at("deployment_status", |commits| deployment_status(commits, "failure"));
    let run = run.opsgenie();
    let ended = run.execute().expect(0);
    let result = ended.json();
    assert_eq!(result["status"], "complete");
    assert_eq!(result["skipped_reason"], "not-deployed");
    assert_eq!(run.rows("SELECT count(*) FROM release"), ["0"]);
}

#[test]
fn a_check_says_that_a_run_would_release_nothing() {
    let run = at("deployment_status", |commits| deployment_status(commits, "failure"));
    let run = run.var("FINISHLINE_ORG", "acme").args(&["check", "--backend=embedded"]);
    let ended = run.execute().expect(0);
    let words = "not checked: a run at this event makes no release, because";
    assert!(ended.stdout.contains("? acme: release version"), "{}", ended.stdout);
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    let run = at("deployment_status", |commits| deployment_status(commits, "success"));
    let ended = run.args(&["check", "--backend=embedded"]).execute().expect(0);
    assert!(!ended.stdout.contains("makes no release"), "{}", ended.stdout);
}

#[test]
fn a_commit_status_says_that_the_release_was_skipped() {
    let github = HttpServer::new(|_| Response::json(201, &json!({ "id": 1 })));
    let run = at("deployment_status", |commits| deployment_status(commits, "failure"));
    let run = run.var("GITHUB_API_URL", github.url()).var("GITHUB_TOKEN", "gh-t0ken");
    let run = run.var("FINISHLINE_GITHUB_STATUS", "sentry release");
    for run in [run.clone(), run.opsgenie()] {
        let ended = run.execute().expect(0);
        let asked = github.requests();
        assert!(!asked.is_empty(), "{}", ended.stderr);
        let is_status = |request: &&Request| request.line().contains("/statuses/");
        let status = asked.iter().rfind(is_status).unwrap().json();
        let description = status["description"].as_str().unwrap();
        assert!(description.contains("skipped: no release, because"), "{description}");
        assert!(!status.to_string().contains("/releases/"), "{status}");
    }
}
