//! GitHub: OAuth 2 with a GitHub App of one's own, and the choice of one of its installations.

use super::auth::app::{self, AppSettings};
use super::auth::github_app::{self, AppServer, ID, INSTALLATION, INSTALLATIONS, USER};
use super::auth::oauth2::{self, OAUTH_DATA, OAUTH_STATE, OAuth2};
use super::fields::step::Step;
use super::fields::{PEM, recover};
use super::request::{VendorRequest, VendorResponse};
use super::{Answers, Field, FieldKind, FreshValues, IntegrationMatch, Provider};
use crate::model::state::{Fields, State};
use crate::model::{IntegrationData, ListedIntegration, Object, Refusal, RefusalKind};
use serde_json::{Value, json};

/// Under which the user's roles in organizations are asked for.
const MEMBERSHIPS: &str = "memberships";
/// Marks that the installations were asked for again, after the person installed the app.
const INSTALLATIONS_RETRY: &str = "installations_again";

pub(super) struct GitHub;

static STEPS: [Step; 2] = [
    Step::page(
        "oauth_login",
        "oauthUrl",
        &[oauth2::CODE_FIELD, oauth2::STATE_FIELD, github_app::ID_FIELD],
    ),
    Step::page(
        "org_selection",
        "installAppUrl",
        &[
            Field::optional(
                "chosenInstallationId",
                FieldKind::Text(40),
                "the id of an installation that is there already",
                "12345",
            ),
            github_app::ID_FIELD,
        ],
    ),
];

static APP: [Field; 6] = [
    Field::required("appId", FieldKind::Text(40), "the id of the GitHub App", "123456"),
    Field::required("name", FieldKind::Text(100), "its name in addresses", "acme-sentry"),
    Field::required("privateKey", PEM, "its private key", "${GITHUB_APP_KEY}").secret(),
    app::CLIENT_ID,
    app::client_secret("${GITHUB_CLIENT_SECRET}"),
    app::API_URL,
];

