//! The modes, and what each provider leaves behind when it finishes.

use crate::support::http_server::HttpServer;
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

const PAGERDUTY: &str = r#"{"account": {"name": "Acme", "subdomain": "acme"}, "integration_keys": [
    {"integration_key": "k1-secret", "name": "Web", "id": "P1", "type": "service"},
    {"integration_key": "k2-secret", "name": "Team", "id": "T1", "type": "team"}]}"#;

fn opsgenie(account: &str, key: &str) -> String {
    format!("{{baseUrl: 'https://api.opsgenie.com/', provider: {account}, apiKey: {key}}}")
}

/// A GitHub step whose organization has the account `acme-ops` as integration 1.
fn installed() -> ProgramRun {
    let run = ProgramRun::github().opsgenie();
    run.execute().expect(0);
    run
}

fn reauth(run: &ProgramRun, id: &str) -> ProgramRun {
    run.clone().var("FINISHLINE_MODE", "reauth").var("FINISHLINE_INTEGRATION_ID", id)
}

/// Everything that is stored about integrations.
fn stored(run: &ProgramRun) -> Vec<String> {
    run.rows(
        "SELECT id, external_id, metadata, status FROM integration
         UNION ALL SELECT id, integration_id, config, status FROM organization_integration
         UNION ALL SELECT id, event, data, target_object FROM audit_log_entry
         UNION ALL SELECT key, uid, data, step_index FROM pipeline_state",
    )
}

fn json_of(run: &ProgramRun, sql: &str) -> Value {
    serde_json::from_str(&run.rows(sql).concat()).unwrap()
}

#[test]
fn install_runs_in_any_case_and_still_changes_nothing() {
    let run = installed();
    let before = stored(&run);
    let ended = run.clone().var("FINISHLINE_MODE", "install").execute().expect(0);
    let said = ended.joined(["status", "pipeline-type", "changed", "integration-id"]);
    assert_eq!(said, "complete install false 1");
    assert!(ended.stdout.starts_with("Opsgenie was already up to date for acme\n"));
    assert_eq!(stored(&run), before);
    let steps = run.rows("SELECT type FROM analytics_event");
    assert_eq!(steps, ["integrations.pipeline_step"; 2]);
}

#[test]
fn reauth_renews_the_integration_that_is_named() {
    let run = installed();
    let renewed = reauth(&run, "1").var("FINISHLINE_STATE", opsgenie("acme-ops", "n3w-key"));
    let names = ["status", "pipeline-type", "changed", "integration-id"];
    assert_eq!(renewed.execute().expect(0).joined(names), "complete reauth true 1");
    assert_eq!(renewed.execute().expect(0).joined(names), "complete reauth false 1");
    let types = "SELECT data ->> 'pipeline_type' FROM analytics_event";
    assert_eq!(run.rows(types), ["install", "reauth", "reauth"]);
}

#[test]
fn reauth_with_another_account_is_refused_before_anything_is_stored() {
    let run = installed();
    let before = stored(&run);
    let other = reauth(&run, "1").var("FINISHLINE_STATE", opsgenie("other-ops", "n3w-key"));
    let ended = other.execute().expect(4);
    assert_eq!(
        ended.joined(["status", "error-code", "redirect-url"]),
        "error integration-mismatch "
    );
    let words = "`state` describes a different account than integration 1 (acme-ops)";
    assert_eq!(ended.output("error-message"), words);
    assert_eq!(stored(&run), before);
}

#[test]
fn reauth_of_an_integration_that_is_not_there_is_an_input_error() {
    let ended = reauth(&installed(), "7").execute().expect(2);
    assert_eq!(ended.output("error-code"), "bad-field");
    let words = "acme has no opsgenie integration 7; existing: 1 (acme-ops)";
    assert_eq!(ended.output("error-message"), words);
}

#[test]
fn an_id_belongs_to_reauth_and_not_to_install() {
    let run = installed();
    let install = run.clone().var("FINISHLINE_MODE", "install");
    let ended = install.var("FINISHLINE_INTEGRATION_ID", "1").execute().expect(2);
    let words = "`mode: install` cannot be combined with `integration-id`";
    assert_eq!(ended.joined(["error-code", "error-message"]), format!("usage {words}"));
    let ended = run.var("FINISHLINE_MODE", "reauth").execute().expect(2);
    let words = "`mode: reauth` needs the `integration-id` to re-authorize";
    assert_eq!(ended.joined(["error-code", "error-message"]), format!("usage {words}"));
}

