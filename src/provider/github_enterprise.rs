//! GitHub Enterprise: a form with a GitHub App of one's own, its installation, and OAuth 2.

use super::auth::github_app::{self, AppServer, ID, INSTALLATION, INSTALLATIONS, USER};
use super::auth::oauth2::{self, OAuth2};
use super::auth::self_hosted::{self, INSTALLATION_DATA, SelfHostedInstance, form_text};
use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::request::{VendorRequest, VendorResponse};
use super::{
    Answers, Field, FieldKind, FreshValues, IntegrationMatch, ListingFilter, Provider,
    ProviderDescription, Result, Step,
};
use crate::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, State, UserIdentity, object,
};
use crate::secret::Secret;
use crate::text::{self, url};
use serde_json::{Value, json};

/// The scheme of the address that was given, of which Sentry keeps the host.
const SCHEME: &str = "scheme";

pub(super) struct GitHubEnterprise;

static STEPS: [Step; 3] = [
    Step::form(
        "installation_config",
        &[
            Field::url("url").help("the URL of the server", "https://github.example.com"),
            Field::text("id", 40).help("the id of the GitHub App", "1"),
            Field::text("name", 100).help("the app's name as in its URL", "sentry-app"),
            Field::text("webhookSecret", 4096)
                .help("the app's webhook secret", "${GHE_HOOK}")
                .secret(),
            Field::private_key("privateKey").help("its private key", "${GHE_APP_KEY}"),
            Field::text("clientId", 200).help("the app's client id", "Iv1.6f1c…"),
            Field::text("clientSecret", 4096)
                .help("the app's client secret", "${GHE_SECRET}")
                .secret(),
            self_hosted::VERIFY_SSL,
            Field::optional("publicLink", FieldKind::Url)
                .help("the URL of the page of a public app", ""),
        ],
    ),
    Step::page("app_install_redirect", "appInstallUrl", &[github_app::ID_FIELD]),
    oauth2::STEP,
];

static DESCRIPTION: ProviderDescription = ProviderDescription {
    name: "GitHub Enterprise",
    guide: "source-code-mgmt/github/",
    summary: "needs a person to install the app and to approve in a browser",
    features: &["codeowners", "commits", "issue-basic", "stacktrace-link"],
    steps: &STEPS,
    needs_default_identity: true,
    identity_fields: &["url", "installationId"],
    evidence: ProviderEvidence {
        inferred: &["`publicLink`", "the data of the identity"],
        ..ProviderEvidence::TESTS
    },
    ..ProviderDescription::new("github_enterprise")
};

impl Provider for GitHubEnterprise {
    fn description(&self) -> &ProviderDescription {
        &DESCRIPTION
    }

    fn step_data(&self, step: &Step, state: &mut State, fresh: &FreshValues) -> Object {
        match step.id {
            "oauth_login" => oauth(state).step_data(state, fresh),
            _ => self.stay_data(step, &Fields::default(), state).unwrap_or_default(),
        }
    }

    fn stay_data(&self, step: &Step, fields: &Fields, state: &State) -> Option<Object> {
        if step.id != STEPS[1].id || !fields.text("installationId").is_empty() {
            return None;
        }
        let name = text::segment(form_text(state, "name"));
        let apps = if form_text(state, "url") == "github.com" { "apps" } else { "github-apps" };
        Some(object(json!({ "appInstallUrl": format!("{}/{apps}/{name}", web(state)) })))
    }

    fn bind_answer(&self, step: &Step, fields: &Fields, state: &mut State) -> Result {
        match step.id {
            "oauth_login" => {
                return oauth2::bind_callback(fields, state, &[USER, INSTALLATION, INSTALLATIONS]);
            }
            "app_install_redirect" => state.bind(ID, fields.text("installationId")),
            _ => bind_form(fields, state),
        }
        Ok(())
    }

    fn next_request(&self, step: &Step, state: &State) -> Result<Option<VendorRequest>> {
        if step.id != oauth2::STEP.id {
            return Ok(None);
        }
        let missing = || server(state).first_missing(&[USER, INSTALLATION, INSTALLATIONS], state);
        Ok(oauth(state).exchange(state)?.or_else(missing))
    }

    fn bind_response(&self, name: &str, response: &VendorResponse, state: &mut State) -> Result {
        if name != USER {
            return github_app::bind_response(name, response, state);
        }
        state.bind(USER, response.json("the GitHub user")?);
        Ok(())
    }

    fn recover_fields(&self, listed: &ListedIntegration) -> Object {
        let app = recover::metadata(listed, "installation");
        let of = |name: &str| app.and_then(|app| app[name].as_str()).unwrap_or_default();
        let texts = [
            ("id", of("id")),
            ("name", of("name")),
            ("clientId", of("client_id")),
            ("publicLink", of("public_link")),
        ];
        recover::server_fields(listed, texts)
    }

