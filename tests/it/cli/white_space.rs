//! Outer white space of a variable's value, as YAML's block scalars and secret stores add it.

use crate::support::run::{ProgramRun, STATE};

fn installed(run: &ProgramRun) -> String {
    run.rows("SELECT config FROM organization_integration").join("\n")
}

#[test]
fn a_block_scalars_line_end_is_no_part_of_an_input() {
    let run = ProgramRun::local()
        .opsgenie()
        .var("FINISHLINE_PROVIDER", "opsgenie\n")
        .var("FINISHLINE_ORG", "\n acme \n")
        .var("FINISHLINE_BACKEND", "embedded\r\n")
        .var("FINISHLINE_MODE", " ensure")
        .var("FINISHLINE_DRY_RUN", "false\n")
        .var("FINISHLINE_TIMEOUT", "60\n")
        .var("FINISHLINE_FORMAT", "json\n")
        .var("FINISHLINE_NEXT", "https://example.com/after\n");
    let ended = run.execute().expect(0);
    let url = ended.json()["redirect_url"].to_string();
    assert!(url.ends_with("?next=https%3A%2F%2Fexample.com%2Fafter\""), "{url}");
}

#[test]
fn an_environment_from_a_block_scalar_is_the_environment() {
    let run = ProgramRun::local()
        .var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web\n")
        .var("FINISHLINE_RELEASE", "web@1.0\n")
        .var("FINISHLINE_COMMITS", "none\n")
        .var("FINISHLINE_DEPLOY", "true\n")
        .var("FINISHLINE_DEPLOY_URL", " https://ci.example/1\n")
        .var("FINISHLINE_ENVIRONMENT", "production\n");
    let run = run.clone().var("FINISHLINE_DATABASE", run.database());
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT version FROM release"), ["web@1.0"]);
    let deploys = run.rows("SELECT environment || '|' || url FROM deploy");
    assert_eq!(deploys, ["production|https://ci.example/1"]);
}

#[test]
fn a_blank_input_is_not_given() {
    let run =
        ProgramRun::local().opsgenie().var("FINISHLINE_MODE", " \n").var("SENTRY_ORG", "acme");
    let run = run.var("FINISHLINE_ORG", "\n").var("FINISHLINE_CODE_MAPPINGS", "\n");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT slug FROM organization"), ["acme"]);
}

#[test]
fn a_states_first_line_keeps_its_indent() {
    let indented = "\n  name: demo\n  ";
    ProgramRun::local().embedded("example", indented).execute().expect(0);
    ProgramRun::local().embedded("example", "  name: demo\n  # done\n").execute().expect(0);
    let two = "  baseUrl: https://api.opsgenie.com/\n  provider: acme-ops\n  apiKey: s3cr3t-key\n";
    ProgramRun::local().embedded("opsgenie", two).execute().expect(0);
}

#[test]
fn a_secret_of_one_line_has_no_line_end_and_one_of_many_keeps_its_own() {
    let state = STATE.replace("s3cr3t-key", "'${KEY}'");
    let run = ProgramRun::local().embedded("opsgenie", &state);
    run.clone().var("KEY", "s3cr3t key\r\n").execute().expect(0);
    assert!(installed(&run).contains(r#""s3cr3t key""#), "{}", installed(&run));
    // The same key without a line end finds nothing to do.
    let again = run.clone().var("KEY", "s3cr3t key").args(&["run", "--format", "json"]);
    assert_eq!(again.execute().expect(0).json()["changed"], false);
    let run = ProgramRun::local().embedded("opsgenie", &state);
    run.clone().var("KEY", "line one\n  line two\n").execute().expect(0);
    assert!(installed(&run).contains(r"line one\n  line two\n"), "{}", installed(&run));
}

#[test]
fn a_manifests_variable_has_no_line_end() {
    let run = ProgramRun::local();
    let manifest = run.file(
        "finishline.yml",
        "version: 1\nintegrations:\n  - {provider: example, org: '${ORG}', state: {name: demo}}\n",
    );
    let run = run.clone().var("ORG", "acme\n").var("FINISHLINE_MANIFEST", manifest);
    let run = run
        .clone()
        .var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", run.database());
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT slug FROM organization"), ["acme"]);
}
