//! The finish itself, by the engine's public function on a real file: Sentry's own cases, but for
//! cells and notification actions, which are left out.

use crate::support::engine::{CapturedLog, DatabaseFile, vectors};
use finishline::backend::embedded::{EngineError, finish};
use finishline::database::Actor;
use finishline::error::ErrorCode;
use finishline::model::{
    Fields, FinishedIntegration, IntegrationData, Object, Refusal, RowPolicy, State, UserIdentity,
};
use finishline::provider::{self, Provider, ProviderDescription, Step};
use serde_json::{Value, json};

/// A provider that exists in tests alone: `build` is the test's business.
pub(crate) struct DummyProvider(ProviderDescription);

impl DummyProvider {
    pub(crate) const fn new(integration_key: &'static str, needs_default_identity: bool) -> Self {
        Self(ProviderDescription {
            name: "Dummy",
            summary: "stores what a test says",
            integration_key,
            needs_default_identity,
            ..ProviderDescription::new("dummy")
        })
    }
}

pub(crate) const DUMMY: DummyProvider = DummyProvider::new("dummy", false);

impl Provider for DummyProvider {
    fn description(&self) -> &ProviderDescription {
        &self.0
    }

    fn bind_answer(&self, _: &Step, _: &Fields, _: &mut State) -> Result<(), Refusal> {
        Ok(())
    }

