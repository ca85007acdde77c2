//! GitLab, SaaS or self-managed: a form, OAuth 2, and a look at the user and the group.

use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::auth::self_hosted::{self, SelfHostedInstance};
use super::evidence::{self, ProviderEvidence};
use super::fields::{recover, repair};
use super::request::{VendorRequest, VendorResponse};
use super::{
    Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider, ProviderDescription,
    Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use crate::text::{self, hex, url};
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
            Field::url("url").help("the URL of the GitLab instance", "https://gitlab.com"),
            Field::text("clientId", 200)
                .help("the id of the OAuth application created there", "6f1c…"),
            Field::text("clientSecret", 4096)
                .help("the secret of that application", "${GITLAB_CLIENT_SECRET}")
                .secret(),
            Field::optional("group", FieldKind::Text(200))
                .help("the path of the group; if empty, the whole instance", "acme/widgets")
                .repaired(repair::group_path),
            Field::optional("includeSubgroups", FieldKind::Flag(false))
                .help("whether to include the group's subgroups", "false"),
            self_hosted::VERIFY_SSL,
        ],
    ),
    oauth2::STEP,
];

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "GitLab",
    guide: "source-code-mgmt/gitlab/",
    summary: "needs a person to approve once in a browser",
    features: &["codeowners", "commits", "issue-basic", "stacktrace-link"],
    steps: &STEPS,
    has_numbered_repositories: true,
    needs_default_identity: true,
    identity_fields: &["url", "group"],
    evidence: ProviderEvidence {
        code: &[evidence::STORED],
        tests: &[evidence::STEPS, evidence::FIELDS],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("gitlab")
};

impl Provider for Gitlab {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return oauth(&SelfHostedInstance::of(state)).step_data(state, fresh);
        }
        object(json!({
            "defaults": { "verifySsl": true, "includeSubgroups": false },
            "setupValues": self_hosted::setup_values(fresh, SCOPE),
        }))
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, GROUP]);
        }
        let group = fields.text("group");
        let subgroups = includes_subgroups(fields);
        let more = object(json!({ "group": group, "include_subgroups": subgroups }));
        self_hosted::bind(fields, more, state);
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        let instance = SelfHostedInstance::of(state);
        let missing = || match group(state) {
            _ if state.lacks(USER) => Some((USER, "user".to_owned())),
            Some(group) if state.lacks(GROUP) => {
                Some((GROUP, format!("groups/{}", text::segment(group))))
            }
            _ => None,
        };
        let request = |(name, path)| instance.get(name, &format!("/api/v4/{path}"), state);
        Ok(oauth(&instance).exchange(state)?.or_else(|| missing().map(request)))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        let (name, what) = match name {
            OAUTH_DATA => return oauth2::bind_tokens(response, state),
            GROUP => (GROUP, "the GitLab group"),
            _ => (USER, "the GitLab user"),
        };
        let body = response.json(what);
        let body = if name == GROUP { body.map_err(Refusal::by_provider) } else { body };
        state.bind(name, self_hosted::with_id(body?, what)?);
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let domain = listed.domain_name.as_deref().unwrap_or_default();
        let group = domain.split_once('/').map_or("", |(_, group)| group);
        let mut fields = recover::server_fields(listed, [("group", group)]);
        fields.extend(oauth2::recover_fields(listed));
        // The whole instance has no group. Of a group without its path there is only the id.
        let is_whole = listed.external_id.ends_with(":_instance_");
        if !fields.contains_key("group") {
            fields.insert("group".to_owned(), if is_whole { json!("") } else { Value::Null });
        }
        let subgroups = recover::metadata(listed, "include_subgroups").cloned();
        let subgroups = subgroups.or_else(|| is_whole.then(|| json!(false)));
        fields.extend(subgroups.map(|flag| ("includeSubgroups".to_owned(), flag)));
        fields
    }

    fn account(&self, answers: &Answers) -> Option<String> {
        let host = url::host(answers.text("url"));
        Some(format!("{host}/{}", answers.text("group").to_lowercase()))
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
        let (host, group) = (url::host(answers.text("url")), answers.text("group"));
        let place = if group.is_empty() { host.clone() } else { format!("{host}/{group}") };
        let by_id = listed.external_id == format!("{host}:{group}");
        // GitLab takes a path in any case, and shows it in that of its group.
        let domain = listed.domain_name.as_deref();
        if !by_id && !domain.is_some_and(|domain| domain.eq_ignore_ascii_case(&place)) {
            return IntegrationMatch::Other;
        }
        let form = answers.step(STEPS[0].id).cloned().unwrap_or_default();
        let subgroups = json!(includes_subgroups(&form));
        IntegrationMatch::same_or_differs(listed.stored.as_ref().is_none_or(|stored| {
            oauth2::is_stored(&form, stored)
                && stored.metadata.get("include_subgroups") == Some(&subgroups)
        }))
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let instance = SelfHostedInstance::of(state);
        let host = instance.host();
        let group = state.fetch(GROUP).filter(|_| group(state).is_some());
        let user = state.fetch(USER).and_then(|user| user["id"].as_i64());
        let user = user.ok_or_else(|| Refusal::failure("the GitLab user has no id"))?;
        let text = |name: &str| group.and_then(|group| group[name].as_str());
        let group_id = group.map(|group| group["id"].clone()).unwrap_or(Value::Null);
        let place = if group_id.is_null() { "_instance_".to_owned() } else { group_id.to_string() };
        let domain =
            text("full_path").map_or_else(|| host.clone(), |path| format!("{host}/{path}"));
        let metadata = object(json!({
            "icon": text("avatar_url"),
            "instance": host,
            "domain_name": domain,
            "scopes": [SCOPE],
            "verify_ssl": instance.verify_ssl,
            "base_url": instance.url,
            "webhook_secret": webhook_secret(&host, &instance.client_id),
            "group_id": group_id,
            "include_subgroups": group.is_some() && self_hosted::form_data(state)["include_subgroups"] == true,
        }));
        Ok(IntegrationData {
            name: Some(text("full_name").map_or_else(|| host.clone(), str::to_owned)),
            metadata,
            user_identity: Some(instance.identity("gitlab", user, &[SCOPE], state)),
            ..IntegrationData::new(format!("{host}:{place}"))
        })
    }
}

fn oauth(instance: &SelfHostedInstance) -> OAuth2 {
    instance.oauth(["/oauth/authorize", "/oauth/token"], SCOPE)
}

/// The path of the group; `None` for the whole instance.
fn group(state: &State) -> Option<&str> {
    Some(self_hosted::form_text(state, "group")).filter(|group| !group.is_empty())
}

fn includes_subgroups(form: &Fields) -> bool {
    form.flag("includeSubgroups", false) && !form.text("group").is_empty()
}

/// The secret that GitLab's webhooks carry, as Sentry derives it.
fn webhook_secret(host: &str, client_id: &str) -> String {
    hex(&Sha1::digest(format!("{host}{client_id}")))
}
