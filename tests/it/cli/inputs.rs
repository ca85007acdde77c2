//! Which input counts, which backend is meant, and how the step speaks.

use crate::support::run::{ProgramRun, RunResult, SECRET, STATE};
use crate::support::runner_parser::takes_annotations;
use serde_json::{Value, json};

const FORK: &str = r#"{"pull_request": {"number": 1,
    "head": {"repo": {"full_name": "stranger/repo"}}, "base": {"repo": {"full_name": "acme/repo"}}}}"#;
const OWN: &str = r#"{"pull_request": {"number": 1,
    "head": {"repo": {"full_name": "acme/repo"}}, "base": {"repo": {"full_name": "acme/repo"}}}}"#;

/// An integration is asked for and nothing says at which backend.
fn without_backend(run: ProgramRun) -> ProgramRun {
    run.opsgenie().without("FINISHLINE_BACKEND")
}

fn github_event(event: &str, payload: &str) -> ProgramRun {
    let run = without_backend(ProgramRun::github());
    let path = run.file("event.json", payload);
    run.var("GITHUB_EVENT_NAME", event)
        .var("GITHUB_EVENT_PATH", path)
        .var("GITHUB_REPOSITORY", "acme/repo")
        .var("GITHUB_ACTOR", "octocat")
}

fn example(run: ProgramRun) -> ProgramRun {
    run.embedded("example", "name: demo")
}

/// What is in the database: every organization's slug.
fn organizations(run: &ProgramRun) -> Vec<String> {
    run.rows("SELECT slug FROM organization ORDER BY id")
}

#[test]
fn a_misspelt_variable_is_warned_about_and_no_error() {
    let run = ProgramRun::local().opsgenie().var("FINISHLINE_TOLERAT", "all");
    let ended = run.execute().expect(0);
    let words = "unknown variable FINISHLINE_TOLERAT: did you mean FINISHLINE_TOLERATE?";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_push_without_a_token_is_an_error() {
    for run in [github_event("push", "{}"), without_backend(ProgramRun::gitlab())] {
        let ended = run.execute().expect(5);
        assert_eq!(ended.joined(["status", "error-code"]), "error no-token");
        assert!(ended.stderr.contains("`auth-token` is missing"), "{}", ended.stderr);
        assert!(ended.stderr.contains("SENTRY_AUTH_TOKEN"), "{}", ended.stderr);
        assert!(!run.database().exists());
    }
}

#[test]
fn a_pull_request_of_the_repository_itself_needs_its_token() {
    github_event("pull_request", OWN).execute().expect(5);
}

#[test]
fn a_forks_pull_request_without_a_token_is_skipped() {
    let run = github_event("pull_request", FORK);
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "skipped-reason", "changed"]), "skipped fork false");
    assert!(!run.database().exists());
    // Nor are the secrets of the state there, and that is no mistake either.
    let broken = run.without("FINISHLINE_ORG").var("FINISHLINE_STATE", "{apiKey: '${KEY}'}");
    assert_eq!(broken.execute().expect(0).output("status"), "skipped");
}

