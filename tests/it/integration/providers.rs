//! The providers by Sentry's own cases: what they ask, build, take and recognise.

use crate::support::engine::vectors;
use crate::support::vectors::assert_matches;
use finishline::env::Env;
use finishline::error::ErrorCode;
use finishline::inputs::state::FieldInput;
use finishline::job::MacroHosts;
use finishline::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, RowPolicy, State,
};
use finishline::provider::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use finishline::provider::{self, AllowedSteps, Answers, IntegrationMatch, Provider, Step};
use serde_json::{Value, json};

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}

pub(crate) fn fields(value: &Value) -> Fields {
    let mut fields = Fields::default();
    object(value).into_iter().for_each(|(name, value)| fields.set(&name, value));
    fields
}

fn provider_step(key: &str) -> (&'static dyn Provider, &'static Step) {
    let provider = provider::find(key).unwrap();
    (provider, provider.steps().last().unwrap())
}

/// What the provider asks until it lacks nothing, answered by `remote`; then what it builds.
fn build(
    key: &str,
    state: &Value,
    remote: &Value,
) -> (Vec<VendorRequest>, Result<IntegrationData, Refusal>) {
    let ((provider, step), mut asked) = (provider_step(key), Vec::new());
    let mut state = State::from(object(state));
    loop {
        let ask = match provider.next_request(step, &state) {
            Ok(Some(ask)) => ask,
            Ok(None) => break,
            Err(refusal) => return (asked, Err(refusal)),
        };
        let path = url::Url::parse(&ask.url).unwrap().path().to_owned();
        let said = remote.get(format!("GET {path}")).or_else(|| remote.get(ask.name));
        let (status, body) = match said {
            Some(Value::Number(status)) => {
                (u16::try_from(status.as_u64().unwrap()).unwrap(), String::new())
            }
            Some(said) => (200, said.to_string()),
            None => panic!("{key} requests {} ({path}), which the case does not answer", ask.name),
        };
        let heard = provider.bind_response(
            ask.name,
            &VendorResponse::Received { status, body },
            &mut state,
        );
        asked.push(ask);
        if let Err(refusal) = heard {
            return (asked, Err(refusal));
        }
    }
    (asked, provider.build(&state))
}

/// The case in the words of our steps: what a look at the step binds, and whom we ask for what.
fn in_our_words(case: &Value) -> (Value, Value) {
    let (mut state, mut remote) = (case["state"].clone(), case["remote"].clone());
    match case["provider"].as_str().unwrap() {
        "cursor" => {
            state["installation_id"] = json!("0123456789abcdef0123456789abcdef");
            state["webhook_secret"] = json!("v3rifier");
        }
        "jira_server" => {
            state["webhook_secret"] = json!("v3rifier");
            (state["server_info"], state["webhook"]) = (json!("9.4.0"), json!(true));
        }
        "vercel" => {
            state["oauth_data"] = state["oauth"].take();
            remote["account"] = remote["GET team"].take();
        }
        "discord" => {
            state["oauth_data"] = json!({ "access_token": "t" });
            let guild = json!({ "id": state["guild_id"], "permissions": "32" });
            remote["user"] = json!({ "id": remote["user id"] });
            (remote["guilds"], remote["guild"]) =
                (json!([guild]), json!({ "name": remote["guild name"] }));
        }
        // Best effort, and so no part of Sentry's case.
        "gitea" => remote["version"] = json!(404),
        "github_enterprise" => {
            remote["installations"] = json!({ "installations": [remote["installation"]] });
        }
        _ => {}
    }
    (state, remote)
}

/// What was built, in the words of Sentry's `IntegrationData`: what is not there has no key.
fn built(provider: &dyn Provider, data: IntegrationData) -> Value {
    let mut found = json!({ "external_id": data.external_id });
    let mut add = |name: &str, value: Value, is_there: bool| {
        found.as_object_mut().unwrap().extend(is_there.then(|| (name.to_owned(), value)));
    };
    add("name", json!(data.name), data.name.is_some());
    add("metadata", json!(data.metadata), !data.metadata.is_empty());
    add("idp_external_id", json!(data.idp_external_id), data.idp_external_id.is_some());
    add("provider", json!(provider.integration_key()), data.row == RowPolicy::Expect);
    add("expect_exists", json!(true), data.row == RowPolicy::Expect);
    if let Some(identity) = data.user_identity {
        found["user_identity"] = json!({
            "type": identity.kind,
            "external_id": identity.external_id,
            "scopes": identity.scopes,
            "data": identity.data,
        });
    }
    found
}

