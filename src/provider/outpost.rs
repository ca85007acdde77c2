//! Outpost: the address of an agent's server, which Sentry is not to reach before it has work.

use super::drawn_values::{
    INSTALLATION_ID, WEBHOOK_SECRET, bind_installation_id, bind_webhook_secret,
};
use super::evidence::ProviderEvidence;
use super::fields::{is_address, recover};
use super::{
    Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use serde_json::json;

const BASE_URL: &str = "base_url";

pub(super) struct Outpost;

/// Sentry's own limit.
const ADDRESS: FieldKind = FieldKind::Rule(
    |text| text.chars().count() <= 512 && is_address(text),
    "an http(s) URL without credentials, of at most 512 characters",
);

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Outpost Agent",
    summary: "needs only its one field; each installation is a new one",
    features: &["coding-agent"],
    steps: &[Step::form(
        "outpost_config",
        &[Field::required("baseUrl", ADDRESS)
            .help("the URL of the Outpost instance", "https://outpost.example.com")],
    )],
    has_random_id: true,
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("outpost")
};

impl Provider for Outpost {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_installation_id(state, fresh);
        bind_webhook_secret(state, fresh);
        Object::new()
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind("config", json!({ BASE_URL: base_url(fields.text("baseUrl")) }));
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("baseUrl", url_in_name(listed).unwrap_or_default())])
    }

    fn account(&self, answers: &Answers) -> Option<String> {
        Some(base_url(answers.text("baseUrl")).to_owned())
    }

    /// The id is random, so the address tells, which the name has in it.
    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let own = base_url(answers.text("baseUrl"));
        match url_in_name(listed) {
            Some(url) => IntegrationMatch::same_or_other(url == own),
            None => IntegrationMatch::CannotTell,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let lacks = |what: &str| Refusal::failure(format!("the {what} is missing"));
        let url = state.fetch("config").and_then(|config| config[BASE_URL].as_str());
        let url = url.ok_or_else(|| lacks("configuration"))?;
        let id = state.text(INSTALLATION_ID).ok_or_else(|| lacks("id of the installation"))?;
        let secret = state.text(WEBHOOK_SECRET);
        let metadata = object(json!({ BASE_URL: url, WEBHOOK_SECRET: secret }));
        let name = Some(format!("Outpost Agent ({url})"));
        Ok(IntegrationData { name, metadata, ..IntegrationData::new(id) })
    }
}

/// As Sentry keeps it.
fn base_url(url: &str) -> &str {
    url.trim_end_matches('/')
}

fn url_in_name(listed: &ListedIntegration) -> Option<&str> {
    listed.name.strip_prefix("Outpost Agent (")?.strip_suffix(')')
}