    /// Which installation it is, a person may choose later.
    fn candidates(&self, answers: &Answers) -> ListingFilter {
        match answers.text("installationId") {
            "" => ListingFilter::All,
            id => ListingFilter::ExternalId(format!("{}:{id}", url::host(answers.text("url")))),
        }
    }

    fn stored_secret(
        &self,
        field: &str,
        _: &Answers,
        listed: &ListedIntegration,
    ) -> Option<String> {
        let (name, _) = STORED_FIELDS.into_iter().find(|(_, known)| *known == field)?;
        let stored = &listed.stored.as_ref()?.metadata["installation"][name];
        Some(stored.as_str().unwrap_or_default().to_owned())
    }

    fn matches(&self, answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
        let host = url::host(answers.text("url"));
        match answers.text("installationId") {
            "" if listed.external_id.starts_with(&format!("{host}:")) => {
                IntegrationMatch::CannotTell
            }
            id if !id.is_empty() && listed.external_id == format!("{host}:{id}") => {
                let stored = listed.stored.as_ref().map(|stored| &stored.metadata["installation"]);
                let is_same = stored.is_none_or(|stored| is_stored(answers, stored));
                IntegrationMatch::same_or_differs(is_same)
            }
            _ => IntegrationMatch::Other,
        }
    }

    fn build(&self, state: &State) -> Result<IntegrationData> {
        let of = |name| state.fetch(name).unwrap_or(&Value::Null);
        let (host, installation) = (form_text(state, "url"), of(INSTALLATION));
        if !github_app::installations(state).any(|one| one["id"] == installation["id"]) {
            return Err(github_app::not_accessible());
        }
        if !is_on(host, installation["account"]["html_url"].as_str().unwrap_or_default()) {
            let message = format!("the account's domain does not match: `url` is on {host}");
            return Err(Refusal::failure(message));
        }
        let mut metadata = github_app::metadata(installation);
        metadata.insert("installation_id".to_owned(), installation["id"].clone());
        metadata.insert("installation".to_owned(), of(INSTALLATION_DATA).clone());
        let identity = UserIdentity {
            kind: "github_enterprise",
            external_id: github_app::id_text(&of(USER)["id"]),
            scopes: Vec::new(),
            data: oauth2::identity_data(state),
        };
        let id_on_host = |id| format!("{host}:{}", github_app::id_text(id));
        Ok(IntegrationData {
            name: installation["account"]["login"].as_str().map(str::to_owned),
            metadata,
            user_identity: Some(identity),
            idp_external_id: Some(id_on_host(&installation["app_id"])),
            ..IntegrationData::new(id_on_host(&installation["id"]))
        })
    }
}

fn bind_form(fields: &Fields, state: &mut State) {
    let url = fields.text("url");
    state.bind(
        INSTALLATION_DATA,
        json!({
            "url": url::host(url),
            "id": fields.text("id"),
            "name": fields.text("name"),
            "webhook_secret": fields.text("webhookSecret"),
            "private_key": fields.text("privateKey"),
            "client_id": fields.text("clientId"),
            "client_secret": fields.text("clientSecret"),
            "verify_ssl": fields.flag("verifySsl", true),
            "public_link": fields.get("publicLink"),
        }),
    );
    state.bind(SCHEME, url.split_once("://").map_or("https", |(scheme, _)| scheme));
}

/// What of the form is compared: its name in storage, and its field.
const STORED_FIELDS: [(&str, &str); 5] = [
    ("id", "id"),
    ("webhook_secret", "webhookSecret"),
    ("private_key", "privateKey"),
    ("client_id", "clientId"),
    ("client_secret", "clientSecret"),
];

/// Whether the form is stored as it is given.
fn is_stored(answers: &Answers, stored: &Value) -> bool {
    STORED_FIELDS.into_iter().all(|(name, field)| stored[name] == answers.text(field))
}

/// Whether an account is on this host, whose port counts and whose letters do not.
fn is_on(host: &str, account_url: &str) -> bool {
    let place = account_url.split_once("://").map_or(account_url, |(_, rest)| rest);
    place.split('/').next().is_some_and(|place| place.eq_ignore_ascii_case(host))
}

fn web(state: &State) -> String {
    format!("{}://{}", state.text(SCHEME).unwrap_or("https"), form_text(state, "url"))
}

fn server(state: &State) -> AppServer {
    AppServer {
        api: match form_text(state, "url") {
            "github.com" => "https://api.github.com".to_owned(),
            _ => format!("{}/api/v3", web(state)),
        },
        app_id: form_text(state, "id").to_owned(),
        private_key: Secret::from(form_text(state, "private_key")),
        verify_tls: self_hosted::verify_ssl(state),
    }
}

fn oauth(state: &State) -> OAuth2 {
    let instance = SelfHostedInstance { url: web(state), ..SelfHostedInstance::of(state) };
    instance.oauth(github_app::OAUTH_PATHS, "")
}
