//! The words about an input that the asked job does not use.

use crate::support::run::ProgramRun;

fn released() -> ProgramRun {
    let run = ProgramRun::github();
    let run = run.clone().var("FINISHLINE_DATABASE", run.database());
    let run = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_COMMITS", "none");
    super::input_usage::RELEASE
        .iter()
        .fold(run.var("FINISHLINE_ORG", "acme"), |run, (name, value)| run.var(name, value))
}

#[test]
fn what_a_job_does_not_use_is_named() {
    let mappings = "[{project: web, repository: acme/web}]";
    let ended = released().var("FINISHLINE_CODE_MAPPINGS", mappings).execute().expect(0);
    let words = "`code-mappings` is not used by a release";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_eq!(ended.joined(["status", "warnings"]), "complete unused-input");
    let ended = released().args(&["run", "--set", "provider=acme"]).execute();
    assert!(ended.stderr.contains("`--set` is not used by a release"), "{}", ended.stderr);
    let run = released().var("FINISHLINE_DEPLOY", "false").var("FINISHLINE_DEPLOY_NAME", "blue");
    let ended = run.execute().expect(0);
    let words = "`deploy-name` is not used by a release without a deploy";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let ended = released().var("FINISHLINE_DIALECT", "web").execute().expect(0);
    assert!(ended.stderr.contains("`dialect` is not used by"), "{}", ended.stderr);
}

/// Programs that report errors read them too.
#[test]
fn a_shared_variable_that_is_not_used_is_nothing_to_warn_of() {
    let run = ProgramRun::github().opsgenie().var("SENTRY_PROJECT", "web");
    let run = run.var("SENTRY_RELEASE", "v1").var("GITHUB_TOKEN", "gh-t0ken");
    // That the project's name reached no Sentry is another thing.
    assert_eq!(run.execute().expect(0).joined(["status", "warnings"]), "complete not-sent");
}

#[test]
fn an_unknown_variable_is_warned_about_whatever_it_is_near_to() {
    let run = released().var("FINISHLINE_QQ", "x").var("FINISHLINE_OUT_STATUS", "complete");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("unknown variable FINISHLINE_QQ"), "{}", ended.stderr);
    assert!(ended.output("warnings").contains("unused-input"), "{}", ended.stdout);
    assert!(!ended.stderr.contains("FINISHLINE_OUT_STATUS"), "{}", ended.stderr);
}

/// Each with the words about what does not use it.
#[test]
fn what_does_not_use_an_input_is_told_apart() {
    let sha = "a".repeat(40);
    let named = format!("acme/web@{sha}");
    let cases: [(&str, &str, &str, &str); 9] = [
        ("COMMITS", "none", "PATHS", "a release without commits"),
        ("COMMITS", "none", "PREVIOUS_COMMIT", "a release without commits"),
        ("COMMITS", "none", "WAIT_FOR_COMMITS", "a release without commits"),
        ("COMMITS", &named, "PATHS", "a release whose `commits` are named"),
        ("COMMITS", "none", "GITHUB_TOKEN", "a release without `commits: github`"),
        ("DEPLOY", "false", "DEPLOY_URL", "a release without a deploy"),
        ("COMMITS", "none", "WITHOUT_TOKEN", "the embedded backend"),
        ("COMMITS", "none", "OUTPUT_PREFIX", "a run that writes no variables"),
        ("COMMITS", "none", "ENTRY", "a release"),
    ];
    for (other, value, variable, words) in cases {
        let own = match variable {
            "PREVIOUS_COMMIT" => sha.as_str(),
            "WAIT_FOR_COMMITS" => "true",
            "DEPLOY_URL" => "https://example.com/",
            "WITHOUT_TOKEN" => "skip",
            _ => "OURS",
        };
        let run = released().var(&format!("FINISHLINE_{other}"), value);
        let ended = run.var(&format!("FINISHLINE_{variable}"), own).execute().expect(0);
        let name = variable.to_lowercase().replace('_', "-");
        let words = format!("`{name}` is not used by {words}");
        assert!(ended.stderr.contains(&words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn waiting_needs_a_terminal() {
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_WAIT_FOR_APPROVAL", "true");
    let ended = run.execute().expect(0);
    let words = "`wait-for-approval` is not used by a run without a terminal";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}