#[test]
fn ensure_with_an_id_looks_at_that_integration_only() {
    let run = installed();
    let named = |id: &str| run.clone().var("FINISHLINE_INTEGRATION_ID", id).execute();
    assert_eq!(named("1").expect(0).joined(["status", "changed"]), "complete false");
    let ended = named("2").expect(2);
    assert_eq!(ended.output("error-code"), "bad-field");
    assert!(ended.output("error-message").ends_with("existing: 1 (acme-ops)"));
}

#[test]
fn ensure_brings_back_what_was_switched_off() {
    for (table, status) in [
        ("integration", "disabled"),
        ("organization_integration", "disabled"),
        ("organization_integration", "pending_deletion"),
    ] {
        let run = installed();
        let before = stored(&run);
        let switch_off = format!("UPDATE {table} SET status = '{status}'");
        run.connection().execute(&switch_off, []).unwrap();
        assert_eq!(run.execute().expect(0).joined(["changed", "integration-id"]), "true 1");
        assert_eq!(stored(&run)[..2], before[..2], "{table} {status}");
    }
}

#[test]
fn a_link_that_is_being_deleted_has_to_be_waited_for() {
    let run = installed();
    let delete = "UPDATE organization_integration SET status = 'deletion_in_progress'";
    run.connection().execute(delete, []).unwrap();
    let before = stored(&run);
    let ended = run.execute().expect(4);
    assert_eq!(ended.output("error-code"), "refused");
    assert!(ended.output("error-message").contains("deletion is already in progress"));
    assert_eq!(stored(&run), before);
}

#[test]
fn a_member_may_not_finish() {
    let run = installed();
    run.connection().execute("UPDATE member SET role = 'member'", []).unwrap();
    let before = stored(&run);
    let ended =
        run.clone().var("FINISHLINE_STATE", opsgenie("acme-ops", "n3w-key")).execute().expect(5);
    assert_eq!(ended.output("error-code"), "missing-scope");
    assert!(ended.output("error-message").contains("owner, manager or admin"));
    assert!(ended.stderr.contains("build-integration.permission_error"), "{}", ended.stderr);
    assert_eq!(stored(&run), before);
}

#[test]
fn organizations_share_an_integration_and_nothing_of_their_own() {
    let run = installed();
    let before = run.rows("SELECT * FROM integration");
    let beta = run.clone().var("FINISHLINE_ORG", "beta");
    let eu = "{baseUrl: 'https://api.eu.opsgenie.com/', provider: acme-ops, apiKey: beta-key}";
    let ended = beta.var("FINISHLINE_STATE", eu).execute().expect(0);
    assert_eq!(ended.joined(["changed", "integration-id"]), "true 1");
    assert!(ended.stdout.contains("created organization beta"), "{}", ended.stdout);
    // Sentry keeps the first account's name and metadata: the row is shared.
    assert_eq!(run.rows("SELECT * FROM integration"), before);
    let keys = "SELECT config ->> '$.team_table[0].integration_key'
                FROM organization_integration ORDER BY id";
    assert_eq!(run.rows(keys), ["s3cr3t-key", "beta-key"]);
    assert_eq!(run.execute().expect(0).output("changed"), "false");
}

#[test]
fn pagerduty_finishes_with_the_json_of_its_install_page() {
    let run = ProgramRun::github().embedded("pagerduty", &format!("config: {PAGERDUTY}"));
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "integration-id"]), "complete true 1");
    let web = json!({"integration_key": "k1-secret", "name": "Web", "id": "P1", "type": "service"});
    let metadata = json_of(&run, "SELECT metadata FROM integration");
    assert_eq!(metadata, json!({"services": [web], "domain_name": "acme"}));
    let config = json_of(&run, "SELECT config FROM organization_integration");
    let service = json!({"id": "P1", "integration_id": 1, "integration_key": "k1-secret", "service_name": "Web"});
    assert_eq!(config, json!({ "pagerduty_services": [service] }));
    for key in ["k1-secret", "k2-secret"] {
        assert_eq!(ended.everything().replace(&format!("::add-mask::{key}\n"), "").find(key), None);
    }
    let text = run.clone().var("CONFIG", PAGERDUTY).var("FINISHLINE_STATE", "config: ${CONFIG}");
    assert_eq!(text.execute().expect(0).output("changed"), "false");
    let rotated = text.var("CONFIG", PAGERDUTY.replace("k1-secret", "k3-secret"));
    assert_eq!(rotated.execute().expect(0).joined(["changed", "integration-id"]), "true 1");
}

