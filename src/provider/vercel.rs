//! Vercel: a code that its marketplace hands over, exchanged with an integration of one's own.
//!
//! Sentry also makes an internal integration of its own for the organization; here are none.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA};
use super::evidence::ProviderEvidence;
use super::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use super::{Field, FreshValues, INITIAL, Provider, ProviderDescription, Result, Step};
use crate::model::{Fields, IntegrationData, Object, Refusal, State, object};
use crate::secret::Secret;
use crate::text;
use serde_json::{Value, json};

const CODE: &str = "code";
const REDIRECT_URI: &str = "redirect_uri";
/// The request for the team or the user, and the name of its response.
const ACCOUNT: &str = "account";

pub(super) struct Vercel;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Vercel",
    guide: "deployment/vercel/",
    summary: "needs only the code of an installation that was started in Vercel's marketplace",
    features: &["deployment"],
    initial: Some(&Step::initial(&[Field::text("code", 4096)
        .help("the code in the link from Vercel's marketplace; can be used once", "${VERCEL_CODE}")
        .secret()])),
    steps: &[Step::form("oauth_login", &[Field::echoed("state")])],
    app: &[app::CLIENT_ID, app::client_secret("${VERCEL_CLIENT_SECRET}"), app::URL],
    evidence: ProviderEvidence::TESTS,
    ..ProviderDescription::new("vercel")
};

impl Provider for Vercel {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        oauth2::bind_once(state, REDIRECT_URI, &fresh.redirect_uri);
        oauth2::nonce_data(state, fresh)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id != INITIAL {
            return oauth2::verify(fields, state);
        }
        state.bind(CODE, fields.text("code"));
        Ok(())
    }

    fn next_request(&self, _: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let base = AppSettings::of(state).base_url_or("https://api.vercel.com");
        let Some(data) = state.fetch(OAUTH_DATA) else { return Ok(Some(exchange(base, state))) };
        let path = match data["team_id"].as_str() {
            Some(team) => format!("teams/{}", text::segment(team)),
            None => "user".to_owned(),
        };
        let url = format!("{base}/v2/{path}");
        let account = || VendorRequest::get(ACCOUNT, url, oauth2::credentials(state));
        Ok(state.lacks(ACCOUNT).then(account))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        if name == OAUTH_DATA {
            return oauth2::bind_tokens(response, state);
        }
        state.bind(ACCOUNT, response.json("the Vercel team or user")?);
        Ok(())
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let of = |name| state.fetch(name).unwrap_or(&Value::Null);
        let (data, account) = (of(OAUTH_DATA), of(ACCOUNT));
        let is_team = data["team_id"].is_string();
        let id = data[if is_team { "team_id" } else { "user_id" }].as_str();
        let id = id.ok_or_else(|| {
            Refusal::failure("Vercel's response does not contain the team or user")
        })?;
        // The user stands inside of the response, or is all of it.
        let user = if account["user"].is_object() { &account["user"] } else { account };
        let text = |name: &str| user[name].as_str().filter(|text| !text.is_empty());
        let name = text("name").or_else(|| text("username")).unwrap_or(id).to_owned();
        let mut metadata = object(json!({
            "access_token": data["access_token"],
            "installation_id": data["installation_id"],
            "installation_type": if is_team { "team" } else { "user" },
        }));
        if !is_team {
            metadata.insert("user".to_owned(), user.clone());
        }
        Ok(IntegrationData { name: Some(name), metadata, ..IntegrationData::new(id) })
    }
}

fn exchange(base: &str, state: &State) -> VendorRequest {
    let app = AppSettings::of(state);
    let bound = |name| Secret::from(state.text(name).unwrap_or_default());
    let form = vec![
        ("client_id", app.secret("clientId")),
        ("client_secret", app.secret("clientSecret")),
        ("code", bound(CODE)),
        ("redirect_uri", bound(REDIRECT_URI)),
    ];
    let url = format!("{base}/v2/oauth/access_token");
    VendorRequest::post(OAUTH_DATA, url, Credentials::None, RequestBody::Form(form))
}