#[test]
fn a_forks_merge_request_without_a_token_is_skipped() {
    let run = without_backend(ProgramRun::gitlab())
        .var("CI_MERGE_REQUEST_IID", "1")
        .var("CI_MERGE_REQUEST_PROJECT_PATH", "acme/repo")
        .var("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "stranger/repo")
        .var("CI_PROJECT_PATH", "acme/repo");
    assert_eq!(run.execute().expect(0).joined(["status", "skipped-reason"]), "skipped fork");
}

#[test]
fn a_dependabot_job_without_a_token_is_skipped() {
    let run = github_event("pull_request", OWN).var("GITHUB_ACTOR", "dependabot[bot]");
    assert_eq!(run.execute().expect(0).joined(["status", "skipped-reason"]), "skipped dependabot");
}

#[test]
fn a_forks_pull_request_still_finishes_on_the_embedded_backend() {
    let run = github_event("pull_request", FORK).var("FINISHLINE_BACKEND", "embedded");
    assert_eq!(run.execute().expect(0).joined(["status", "changed"]), "complete true");
}

#[test]
fn a_laptop_without_a_token_has_the_embedded_backend() {
    let run = without_backend(ProgramRun::local());
    run.execute().expect(0);
    assert_eq!(organizations(&run), ["acme"]);
}

#[test]
fn a_token_never_leads_to_the_embedded_backend() {
    for name in ["SENTRY_AUTH_TOKEN", "FINISHLINE_AUTH_TOKEN"] {
        let run = without_backend(ProgramRun::github()).var(name, "t0ken-t0ken");
        let run = run.var("FINISHLINE_URL", "http://127.0.0.1:9/").var("FINISHLINE_TIMEOUT", "1");
        let ended = run.execute();
        assert_ne!(ended.exit, Some(0));
        assert!(!run.database().exists());
        assert_eq!(ended.everything().replace("::add-mask::t0ken-t0ken\n", "").find("t0ken"), None);
    }
}

#[test]
fn a_url_without_a_token_is_no_reason_to_stay_at_home() {
    let run = without_backend(ProgramRun::local()).var("SENTRY_URL", "https://sentry.example.com");
    let ended = run.args(&["run", "--format", "json"]).execute().expect(5);
    assert_eq!(ended.json()["error"]["code"], "no-token");
}

#[test]
fn a_flag_beats_our_variable_and_ours_beats_sentrys() {
    let run = example(ProgramRun::local()).without("FINISHLINE_ORG").var("SENTRY_ORG", "theirs");
    run.execute().expect(0);
    let run = run.var("FINISHLINE_ORG", "ours");
    run.execute().expect(0);
    run.clone().args(&["run", "--org", "typed"]).execute().expect(0);
    assert_eq!(organizations(&run), ["theirs", "ours", "typed"]);
}

#[test]
fn an_empty_variable_is_an_absent_one_and_an_empty_flag_a_mistake() {
    let run = example(ProgramRun::local()).var("FINISHLINE_ORG", "").var("SENTRY_ORG", "theirs");
    let run = run.var("FINISHLINE_MODE", "").var("FINISHLINE_NEXT", "").var("FINISHLINE_URL", "");
    let ended = run.clone().args(&["run", "--format", "json"]).execute().expect(0);
    assert_eq!(organizations(&run), ["theirs"]);
    let url = ended.json()["redirect_url"].as_str().unwrap().to_owned();
    assert!(url.ends_with("/settings/theirs/integrations/example/1/"), "{url}");
    for flag in ["--org", "--plan", "--environment", "--manifest", "--release", "--dry-run="] {
        let typed = flag.strip_suffix('=').map_or(vec!["run", flag, ""], |_| vec!["run", flag]);
        let ended = run.clone().args(&typed).execute().expect(2);
        let words = format!("`{}` is empty", flag.trim_end_matches('='));
        assert!(ended.stderr.contains(&words), "{flag}: {}", ended.stderr);
    }
}

#[test]
fn a_set_beats_the_state_whatever_its_spelling() {
    let run = ProgramRun::local().opsgenie().var("KEY", "n3w-key");
    let run = run.args(&["run", "--set", "api_key=env:KEY", "--set", "provider=other-ops"]);
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT name FROM integration"), ["other-ops"]);
    let config = run.rows("SELECT config FROM organization_integration").concat();
    assert!(config.contains("n3w-key") && !config.contains(SECRET), "{config}");
}

#[test]
fn the_state_may_come_from_a_file_or_from_standard_input() {
    let run = ProgramRun::local().opsgenie().without("FINISHLINE_STATE").stdin(STATE);
    run.clone().args(&["run", "--state", "-"]).execute().expect(0);
    run.file("state.yml", format!("installation_config: {STATE}\n"));
    let again = run.args(&["run", "--state", "state.yml"]).execute().expect(0);
    assert!(again.stdout.contains("nothing to do"), "{}", again.stdout);
}

#[test]
fn the_database_has_its_place_below_the_home_folder() {
    let run = example(ProgramRun::local()).without("FINISHLINE_DATABASE");
    run.execute().expect(0);
    let home = run.path(".local/state/finishline/finishline.db");
    assert!(home.exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(home.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let elsewhere = run.path("state");
    run.clone().var("XDG_STATE_HOME", &elsewhere).execute().expect(0);
    assert!(elsewhere.join("finishline/finishline.db").exists());
    let nowhere = run.without("HOME").execute().expect(2);
    assert!(
        nowhere.stderr.contains("set `database` (FINISHLINE_DATABASE, --database) to a file"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn what_is_tolerated_is_exit_zero_with_a_warning() {
    let broken = |tolerate: &str| {
        let run = example(ProgramRun::github()).var("FINISHLINE_TOLERATE", tolerate);
        let folder = run.path("");
        run.var("FINISHLINE_DATABASE", folder).execute()
    };
    let said = |ended: RunResult| ended.joined(["status", "error-code", "warnings"]);
    for tolerate in ["unavailable", "all", "refused, unavailable", "refused\nunavailable\n"] {
        let ended = broken(tolerate).expect(0);
        let names: Vec<_> = ended.commands().into_iter().map(|command| command.name).collect();
        assert_eq!(names, ["group", "endgroup", "warning", "warning"]);
        assert_eq!(said(ended), "error database tolerated");
    }
    assert_eq!(said(broken("refused,auth").expect(6)), "error database ");
    let usage = ProgramRun::github().var("FINISHLINE_TOLERATE", "all").execute().expect(2);
    assert_eq!(said(usage), "error nothing-asked ");
}

#[test]
fn every_file_that_is_named_is_written_off_gitlab_too() {
    let run = example(ProgramRun::local())
        .var("FINISHLINE_RESULT_FILE", "result.json")
        .var("FINISHLINE_DOTENV", "out.env")
        .var("FINISHLINE_ANNOTATIONS", "links.json")
        .var("FINISHLINE_SUMMARY", "summary.md");
    run.file("summary.md", "before\n");
    run.execute().expect(0);
    let read = |name: &str| serde_json::from_str::<Value>(&run.text(name)).unwrap();
    assert_eq!(read("result.json")["status"], "complete");
    assert!(takes_annotations(&read("links.json")));
    let outputs = crate::support::runner_parser::inherited(&run.text("out.env"));
    assert_eq!(outputs["FINISHLINE_OUT_INTEGRATION_ID"], "1");
    let summary = run.text("summary.md");
    assert!(summary.starts_with("before\n### ✅ finishline: "), "{summary}");
    run.clone().var("FINISHLINE_MODE", "often").execute().expect(2);
    assert_eq!(read("result.json")["error"]["code"], "usage");
    assert_eq!(read("links.json"), json!({}));
}

#[test]
fn a_host_that_debugs_gets_the_debug_log() {
    let debugs = |run: ProgramRun| run.execute().expect(0).stderr.contains("DEBUG ");
    let (github, gitlab) = (example(ProgramRun::github()), example(ProgramRun::gitlab()));
    assert!(!debugs(github.clone()) && !debugs(gitlab.clone().var("CI_DEBUG_TRACE", "false")));
    let again = |run: ProgramRun| run.var("FINISHLINE_MODE", "install");
    assert!(debugs(again(gitlab).var("CI_DEBUG_TRACE", "true")));
    let github = again(github).var("RUNNER_DEBUG", "1");
    assert!(debugs(github.clone()));
    assert!(!debugs(github.var("FINISHLINE_LOG_LEVEL", "info")));
}

#[test]
fn the_log_is_json_when_that_is_asked_for() {
    let run = ProgramRun::local().opsgenie().var("FINISHLINE_LOG_FORMAT", "json");
    let ended = run.var("FINISHLINE_LOG_LEVEL", "trace").execute().expect(0);
    let lines: Vec<Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["org"] == "acme"), "{}", ended.stderr);
}

#[test]
fn a_host_that_is_named_beats_the_one_that_is_found() {
    let run = example(ProgramRun::github()).var("FINISHLINE_CI", "local").without("GITHUB_OUTPUT");
    let ended = run.execute().expect(0);
    assert!(ended.commands().is_empty() && ended.outputs().is_empty());
}

/// A green job that did nothing would be worse.
#[test]
fn a_job_without_its_token_finishes_nothing_in_a_file_of_its_machine() {
    for (name, value) in [
        ("FINISHLINE_CI", "ci"),
        ("FINISHLINE_CI", "buildkite"),
        ("CODEBUILD_BUILD_ID", "web:7"),
        ("TEAMCITY_VERSION", "2026.1"),
        ("bamboo_planKey", "WEB"),
        ("GAE_DEPLOYMENT_ID", "7"),
    ] {
        let run = ProgramRun::local().embedded_release("v1").without("FINISHLINE_BACKEND");
        let ended = run.clone().var(name, value).execute().expect(5);
        assert!(ended.stderr.contains("`auth-token` is missing"), "{name}: {}", ended.stderr);
        assert!(!run.database().exists());
        // What is named counts, whatever is found.
        let exit = if name == "FINISHLINE_CI" { 5 } else { 0 };
        run.var(name, value).var("CI", "false").execute().expect(exit);
    }
}

#[test]
fn a_url_that_other_programs_share_is_no_address_of_the_embedded_backend() {
    let run = ProgramRun::github().opsgenie().var("SENTRY_URL", "https://sentry.example.com");
    let shared = run.clone().execute().expect(0);
    assert!(shared.output("redirect-url").starts_with("http://127.0.0.1:9797/settings/"));
    let ours = run.var("FINISHLINE_URL", "https://sentry.example.com").execute().expect(0);
    assert!(ours.output("redirect-url").starts_with("https://sentry.example.com/settings/"));
}

#[test]
fn a_token_of_blanks_is_no_token() {
    for run in [github_event("push", "{}"), without_backend(ProgramRun::gitlab())] {
        // A secret that does not exist is an empty text on GitHub.
        for token in [" \n", ""] {
            let ended = run.clone().var("SENTRY_AUTH_TOKEN", token).execute().expect(5);
            let words = "SENTRY_AUTH_TOKEN is set, but empty";
            assert!(ended.stderr.contains(words), "{token:?}: {}", ended.stderr);
        }
    }
}

/// Only one of the two would count.
#[test]
fn a_field_that_is_given_twice_is_a_mistake() {
    let state = |text: &str| example(ProgramRun::local()).var("FINISHLINE_STATE", text);
    for text in ["{setup: {name: z}, name: q}", "{name: q, setup: {name: z}}"] {
        let ended = state(text).execute().expect(2);
        assert!(ended.stderr.contains("#bad-field"), "{text}: {}", ended.stderr);
        assert!(ended.stderr.contains("`name` is given twice"), "{text}: {}", ended.stderr);
    }
    let ended =
        state("{}").args(&["run", "--set", "name=a", "--set", "name=b"]).execute().expect(2);
    assert!(ended.stderr.contains("`--set` gives `name` twice"), "{}", ended.stderr);
    // A flag goes before what a variable says.
    state("{setup: {name: z}}").args(&["run", "--set", "name=a"]).execute().expect(0);
    state("{name: z}").args(&["run", "--set", "name=a"]).execute().expect(0);
}

#[test]
fn a_list_of_yaml_is_a_value_though_it_begins_with_a_hyphen() {
    let mapping = "- {project: web, repository: acme/web, stackRoot: a/, sourceRoot: b/}";
    let run = example(ProgramRun::local()).args(&["plan", "--code-mappings", mapping]);
    let ended = run.execute();
    assert!(!ended.stderr.contains("unexpected argument"), "{}", ended.stderr);
    assert!(ended.everything().contains("acme/web"), "{}", ended.everything());
}
