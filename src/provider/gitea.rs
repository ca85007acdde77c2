//! Gitea: a form, OAuth 2, and a look at the user and the server's version.

use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::auth::self_hosted::{self, SelfHostedInstance};
use super::drawn_values::{WEBHOOK_SECRET, bind_webhook_secret};
use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::request::{VendorRequest, VendorResponse};
use super::{
    Answers, Field, FreshValues, IntegrationMatch, ListingFilter, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use crate::text::url;
use serde_json::{Value, json};

/// In the order that Sentry stores them in.
const SCOPE: &str = "read:organization read:user write:issue write:repository";
const USER: &str = "user";
const VERSION: &str = "version";

pub(super) struct Gitea;

static STEPS: [Step; 2] = [
    Step::form(
        "installation_config",
        &[
            Field::url("url").help("the URL of the Gitea instance", "https://gitea.example.com"),
            Field::text("clientId", 200)
                .help("the id of the OAuth2 application created there", "6f1c…"),
            Field::text("clientSecret", 4096)
                .help("the secret of that application", "${GITEA_CLIENT_SECRET}")
                .secret(),
            self_hosted::VERIFY_SSL,
        ],
    ),
    oauth2::STEP,
];

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "Gitea",
    summary: "needs a person to approve once in a browser",
    features: &["commits", "issue-basic", "stacktrace-link"],
    steps: &STEPS,
    needs_default_identity: true,
    identity_fields: &["url", "clientId"],
    evidence: ProviderEvidence {
        inferred: &["the values that its form shows"],
        ..ProviderEvidence::CODE
    },
    ..ProviderDescription::new("gitea")
};

impl Provider for Gitea {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id != oauth2::STEP.id {
            return object(json!({ "setupValues": self_hosted::setup_values(fresh, SCOPE) }));
        }
        // Shown to nobody and drawn once, like the verifier that other providers need here.
        bind_webhook_secret(state, fresh);
        oauth(&SelfHostedInstance::of(state)).step_data(state, fresh)
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, VERSION]);
        }
        self_hosted::bind(fields, Object::new(), state);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        let instance = SelfHostedInstance::of(state);
        let missing = || [USER, VERSION].into_iter().find(|name| state.lacks(name));
        let request = |name| instance.get(name, &format!("/api/v1/{name}"), state);
        Ok(oauth(&instance).exchange(state)?.or_else(|| missing().map(request)))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        match name {
            OAUTH_DATA => oauth2::bind_tokens(response, state)?,
            USER => {
                let what = "the Gitea user";
                state.bind(USER, self_hosted::with_id(response.json(what)?, what)?);
            }
            // The version is good to know, and its lack no reason to refuse.
            _ => {
                let body = response.json("the Gitea version").unwrap_or_default();
                state.bind(VERSION, body["version"].clone());
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let client_id = listed.external_id.rsplit_once(':').map_or("", |(_, id)| id);
        recover::server_fields(listed, [("clientId", client_id)])
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        ListingFilter::ExternalId(external_id(answers))
    }

    fn stored_secret(
        &self,
        field: &str,
        _: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        oauth2::stored_secret(field, listed)
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        if listed.external_id != external_id(answers) {
            return IntegrationMatch::Other;
        }
        let form = answers.step(STEPS[0].id).cloned().unwrap_or_default();
        let is_stored = |stored| oauth2::is_stored(&form, stored);
        IntegrationMatch::same_or_differs(listed.stored.as_ref().is_none_or(is_stored))
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let instance = SelfHostedInstance::of(state);
        let host = instance.host();
        let user = state.fetch(USER).unwrap_or(&Value::Null);
        let id = user["id"].as_i64().ok_or_else(|| Refusal::failure("the Gitea user has no id"))?;
        let home = url::host(user["html_url"].as_str().unwrap_or_default());
        if !home.is_empty() && home != host {
            let message = format!("the account belongs to {home}, but `url` is on {host}");
            return Err(Refusal::failure(message));
        }
        let scopes: Vec<_> = SCOPE.split(' ').collect();
        let metadata = object(json!({
            "icon": user["avatar_url"],
            "instance": host,
            "domain_name": host,
            "scopes": scopes,
            "verify_ssl": instance.verify_ssl,
            "base_url": instance.url,
            "webhook_secret": state.text(WEBHOOK_SECRET),
            "instance_version": state.text(VERSION),
        }));
        Ok(IntegrationData {
            name: Some(host.clone()),
            metadata,
            kept_metadata: &[WEBHOOK_SECRET],
            user_identity: Some(instance.identity("gitea", id, &scopes, state)),
            ..IntegrationData::new(format!("{host}:{}", instance.client_id))
        })
    }
}

/// The account: the server and the application.
fn external_id(answers: &Answers) -> String {
    format!("{}:{}", url::host(answers.text("url")), answers.text("clientId"))
}

fn oauth(instance: &SelfHostedInstance) -> OAuth2 {
    instance.oauth(["/login/oauth/authorize", "/login/oauth/access_token"], SCOPE)
}
