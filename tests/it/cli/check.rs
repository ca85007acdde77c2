//! The preflight: one line for each thing that a run needs, and what to change about it.

use crate::support::http_server::HttpServer;
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};

fn check_run(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::github()
        .args(&["check"])
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("FINISHLINE_PROVIDER", "opsgenie")
        .var("FINISHLINE_STATE", crate::support::run::STATE)
}

/// Name and sign of each line.
fn lines(ended: &RunResult) -> Vec<String> {
    let lines = ended.stdout.lines().filter(|line| line.contains(['✓', '✗']));
    lines.map(|line| line.trim().split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn what_can_be_done_is_a_table_of_good_lines_and_nothing_is_written() {
    let relay = ServeProxy::new();
    let run = check_run(&relay).var("FINISHLINE_RELEASE", "v1").var("SENTRY_PROJECT", "web,api");
    let ended = run.var("GITHUB_REPOSITORY", "acme/web").execute().expect(0);
    assert!(ended.stdout.starts_with("13 of 13 checks passed"), "{}", ended.stdout);
    assert!(ended.stdout.contains("✓ acme: provider opsgenie: available"));
    assert!(ended.stdout.contains("✓ acme: project web: exists"));
    assert!(ended.stdout.contains("scopes: "));
    assert!(!ended.stdout.contains(PROXY_TOKEN));
    assert!(relay.requests_since(0).iter().all(|line| line.starts_with("GET ")));
}

#[test]
fn a_line_that_is_not_good_says_what_to_change_and_its_class_is_the_exit() {
    let relay = ServeProxy::new();
    let run = check_run(&relay).without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    let run = run.var("FINISHLINE_RELEASE", "v1").var("SENTRY_PROJECT", "web,wbe");
    let ended = run.clone().execute().expect(5);
    assert!(ended.stdout.contains(
        "✗ acme: project wbe: project `wbe` does not exist in acme, or this token cannot see it"
    ));
    assert!(ended.stdout.contains("check `org` and `projects`"), "{}", ended.stdout);
    assert!(ended.stdout.contains("✓ acme: project web"), "{}", ended.stdout);
    assert!(ended.summary().contains("❌ ✗ acme: project wbe"), "{}", ended.summary());
    let ended = run.clone().var("SENTRY_ORG", "nobody").execute().expect(5);
    assert!(ended.stdout.contains("✗ nobody: releases"), "{}", ended.stdout);
    let ended = run.var("SENTRY_AUTH_TOKEN", "another-token").execute().expect(5);
    assert_eq!(ended.output("error-code"), "unauthorized");
    assert_eq!(lines(&ended).len(), 3, "nothing is asked with it: {}", ended.stdout);
}

#[test]
fn a_server_that_is_no_sentry_is_told_from_one_that_refuses() {
    let peer = HttpServer::new(|_| {
        crate::support::http_server::Response::json(200, &serde_json::json!({"hello": 1}))
    });
    let relay = ServeProxy::new();
    let ended = check_run(&relay).var("SENTRY_URL", peer.url()).execute().expect(6);
    assert!(
        ended.stdout.contains("is not Sentry's: HTTP 200, application/json: \"{\"hello\":1}\""),
        "{}",
        ended.stdout
    );
}

#[test]
fn each_server_and_token_of_a_manifest_is_asked_once() {
    let relay = ServeProxy::new();
    let entry = |account: &str| {
        format!(
            "  - {{provider: opsgenie, state: {{baseUrl: 'https://api.opsgenie.com/', provider: {account}, apiKey: '${{KEY}}'}}}}\n"
        )
    };
    let entries = ["a", "b", "c", "d", "e"].map(entry).concat();
    let run = check_run(&relay).without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    run.file("finishline.yml", format!("version: 1\nintegrations:\n{entries}"));
    let run = run.var("FINISHLINE_MANIFEST", "finishline.yml").var("KEY", "s3cr3t-key");
    let ended = run.execute().expect(0);
    assert_eq!(
        relay
            .requests_since(0)
            .iter()
            .filter(|line| line.contains("/api/0/ ") || line.ends_with("/api/0/"))
            .count(),
        1
    );
    assert_eq!(lines(&ended).len(), 7, "{}", ended.stdout);
}

#[test]
fn the_embedded_backend_is_looked_at_without_making_its_file() {
    let run = ProgramRun::local().opsgenie().args(&["check"]);
    let ended = run.execute().expect(0);
    assert!(ended.stdout.contains("✓ embedded backend, for opsgenie"), "{}", ended.stdout);
    assert!(!run.database().exists());
    let ended =
        run.var("FINISHLINE_PROVIDER", "msteams").var("FINISHLINE_STATE", "{}").execute().expect(4);
    assert!(ended.stdout.contains("✗ embedded backend, for msteams: only a Sentry server"));
}
