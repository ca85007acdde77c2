//! Jira Server: an application link, which a person approves, and a webhook.

use super::auth::application_link::{self, ACCESS_TOKEN, REQUEST_TOKEN};
use super::auth::oauth2::bind_once;
use super::fields::step::Step;
use super::request::{RequestBody, VendorRequest, VendorResponse};
use super::{Answers, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};
use crate::secret::Secret;
use serde_json::{Value, json};

const WEBHOOK_SECRET: &str = "webhook_secret";
const WEBHOOK_URL: &str = "webhook_url";
const SERVER: &str = "server_info";
const WEBHOOK: &str = "webhook";

pub(super) struct JiraServer;

impl Provider for JiraServer {
    fn key(&self) -> &'static str {
        "jira_server"
    }

    fn name(&self) -> &'static str {
        "Jira Server"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["issue-basic", "issue-sync"]
    }

    fn steps(&self) -> &'static [Step] {
        &application_link::STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        bind_once(state, WEBHOOK_SECRET, &fresh.verifier);
        let hook = fresh.redirect_uri.replace("/setup/", "/issue-updated/");
        bind_once(state, WEBHOOK_URL, &format!("{hook}{}/", fresh.verifier));
        application_link::view(step, state)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        application_link::bind_answer(step, fields, state, &[SERVER, WEBHOOK]);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if let Some(ask) = application_link::next_request(step, state) {
            return Ok(Some(ask));
        }
        let Some(token) = application_link::access_token(state) else { return Ok(None) };
        let lacks = |name| state.fetch(name).is_none();
        let ask = |name, path, body| {
            Some(application_link::request(state, name, path, Some(token), None, body))
        };
        Ok(match () {
            () if lacks(SERVER) => ask(SERVER, "/rest/api/2/serverInfo", RequestBody::None),
            () if lacks(WEBHOOK) => ask(WEBHOOK, "/rest/webhooks/1.0/webhook", webhook(state)),
            () => None,
        })
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        match name {
            REQUEST_TOKEN => {
                return application_link::bind_tokens(REQUEST_TOKEN, "Jira Server", reply, state);
            }
            ACCESS_TOKEN => {
                return application_link::bind_tokens(ACCESS_TOKEN, "Jira Server", reply, state);
            }
            SERVER => {
                let told = reply.json("Jira Server's own facts", RefusalKind::Failure)?;
                state.bind(SERVER, told["version"].clone());
            }
            _ => {
                reply.text("the webhook in Jira Server", RefusalKind::Failure)?;
                state.bind(WEBHOOK, true);
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        application_link::recover_fields(listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        application_link::matches(answers, listed)
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let secret = state.text(WEBHOOK_SECRET).map_or(Value::Null, Value::from);
        let more = [(WEBHOOK_SECRET.to_owned(), secret)].into_iter().collect();
        application_link::build("jira_server", more, state)
    }

    fn needs_default_identity(&self) -> bool {
        true
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
