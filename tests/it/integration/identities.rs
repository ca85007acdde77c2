//! The installer's account at the third party: linked, renewed, re-keyed, or taken by another, by
//! each row of Sentry's table of conflicts.

use crate::embedded::finish::{DUMMY, DummyProvider, finish_in};
use crate::support::engine::{CapturedLog, DatabaseFile};
use finishline::backend::embedded::EngineError;
use finishline::error::Error;
use finishline::model::{FinishedIntegration, IntegrationData, Object, State, UserIdentity};
use serde_json::{Value, json};

const NEEDS: DummyProvider = DummyProvider::new("dummy", true);

/// Everything that a finish may touch, but times.
const ALL: &str = "SELECT 'integration', id, external_id, metadata, status FROM integration
    UNION ALL SELECT 'link', id, organization_id, integration_id, default_auth_id
        FROM organization_integration
    UNION ALL SELECT 'idp', id, type, external_id, config FROM identity_provider
    UNION ALL SELECT 'identity', id, user_id, external_id, data FROM identity
    UNION ALL SELECT 'audit', id, event, data, target_object FROM audit_log_entry
    UNION ALL SELECT 'event', id, type, data, 0 FROM analytics_event";

const IDENTITIES: &str = "SELECT id, user_id, external_id, status, scopes, data FROM identity";
const DEFAULTS: &str = "SELECT organization_id, default_auth_id FROM organization_integration";
const LINKED: &str = "SELECT data FROM analytics_event WHERE type = 'integrations.identity_linked'";

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap()
}

/// An integration that comes with this account.
fn with_account(external_id: &str, token: &str) -> IntegrationData {
    let identity = UserIdentity {
        kind: "plugin",
        external_id: external_id.to_owned(),
        scopes: vec!["api".to_owned()],
        data: object(&json!({ "token": token })),
    };
    IntegrationData { user_identity: Some(identity), ..IntegrationData::new("shop") }
}

fn finish(
    file: &mut DatabaseFile,
    provider: &DummyProvider,
    data: IntegrationData,
) -> FinishedIntegration {
    let finished = finish_in(file, provider, &State::default(), data);
    finished.unwrap_or_else(|error| panic!("{error:?}"))
}

#[track_caller]
fn refused(file: &mut DatabaseFile, data: IntegrationData) -> Error {
    match finish_in(file, &NEEDS, &State::default(), data) {
        Err(error @ EngineError::Refused(_)) => error.into(),
        other => panic!("{other:?}"),
    }
}

/// The account `AccountId` is there already and belongs to this user.
fn owned_by(user: i64) -> DatabaseFile {
    let file = DatabaseFile::new();
    file.run(&format!(
        "INSERT INTO identity_provider VALUES (1, 'plugin', 'shop', '{{\"old\":1}}');
         INSERT INTO identity VALUES (1, 1, {user}, 'AccountId', 'invalid', '[]', '{{}}', 0)"
    ));
    file
}

/// Another organization is linked to the integration with the identity 1.
fn another_link(file: &DatabaseFile) {
    file.run(
        "INSERT INTO organization (slug, created_at) VALUES ('beta', 0);
         INSERT INTO integration VALUES (1, 'dummy', 'shop', 'shop', '{}', 'active', 0);
         INSERT INTO organization_integration
             (organization_id, integration_id, config, status, created_at, default_auth_id)
             VALUES (2, 1, '{}', 'active', 0, 1)",
    );
}

#[test]
fn a_new_account_is_linked_and_becomes_the_links_default() {
    let mut file = DatabaseFile::new();
    finish(&mut file, &NEEDS, with_account("AccountId", "t"));
    let identity = r#"1|1|AccountId|valid|["api"]|{"token":"t"}"#;
    assert_eq!(file.rows(IDENTITIES), [identity]);
    assert_eq!(file.rows("SELECT date_verified > 0 FROM identity"), ["1"]);
    assert_eq!(file.rows(DEFAULTS), ["1|1"]);
    let event = r#"{"provider":"plugin","actor_id":1,"actor_type":"user"}"#;
    assert_eq!(file.rows(LINKED), [event]);
}

#[test]
fn an_account_that_need_not_be_the_default_is_linked_all_the_same() {
    let mut file = DatabaseFile::new();
    finish(&mut file, &DUMMY, with_account("AccountId", "t"));
    assert_eq!(file.rows("SELECT external_id FROM identity"), ["AccountId"]);
    assert_eq!(file.rows(DEFAULTS), ["1|null"]);
}

