//! Cursor: one key, which Cursor is asked about.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::bind_once;
use super::fields::step::Step;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};
use crate::secret::Secret;
use serde_json::{Value, json};

/// Where the random id of the installation is kept.
const ID: &str = "installation_id";
const WEBHOOK_SECRET: &str = "webhook_secret";
/// Under which the key is asked about, and what Cursor tells of it is kept.
const VERIFY: &str = "verify";

pub(super) struct Cursor;

static STEPS: [Step; 1] = [Step::form(
    "api_key_config",
    &[Field::required("apiKey", FieldKind::Text(255), "a Cursor API key", "${CURSOR_API_KEY}")
        .secret()],
)];

impl Provider for Cursor {
    fn key(&self) -> &'static str {
        "cursor"
    }

    fn name(&self) -> &'static str {
        "Cursor Agent"
    }

    fn summary(&self) -> &'static str {
        "finishes with the key alone; each installation is a new one"
    }

    fn features(&self) -> &'static [&'static str] {
        &["coding-agent"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &[app::URL]
    }

    fn step_data(&self, _step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_once(state, ID, fresh.id());
        bind_once(state, WEBHOOK_SECRET, &fresh.verifier);
        Object::new()
    }

    fn bind_answer(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        state.bind("config", json!({ "api_key": fields.text("apiKey") }));
        // What was told of another key is not told of this one.
        state.unbind(VERIFY);
        Ok(())
    }

    fn next_request(&self, _step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if state.fetch(VERIFY).is_some() {
            return Ok(None);
        }
        let url = format!("{}/v0/me", AppSettings::of(state).base_url_or("https://api.cursor.com"));
        let key = Credentials::Bearer(Secret::from(api_key(state)?));
        Ok(Some(VendorRequest::get(VERIFY, url, key)))
    }

    fn bind_response(
        &self,
        _name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        if let VendorResponse::Received { status: status @ (401 | 403), .. } = reply {
            let refusal = Refusal::failure("Cursor does not know this `apiKey`");
            return Err(Refusal { status: Some(*status), ..refusal });
        }
        let told = reply.json("the check of `apiKey` with Cursor", RefusalKind::Failure)?;
        state.bind(VERIFY, told);
        Ok(())
    }

    /// The id is random; only what our engine stored tells whose key it is.
    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let stored = listed.stored.as_ref().and_then(|stored| stored.metadata.get("api_key"));
        match stored.and_then(Value::as_str) {
            Some(key) if key == answers.text("apiKey") => IntegrationMatch::Same,
            _ => IntegrationMatch::CannotTell,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let key = api_key(state)?;
        let id = state.text(ID).ok_or_else(|| Refusal::failure("the installation has no id"))?;
        let told = |name: &str| state.fetch(VERIFY).and_then(|told| told[name].as_str());
        let (key_name, email) = (told("apiKeyName"), told("userEmail"));
        let name = match (email, key_name) {
            (Some(email), Some(key_name)) => format!("Cursor Cloud Agent - {email}/{key_name}"),
            (Some(one), None) | (None, Some(one)) => format!("Cursor Cloud Agent - {one}"),
            (None, None) => {
                let start: String = key.chars().take(8).collect();
                format!("Cursor Cloud Agent ({start}...)")
            }
        };
        let metadata = json!({
            "api_key": key,
            "webhook_secret": state.text(WEBHOOK_SECRET),
            "domain_name": "cursor.sh",
            "api_key_name": key_name,
            "user_email": email,
        });
        Ok(IntegrationData {
            name: Some(name),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            ..IntegrationData::new(id)
        })
    }
}

fn api_key(state: &State) -> Result<&str, Refusal> {
    let key = state.fetch("config").and_then(|config| config["api_key"].as_str());
    key.ok_or_else(|| Refusal::failure("the configuration is missing"))
}
