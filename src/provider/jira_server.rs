//! Jira Server: an application link, which a person approves, and a webhook.

use super::auth::application_link::{self, ACCESS_TOKEN};
use super::auth::oauth2::bind_once;
use super::drawn_values::{WEBHOOK_SECRET, bind_webhook_secret};
use super::evidence::ProviderEvidence;
use super::request::{RequestBody, VendorRequest, VendorResponse};
use super::{
    Answers, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription, Result,
    Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, State, object};
use crate::secret::Secret;
use serde_json::json;

const WEBHOOK_URL: &str = "webhook_url";
const SERVER: &str = "server_info";
const WEBHOOK: &str = "webhook";

pub(super) struct JiraServer;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Jira Server",
    guide: "issue-tracking/jira/",
    summary: "needs a person to approve once in a browser",
    features: &["issue-basic", "issue-sync"],
    steps: &application_link::STEPS,
    needs_default_identity: true,
    identity_fields: &["url", "consumerKey"],
    evidence: ProviderEvidence::TESTS,
    ..ProviderDescription::new("jira_server")
};

impl Provider for JiraServer {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_webhook_secret(state, fresh);
        let url = fresh.redirect_uri.replace("/setup/", "/issue-updated/");
        bind_once(state, WEBHOOK_URL, &format!("{url}{}/", fresh.verifier));
        application_link::step_data(step, state)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        application_link::bind_answer(step, fields, state, &[SERVER, WEBHOOK]);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let missing = || {
            application_link::token(state, ACCESS_TOKEN)?;
            let (name, path, body) = match () {
                () if state.lacks(SERVER) => (SERVER, "/rest/api/2/serverInfo", RequestBody::None),
                () if state.lacks(WEBHOOK) => {
                    (WEBHOOK, "/rest/webhooks/1.0/webhook", webhook(state))
                }
                () => return None,
            };
            Some(application_link::request(state, name, path, body))
        };
        Ok(application_link::next_request(step, state).or_else(missing))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        match name {
            SERVER => {
                let info = response.json("the server information of Jira Server")?;
                state.bind(SERVER, info["version"].clone());
            }
            WEBHOOK => {
                response.text("the webhook in Jira Server")?;
                state.bind(WEBHOOK, true);
            }
            _ => return application_link::bind_tokens(name, "Jira", response, state),
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        application_link::recover_fields(listed)
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        application_link::candidates(answers)
    }

    fn stored_secret(
        &self,
        field: &str,
        _: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        application_link::stored_secret(field, listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        application_link::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let secret = state.text(WEBHOOK_SECRET);
        let more = object(json!({ WEBHOOK_SECRET: secret }));
        application_link::build("jira_server", more, state)
    }
}

/// The webhook that tells of issues. Nobody else knows its address, which holds the secret.
fn webhook(state: &State) -> RequestBody {
    let body = json!({
        "name": "Sentry Issue Sync",
        "url": state.text(WEBHOOK_URL),
        "events": ["jira:issue_created", "jira:issue_updated"],
    });
    RequestBody::Json(Secret::from(body.to_string()))
}