#[test]
fn pagerduty_without_what_sentry_looks_for_is_refused_before_anything_is_sent() {
    let service = |fields: &str| {
        let account = "account: {name: A, subdomain: a}";
        format!("{{{account}, integration_keys: [{{type: service, {fields}}}]}}")
    };
    for (config, words) in [
        ("{integration_keys: []}".to_owned(), "the JSON has no `account.subdomain`"),
        ("{account: null}".to_owned(), "the JSON has no `account.subdomain`"),
        ("{account: {subdomain: a}}".to_owned(), "the JSON has no `account.name`"),
        ("{account: {subdomain: '', name: A}}".to_owned(), "the JSON has no `account.subdomain`"),
        ("{account: {subdomain: a, name: A}}".to_owned(), "the JSON has no `integration_keys`"),
        (
            service("integration_key: k1-secret, name: Web"),
            "a service in `integration_keys` lacks its `integration_key`, `name` or `id`",
        ),
    ] {
        let run = ProgramRun::github().embedded("pagerduty", &format!("config: {config}"));
        let ended = run.execute().expect(2);
        let found = ended.joined(["error-code", "error-message"]);
        assert_eq!(found, format!("bad-field invalid `config`: {words}"));
        assert!(!run.database().exists());
    }
    let other = service("integration_key: k1-secret, name: n, id: i").replace("service", "team");
    let run = ProgramRun::github().embedded("pagerduty", &format!("config: {other}"));
    assert_eq!(run.execute().expect(0).output("status"), "complete", "Sentry leaves it out");
}

#[test]
fn a_refused_run_leaves_nothing_behind() {
    let nobody = HttpServer::unused_url();
    let run = ProgramRun::github().embedded("cursor", "apiKey: k3y-s3cr3t");
    let run = run.var("FINISHLINE_APPS", format!("{{cursor: {{url: '{nobody}'}}}}"));
    run.execute().expect(4);
    assert_eq!(rows(&run.connection(), "SELECT * FROM pipeline_state"), [""; 0]);
    assert_eq!(stored(&run), [""; 0]);
}

#[test]
fn the_example_finishes_with_its_name() {
    let run = ProgramRun::github().embedded("example", "name: test");
    assert_eq!(run.execute().expect(0).joined(["status", "integration-id"]), "complete 1");
    let row = "SELECT provider, external_id, name, metadata FROM integration";
    assert_eq!(run.rows(row), ["example|test|test|{}"]);
    assert_eq!(run.rows("SELECT config FROM organization_integration"), ["{}"]);
    let url = run.execute().expect(0).output("redirect-url");
    assert_eq!(url, "http://127.0.0.1:9797/settings/acme/integrations/example/1/");
}

#[test]
fn an_account_that_is_there_keeps_its_region_and_the_run_says_so() {
    let run = installed();
    let before = stored(&run);
    let eu = opsgenie("acme-ops", "s3cr3t-key").replace("api.opsgenie", "api.eu.opsgenie");
    for command in ["run", "plan"] {
        let ended = run.clone().args(&[command]).var("FINISHLINE_STATE", &eu).execute().expect(0);
        assert_eq!(ended.joined(["changed", "warnings"]), "false kept-as-it-is");
        assert!(ended.stderr.contains("acme-ops.app.opsgenie.com"), "{}", ended.stderr);
    }
    assert_eq!(stored(&run), before);
}

#[test]
fn a_plan_promises_no_install_while_a_deletion_is_in_progress() {
    let run = installed();
    for (status, words) in [
        ("deletion_in_progress", "Opsgenie cannot be installed yet for acme"),
        // Our engine revives it.
        ("pending_deletion", "Opsgenie would be installed for acme"),
    ] {
        let set = "UPDATE organization_integration SET status = ?1";
        run.connection().execute(set, [status]).unwrap();
        let ended = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
    }
}

#[test]
fn an_id_that_belongs_to_another_account_than_the_state_is_a_mismatch() {
    let run = installed();
    let before = stored(&run);
    let other = run.clone().var("FINISHLINE_STATE", opsgenie("other-ops", "n3w-key"));
    let ended = other.var("FINISHLINE_INTEGRATION_ID", "1").execute().expect(4);
    assert_eq!(ended.output("error-code"), "integration-mismatch");
    assert_eq!(stored(&run), before);
}

#[test]
fn what_cannot_be_renewed_is_said_before_its_id_is_asked_for() {
    for provider in ["cursor", "outpost", "custom_scm"] {
        let run = ProgramRun::github().embedded(provider, "{}").var("FINISHLINE_MODE", "reauth");
        let ended = run.execute().expect(4);
        let message = ended.output("error-message");
        assert!(message.contains("cannot be re-authorized"), "{provider}: {message}");
        assert!(!ended.stderr.contains("integration-id"), "{}", ended.stderr);
    }
}
