//! GitHub: OAuth 2 with a GitHub App of one's own, and the choice of one of its installations.

use super::auth::app::{self, AppSettings};
use super::auth::github_app::{
    self, AppServer, ID, INSTALLATION, INSTALLATIONS, MEMBERSHIPS, USER,
};
use super::auth::oauth2::{self, OAUTH_STATE, OAuth2};
use super::evidence::ProviderEvidence;
use super::fields::choice::StepChoice;
use super::fields::recover;
use super::request::{VendorRequest, VendorResponse};
use super::{
    Answers, Field, FieldKind, FreshValues, IntegrationMatch, ListingFilter, Provider,
    ProviderDescription, Result, Step,
};
use crate::model::{Fields, IntegrationData, ListedIntegration, Object, Refusal, State, object};
use crate::text;
use serde_json::{Value, json};

/// Marks that the installations were requested again, after the person installed the app.
const INSTALLATIONS_RETRY: &str = "installations_again";

/// The field for an installation that is there already.
const CHOSEN: &str = "chosenInstallationId";

pub(super) struct GitHub;

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "GitHub",
    guide: "source-code-mgmt/github/",
    summary: "needs a person to approve in a browser, and to install the app if it is not installed yet",
    features: &["codeowners", "commits", "issue-basic", "stacktrace-link"],
    steps: &[
        Step::page(
            "oauth_login",
            "oauthUrl",
            &[oauth2::CODE_FIELD, oauth2::STATE_FIELD, github_app::ID_FIELD],
        ),
        Step::page(
            "org_selection",
            "installAppUrl",
            &[
                Field::optional(CHOSEN, FieldKind::Text(100)).help(
                    "the id of an existing installation, or the name of its account",
                    "12345",
                ),
                github_app::ID_FIELD,
            ],
        )
        .choosing(StepChoice {
            field: CHOSEN,
            other: Some("installationId"),
            list: "installationInfo",
            id: "installationId",
            name: "githubAccount",
        }),
    ],
    app: &[
        Field::text("appId", 40).help("the id of the GitHub App", "123456"),
        Field::text("name", 100).help("the app's name as in its URL", "acme-sentry"),
        Field::private_key("privateKey").help("its private key", "${GITHUB_APP_KEY}"),
        app::CLIENT_ID,
        app::client_secret("${GITHUB_CLIENT_SECRET}"),
        app::API_URL,
    ],
    evidence: ProviderEvidence {
        inferred: &[
            "the answer without an installation",
            "the answer to an installation that is not listed",
        ],
        ..ProviderEvidence::CODE
    },
    ..ProviderDescription::new("github")
};

impl Provider for GitHub {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        if step.id == oauth2::STEP.id {
            return oauth(state).step_data(state, fresh);
        }
        let mut data = self.stay_data(step, &Fields::default(), state).unwrap_or_default();
        let shown = |installation: &Value| {
            json!({
                "installationId": github_app::id_text(&installation["id"]),
                "githubAccount": installation["account"]["login"],
                "avatarUrl": installation["account"]["avatar_url"],
                "count": 0,
            })
        };
        let own = github_app::installations(state).filter(|one| belongs_to_user(one, state));
        data.insert("installationInfo".to_owned(), own.map(shown).collect());
        data
    }

    fn stay_data(&self, step: &Step, fields: &Fields, state: &State) -> Option<Object> {
        if step.id == oauth2::STEP.id || !chosen_id(|name| fields.text(name)).is_empty() {
            return None;
        }
        let (web, nonce) = (web(state), state.text(OAUTH_STATE).unwrap_or_default());
        let name = text::segment(AppSettings::of(state).text("name"));
        let url = format!("{web}/apps/{name}/installations/new?state={nonce}");
        Some(object(json!({ "installAppUrl": url })))
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        if step.id == oauth2::STEP.id {
            return oauth2::bind_callback(fields, state, &[USER, MEMBERSHIPS, INSTALLATIONS]);
        }
        [INSTALLATION, INSTALLATIONS_RETRY].iter().for_each(|name| state.unbind(name));
        state.bind(ID, chosen_id(|name| fields.text(name)));
        match fields.text(CHOSEN) {
            "" => Ok(()),
            id if is_accessible(id, state) => Ok(()),
            _ => Err(github_app::not_accessible()),
        }
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        let server = server(state);
        let missing = |names: &[_]| server.first_missing(names, state);
        if step.id == oauth2::STEP.id {
            let exchange = oauth(state).exchange(state)?;
            return Ok(exchange.or_else(|| missing(&[USER, MEMBERSHIPS, INSTALLATIONS])));
        }
        // Whoever has just installed it is not in the list that was read before.
        let is_new = !is_accessible(state.text(ID).unwrap_or_default(), state);
        let needs_retry = is_new && state.lacks(INSTALLATIONS_RETRY);
        let retry = || needs_retry.then(|| server.request(INSTALLATIONS, state));
        Ok(missing(&[INSTALLATION]).or_else(retry))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        match name {
            USER => {
                let user = response.json("the GitHub user")?;
                if user["login"].as_str().is_none_or(str::is_empty) {
                    return Err(Refusal::failure("the GitHub user has no login"));
                }
                state.bind(USER, user);
            }
            MEMBERSHIPS => {
                let roles = response.json("the user's organizations")?;
                state.bind(MEMBERSHIPS, roles);
            }
            _ => {
                let is_retry = !state.lacks(INSTALLATIONS);
                github_app::bind_response(name, response, state)?;
                if name == INSTALLATIONS && is_retry {
                    state.bind(INSTALLATIONS_RETRY, true);
                }
            }
        }
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        recover::text_fields([(CHOSEN, &listed.external_id)])
    }

    fn candidates(&self, answers: &Answers) -> ListingFilter {
        let chosen = chosen_id(|name| answers.text(name));
        if is_id(chosen) { ListingFilter::by_external_id(chosen) } else { ListingFilter::All }
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let chosen = chosen_id(|name| answers.text(name));
        match is_id(chosen) || listed.external_id == chosen {
            true => IntegrationMatch::by_external_id(chosen, listed),
            false => IntegrationMatch::same_or_other(listed.name.eq_ignore_ascii_case(chosen)),
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let installation = state.fetch(INSTALLATION).unwrap_or(&Value::Null);
        let id = github_app::id_text(&installation["id"]);
        if !is_accessible(&id, state) {
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

/// Whether it is an installation's id, and not the name of an account; nothing is none.
fn is_id(chosen: &str) -> bool {
    chosen.bytes().all(|byte| byte.is_ascii_digit())
}

/// The installation that an answer names, of which `text` has the fields.
fn chosen_id<'a>(text: impl Fn(&str) -> &'a str) -> &'a str {
    match text(CHOSEN) {
        "" => text("installationId"),
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
    OAuth2::of_app(state, &web(state), github_app::OAUTH_PATHS, "")
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
    let mut roles = of(MEMBERSHIPS).as_array().into_iter().flatten();
    !login.is_null() && (of(USER)["login"] == *login || roles.any(is_owner))
}

fn is_accessible(id: &str, state: &State) -> bool {
    let mut installations = github_app::installations(state);
    installations.any(|one| github_app::id_text(&one["id"]) == id && belongs_to_user(one, state))
}