    fn build(&self, _: &State) -> Result<IntegrationData, Refusal> {
        Err(Refusal::failure("the test builds it"))
    }
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// What Sentry's `build_integration` gave in a case; one that does not say gave an id.
fn built(case: &Value) -> IntegrationData {
    let data = &case["data"];
    let identity = |identity: &Value| UserIdentity {
        kind: if identity["type"] == "plugin" { "plugin" } else { "dummy" },
        external_id: text(&identity["external_id"]).unwrap(),
        scopes: Vec::new(),
        data: Object::new(),
    };
    let external_id = text(&data["external_id"]).unwrap_or_else(|| "x".to_owned());
    let expected = data["expect_exists"] == true;
    IntegrationData {
        name: text(&data["name"]),
        metadata: object(&data["metadata"]),
        row: if expected { RowPolicy::Expect } else { RowPolicy::Overwrite },
        user_identity: data.get("user_identity").map(identity),
        ..IntegrationData::new(external_id)
    }
}

/// Puts what a case says is there into the file, all of it with the id 1.
fn prepare(file: &DatabaseFile, case: &Value, provider: &dyn Provider) {
    let quoted = |value: &Value| format!("'{}'", value.as_str().unwrap());
    let key = provider.integration_key();
    if let Some(row) = case.get("existing") {
        let [id, name, status] = ["external_id", "name", "status"].map(|name| quoted(&row[name]));
        let metadata = &row["metadata"];
        file.run(&format!(
            "INSERT INTO integration VALUES (1, '{key}', {id}, {name}, '{metadata}', {status}, 0)"
        ));
    }
    if let Some(link) = case.get("existing_link") {
        file.run(&format!(
            "INSERT INTO integration VALUES (1, '{key}', 'x', 'X', '{{}}', 'active', 0)"
        ));
        let columns = "id, organization_id, integration_id, config, status, created_at";
        let status = quoted(&link["status"]);
        file.run(&format!(
            "INSERT INTO organization_integration ({columns}) VALUES (1, 1, 1, '{{}}', {status}, 0)"
        ));
    }
    if let Some(identity) = case.get("existing_identity") {
        let new = built(case);
        let (kind, id) = (new.user_identity.unwrap().kind, quoted(&identity["external_id"]));
        let user = if identity["user"] == "self" { 1 } else { 2 };
        file.run(&format!(
            "INSERT INTO identity_provider VALUES (1, '{kind}', '{}', '{{}}')",
            new.external_id
        ));
        file.run(&format!(
            "INSERT INTO identity VALUES (1, 1, {user}, {id}, 'valid', '[]', '{{}}', 0)"
        ));
    }
    match case.pointer("/user/role") {
        Some(Value::Null) => file.run("DELETE FROM member"),
        Some(role) => file.run(&format!("UPDATE member SET role = {}", quoted(role))),
        None => {}
    }
}

/// A finish of the first user for the first organization, in a transaction of its own.
pub(crate) fn finish_in(
    file: &mut DatabaseFile,
    provider: &dyn Provider,
    state: &State,
    data: IntegrationData,
) -> Result<FinishedIntegration, EngineError> {
    let transaction = file.connection.transaction()?;
    let finished = finish(&transaction, Actor { user: 1, org: 1 }, provider, state, data)?;
    transaction.commit()?;
    Ok(finished)
}

/// Everything that a finish may touch.
const ALL: &str = "SELECT id, external_id, name, metadata, status FROM integration
    UNION ALL SELECT id, integration_id, config, status, default_auth_id FROM organization_integration
    UNION ALL SELECT id, user_id, external_id, status, data FROM identity
    UNION ALL SELECT id, event, target_object, actor_id, data FROM audit_log_entry";

#[test]
fn every_finish_ends_as_it_does_in_sentry() {
    let mut left_out = 0;
    for case in vectors("finish_pipeline").as_array().unwrap() {
        let acts = text(&case["effect"]).is_some_and(|effect| effect.contains("notification"));
        if acts || case.get("is_cell_restricted").is_some() {
            left_out += 1;
            continue;
        }
        let integration_key = if case["provider"] == "aliased" { "alias" } else { "dummy" };
        let needs_default_identity = case["needs_default_identity"] == true;
        let provider = DummyProvider::new(integration_key, needs_default_identity);
        let mut file = DatabaseFile::new();
        prepare(&file, case, &provider);
        let before = file.rows(ALL);
        let log = CapturedLog::default();
        let finish = || finish_in(&mut file, &provider, &State::default(), built(case));
        match (log.around(finish), case["result"].as_str().unwrap()) {
            (Ok(finished), "success") => assert_stored(&file, case, &finished),
            (Err(EngineError::Refused(refusal)), result) if result != "success" => {
                let words = text(&case["error_contains"]).unwrap_or_default();
                assert!(refusal.message.contains(&words), "{case}: {}", refusal.message);
                assert_eq!(file.rows(ALL), before, "{case}");
            }
            (outcome, _) => panic!("{case}: {:?}", outcome.map(|finished| finished.id)),
        }
        assert_logged(&log, case);
    }
    assert_eq!(left_out, 3);
}

fn assert_stored(file: &DatabaseFile, case: &Value, finished: &FinishedIntegration) {
    let row = file.rows("SELECT provider, name, metadata, status FROM integration").concat();
    let columns: Vec<_> = row.split('|').collect();
    let expected = object(&case["integration"]);
    for (name, column) in ["provider", "name", "metadata", "status"].into_iter().zip(columns) {
        match expected.get(name) {
            None => {}
            Some(Value::String(word)) if word == "<integration_key>" => assert_eq!(column, "alias"),
            Some(Value::String(word)) => assert_eq!(column, word, "{case}"),
            Some(other) => assert_eq!(column, other.to_string(), "{case}"),
        }
    }
    assert_eq!((finished.id, finished.changed), (1, true), "{case}");
    let link = "SELECT organization_id, integration_id, status FROM organization_integration";
    assert_eq!(file.rows(link), ["1|1|active"], "{case}");
    if case.get("default_auth_id").is_some() {
        assert_eq!(file.rows("SELECT default_auth_id FROM organization_integration"), ["1"]);
    }
    if let Some(identity) = case.get("identity") {
        let id = identity["external_id"].as_str().unwrap();
        assert_eq!(file.rows("SELECT id, external_id FROM identity"), [format!("1|{id}")]);
    }
    assert_eq!(
        file.rows("SELECT event, target_object FROM audit_log_entry"),
        ["integration.add|1"]
    );
}

fn assert_logged(log: &CapturedLog, case: &Value) {
    let Some(expected) = case.get("log") else { return };
    let name = expected["name"].as_str().or(expected.as_str()).unwrap();
    let events = log.events();
    let event = events.iter().find(|event| event["message"] == name);
    let event = event.unwrap_or_else(|| panic!("{case}: {events:?}"));
    for field in expected["extra"].as_array().into_iter().flatten() {
        assert!(event.get(field.as_str().unwrap()).is_some(), "{case}: {event}");
    }
}

#[test]
fn an_account_of_another_user_is_refused_where_it_is_needed() {
    let identity = json!({"type": "plugin", "external_id": "AccountId"});
    let case = json!({
        "data": {"external_id": "a", "user_identity": identity},
        "existing_identity": {"user": "other", "external_id": "AccountId"},
    });
    let provider = DummyProvider::new("dummy", true);
    let mut file = DatabaseFile::new();
    prepare(&file, &case, &provider);
    let before = file.rows(ALL);
    let outcome = finish_in(&mut file, &provider, &State::default(), built(&case));
    let Err(EngineError::Refused(refusal)) = outcome else { panic!("the account is taken") };
    assert_eq!(refusal.code, ErrorCode::IdentityTaken);
    assert_eq!(file.rows(ALL), before);
}

#[test]
fn a_finish_that_changes_nothing_leaves_no_trace() {
    let mut file = DatabaseFile::new();
    let case = json!({"data": {"external_id": "a", "metadata": {"b": [1, null]}}});
    let mut again = || {
        let finished = finish_in(&mut file, &DUMMY, &State::default(), built(&case)).unwrap();
        (finished.changed, file.rows(ALL))
    };
    let first = again();
    assert!(first.0);
    assert_eq!(again(), (false, first.1));
}

#[test]
fn what_does_not_fit_sentrys_columns_is_refused_and_not_cut() {
    let mut file = DatabaseFile::new();
    for (id, name, fits) in [(256, 200, true), (257, 1, false), (1, 201, false)] {
        let data = json!({"external_id": "é".repeat(id), "name": "é".repeat(name)});
        let data = built(&json!({ "data": data }));
        assert_eq!(finish_in(&mut file, &DUMMY, &State::default(), data).is_ok(), fits);
    }
    assert_eq!(file.rows("SELECT count(*) FROM integration"), ["1"]);
}

/// The cases that Sentry has for what a provider of ours builds.
fn builds() -> Vec<Value> {
    let ours = |case: &Value| {
        matches!(case["provider"].as_str(), Some("opsgenie" | "pagerduty" | "example"))
    };
    let cases: Vec<_> = vectors("build_integration")
        .as_array()
        .unwrap()
        .iter()
        .filter(|case| ours(case))
        .cloned()
        .collect();
    assert_eq!(cases.len(), 5);
    cases
}

#[test]
fn every_provider_builds_and_configures_as_it_does_in_sentry() {
    for case in builds() {
        let provider = provider::find(case["provider"].as_str().unwrap()).unwrap();
        let state = State::from(object(&case["state"]));
        let mut file = DatabaseFile::new();
        if text(&case["precondition"]).is_some_and(|words| words.contains("exists (any org)")) {
            file.run("INSERT INTO integration VALUES (1, 'opsgenie', 'cool-name', 'Old', '{\"a\":1}', 'active', 0)");
        }
        let before = file.rows("SELECT * FROM integration");
        finish_in(&mut file, provider, &state, provider.build(&state).unwrap()).unwrap();
        let row = file.rows("SELECT json_object('external_id', external_id, 'name', name, 'metadata', json(metadata)) FROM integration");
        let row: Value = serde_json::from_str(&row.concat()).unwrap();
        for expected in [&case["expected"], &case["expected_row"]] {
            let stands = |(name, value): (&String, &Value)| row[name] == *value;
            assert!(object(expected).iter().all(stands), "{case}: {row}");
        }
        if case.pointer("/expected_effect/integration_name_and_metadata").is_some() {
            assert_eq!(file.rows("SELECT * FROM integration"), before);
        }
        if let Some(expected) = case.pointer("/expected_effect/org_config") {
            let config = file.rows("SELECT config FROM organization_integration").concat();
            let expected = expected.to_string().replace("{org_integration_id}", "1");
            assert_eq!(config.parse::<Value>().unwrap(), expected.parse::<Value>().unwrap());
        }
    }
}
