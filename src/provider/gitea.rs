//! Gitea: a form, OAuth 2, and a look at the user and the server's version.

use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::auth::self_hosted::{self, SelfHostedInstance};
use super::fields::recover;
use super::fields::step::Step;
use super::request::{VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};
use crate::text::url;
use serde_json::{Value, json};

const SCOPE: &str = "read:user read:organization write:repository write:issue";
const USER: &str = "user";
const VERSION: &str = "version";
const WEBHOOK_SECRET: &str = "webhook_secret";

pub(super) struct Gitea;

static STEPS: [Step; 2] = [
    Step::form(
        "installation_config",
        &[
            Field::required(
                "url",
                FieldKind::Url,
                "the address of the Gitea instance",
                "https://gitea.example.com",
            ),
            Field::required(
                "clientId",
                FieldKind::Text(200),
                "the id of the OAuth2 application that was made there",
                "6f1c…",
            ),
            Field::required(
                "clientSecret",
                FieldKind::Text(4096),
                "the secret of that application",
                "${GITEA_CLIENT_SECRET}",
            )
            .secret(),
            self_hosted::VERIFY_SSL,
        ],
    ),
    oauth2::STEP,
];

impl Provider for Gitea {
    fn key(&self) -> &'static str {
        "gitea"
    }

    fn name(&self) -> &'static str {
        "Gitea"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            // Shown to nobody and drawn once, like the verifier that other providers need here.
            state.bind(WEBHOOK_SECRET, fresh.verifier.as_str());
            return app(&SelfHostedInstance::of(state)).view(state, fresh);
        }
        Object::new()
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, VERSION]);
        }
        self_hosted::bind(fields, Object::new(), state);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        let instance = SelfHostedInstance::of(state);
        if let Some(exchange) = app(&instance).exchange(state)? {
            return Ok(Some(exchange));
        }
        let lacking = [USER, VERSION].into_iter().find(|name| state.fetch(name).is_none());
        Ok(lacking.map(|name| instance.get(name, &format!("/api/v1/{name}"), state)))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        match name {
            OAUTH_DATA => oauth2::bind_tokens(reply, state)?,
            USER => {
                let wanted = "Gitea's user";
                state.bind(USER, self_hosted::object_with_id(reply, wanted, RefusalKind::Failure)?);
            }
            // The version is good to know, and its lack no reason to refuse.
            _ => {
                let told = reply.json("Gitea's version", RefusalKind::Failure).unwrap_or_default();
                state.bind(VERSION, told["version"].clone());
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let (host, client) = listed.external_id.rsplit_once(':').unwrap_or_default();
        let mut told = recover::server_fields(listed, host);
        told.extend(recover::text_fields([("clientId", client)]));
        told
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let (url, client_id) = (answers.text("url"), answers.text("clientId"));
        let host = url::host(url);
        if listed.external_id != format!("{host}:{client_id}") {
            return IntegrationMatch::Other;
        }
        let form = answers.step(STEPS[0].id).cloned().unwrap_or_default();
        let stored = listed.stored.as_ref();
        IntegrationMatch::same_or_differs(
            stored.is_none_or(|stored| oauth2::is_stored(&form, stored)),
        )
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let instance = SelfHostedInstance::of(state);
        let host = instance.host();
        let user = state.fetch(USER).unwrap_or(&Value::Null);
        let id = user["id"].as_i64().ok_or_else(|| Refusal::failure("Gitea's user has no id"))?;
        let home = url::host(user["html_url"].as_str().unwrap_or_default());
        if !home.is_empty() && home != host {
            let message = format!("the account is one of {home}, and `url` names {host}");
            return Err(Refusal::failure(message));
        }
        let scopes: Vec<_> = SCOPE.split(' ').collect();
        let metadata = json!({
            "icon": null,
            "instance": host,
            "domain_name": host,
            "scopes": scopes,
            "verify_ssl": instance.verify_ssl,
            "base_url": instance.url,
            "webhook_secret": state.text(WEBHOOK_SECRET),
            "instance_version": state.text(VERSION),
        });
        Ok(IntegrationData {
            name: Some(host.clone()),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            kept_metadata: &[WEBHOOK_SECRET],
            user_identity: Some(instance.identity("gitea", id, &scopes, state)),
            ..IntegrationData::new(format!("{host}:{}", instance.client_id))
        })
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}

fn app(instance: &SelfHostedInstance) -> OAuth2 {
    instance.app("/login/oauth/authorize", "/login/oauth/access_token", SCOPE)
}
