//! The main job, word for word: an integration from the environment, on each kind of host.

use crate::support::run::{ProgramRun, RunResult, SECRET};
use crate::support::runner_parser::{WorkflowCommand, takes_annotations};
use serde_json::{Value, json};

const NEXT: &str = "https://example.com/a b?c=d&e=é";
const ENCODED: &str = "?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9";
const SETTINGS: &str = "/settings/acme/integrations/opsgenie/1/";
const OTHER_KEY: &str =
    r#"{baseUrl: "https://api.opsgenie.com/", provider: acme-ops, apiKey: an0ther-key}"#;

fn step() -> ProgramRun {
    ProgramRun::github().opsgenie().var("FINISHLINE_NEXT", NEXT)
}

fn command(name: &str, data: &str) -> WorkflowCommand {
    let (name, data) = (name.to_owned(), data.to_owned());
    WorkflowCommand { syntax: 2, name, properties: Vec::new(), data }
}

/// The keys that the organization has stored with the integration.
fn key_table(run: &ProgramRun) -> Value {
    let config = run.rows("SELECT config FROM organization_integration").concat();
    serde_json::from_str::<Value>(&config).unwrap()["team_table"].clone()
}

#[track_caller]
fn assert_complete(ended: &RunResult, changed: &str) {
    let said = ended.joined(["status", "pipeline-type", "changed", "integration-id"]);
    assert_eq!(said, format!("complete install {changed} 1"));
    let url = ended.output("redirect-url");
    assert!(url.ends_with(&format!("{SETTINGS}{ENCODED}")), "{url}");
}

#[test]
fn a_first_run_installs() {
    let run = step();
    assert_complete(&run.execute().expect(0), "true");
    let row = "SELECT provider, external_id, name, metadata, status FROM integration";
    let metadata =
        r#"{"base_url":"https://api.opsgenie.com/","domain_name":"acme-ops.app.opsgenie.com"}"#;
    assert_eq!(run.rows(row), [format!("opsgenie|acme-ops|acme-ops|{metadata}|active")]);
    let link = "SELECT slug, integration_id, status FROM organization_integration AS link
                JOIN organization ON organization.id = organization_id";
    assert_eq!(run.rows(link), ["acme|1|active"]);
    assert_eq!(run.rows("SELECT event, target_object FROM audit_log_entry"), ["integration.add|1"]);
    assert_eq!(run.rows("SELECT * FROM pipeline_state"), [""; 0]);
}

#[test]
fn finishing_twice_changes_nothing() {
    let run = step();
    run.execute().expect(0);
    let all = "SELECT 'i', id, metadata FROM integration
               UNION ALL SELECT 'l', id, config FROM organization_integration
               UNION ALL SELECT 'a', id, data FROM audit_log_entry
               UNION ALL SELECT 'e', id, data FROM analytics_event";
    let before = run.rows(all);
    assert_eq!(before.len(), 4);
    assert_complete(&run.execute().expect(0), "false");
    assert_eq!(run.rows(all), before);
}

#[test]
fn another_key_changes_the_same_integration() {
    let run = step();
    run.execute().expect(0);
    assert_complete(&run.clone().var("FINISHLINE_STATE", OTHER_KEY).execute().expect(0), "true");
    let row =
        json!([{"team": "my-first-key", "id": "1-my-first-key", "integration_key": "an0ther-key"}]);
    assert_eq!(key_table(&run), row);
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
}

#[test]
fn the_secret_is_in_its_mask_and_in_the_organizations_config_alone() {
    let run = step().var("FINISHLINE_LOG_LEVEL", "trace").var("RUNNER_DEBUG", "1");
    let ended = run.execute().expect(0);
    let mask = format!("::add-mask::{SECRET}\n");
    assert_eq!(ended.stderr.matches(SECRET).count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.starts_with(&mask), "{}", ended.stderr);
    assert_eq!(ended.everything().matches(SECRET).count(), 1);
    for table in run.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        let rows = run.rows(&format!("SELECT * FROM {table}")).join("\n");
        let wanted = usize::from(table == "organization_integration");
        assert_eq!(rows.matches(SECRET).count(), wanted, "{table}: {rows}");
    }
    assert_eq!(key_table(&run)[0]["integration_key"], SECRET);
}

#[test]
fn a_github_step_masks_first_and_folds_its_log() {
    let ended = step().execute().expect(0);
    let group = command("group", "finishline: opsgenie for acme");
    assert_eq!(
        ended.commands(),
        [command("add-mask", SECRET), group, command("endgroup", "")],
        "{}",
        ended.stderr
    );
}

#[test]
fn the_result_on_standard_output_is_the_one_in_the_outputs() {
    let ended = step().args(&["run", "--format", "json"]).execute().expect(0);
    let output: Value = serde_json::from_str(&ended.output("result")).unwrap();
    assert_eq!(ended.json(), output);
    assert_eq!((&output["schema"], &output["integration"]["id"]), (&json!(1), &json!(1)));
    assert_eq!(ended.commands()[0], command("add-mask", SECRET));
}

#[test]
fn the_job_summary_leads_to_the_settings_page() {
    let ended = step().execute().expect(0);
    let summary = ended.summary();
    assert!(
        summary.starts_with("### ✅ finishline: Opsgenie is installed for acme\n"),
        "{summary}"
    );
    let url = ended.output("redirect-url");
    let link = format!("**[Open the settings page](<{url}>)** (local: opens only on the machine");
    assert!(summary.contains(&link), "{summary}");
    assert!(summary.contains("\n| opsgenie | 1 (acme-ops) | install | yes |\n"), "{summary}");
    let far = step().var("FINISHLINE_URL", "https://sentry.example.com/base").execute().expect(0);
    let url = format!("https://sentry.example.com/base{SETTINGS}{ENCODED}");
    assert!(far.summary().contains(&format!("**[Open the settings page](<{url}>)**\n")));
}

