//! Variables that SDKs read, too, fill no entry of a manifest: a file says all of what it does.

use crate::support::run::ProgramRun;

fn with(release: &str) -> ProgramRun {
    let run = ProgramRun::github();
    let database = run.database();
    let text = format!(
        "version: 1\ndefaults: {{org: acme, commits: none}}\nreleases:\n  - {{{release}}}\n"
    );
    run.file("finishline.yml", text);
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("GITHUB_SHA", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
}

#[test]
fn a_variable_of_one_release_fills_no_entry_of_a_manifest_and_is_named() {
    let run = with("projects: web, release: v1").var("SENTRY_ENVIRONMENT", "prod");
    let ended = run.execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM deploy"), ["0"]);
    assert_eq!(ended.output("warnings"), "unused-input", "{}", ended.stderr);
    let words = "SENTRY_ENVIRONMENT is not used by the entries of a manifest: set `environment` in them or in `defaults:`";
    assert_eq!(ended.stderr.matches(words).count(), 1, "{}", ended.stderr);
    let run = with("projects: web").var("SENTRY_RELEASE", "v9");
    let ended = run.execute().expect(0);
    assert!(!run.rows("SELECT version FROM release").contains(&"v9".to_owned()));
    assert!(ended.stderr.contains("SENTRY_RELEASE is not used by"), "{}", ended.stderr);
    let run = with("release: v1").var("SENTRY_PROJECT", "web");
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("`projects` is missing"), "{}", ended.stderr);
}

#[test]
fn a_variable_that_no_entry_could_take_is_not_spoken_of() {
    let run = with("projects: web, release: v1, environment: staging")
        .var("SENTRY_ENVIRONMENT", "prod")
        .var("SENTRY_RELEASE", "v9")
        // There are no source maps that it could be about.
        .var("SENTRY_DIST", "7");
    let ended = run.execute().expect(0);
    assert_eq!(ended.output("warnings"), "", "{}", ended.stderr);
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["staging"]);
    assert_eq!(run.rows("SELECT version FROM release"), ["v1"]);
}

#[test]
fn a_project_of_a_file_of_sentry_cli_fills_no_entry() {
    let run = with("release: v1");
    run.file(".sentryclirc", "[defaults]\nproject = web\n");
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("`projects` is missing"), "{}", ended.stderr);
}
