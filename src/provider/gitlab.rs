//! GitLab, SaaS or self-managed: a form, OAuth 2, and a look at the user and the group.

use super::ask::{Ask, Credentials, Reply};
use super::oauth2::{self, OAUTH_DATA, OAuth2};
use super::{Answers, Field, Fresh, Kind, Match, Provider, Step, address};
use crate::model::{IntegrationData, Listed, Object, Refusal, RefusalKind, UserIdentity};
use crate::secret::Secret;
use crate::state::{Fields, State};
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
                Kind::Url,
                "the address of the GitLab instance",
                "https://gitlab.com",
            ),
            Field::required(
                "clientId",
                Kind::Text(200),
                "the id of the OAuth application that was made there",
                "6f1c…",
            ),
            Field::required(
                "clientSecret",
                Kind::Text(4096),
                "the secret of that application",
                "${GITLAB_CLIENT_SECRET}",
            )
            .secret(),
            Field::optional(
                "group",
                Kind::Text(200),
                "the path of the group; the whole instance when empty",
                "acme/widgets",
            ),
            Field::optional(
                "includeSubgroups",
                Kind::Flag(false),
                "whether the group's subgroups belong to it",
                "false",
            ),
            Field::optional(
                "verifySsl",
                Kind::Flag(true),
                "whether the instance's certificate must be valid",
                "true",
            ),
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

    fn about(&self) -> &'static str {
        "waits once for a person who approves in a browser"
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn view(&self, step: &Step, state: &mut State, fresh: &Fresh) -> Object {
        if step.id == oauth2::STEP.id {
            return Config::of(state).app().view(state, fresh);
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

    fn take(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == oauth2::STEP.id {
            return oauth2::take(fields, state, &[USER, GROUP]);
        }
        let group = fields.text("group");
        let data = json!({
            "url": fields.text("url").trim_end_matches('/'),
            "client_id": fields.text("clientId"),
            "client_secret": fields.text("clientSecret"),
            "group": group,
            "include_subgroups": fields.flag("includeSubgroups", false) && !group.is_empty(),
            "verify_ssl": fields.flag("verifySsl", true),
        });
        state.bind("installation_data", data);
        Ok(())
    }

    fn ask(&self, step: &Step, state: &State) -> Result<Option<Ask>, Refusal> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        let config = Config::of(state);
        if let Some(exchange) = config.app().exchange(state)? {
            return Ok(Some(exchange));
        }
        let get = |name, path: &str| Ask {
            name,
            url: format!("{}/api/v4/{path}", config.url),
            credentials: Credentials::Bearer(oauth2::access_token(state)),
            form: None,
            verify_tls: config.verify_ssl,
        };
        if state.fetch(USER).is_none() {
            return Ok(Some(get(USER, "user")));
        }
        if state.fetch(GROUP).is_none() && !config.group.is_empty() {
            let path = address::segment(&config.group);
            return Ok(Some(get(GROUP, &format!("groups/{path}"))));
        }
        Ok(None)
    }

    fn hear(&self, name: &str, reply: &Reply, state: &mut State) -> Result<(), Refusal> {
        match name {
            OAUTH_DATA => oauth2::hear(reply, state)?,
            GROUP => {
                let group = reply.json("GitLab's group of this path", RefusalKind::Provider)?;
                group["id"].as_i64().ok_or_else(|| Refusal::failure("GitLab's group has no id"))?;
                state.bind(GROUP, group);
            }
            _ => {
                let user = reply.json("GitLab's user", RefusalKind::Failure)?;
                user["id"].as_i64().ok_or_else(|| Refusal::failure("GitLab's user has no id"))?;
                state.bind(USER, user);
            }
        }
        Ok(())
    }

    fn matches(&self, answers: &Answers, listed: &Listed) -> Match {
        let (url, group) = (answers.text("url"), answers.text("group"));
        let host = address::host(url);
        let place = if group.is_empty() { host.clone() } else { format!("{host}/{group}") };
        let by_id = listed.external_id == format!("{host}:{group}");
        // GitLab takes a path in any letters, and tells it in those of its group.
        let domain = listed.domain_name.as_deref();
        if !by_id && !domain.is_some_and(|domain| domain.eq_ignore_ascii_case(&place)) {
            return Match::Other;
        }
        let form = answers.step(STEPS[0].id).cloned().unwrap_or_default();
        Match::same_if(listed.stored.as_ref().is_none_or(|stored| {
            let subgroups = form.flag("includeSubgroups", false) && !group.is_empty();
            oauth2::is_stored(&form, stored)
                && stored.metadata.get("include_subgroups") == Some(&Value::from(subgroups))
        }))
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let config = Config::of(state);
        let host = address::host(&config.url);
        let group = state.fetch(GROUP).filter(|_| !config.group.is_empty());
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
            "verify_ssl": config.verify_ssl,
            "base_url": config.url,
            "webhook_secret": webhook_secret(&host, &config.client_id),
            "group_id": group_id,
            "include_subgroups": config.include_subgroups,
        });
        let mut data = oauth2::identity_data(state);
        data.insert("client_id".to_owned(), config.client_id.as_str().into());
        data.insert("client_secret".to_owned(), config.client_secret.expose().into());
        Ok(IntegrationData {
            name: Some(text("full_name").map_or_else(|| host.clone(), str::to_owned)),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            user_identity: Some(UserIdentity {
                kind: "gitlab",
                external_id: format!("{host}:{user}"),
                scopes: vec![SCOPE.to_owned()],
                data,
            }),
            ..IntegrationData::new(format!("{host}:{place}"))
        })
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}

/// The form's answer, as it stands in the state.
struct Config {
    url: String,
    client_id: String,
    client_secret: Secret,
    group: String,
    include_subgroups: bool,
    verify_ssl: bool,
}

impl Config {
    fn of(state: &State) -> Self {
        let data = state.fetch("installation_data").unwrap_or(&Value::Null);
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let group = text("group");
        Self {
            url: text("url"),
            client_id: text("client_id"),
            client_secret: Secret::from(text("client_secret")),
            include_subgroups: data["include_subgroups"] == true && !group.is_empty(),
            group,
            verify_ssl: data["verify_ssl"] != false,
        }
    }

    fn app(&self) -> OAuth2 {
        OAuth2 {
            authorize_url: format!("{}/oauth/authorize", self.url),
            token_url: format!("{}/oauth/token", self.url),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scope: SCOPE,
            pkce: false,
            verify_tls: self.verify_ssl,
        }
    }
}

/// The secret that GitLab's webhooks carry, as Sentry derives it.
fn webhook_secret(host: &str, client_id: &str) -> String {
    let digest = Sha1::digest(format!("{host}{client_id}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