#[test]
fn the_accounts_provider_is_known_by_its_own_id_and_takes_the_new_configuration() {
    let mut file = owned_by(1);
    let config = json!({ "new": 2 });
    let data = || IntegrationData { idp_config: object(&config), ..with_account("AccountId", "t") };
    finish(&mut file, &NEEDS, data());
    let other = IntegrationData { idp_external_id: Some("idp".to_owned()), ..data() };
    finish(&mut file, &NEEDS, other);
    let providers = "SELECT id, type, external_id, config FROM identity_provider";
    assert_eq!(file.rows(providers), [r#"1|plugin|shop|{"new":2}"#, r#"2|plugin|idp|{"new":2}"#]);
}

#[test]
fn the_same_account_of_the_same_user_is_renewed() {
    let mut file = owned_by(1);
    assert!(finish(&mut file, &NEEDS, with_account("AccountId", "t")).changed);
    let identity = r#"1|1|AccountId|valid|["api"]|{"token":"t"}"#;
    assert_eq!(file.rows(IDENTITIES), [identity]);
    assert_eq!(file.rows(LINKED), [""; 0], "it was linked before");
    let before = file.rows(ALL);
    assert!(!finish(&mut file, &NEEDS, with_account("AccountId", "t")).changed);
    assert_eq!(file.rows(ALL), before);
    assert!(finish(&mut file, &NEEDS, with_account("AccountId", "t2")).changed);
}

#[test]
fn another_account_of_the_same_user_takes_the_identity_over() {
    let mut file = owned_by(1);
    another_link(&file);
    assert!(finish(&mut file, &NEEDS, with_account("new_external_id", "t")).changed);
    let identity = r#"1|1|new_external_id|valid|["api"]|{"token":"t"}"#;
    assert_eq!(file.rows(IDENTITIES), [identity], "the row stays");
    assert_eq!(file.rows(DEFAULTS), ["2|1", "1|1"], "and so does who points at it");
}

#[test]
fn an_account_of_another_user_is_left_out_where_it_is_not_needed() {
    let mut file = owned_by(2);
    another_link(&file);
    let before = file.rows(IDENTITIES);
    let log = CapturedLog::default();
    log.around(|| finish(&mut file, &DUMMY, with_account("AccountId", "t")));
    assert_eq!(file.rows(IDENTITIES), before);
    assert_eq!(file.rows(DEFAULTS), ["2|1", "1|null"]);
    assert_eq!(file.rows(LINKED), [""; 0]);
    assert_conflict_is_logged(&log);
}

#[test]
fn an_account_of_another_user_is_left_out_although_the_user_has_one_too() {
    let mut file = owned_by(2);
    file.run("INSERT INTO identity VALUES (2, 1, 1, 'Own', 'valid', '[]', '{}', 0)");
    let before = file.rows(IDENTITIES);
    finish(&mut file, &DUMMY, with_account("AccountId", "t"));
    assert_eq!(file.rows(IDENTITIES), before);
}

#[test]
fn an_account_of_another_user_that_is_needed_stores_nothing() {
    let mut file = owned_by(2);
    another_link(&file);
    let before = file.rows(ALL);
    let log = CapturedLog::default();
    let failure = log.around(|| {
        let data = with_account("AccountId", "t");
        refused(&mut file, IntegrationData { name: Some("New".to_owned()), ..data })
    });
    assert_eq!((failure.code.slug(), failure.status), ("identity-taken", None));
    assert_eq!(failure.message, "this Dummy account is linked to a different Sentry user");
    assert_eq!(file.rows(ALL), before);
    assert_conflict_is_logged(&log);
}

/// Sentry's line, with the fields that it has there.
#[track_caller]
fn assert_conflict_is_logged(log: &CapturedLog) {
    let events = log.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let mut event = object(&events[0]);
    event.retain(|name, _| !["timestamp", "level", "target"].contains(&name.as_str()));
    let expected = json!({
        "message": "finish_pipeline.identity_linked_different_user",
        "idp_id": 1,
        "external_id": "AccountId",
        "object_id": 1,
        "user_id": 1,
        "type": "plugin",
        "organization_id": 1,
        "provider_key": "dummy",
    });
    assert_eq!(Value::from(event), expected);
}

#[test]
fn a_needed_account_that_was_not_built_stores_nothing() {
    let mut file = DatabaseFile::new();
    let before = file.rows(ALL);
    let failure = refused(&mut file, IntegrationData::new("shop"));
    assert_eq!(failure.code.slug(), "refused");
    assert_eq!(failure.message, "Dummy needs an account to link, but returned none");
    assert_eq!(file.rows(ALL), before);
}

#[test]
fn a_links_default_is_not_taken_away() {
    let mut file = owned_by(1);
    another_link(&file);
    file.run("UPDATE organization_integration SET organization_id = 1");
    finish(&mut file, &DUMMY, IntegrationData::new("shop"));
    assert_eq!(file.rows(DEFAULTS), ["1|1"]);
}