#[test]
fn every_provider_builds_what_it_builds_in_sentry() {
    let (mut done, mut refused, mut left) = (0, 0, Vec::new());
    for case in vectors("build_integration").as_array().unwrap() {
        let key = case["provider"].as_str().unwrap();
        // Opsgenie's effects on a row that is there are the engine's, and have tests there.
        if provider::find(key).unwrap().sentry_only_reason().is_some()
            || case.get("expected_effect").is_some()
        {
            left.push(key.to_owned());
            continue;
        }
        let (state, remote) = in_our_words(case);
        match (build(key, &state, &remote).1, case.get("error")) {
            (Ok(data), None) => {
                let name = format!("{key} by {state}");
                let data = built(provider::find(key).unwrap(), data);
                assert_matches(&data, &case["expected"], &case["match"], &name);
                done += 1;
            }
            (Err(refusal), Some(error)) => {
                assert_eq!(refusal.code, ErrorCode::Refused, "{case}: {}", refusal.message);
                let kind = error["kind"].as_str().unwrap();
                assert!(kind == "IntegrationError" || kind == "IntegrationConfigurationError");
                refused += 1;
            }
            (outcome, _) => panic!("{case}: {:?}", outcome.err()),
        }
    }
    assert_eq!((done, refused), (13, 6));
    let those = "opsgenie opsgenie aws_lambda claude_code perforce gcp gcp gcp cursor_origin";
    assert_eq!(left.join(" "), those);
}

/// The answers of these inputs; the provider's other fields hold anything that fits.
fn answers(provider: &'static dyn Provider, given: &Value) -> Answers {
    let anything = |field: &provider::Field| {
        let value = match field.kind {
            provider::FieldKind::Integer => "7",
            provider::FieldKind::Choice(choices) => choices[0],
            provider::FieldKind::Url => "https://x.example",
            _ => "some",
        };
        (field.name.to_owned(), Value::from(value))
    };
    let fields = provider.all_steps().flat_map(|step| step.fields);
    let mut all: Object = fields.map(anything).collect();
    all.extend(object(given));
    let read = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    let text = Value::Object(all).to_string();
    let (input, mistakes) =
        FieldInput::read_apps(&text, "a test", (&Env::default(), MacroHosts::default()), &read);
    assert!(mistakes.is_empty());
    provider::parse(provider, &input, AllowedSteps::KnownSteps).unwrap()
}

fn listed(external_id: &str) -> ListedIntegration {
    ListedIntegration {
        id: 1,
        external_id: external_id.to_owned(),
        name: String::new(),
        domain_name: None,
        active: true,
        deletion: None,
        health: Default::default(),
        config: None,
        stored: None,
    }
}

#[test]
fn what_a_sentry_built_of_the_others_is_recognised_by_the_inputs() {
    let cases = vectors("build_integration");
    for (key, given, is_only_one) in [
        ("aws_lambda", json!({ "accountNumber": "599817902985", "region": "us-east-2" }), false),
        ("perforce", json!({ "p4port": "ssl:perforce.example.com:1666" }), false),
        ("claude_code", json!({ "apiKey": "k" }), true),
        ("gcp", json!({ "projects": ["my-gcp-project"] }), true),
    ] {
        let provider = provider::find(key).unwrap();
        let answers = answers(provider, &given);
        let mut of_key = cases.as_array().unwrap().iter().filter(|case| case["provider"] == key);
        let own = of_key.next().unwrap()["expected"]["external_id"].as_str().unwrap();
        assert_eq!(provider.matches(&answers, &listed(own)), IntegrationMatch::Same, "{key}");
        let other = if is_only_one { IntegrationMatch::Same } else { IntegrationMatch::Other };
        assert_eq!(provider.matches(&answers, &listed("another-0000")), other, "{key}");
    }
}

/// The kind of a described field.
fn kind(key: &str, name: &str) -> &'static provider::FieldKind {
    let fields = provider::find(key).unwrap().all_steps().flat_map(|step| step.fields);
    &fields.into_iter().find(|field| field.name == name).unwrap().kind
}

#[test]
fn ids_and_names_are_taken_as_google_and_microsoft_have_them() {
    for case in vectors("gcp_project_id").as_array().unwrap() {
        let taken = kind("gcp", "projects").check(&json!([case["id"]])).is_ok();
        assert_eq!(json!(taken), case["valid"], "{case}");
        assert_eq!(kind("gcp_sa", "gcpProjectId").check(&case["id"]).is_ok(), taken);
    }
    for case in vectors("vsts_extension_target_name").as_array().unwrap() {
        let taken = kind("vsts-extension", "targetName").check(&case["name"]).is_ok();
        assert_eq!(json!(taken), case["valid"], "{case}");
    }
}

