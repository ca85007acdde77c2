//! Datadog: two keys and a site, which Datadog is asked about. An organization has one.

use super::auth::app::{self, AppSettings};
use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{
    Answers, Field, FieldKind, IntegrationMatch, Provider, ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use crate::secret::Secret;
use crate::text::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The request for whose the keys are, and the name of its response.
const USER: &str = "user";

/// What of the form is compared: its name in storage, and its field.
const STORED_FIELDS: [(&str, &str); 3] =
    [("api_key", "apiKey"), ("app_key", "appKey"), ("site", "site")];

pub(super) struct Datadog;

/// The keys are sent there.
const SITE: FieldKind = FieldKind::Rule(is_site, "a host name such as `datadoghq.com`");

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Datadog",
    summary: "needs only the fields; Datadog checks the keys",
    steps: &[Step::form(
        "datadog_credentials",
        &[
            Field::text("apiKey", 255).help("a Datadog API key", "${DD_API_KEY}").secret(),
            Field::text("appKey", 255).help("an application key", "${DD_APP_KEY}").secret(),
            Field::required("site", SITE).help("the Datadog site", "datadoghq.eu"),
        ],
    )],
    app: &[app::URL],
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("datadog")
};

impl Provider for Datadog {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        state.bind(
            "config",
            json!({
                "api_key": fields.text("apiKey"),
                "app_key": fields.text("appKey"),
                "site": fields.text("site"),
            }),
        );
        state.unbind(USER);
        Ok(())
    }

    fn next_request(&self, _: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let usual = format!("https://api.{}", config(state, "site"));
        let url = format!("{}/api/v2/current_user", AppSettings::of(state).base_url_or(&usual));
        let key = |name| Secret::from(config(state, name));
        let headers = vec![("DD-API-KEY", key("api_key")), ("DD-APPLICATION-KEY", key("app_key"))];
        let user = || VendorRequest::get(USER, url, Credentials::Headers(headers));
        Ok(state.lacks(USER).then(user))
    }

    fn bind_response(&self, _: &str, response: &VendorResponse, state: &mut State) -> Result {
        let message = "Datadog rejected these keys: check `apiKey`, `appKey` and `site`";
        let messages = [401, 403].map(|status| (status, message));
        let user = response.json_or("the check of the keys at Datadog", &messages)?;
        state.bind(USER, user["data"].clone());
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        // The listing has no address; the name has the site.
        let site = listed.name.strip_prefix("Datadog (").and_then(|rest| rest.strip_suffix(')'));
        recover::text_fields([("site", site.unwrap_or_default())])
    }

    /// An organization has one at most.
    fn account(&self, _: &Answers) -> Option<String> {
        Some(String::new())
    }

    fn stored_secret(
        &self,
        field: &str,
        _: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        let (name, _) = STORED_FIELDS.into_iter().find(|(_, known)| *known == field)?;
        let stored = listed.stored.as_ref()?.metadata.get(name);
        Some(stored.and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let Some(stored) = &listed.stored else { return IntegrationMatch::Same };
        let is_stored = |(name, field): (&str, &str)| {
            stored.metadata.get(name).and_then(Value::as_str) == Some(answers.text(field))
        };
        IntegrationMatch::same_or_differs(STORED_FIELDS.into_iter().all(is_stored))
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let org = state.fetch("organization_id").and_then(Value::as_i64).unwrap_or_default();
        let user = state.fetch(USER);
        let account = user.and_then(|user| user["relationships"]["org"]["data"]["id"].as_str());
        let missing =
            || Refusal::failure("Datadog's response does not contain the organization of the keys");
        let account = account.ok_or_else(missing)?;
        let id = hex(&Sha256::digest(format!("{org}:{account}")));
        let site = config(state, "site");
        let metadata = object(json!({
            "api_key": config(state, "api_key"),
            "app_key": config(state, "app_key"),
            "site": site,
        }));
        let name = Some(format!("Datadog ({site})"));
        Ok(IntegrationData { name, metadata, ..IntegrationData::new(id) })
    }
}

fn config<'a>(state: &'a State, name: &str) -> &'a str {
    state.fetch("config").and_then(|config| config[name].as_str()).unwrap_or_default()
}

fn is_site(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 255 && text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_cannot_lead_the_keys_elsewhere() {
        assert!(is_site("datadoghq.com") && is_site("us5.datadoghq.com"));
        for bad in ["", "x", "a.b/c", "a.b:1", "me@a.b", "a..b", "a.b?c", "a.b#"] {
            assert!(!is_site(bad), "{bad}");
        }
    }
}