#[test]
fn the_job_summary_of_a_failure_says_what_to_change() {
    let ended = step().var("FINISHLINE_MODE", "often").execute().expect(2);
    let summary = ended.summary();
    assert!(summary.starts_with("### ❌ finishline: "), "{summary}");
    let page = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/errors.md#usage");
    let change = format!(
        "**What to change**\n\n- change `FINISHLINE_MODE`\n\n[`usage`]({page}), exit 2, finishline "
    );
    assert!(summary.contains(&change), "{summary}");
}

#[test]
fn a_gitlab_job_hands_on_files_that_gitlab_takes() {
    let run = ProgramRun::gitlab().opsgenie().var("FINISHLINE_NEXT", NEXT);
    let ended = run.execute().expect(0);
    assert_complete(&ended, "true");
    let outputs = ended.outputs();
    assert!(outputs.keys().all(|name| name.starts_with("FINISHLINE_OUT_")), "{outputs:?}");
    assert!(!outputs.contains_key("FINISHLINE_OUT_RESULT"));
    let annotations: Value =
        serde_json::from_str(&run.text("finishline-annotations.json")).unwrap();
    assert!(takes_annotations(&annotations), "{annotations}");
    let link = &annotations["finishline"][0]["external_link"];
    assert_eq!(link["url"], ended.output("redirect-url"));
    assert!(!ended.everything().contains(SECRET));
}

#[test]
fn a_gitlab_job_folds_its_log_into_a_section() {
    let ended = ProgramRun::gitlab().opsgenie().execute().expect(0);
    let (clear, lines) = ("\u{1b}[0K", ended.stderr.lines().collect::<Vec<_>>());
    assert!(lines[0].starts_with(&format!("{clear}section_start:")), "{lines:?}");
    let header = format!(":finishline[collapsed=true]\r{clear}finishline: opsgenie for acme");
    assert!(lines[0].ends_with(&header), "{lines:?}");
    assert!(lines[2].starts_with(&format!("{clear}section_end:")), "{lines:?}");
    assert!(lines[2].ends_with(&format!(":finishline\r{clear}")), "{lines:?}");
    assert_eq!((lines.len(), ended.commands().len()), (3, 0));
}

#[test]
fn each_gitlab_job_replaces_what_an_earlier_one_left() {
    let run = ProgramRun::gitlab().opsgenie();
    run.execute().expect(0);
    let failed = run.clone().var("FINISHLINE_MODE", "often").execute().expect(2);
    assert_eq!(failed.joined(["status", "error-code", "redirect-url"]), "error usage ");
    assert_eq!(run.text("finishline-annotations.json"), "{}");
}

#[test]
fn a_laptop_gets_a_short_text() {
    let run = ProgramRun::local().opsgenie().var("FINISHLINE_NEXT", NEXT);
    let ended = run.execute().expect(0);
    let settings = format!("  settings: http://127.0.0.1:9797{SETTINGS}{ENCODED}\n");
    let first = "Opsgenie is installed for acme\n  integration 1 (acme-ops)\n";
    let made = "  created organization acme\n";
    let kept = format!("  kept in {}, not sent to a Sentry\n", run.database().display());
    assert_eq!(ended.stdout, format!("{first}{settings}{made}{kept}"));
    assert!(ended.commands().is_empty() && !ended.everything().contains(SECRET));
    let again = "Opsgenie is installed and up to date for acme, nothing to do\n";
    assert!(run.execute().expect(0).stdout.starts_with(again));
}

#[test]
fn a_laptop_gets_json_when_it_asks_for_it() {
    let ended =
        ProgramRun::local().opsgenie().args(&["run", "--format", "json"]).execute().expect(0);
    let result = ended.json();
    assert_eq!((&result["status"], &result["changed"]), (&json!("complete"), &json!(true)));
    assert_eq!(result["error"], Value::Null);
    let failed = ProgramRun::local().args(&["run", "--format=json"]).execute().expect(2);
    assert_eq!(failed.json()["error"]["code"], "nothing-asked");
}

#[test]
fn a_plan_touches_nothing() {
    let run = step().args(&["plan"]);
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "redirect-url"]), "planned false ");
    assert!(ended.stdout.contains("would be installed for acme\n"), "{}", ended.stdout);
    let answers = "submit step `installation_config` with baseUrl, provider, apiKey (secret)\n";
    assert!(ended.stdout.contains(answers), "{}", ended.stdout);
    assert!(!run.database().exists());
    let flag = run.clone().args(&["run", "--dry-run"]).execute().expect(0);
    let variable = run.clone().args(&["run"]).var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
    assert_eq!([&flag.stdout, &variable.stdout], [&ended.stdout; 2]);
    assert!(!run.database().exists());
}

#[test]
fn a_plan_after_a_run_says_that_there_is_nothing_to_do() {
    let run = step();
    run.execute().expect(0);
    let plan = run.clone().args(&["plan"]);
    let ended = plan.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "integration-id"]), "planned false 1");
    assert!(ended.stdout.contains("nothing to do"), "{}", ended.stdout);
    let other = plan.var("FINISHLINE_STATE", OTHER_KEY).execute().expect(0);
    assert!(other.stdout.contains("would be updated for acme\n"), "{}", other.stdout);
    assert_eq!(key_table(&run)[0]["integration_key"], SECRET);
}
