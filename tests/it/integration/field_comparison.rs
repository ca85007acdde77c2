//! Which fields of `state` differ from what is stored: those, and no others, whatever is stored how.

use finishline::env::Env;
use finishline::inputs::state::FieldInput;
use finishline::job::MacroHosts;
use finishline::model::{ListedIntegration, Object, StoredSecrets};
use finishline::provider::{self, AllowedSteps, ComparedField, FieldComparison, compare_fields};
use serde_json::{Value, json};

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

/// What an installation has in the embedded file.
fn stored(
    account: [&str; 3],
    metadata: Value,
    config: Value,
    identity: Value,
) -> ListedIntegration {
    let [external_id, name, domain] = account.map(str::to_owned);
    ListedIntegration {
        id: 1,
        external_id,
        name,
        domain_name: Some(domain).filter(|domain| !domain.is_empty()),
        active: true,
        deletion: None,
        health: Default::default(),
        config: None,
        stored: Some(StoredSecrets {
            metadata: object(metadata),
            config: object(config),
            identity: Some(object(identity)).filter(|identity| !identity.is_empty()),
        }),
    }
}

fn compared(key: &str, state: &Value, listed: Option<&ListedIntegration>) -> Vec<ComparedField> {
    let provider = provider::find(key).unwrap();
    let read = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let (input, mistakes) = FieldInput::read_apps(
        &state.to_string(),
        "a test",
        (&Env::default(), MacroHosts::default()),
        &read,
    );
    assert!(mistakes.is_empty());
    let answers = provider::parse(provider, &input, AllowedSteps::KnownSteps).unwrap();
    compare_fields(provider, &answers, listed)
}

/// The fields that differ, each with what is shown of it.
fn differing(key: &str, state: &Value, listed: &ListedIntegration) -> Vec<String> {
    let all = compared(key, state, Some(listed));
    let differing = all.iter().filter(|one| one.comparison == FieldComparison::Differs);
    let side = |side: &Option<String>| side.clone().unwrap_or("-".to_owned());
    differing
        .map(|one| format!("{} {} {}", one.name, side(&one.there), side(&one.wanted)))
        .collect()
}

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----";

/// A provider with what is stored, the same as it is given, and for each change the fields that
/// differ then.
type ComparedCase = (&'static str, ListedIntegration, Value, Vec<(Value, &'static str)>);

/// Providers that compare what is stored.
fn cases() -> [ComparedCase; 5] {
    [opsgenie(), datadog(), gitlab(), pagerduty(), jira_server()]
}

fn opsgenie() -> ComparedCase {
    (
        "opsgenie",
        stored(
            ["ops", "ops", "ops.app.opsgenie.com"],
            json!({}),
            json!({"team_table": [{"team": "my-first-key", "integration_key": "k1"}]}),
            json!({}),
        ),
        json!({"baseUrl": "https://api.opsgenie.com/", "provider": "ops", "apiKey": "k1"}),
        vec![
            (json!({"apiKey": "k2"}), "apiKey - -"),
            (
                json!({"baseUrl": "https://api.eu.opsgenie.com/"}),
                "baseUrl https://api.opsgenie.com/ https://api.eu.opsgenie.com/",
            ),
        ],
    )
}

fn datadog() -> ComparedCase {
    (
        "datadog",
        stored(
            ["x", "Datadog (datadoghq.com)", ""],
            json!({"api_key": "a", "app_key": "b", "site": "datadoghq.com"}),
            json!({}),
            json!({}),
        ),
        json!({"apiKey": "a", "appKey": "b", "site": "datadoghq.com"}),
        vec![
            (json!({"apiKey": "c"}), "apiKey - -"),
            (json!({"appKey": "c"}), "appKey - -"),
            (json!({"site": "datadoghq.eu"}), "site datadoghq.com datadoghq.eu"),
        ],
    )
}

fn gitlab() -> ComparedCase {
    (
        "gitlab",
        stored(
            ["gitlab.example.com:7", "Acme", "gitlab.example.com/Acme/Web"],
            json!({"base_url": "https://gitlab.example.com", "verify_ssl": true, "include_subgroups": false}),
            json!({}),
            json!({"client_id": "app", "client_secret": "s1"}),
        ),
        json!({"url": "https://gitlab.example.com/", "group": "acme/web", "clientId": "app", "clientSecret": "s1"}),
        vec![
            // The same group, by its number.
            (json!({"group": "7"}), ""),
            (json!({"clientSecret": "s2"}), "clientSecret - -"),
            (json!({"clientId": "other"}), "clientId app other"),
            (json!({"verifySsl": false}), "verifySsl true false"),
            (json!({"includeSubgroups": true, "group": "7"}), "includeSubgroups false true"),
        ],
    )
}

fn pagerduty() -> ComparedCase {
    let service =
        |key: &str| json!({"integration_key": key, "name": "Web", "id": "P1", "type": "service"});
    let pagerduty = |key: &str| {
        json!({"account": {"name": "Acme", "subdomain": "acme"}, "integration_keys": [service(key)]}).to_string()
    };
    (
        "pagerduty",
        stored(
            ["acme", "Acme", "acme"],
            json!({"services": [service("k1")]}),
            json!({}),
            json!({}),
        ),
        json!({"config": pagerduty("k1")}),
        vec![(json!({"config": pagerduty("k2")}), "config - -")],
    )
}

fn jira_server() -> ComparedCase {
    let other_pem = PEM.replace('x', "y");
    (
        "jira_server",
        stored(
            ["jira.example.com:c1", "c1", "jira.example.com"],
            json!({"base_url": "https://jira.example.com", "verify_ssl": true}),
            json!({}),
            json!({"private_key": PEM}),
        ),
        json!({"url": "https://jira.example.com", "consumerKey": "c1", "privateKey": format!("{PEM}\n")}),
        vec![(json!({"privateKey": other_pem}), "privateKey - -")],
    )
}

#[test]
fn each_field_that_differs_is_named_and_no_other() {
    for (key, listed, state, changes) in cases() {
        assert_eq!(differing(key, &state, &listed), [""; 0], "{key}");
        for (change, words) in changes {
            let mut changed = object(state.clone());
            changed.extend(object(change));
            let found = differing(key, &Value::Object(changed), &listed).join(", ");
            assert_eq!(found, words, "{key}");
        }
    }
}

#[test]
fn a_secret_has_no_value_on_either_side_and_what_is_not_there_is_new() {
    for (key, listed, state, _) in cases() {
        for one in compared(key, &state, Some(&listed)).iter().filter(|one| one.is_secret) {
            assert_eq!((&one.there, &one.wanted), (&None, &None), "{key}");
        }
        let new = compared(key, &state, None);
        assert!(
            new.iter().all(|one| one.comparison == FieldComparison::New && one.there.is_none())
        );
        let unlisted = ListedIntegration { stored: None, ..listed };
        let at_sentry = compared(key, &state, Some(&unlisted));
        let mut secrets = at_sentry.iter().filter(|one| one.is_secret);
        assert!(secrets.all(|one| one.comparison == FieldComparison::NotCompared), "{key}");
    }
}
