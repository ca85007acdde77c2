//! GitHub Enterprise: a form with a GitHub App of one's own, its installation, and OAuth 2.

use super::auth::github_app::{self, AppServer, ID, INSTALLATION, INSTALLATIONS, USER};
use super::auth::oauth2::{self, OAUTH_DATA, OAuth2};
use super::auth::self_hosted::VERIFY_SSL;
use super::fields::step::Step;
use super::fields::{PEM, recover};
use super::request::{VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{
    IntegrationData, ListedIntegration, Object, Refusal, RefusalKind, UserIdentity,
};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

/// The form's answer, as Sentry binds it.
const DATA: &str = "installation_data";
/// The scheme of the address that was given, of which Sentry keeps the host.
const SCHEME: &str = "scheme";

pub(super) struct GitHubEnterprise;

static STEPS: [Step; 3] = [
    Step::form(
        "installation_config",
        &[
            Field::required("url", FieldKind::Url, "the server", "https://github.example.com"),
            Field::required("id", FieldKind::Text(40), "the id of the GitHub App", "1"),
            Field::required("name", FieldKind::Text(100), "its name in addresses", "sentry-app"),
            Field::required(
                "webhookSecret",
                FieldKind::Text(4096),
                "its webhook secret",
                "${GHE_HOOK}",
            )
            .secret(),
            Field::required("privateKey", PEM, "its private key", "${GHE_APP_KEY}").secret(),
            Field::required("clientId", FieldKind::Text(200), "its client id", "Iv1.6f1c…"),
            Field::required("clientSecret", FieldKind::Text(4096), "its secret", "${GHE_SECRET}")
                .secret(),
            VERIFY_SSL,
            Field::optional("publicLink", FieldKind::Url, "the page of a public app", ""),
        ],
    ),
    Step::page("app_install_redirect", "appInstallUrl", &[github_app::ID_FIELD]),
    oauth2::STEP,
];

impl Provider for GitHubEnterprise {
    fn key(&self) -> &'static str {
        "github_enterprise"
    }

    fn name(&self) -> &'static str {
        "GitHub Enterprise"
    }

    fn summary(&self) -> &'static str {
        "waits for a person who installs the app and approves in a browser"
    }

    fn features(&self) -> &'static [&'static str] {
        &["codeowners", "commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        match step.id {
            "oauth_login" => oauth(state).view(state, fresh),
            "app_install_redirect" => {
                self.stay_data(step, &Fields::default(), state).unwrap_or_default()
            }
            _ => Object::new(),
        }
    }

    fn stay_data(&self, step: &Step, fields: &Fields, state: &State) -> Option<Object> {
        if step.id != STEPS[1].id || !fields.text("installationId").is_empty() {
            return None;
        }
        let (host, name) = (text(state, "url"), url::segment(text(state, "name")));
        let apps = if host == "github.com" { "apps" } else { "github-apps" };
        let url = format!("{}/{apps}/{name}", web(state));
        Some([("appInstallUrl".to_owned(), json!(url))].into_iter().collect())
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        match step.id {
            "oauth_login" => {
                return oauth2::bind_callback(fields, state, &[USER, INSTALLATION, INSTALLATIONS]);
            }
            "app_install_redirect" => state.bind(ID, fields.text("installationId")),
            _ => take_form(fields, state),
        }
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        if let Some(exchange) = oauth(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let (server, lacks) = (server(state), |name| state.fetch(name).is_none());
        let id = state.fetch(ID).map(github_app::id_text).unwrap_or_default();
        let list = "/user/installations?per_page=100";
        Ok(match () {
            () if lacks(USER) => Some(server.as_user(USER, "/user", state)),
            () if lacks(INSTALLATION) => Some(server.installation(&id)),
            () if lacks(INSTALLATIONS) => Some(server.as_user(INSTALLATIONS, list, state)),
            () => None,
        })
    }

    fn bind_response(
        &self,
        name: &str,
        reply: &VendorResponse,
        state: &mut State,
    ) -> Result<(), Refusal> {
        let failure = RefusalKind::Failure;
        match name {
            OAUTH_DATA => return oauth2::bind_tokens(reply, state),
            INSTALLATION => return github_app::bind_installation(reply, state),
            USER => state.bind(USER, reply.json("the GitHub user", failure)?),
            _ => {
                let told = reply.json("the user's installations of the GitHub app", failure)?;
                state.bind(INSTALLATIONS, told);
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let host = listed.external_id.rsplit_once(':').map_or("", |(host, _)| host);
        let app = recover::metadata(listed, "installation");
        let of = |name: &str| app.and_then(|app| app[name].as_str()).unwrap_or_default();
        let mut told = recover::server_fields(listed, host);
        let (id, name, client) = (of("id"), of("name"), of("client_id"));
        told.extend(recover::text_fields([("id", id), ("name", name), ("clientId", client)]));
        told
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let host = url::host(answers.text("url"));
        match answers.text("installationId") {
            "" if listed.external_id.starts_with(&format!("{host}:")) => {
                IntegrationMatch::CannotTell
            }
            "" => IntegrationMatch::Other,
            id if listed.external_id == format!("{host}:{id}") => {
                let stored = listed.stored.as_ref().map(|stored| &stored.metadata["installation"]);
                IntegrationMatch::same_or_differs(
                    stored.is_none_or(|stored| is_stored(answers, stored)),
                )
            }
            _ => IntegrationMatch::Other,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let of = |name| state.fetch(name).unwrap_or(&Value::Null);
        let (host, installation, user) = (text(state, "url"), of(INSTALLATION), of(USER));
        let id = github_app::id_text(&installation["id"]);
        if !github_app::listed(state).any(|one| one["id"] == installation["id"]) {
            return Err(github_app::not_accessible());
        }
        let home = installation["account"]["html_url"].as_str().unwrap_or_default();
        if !is_on(host, home) {
            let message = format!("the account's domain does not match: `url` names {host}");
            return Err(Refusal::failure(message));
        }
        let mut metadata = github_app::metadata(installation);
        metadata.insert("installation_id".to_owned(), installation["id"].clone());
        metadata.insert("installation".to_owned(), of(DATA).clone());
        let identity = UserIdentity {
            kind: "github_enterprise",
            external_id: github_app::id_text(&user["id"]),
            scopes: Vec::new(),
            data: oauth2::identity_data(state),
        };
        let app = github_app::id_text(&installation["app_id"]);
        Ok(IntegrationData {
            name: installation["account"]["login"].as_str().map(str::to_owned),
            metadata,
            user_identity: Some(identity),
            idp_external_id: Some(format!("{host}:{app}")),
            ..IntegrationData::new(format!("{host}:{id}"))
        })
    }

    fn needs_default_identity(&self) -> bool {
        true
    }
}

fn take_form(fields: &Fields, state: &mut State) {
    let url = fields.text("url");
    let data = json!({
        "url": url::host(url),
        "id": fields.text("id"),
        "name": fields.text("name"),
        "webhook_secret": fields.text("webhookSecret"),
        "private_key": fields.text("privateKey"),
        "client_id": fields.text("clientId"),
        "client_secret": fields.text("clientSecret"),
        "verify_ssl": fields.flag("verifySsl", true),
        "public_link": fields.get("publicLink"),
    });
    state.bind(DATA, data);
    state.bind(SCHEME, url.split_once("://").map_or("https", |(scheme, _)| scheme));
}

/// Whether the form is stored as it is given.
fn is_stored(answers: &Answers, stored: &Value) -> bool {
    let pairs = [
        ("id", "id"),
        ("webhook_secret", "webhookSecret"),
        ("private_key", "privateKey"),
        ("client_id", "clientId"),
        ("client_secret", "clientSecret"),
    ];
    pairs.into_iter().all(|(name, field)| stored[name] == answers.text(field))
}

/// Whether an account is on this host, whose port counts and whose letters do not.
fn is_on(host: &str, home: &str) -> bool {
    let place = home.split_once("://").map_or(home, |(_, rest)| rest);
    place.split('/').next().is_some_and(|place| place.eq_ignore_ascii_case(host))
}

fn text<'a>(state: &'a State, name: &str) -> &'a str {
    state.fetch(DATA).and_then(|data| data[name].as_str()).unwrap_or_default()
}

fn web(state: &State) -> String {
    format!("{}://{}", state.text(SCHEME).unwrap_or("https"), text(state, "url"))
}

fn verify_tls(state: &State) -> bool {
    state.fetch(DATA).is_none_or(|data| data["verify_ssl"] != false)
}

fn server(state: &State) -> AppServer {
    let api = match text(state, "url") {
        "github.com" => "https://api.github.com".to_owned(),
        _ => format!("{}/api/v3", web(state)),
    };
    AppServer {
        api,
        app_id: text(state, "id").to_owned(),
        private_key: Secret::from(text(state, "private_key")),
        verify_tls: verify_tls(state),
    }
}

fn oauth(state: &State) -> OAuth2 {
    let web = web(state);
    OAuth2 {
        authorize_url: format!("{web}/login/oauth/authorize"),
        token_url: format!("{web}/login/oauth/access_token"),
        client_id: text(state, "client_id").to_owned(),
        client_secret: Secret::from(text(state, "client_secret")),
        scope: "",
        pkce: false,
        verify_tls: verify_tls(state),
    }
}