#[test]
fn an_account_of_another_host_is_refused_whatever_its_letters() {
    for case in vectors("ghe_domain_match").as_array().unwrap() {
        let state = json!({
            "oauth_data": { "access_token": "t" },
            "installation_data": { "url": case["configured"], "id": "1", "private_key": "k" },
            "installation_id": 1,
        });
        let home = &case["html_url"];
        let installation = json!({ "id": 1, "account": { "login": "x", "html_url": home } });
        let remote = json!({
            "user": { "id": 42 },
            "installations": { "installations": [installation] },
            "installation": installation,
        });
        let built = build("github_enterprise", &state, &remote).1;
        assert_eq!(json!(built.is_ok()), case["ok"], "{case}");
        let is_told = |no: Refusal| no.message.contains("domain does not match");
        assert!(built.err().is_none_or(is_told));
    }
}

/// The state of a GitLab pipeline after the exchange, for this form.
fn gitlab(form: &Value) -> Value {
    let (provider, mut state) = (provider::find("gitlab").unwrap(), State::default());
    provider.bind_answer(&provider.steps()[0], &fields(form), &mut state).unwrap();
    state.bind("oauth_data", json!({ "access_token": "t0ken" }));
    Value::Object(state.data().clone())
}

/// A user and a group, by the name of what is asked.
fn user_payload() -> Value {
    json!({ "user": { "id": 42 }, "group": { "id": 7, "full_name": "G", "full_path": "g" } })
}

#[test]
fn gitlab_is_asked_for_user_and_group_at_its_own_address_with_the_token() {
    let origin = "https://gitlab.example.com";
    for (url, group, api, path) in [
        (origin, "my-group", origin, "my-group"),
        ("https://gitlab.example.com///", "acme/widgets", origin, "acme%2Fwidgets"),
        ("http://127.0.0.1:8080/git/", "a b/é", "http://127.0.0.1:8080/git", "a%20b%2F%C3%A9"),
        (origin, "../user?x#y", origin, "..%2Fuser%3Fx%23y"),
    ] {
        let mut form = json!({ "url": url, "clientId": "c", "clientSecret": "s" });
        (form["group"], form["verifySsl"]) = (json!(group), json!(false));
        let (asked, built) = build("gitlab", &gitlab(&form), &user_payload());
        let urls: Vec<_> = asked.iter().map(|ask| ask.url.clone()).collect();
        assert_eq!(urls, [format!("{api}/api/v4/user"), format!("{api}/api/v4/groups/{path}")]);
        for ask in asked {
            let Credentials::Bearer(token) = &ask.credentials else { panic!("{ask:?}") };
            assert_eq!((token.expose(), ask.verify_tls), ("t0ken", false));
            assert!(matches!(ask.body, RequestBody::None));
        }
        assert_eq!(built.unwrap().metadata["base_url"], api);
    }
}

#[test]
fn a_whole_gitlab_instance_has_no_subgroups() {
    for group in [json!(""), Value::Null, json!("g")] {
        let mut form = json!({ "url": "https://x.example", "clientId": "c", "clientSecret": "s" });
        let has_group = group == "g";
        (form["group"], form["includeSubgroups"]) = (group, json!(true));
        let (asked, built) = build("gitlab", &gitlab(&form), &user_payload());
        let data = built.unwrap();
        assert_eq!(asked.len(), if has_group { 2 } else { 1 });
        assert_eq!(data.metadata["include_subgroups"], has_group);
        let id = if has_group { "x.example:7" } else { "x.example:_instance_" };
        assert_eq!(data.external_id, id);
    }
}

#[test]
fn gitea_does_without_a_version() {
    let state = json!({
        "installation_data": {"url": "https://gitea.example.com", "client_id": "cid"},
        "oauth_data": {"access_token": "t"},
    });
    let home = "https://GITEA.example.com/someone";
    let (asked, built) = build(
        "gitea",
        &state,
        &json!({"user": {"id": 7, "html_url": home, "avatar_url": "https://a/b.png"}, "version": 404}),
    );
    let urls: Vec<_> = asked.iter().map(|ask| ask.url.as_str()).collect();
    let api = "https://gitea.example.com/api/v1";
    assert_eq!(urls, [format!("{api}/user"), format!("{api}/version")]);
    let data = built.unwrap();
    assert_eq!(data.external_id, "gitea.example.com:cid");
    assert_eq!(data.metadata["instance_version"], Value::Null);
    assert_eq!(data.metadata["icon"], "https://a/b.png");
    let scopes = json!(["read:organization", "read:user", "write:issue", "write:repository"]);
    assert_eq!(data.metadata["scopes"], scopes);
    assert_eq!(data.user_identity.unwrap().external_id, "gitea.example.com:7");
}
