//! Cursor: one key, which Cursor is asked about.

use super::auth::app::{self, AppSettings};
use super::drawn_values::{
    INSTALLATION_ID, WEBHOOK_SECRET, bind_installation_id, bind_webhook_secret,
};
use super::evidence::ProviderEvidence;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{
    Answers, Field, FreshValues, IntegrationMatch, Provider, ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use crate::secret::Secret;
use serde_json::{Value, json};

/// The request about the key, under whose name the response is bound.
const VERIFY: &str = "verify";

pub(super) struct Cursor;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Cursor Agent",
    guide: "coding-agents/cursor/",
    summary: "needs only the key; each installation is a new one",
    features: &["coding-agent"],
    steps: &[Step::form(
        "api_key_config",
        &[Field::text("apiKey", 255).help("a Cursor API key", "${CURSOR_API_KEY}").secret()],
    )],
    app: &[app::URL],
    has_random_id: true,
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("cursor")
};

impl Provider for Cursor {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_installation_id(state, fresh);
        bind_webhook_secret(state, fresh);
        Object::new()
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind("config", json!({ "api_key": fields.text("apiKey") }));
        // What Cursor said of another key does not hold for this one.
        state.unbind(VERIFY);
        Ok(())
    }

    fn next_request(&self, _: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let url = format!("{}/v0/me", AppSettings::of(state).base_url_or("https://api.cursor.com"));
        let key = Credentials::Bearer(Secret::from(api_key(state)?));
        Ok(state.lacks(VERIFY).then(|| VendorRequest::get(VERIFY, url, key)))
    }

    fn bind_response(&self, _: &str, response: &VendorResponse, state: &mut State) -> Result {
        let messages = [401, 403].map(|status| (status, "Cursor rejected this `apiKey`"));
        state.bind(VERIFY, response.json_or("the check of `apiKey` at Cursor", &messages)?);
        Ok(())
    }

    fn account(&self, answers: &Answers) -> Option<String> {
        Some(answers.text("apiKey").to_owned())
    }

    fn stored_secret(&self, _: &str, _: &Answers, listed: &ListedIntegration) -> Option<String> {
        let stored = listed.stored.as_ref()?.metadata.get("api_key");
        stored.and_then(Value::as_str).map(str::to_owned)
    }

    /// The id is random; only what our engine stored tells whose key it is.
    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let stored = listed.stored.as_ref().and_then(|stored| stored.metadata.get("api_key"));
        match stored.and_then(Value::as_str) {
            Some(key) if key == answers.text("apiKey") => IntegrationMatch::Same,
            _ => IntegrationMatch::CannotTell,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let key = api_key(state)?;
        let id = state
            .text(INSTALLATION_ID)
            .ok_or_else(|| Refusal::failure("the installation has no id"))?;
        let text = |name: &str| state.fetch(VERIFY).and_then(|response| response[name].as_str());
        let (key_name, email) = (text("apiKeyName"), text("userEmail"));
        let name = match (email, key_name) {
            (Some(email), Some(key_name)) => format!("Cursor Cloud Agent - {email}/{key_name}"),
            // As in Sentry, one of the two alone is not shown.
            _ => {
                let start: String = key.chars().take(8).collect();
                format!("Cursor Cloud Agent ({start}...)")
            }
        };
        let metadata = object(json!({
            "api_key": key,
            "webhook_secret": state.text(WEBHOOK_SECRET),
            "domain_name": "cursor.sh",
            "api_key_name": key_name,
            "user_email": email,
        }));
        Ok(IntegrationData { name: Some(name), metadata, ..IntegrationData::new(id) })
    }
}

fn api_key(state: &State) -> Result<&str> {
    let key = state.fetch("config").and_then(|config| config["api_key"].as_str());
    key.ok_or_else(|| Refusal::failure("the configuration is missing"))
}
