//! GitLab, SaaS or self-managed: a form, OAuth 2, and a look at the user and the group.

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
use sha1::{Digest, Sha1};

const SCOPE: &str = "api";
const USER: &str = "user";
const GROUP: &str = "group";

pub(super) struct Gitlab;

static STEPS: [Step; 2] = [
    Step::form(
        "installation_config",
        &[
            Field::required(
                "url",
                FieldKind::Url,
                "the address of the GitLab instance",
                "https://gitlab.com",
            ),
            Field::required(
                "clientId",
                FieldKind::Text(200),
                "the id of the OAuth application that was made there",
                "6f1c…",
            ),
            Field::required(
                "clientSecret",
                FieldKind::Text(4096),
                "the secret of that application",
                "${GITLAB_CLIENT_SECRET}",
            )
            .secret(),
            Field::optional(
                "group",
                FieldKind::Text(200),
                "the path of the group; the whole instance when empty",
                "acme/widgets",
            ),
            Field::optional(
                "includeSubgroups",
                FieldKind::Flag(false),
                "whether the group's subgroups belong to it",
                "false",
            ),
            self_hosted::VERIFY_SSL,
        ],
    ),
    oauth2::STEP,
];

impl Provider for Gitlab {
    fn key(&self) -> &'static str {
        "gitlab"
    }

    fn name(&self) -> &'static str {
        "GitLab"
    }

    fn summary(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["codeowners", "commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return app(&SelfHostedInstance::of(state)).view(state, fresh);
        }
        let data = json!({
            "defaults": { "verifySsl": true, "includeSubgroups": false },
            "setupValues": [
                { "label": "Name", "value": "Sentry" },
                { "label": "Redirect URI", "value": fresh.redirect_uri },
                { "label": "Scopes", "value": SCOPE },
            ],
        });
        data.as_object().cloned().unwrap_or_default()
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, GROUP]);
        }
        let group = fields.text("group");
        let subgroups = fields.flag("includeSubgroups", false) && !group.is_empty();
        let more = [("group", json!(group)), ("include_subgroups", json!(subgroups))];
        let more = more.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        self_hosted::bind(fields, more, state);
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
        if state.fetch(USER).is_none() {
            return Ok(Some(instance.get(USER, "/api/v4/user", state)));
        }
        let group = group(state).filter(|_| state.fetch(GROUP).is_none());
        let path = group.map(|group| format!("/api/v4/groups/{}", url::segment(group)));
        Ok(path.map(|path| instance.get(GROUP, &path, state)))
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        match name {
            OAUTH_DATA => oauth2::bind_tokens(reply, state)?,
            GROUP => {
                let wanted = "GitLab's group of this path";
                state.bind(
                    GROUP,
                    self_hosted::object_with_id(reply, wanted, RefusalKind::Provider)?,
                );
            }
            _ => {
                let wanted = "GitLab's user";
                state.bind(USER, self_hosted::object_with_id(reply, wanted, RefusalKind::Failure)?);
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let host = listed.external_id.rsplit_once(':').map_or("", |(host, _)| host);
        let domain = listed.domain_name.as_deref().unwrap_or_default();
        let group = domain.split_once('/').map_or("", |(_, group)| group);
        let mut told = recover::server_fields(listed, host);
        told.extend(recover::text_fields([("group", group)]));
        told.extend(oauth2::recover_fields(listed));
        let subgroups = recover::metadata(listed, "include_subgroups").cloned();
        told.extend(subgroups.map(|flag| ("includeSubgroups".to_owned(), flag)));
        told
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let (url, group) = (answers.text("url"), answers.text("group"));
        let host = url::host(url);
        let place = if group.is_empty() { host.clone() } else { format!("{host}/{group}") };
        let by_id = listed.external_id == format!("{host}:{group}");
        // GitLab takes a path in any letters, and tells it in those of its group.
        let domain = listed.domain_name.as_deref();
        if !by_id && !domain.is_some_and(|domain| domain.eq_ignore_ascii_case(&place)) {
            return IntegrationMatch::Other;
        }
        let form = answers.step(STEPS[0].id).cloned().unwrap_or_default();
        IntegrationMatch::same_or_differs(listed.stored.as_ref().is_none_or(|stored| {
            let subgroups = form.flag("includeSubgroups", false) && !group.is_empty();
            oauth2::is_stored(&form, stored)
                && stored.metadata.get("include_subgroups") == Some(&Value::from(subgroups))
        }))
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let instance = SelfHostedInstance::of(state);
        let host = instance.host();
        let group = state.fetch(GROUP).filter(|_| group(state).is_some());
        let user = state.fetch(USER).and_then(|user| user["id"].as_i64());
        let user = user.ok_or_else(|| Refusal::failure("GitLab's user has no id"))?;
        let text = |name: &str| group.and_then(|group| group[name].as_str());
        let group_id = group.map(|group| group["id"].clone()).unwrap_or(Value::Null);
        let place = if group_id.is_null() { "_instance_".to_owned() } else { group_id.to_string() };
        let domain =
            text("full_path").map_or_else(|| host.clone(), |path| format!("{host}/{path}"));
        let metadata = json!({
            "icon": text("avatar_url"),
            "instance": host,
            "domain_name": domain,
            "scopes": [SCOPE],
            "verify_ssl": instance.verify_ssl,
            "base_url": instance.url,
            "webhook_secret": webhook_secret(&host, &instance.client_id),
            "group_id": group_id,
            "include_subgroups": group.is_some() && self_hosted::form_data(state)["include_subgroups"] == true,
        });
        Ok(IntegrationData {
            name: Some(text("full_name").map_or_else(|| host.clone(), str::to_owned)),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            user_identity: Some(instance.identity("gitlab", user, &[SCOPE], state)),
            ..IntegrationData::new(format!("{host}:{place}"))
        })
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}

fn app(instance: &SelfHostedInstance) -> OAuth2 {
    instance.app("/oauth/authorize", "/oauth/token", SCOPE)
}

/// The path of the group; `None` for the whole instance.
fn group(state: &State) -> Option<&str> {
    self_hosted::form_data(state)["group"].as_str().filter(|group| !group.is_empty())
}

/// The secret that GitLab's webhooks carry, as Sentry derives it.
fn webhook_secret(host: &str, client_id: &str) -> String {
    let digest = Sha1::digest(format!("{host}{client_id}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
