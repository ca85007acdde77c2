//! Slack: OAuth 2 with an app of one's own, and a look at the workspace.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::fields::step::Step;
use super::request::{Credentials, VendorRequest, VendorResponse};
use super::{Answers, Field, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{
    IntegrationData, ListedIntegration, Object, Refusal, RefusalKind, UserIdentity,
};
use serde_json::{Value, json};

const SCOPE: &str = "channels:read,groups:read,users:read,chat:write,links:read,links:write,\
                     team:read,im:read,im:history,chat:write.public,chat:write.customize,commands";
/// Under which the workspace is asked for.
const TEAM: &str = "team";

pub(super) struct Slack;

static STEPS: [Step; 1] = [oauth2::STEP];
static APP: [Field; 3] = [app::CLIENT_ID, app::client_secret("${SLACK_CLIENT_SECRET}"), app::URL];

impl Provider for Slack {
    fn key(&self) -> &'static str {
        "slack"
    }

    fn name(&self) -> &'static str {
        "Slack"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["alert-rule", "chat-unfurl"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &APP
    }

    fn step_data(&self, _step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        app(state).view(state, fresh)
    }

    fn bind_answer(&self, _step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        oauth2::bind_callback(fields, state, &[TEAM])
    }

    fn next_request(&self, _step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if let Some(exchange) = app(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let token = Credentials::Bearer(oauth2::access_token(state));
        let url = format!("{}/api/team.info", base(state));
        Ok(state.fetch(TEAM).is_none().then(|| VendorRequest::get(TEAM, url, token)))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        if name == OAUTH_DATA {
            ok_body(&reply.json("Slack's exchange of the code", RefusalKind::Failure)?)?;
            return oauth2::bind_tokens(reply, state);
        }
        let told = reply.json("Slack's workspace", RefusalKind::Failure)?;
        state.bind(TEAM, ok_body(&told)?["team"].clone());
        Ok(())
    }

    /// Only the person's approval tells which workspace it is.
    fn matches(&self, _answers: &Answers, _listed: &ListedIntegration) -> IntegrationMatch {
        IntegrationMatch::CannotTell
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let (data, team) = (fetched(state, OAUTH_DATA), fetched(state, TEAM));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let lacks = |what: &str| Refusal::failure(format!("Slack does not tell the {what}"));
        let id = text(&data["team"]["id"]).ok_or_else(|| lacks("workspace"))?;
        let user = text(&data["authed_user"]["id"]).ok_or_else(|| lacks("user"))?;
        let scopes = data["scope"].as_str().unwrap_or_default().split(',');
        let scopes: Vec<_> = scopes.filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let domain = team["domain"].as_str().unwrap_or_default();
        let metadata = json!({
            "access_token": data["access_token"],
            "scopes": scopes,
            "icon": team["icon"]["image_132"],
            "domain_name": format!("{domain}.slack.com"),
            "installation_type": "born_as_bot",
        });
        let identity = UserIdentity {
            kind: "slack",
            external_id: user,
            scopes: Vec::new(),
            data: Object::new(),
        };
        Ok(IntegrationData {
            name: text(&data["team"]["name"]),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            user_identity: Some(identity),
            ..IntegrationData::new(id)
        })
    }
}

fn base(state: &State) -> &str {
    AppSettings::of(state).base_url_or("https://slack.com")
}

fn app(state: &State) -> OAuth2 {
    let base = base(state);
    let authorize = format!("{base}/oauth/v2/authorize");
    OAuth2::of_app(state, authorize, format!("{base}/api/oauth.v2.access"), SCOPE)
}

fn fetched<'a>(state: &'a State, name: &str) -> &'a Value {
    state.fetch(name).unwrap_or(&Value::Null)
}

/// Slack answers 200 to what it refuses too, with a word for the reason.
fn ok_body(told: &Value) -> Result<&Value, Refusal> {
    if told["ok"] == true {
        return Ok(told);
    }
    let error = crate::text::quote::quote(told["error"].as_str().unwrap_or("no reason"));
    Err(Refusal::failure(format!("Slack refuses: {error}")))
}
