//! Slack: OAuth 2 with an app of one's own, and a look at the workspace.

use super::auth::app::{self, AppSettings};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::request::{VendorRequest, VendorResponse};
use super::{FreshValues, Provider, ProviderDescription, Result, Step};
use crate::model::{Fields, IntegrationData, Object, Refusal, State, UserIdentity, object};
use crate::text::quote;
use serde_json::{Value, json};

const SCOPE: &str = "channels:read,groups:read,users:read,chat:write,links:read,links:write,\
                     team:read,im:read,im:history,chat:write.public,chat:write.customize,commands";
/// The request for the workspace, and the name of its response.
const TEAM: &str = "team";

pub(super) struct Slack;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Slack",
    guide: "notification-incidents/slack/",
    summary: "needs a person to approve once in a browser",
    features: &["alert-rule", "chat-unfurl"],
    steps: &[oauth2::STEP],
    app: &[app::CLIENT_ID, app::client_secret("${SLACK_CLIENT_SECRET}"), app::URL],
    evidence: ProviderEvidence {
        code: &[STEPS, FIELDS],
        inferred: &[STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("slack")
};

impl Provider for Slack {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, _: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        oauth(state).step_data(state, fresh)
    }

    fn bind_answer(&self, _: &Step, fields: &Fields, state: &mut State) -> Result {
        oauth2::bind_callback(fields, state, &[TEAM])
    }

    fn next_request(&self, _: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let url = format!("{}/api/team.info", base_url(state));
        let team = || VendorRequest::get(TEAM, url, oauth2::credentials(state));
        Ok(oauth(state).exchange(state)?.or_else(|| state.lacks(TEAM).then(team)))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        if name == OAUTH_DATA {
            let body = response.json("an access token from Slack")?;
            check_ok(&body)?;
            check_workspace(&body)?;
            return oauth2::bind_tokens(response, state);
        }
        let body = response.json("the Slack workspace")?;
        check_ok(&body)?;
        state.bind(TEAM, body["team"].clone());
        Ok(())
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let fetched = |name| state.fetch(name).unwrap_or(&Value::Null);
        let (data, team) = (fetched(OAUTH_DATA), fetched(TEAM));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let lacks =
            |what: &str| Refusal::failure(format!("Slack's response does not contain the {what}"));
        let id = text(&data["team"]["id"]).ok_or_else(|| lacks("workspace"))?;
        let external_id = text(&data["authed_user"]["id"]).ok_or_else(|| lacks("user"))?;
        let scopes = data["scope"].as_str().unwrap_or_default().split(',');
        let metadata = object(json!({
            "access_token": data["access_token"],
            "scopes": scopes.filter(|scope| !scope.is_empty()).collect::<Vec<_>>(),
            "icon": team["icon"]["image_132"],
            "domain_name": format!("{}.slack.com", team["domain"].as_str().unwrap_or_default()),
            "installation_type": "born_as_bot",
        }));
        Ok(IntegrationData {
            name: text(&data["team"]["name"]),
            metadata,
            user_identity: Some(UserIdentity { kind: "slack", external_id, ..Default::default() }),
            ..IntegrationData::new(id)
        })
    }
}

fn base_url(state: &State) -> &str {
    AppSettings::of(state).base_url_or("https://slack.com")
}

fn oauth(state: &State) -> OAuth2 {
    let paths = ["/oauth/v2/authorize", "/api/oauth.v2.access"];
    OAuth2::of_app(state, base_url(state), paths, SCOPE)
}

/// On an Enterprise Grid an app may be installed for the whole organization, and then for none of its
/// workspaces.
fn check_workspace(body: &Value) -> Result {
    let is_organization = body["is_enterprise_install"] == true;
    if !is_organization && (body["team"]["id"].is_string() || !body["enterprise"].is_object()) {
        return Ok(());
    }
    let name = body["enterprise"]["name"].as_str().or(body["enterprise"]["id"].as_str());
    let name = name.map(|name| format!(" {}", quote(name))).unwrap_or_default();
    Err(Refusal::failure(format!(
        "Slack installed the app for the whole Enterprise Grid organization{name}, and the \
         integration needs one workspace: approve again, and choose a workspace on Slack's page"
    )))
}

/// Slack answers 200 to what it refuses too, with a word for the reason.
fn check_ok(body: &Value) -> Result {
    if body["ok"] == true {
        return Ok(());
    }
    let error = quote(body["error"].as_str().unwrap_or("no reason"));
    Err(Refusal::failure(format!("Slack returned an error: {error}")))
}