impl Provider for GitHub {
    fn key(&self) -> &'static str {
        "github"
    }

    fn name(&self) -> &'static str {
        "GitHub"
    }

    fn summary(&self) -> &'static str {
        "waits for a person who approves in a browser, and installs the app where it is not yet"
    }

    fn features(&self) -> &'static [&'static str] {
        &["codeowners", "commits", "issue-basic", "stacktrace-link"]
    }

    fn steps(&self) -> &'static [Step] {
        &STEPS
    }

    fn app(&self) -> &'static [Field] {
        &APP
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return oauth(state).view(state, fresh);
        }
        let mut data = self.stay_data(step, &Fields::default(), state).unwrap_or_default();
        let info = |one: &Value| {
            json!({
                "installationId": github_app::id_text(&one["id"]),
                "githubAccount": one["account"]["login"],
                "avatarUrl": one["account"]["avatar_url"],
                "count": 0,
            })
        };
        let theirs = github_app::listed(state).filter(|one| belongs_to_user(one, state));
        data.insert("installationInfo".to_owned(), theirs.map(info).collect());
        data
    }

    fn stay_data(&self, step: &Step, fields: &Fields, state: &State) -> Option<Object> {
        if step.id == oauth2::STEP.id || !chosen(fields).is_empty() {
            return None;
        }
        let (web, nonce) = (web(state), state.text(OAUTH_STATE).unwrap_or_default());
        let name = crate::text::url::segment(AppSettings::of(state).text("name"));
        let url = format!("{web}/apps/{name}/installations/new?state={nonce}");
        Some([("installAppUrl".to_owned(), json!(url))].into_iter().collect())
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result<(), Refusal> {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, MEMBERSHIPS, INSTALLATIONS]);
        }
        [INSTALLATION, INSTALLATIONS_RETRY].iter().for_each(|name| state.unbind(name));
        state.bind(ID, chosen(fields));
        match fields.text("chosenInstallationId") {
            "" => Ok(()),
            id if is_listed(id, state) => Ok(()),
            _ => Err(github_app::not_accessible()),
        }
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>, Refusal> {
        let (server, lacks) = (server(state), |name| state.fetch(name).is_none());
        let list = || server.as_user(INSTALLATIONS, "/user/installations?per_page=100", state);
        if step.id != oauth2::STEP.id {
            let id = state.text(ID).unwrap_or_default();
            return Ok(match () {
                () if lacks(INSTALLATION) => Some(server.installation(id)),
                // Whoever has just installed it is not in the list that was read before.
                () if !is_listed(id, state) && lacks(INSTALLATIONS_RETRY) => Some(list()),
                () => None,
            });
        }
        if let Some(exchange) = oauth(state).exchange(state)? {
            return Ok(Some(exchange));
        }
        let roles = "/user/memberships/orgs?per_page=100";
        Ok(match () {
            () if lacks(USER) => Some(server.as_user(USER, "/user", state)),
            () if lacks(MEMBERSHIPS) => Some(server.as_user(MEMBERSHIPS, roles, state)),
            () if lacks(INSTALLATIONS) => Some(list()),
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
            USER => {
                let user = reply.json("GitHub's user", failure)?;
                if user["login"].as_str().is_none_or(str::is_empty) {
                    return Err(Refusal::failure("GitHub's user has no login"));
                }
                state.bind(USER, user);
            }
            MEMBERSHIPS => {
                state.bind(MEMBERSHIPS, reply.json("the user's organizations", failure)?);
            }
            _ => {
                let told = reply.json("the user's installations of the GitHub app", failure)?;
                let was_there = state.fetch(INSTALLATIONS).is_some();
                state.bind(INSTALLATIONS, told);
                if was_there {
                    state.bind(INSTALLATIONS_RETRY, true);
                }
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([("chosenInstallationId", &listed.external_id)])
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let given = ["chosenInstallationId", "installationId"].map(|name| answers.text(name));
        match given.into_iter().find(|id| !id.is_empty()) {
            None => IntegrationMatch::CannotTell,
            Some(id) if listed.external_id == id => IntegrationMatch::Same,
            Some(_) => IntegrationMatch::Other,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData, Refusal> {
        let installation = state.fetch(INSTALLATION).unwrap_or(&Value::Null);
        let id = github_app::id_text(&installation["id"]);
        if !is_listed(&id, state) {
            return Err(github_app::not_accessible());
        }
        Ok(IntegrationData {
            name: installation["account"]["login"].as_str().map(str::to_owned),
            metadata: github_app::metadata(installation),
            idp_external_id: Some(github_app::id_text(&installation["app_id"])),
            ..IntegrationData::new(id)
        })
    }
}

/// The installation that an answer names.
fn chosen(fields: &Fields) -> &str {
    match fields.text("chosenInstallationId") {
        "" => fields.text("installationId"),
        id => id,
    }
}

fn api(state: &State) -> &str {
    match AppSettings::of(state).text("apiUrl").trim_end_matches('/') {
        "" => "https://api.github.com",
        api => api,
    }
}

/// Where GitHub's pages are, by where its API is.
fn web(state: &State) -> String {
    let api = api(state);
    match api.strip_suffix("/api/v3") {
        Some(web) => web.to_owned(),
        None => api.replacen("://api.", "://", 1),
    }
}

fn server(state: &State) -> AppServer {
    let app = AppSettings::of(state);
    AppServer {
        api: api(state).to_owned(),
        app_id: app.text("appId").to_owned(),
        private_key: app.secret("privateKey"),
        verify_tls: true,
    }
}

fn oauth(state: &State) -> OAuth2 {
    let web = web(state);
    let authorize = format!("{web}/login/oauth/authorize");
    OAuth2::of_app(state, authorize, format!("{web}/login/oauth/access_token"), "")
}

/// Whether an installation is on the user's own account, or where they are an active owner.
fn belongs_to_user(installation: &Value, state: &State) -> bool {
    let login = &installation["account"]["login"];
    let of = |name| state.fetch(name).unwrap_or(&Value::Null);
    let is_owner = |role: &Value| {
        role["state"] == "active"
            && role["role"] == "admin"
            && role["organization"]["login"] == *login
    };
    let roles = of(MEMBERSHIPS).as_array().into_iter().flatten();
    !login.is_null() && (of(USER)["login"] == *login || roles.into_iter().any(is_owner))
}

fn is_listed(id: &str, state: &State) -> bool {
    let mut listed = github_app::listed(state);
    listed.any(|one| github_app::id_text(&one["id"]) == id && belongs_to_user(one, state))
}
