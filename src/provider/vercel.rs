//! Vercel: a code that its marketplace hands over, exchanged with an integration of one's own.
//!
//! Sentry also makes an internal integration of its own for the organization; here are none.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA};
use super::fields::step::Step;
use super::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, INITIAL, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

const CODE: &str = "code";
const REDIRECT_URI: &str = "redirect_uri";
/// Under which the team or the user is asked for.
const ACCOUNT: &str = "account";

pub(super) struct Vercel;

static FIRST: Step = Step::initial(&[Field::required(
    "code",
    FieldKind::Text(4096),
    "the code that Vercel's marketplace puts into its link; good once",
    "${VERCEL_CODE}",
)
.secret()]);

static STEPS: [Step; 1] = [Step::form("oauth_login", &[Field::echoed("state")])];
static APP: [Field; 3] = [app::CLIENT_ID, app::client_secret("${VERCEL_CLIENT_SECRET}"), app::URL];

impl Provider for Vercel {
    fn key(&self) -> &'static str {
        "vercel"
    }

    fn name(&self) -> &'static str {
        "Vercel"
    }

    fn summary(&self) -> &'static str {
        "finishes with the code of an installation that was begun in Vercel's marketplace"
    }

    fn features(&self) -> &'static [&'static str] {
        &["deployment"]
    }

    fn initial(&self) -> Option<&'static Step> {
        Some(&FIRST)
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &APP
    }

    fn step_data(&self, _step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        oauth2::bind_once(state, REDIRECT_URI, &fresh.redirect_uri);
        oauth2::nonce_data(state, fresh)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == INITIAL {
            state.bind(CODE, fields.text("code"));
            return Ok(());
        }
        oauth2::verify(fields, state)
    }

    fn next_request(&self, _step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        let base = AppSettings::of(state).base_url_or("https://api.vercel.com");
        let Some(data) = state.fetch(OAUTH_DATA) else { return Ok(Some(exchange(base, state))) };
        let path = match data["team_id"].as_str() {
            Some(team) => format!("/v2/teams/{}", url::segment(team)),
            None => "/v2/user".to_owned(),
        };
        let token = Credentials::Bearer(oauth2::access_token(state));
        let ask = || VendorRequest::get(ACCOUNT, format!("{base}{path}"), token);
        Ok(state.fetch(ACCOUNT).is_none().then(ask))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        if name == OAUTH_DATA {
            return oauth2::bind_tokens(reply, state);
        }
        let account = reply.json("Vercel's team or user", RefusalKind::Failure)?;
        state.bind(ACCOUNT, account);
        Ok(())
    }

    /// Only the exchange of the code tells whose installation it is.
    fn matches(&self, _answers: &Answers, _listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::CannotTell
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let of = |name| state.fetch(name).unwrap_or(&Value::Null);
        let (data, account) = (of(OAUTH_DATA), of(ACCOUNT));
        let is_team = data["team_id"].is_string();
        let id = data[if is_team { "team_id" } else { "user_id" }].as_str();
        let id = id.ok_or_else(|| Refusal::failure("Vercel does not tell the team or user"))?;
        // The user stands inside of what is told, or is all of it.
        let user = if account["user"].is_object() { &account["user"] } else { account };
        let text = |name: &str| user[name].as_str().filter(|text| !text.is_empty());
        let name = text("name").or_else(|| text("username")).unwrap_or(id).to_owned();
        let mut metadata = json!({
            "access_token": data["access_token"],
            "installation_id": data["installation_id"],
            "installation_type": if is_team { "team" } else { "user" },
        });
        if !is_team {
            metadata["user"] = user.clone();
        }
        Ok(IntegrationData {
            name: Some(name),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            ..IntegrationData::new(id)
        })
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
