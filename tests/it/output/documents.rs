//! Commands that print a document, and calls that a script reads: nothing else is on standard output.

#[cfg(unix)]
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};

fn call(run: &ProgramRun, line: &str) -> ProgramRun {
    run.clone().args(&line.split(' ').collect::<Vec<_>>())
}

#[test]
fn a_document_holds_no_command_to_azures_agent_and_its_secrets_are_masked() {
    let serve = ServeProcess::start();
    let run = ProgramRun::local()
        .var("TF_BUILD", "True")
        .var("SENTRY_URL", serve.url())
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("FINISHLINE_NO_SUCH_INPUT", "1");
    for (line, exit) in [
        ("import", 0),
        ("sentry-cli info --no-defaults", 0),
        ("sentry-cli repos list", 0),
        ("sentry-cli releases list", 0),
        ("sentry-cli releases info v1", 1),
        ("sentry-cli releases delete v1", 0),
    ] {
        let ended = call(&run, line).execute();
        assert_eq!(ended.exit, Some(exit), "{line}: {}", ended.stderr);
        assert!(!ended.stdout.contains("##vso"), "{line}: {}", ended.stdout);
        let mask = format!("##vso[task.setsecret]{TOKEN}\n");
        assert!(ended.stderr.contains(&mask), "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains("##vso[task.logissue type="), "{line}: {}", ended.stderr);
    }
}

#[test]
fn a_call_that_a_fork_skips_prints_nothing_that_a_script_would_read() {
    let head = json!({"repo": {"full_name": "stranger/web", "fork": true}});
    let base = json!({"repo": {"full_name": "acme/web"}});
    let event = json!({"pull_request": {"head": head, "base": base}, "repository": base["repo"]});
    let run = ProgramRun::github()
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_EVENT_NAME", "pull_request")
        .var("SENTRY_AUTH_TOKEN", "")
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web");
    let file = run.file("event.json", event.to_string());
    let run = run.var("GITHUB_EVENT_PATH", file);
    for line in [
        "releases list --raw",
        "info --config-status-json",
        "releases new v1",
        "releases delete v1",
        "deploys list -r v1",
        "sourcemaps upload -r v1 dist",
    ] {
        let ended = call(&run, &format!("sentry-cli {line}")).execute().expect(0);
        assert_eq!(ended.stdout, "", "{line}");
        assert!(ended.stderr.contains("skipped: no token"), "{line}: {}", ended.stderr);
    }
    // Its exit code would say that the release is there.
    let ended = call(&run, "sentry-cli releases info v1").execute().expect(1);
    assert_eq!(ended.output("error-code"), "no-token", "{}", ended.stderr);
    let step = run.var("FINISHLINE_RELEASE", "v1").execute().expect(0);
    assert!(step.stdout.starts_with("skipped: no token"), "{}", step.stdout);
}

/// More than a page of them, and what a call asks for that it does not get.
#[test]
fn a_listing_is_whole_and_a_flag_without_effect_is_said() {
    let serve = ServeProcess::start();
    let run = ProgramRun::local()
        .var("SENTRY_URL", serve.url())
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_AUTH_TOKEN", TOKEN);
    let releases = "/api/0/organizations/acme/releases/";
    let body = json!({"version": "v1", "projects": ["web"]});
    serve.request("POST", releases, body).expect(201);
    for number in 0..101 {
        let deploy = json!({"environment": format!("e{number}")});
        serve.request("POST", &format!("{releases}v1/deploys/"), deploy).expect(201);
    }
    let listed = call(&run, "sentry-cli deploys list -r v1").execute().expect(0);
    assert_eq!(listed.stdout.lines().count(), 102, "{}", listed.stdout);
    call(&run, "sentry-cli deploys list -r v2").execute().expect(1);
    for (line, exit, words) in [
        ("releases info v1 -P", 0, "`--show-projects` is not used"),
        ("releases info v1 -C", 0, "`--show-commits` is not used"),
        ("deploys new -r v1 -e qa --started 2026-01-02T03:04:05Z -t 5", 0, "`--time` says when"),
        ("deploys new -r v1 -e qa -t 9223372036854775807", 2, "`--time` is not a number"),
    ] {
        let ended = call(&run, &format!("sentry-cli {line}")).execute().expect(exit);
        assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
    }
    let deploys = serve.request("GET", &format!("{releases}v1/deploys/?per_page=1"), Value::Null);
    assert!(!deploys.json()[0]["dateStarted"].to_string().contains("2026-01-02T03"));
}

#[cfg(unix)]
#[test]
fn a_call_that_a_signal_breaks_off_is_no_success_although_failures_are_allowed() {
    let server = HttpServer::new(|_| Response::stall());
    let run = ProgramRun::local()
        .var("SENTRY_URL", server.url())
        .var("SENTRY_ORG", "acme")
        .var("NO_PROXY", "127.0.0.1")
        .var("SENTRY_AUTH_TOKEN", TOKEN);
    let started = call(&run, "sentry-cli --allow-failure releases list").start();
    while server.lines().is_empty() {
        std::thread::yield_now();
    }
    started.signal("TERM");
    let ended = started.wait().expect(1);
    assert!(ended.stderr.contains("signal"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn a_text_that_cannot_be_written_is_said() {
    let run = ProgramRun::local();
    let step = "jobs: {a: {runs-on: x, steps: [{run: sentry-cli releases new v1}]}}\n";
    run.file("ci.yml", step);
    for line in ["providers", "schema", "man", "completions bash", "migrate ci.yml", "--help"] {
        let ended = call(&run, line).redirected(">/dev/full").execute().expect(7);
        let words = "cannot write outputs to `standard output`";
        assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
    }
}
