//! The installation of a GitHub App: what GitHub and GitHub Enterprise have in common.

use super::oauth2;
use crate::model::{Object, Refusal, State, object};
use crate::provider::request::{Credentials, Transport, VendorRequest, VendorResponse};
use crate::provider::{Field, FieldKind, Result};
use crate::secret::Secret;
use crate::text;
use serde_json::{Value, json};

/// The name of the request for the installation, as the app, and of its response.
pub(crate) const INSTALLATION: &str = "installation";
/// The same for the user's installations.
pub(crate) const INSTALLATIONS: &str = "installations";
/// The same for the user's roles in organizations.
pub(crate) const MEMBERSHIPS: &str = "memberships";
/// The same for the user.
pub(crate) const USER: &str = "user";
/// The id of the installation that is meant.
pub(crate) const ID: &str = "installation_id";

/// The field that names it, and that GitHub's callback brings.
pub(crate) const ID_FIELD: Field = Field::optional("installationId", FieldKind::Text(40))
    .help(
        "the id of the app's installation, which is at the end of the URL of its settings",
        "12345",
    )
    .by_callback("installation_id");

/// Where a person approves, and where the code is exchanged.
pub(crate) const OAUTH_PATHS: [&str; 2] = ["/login/oauth/authorize", "/login/oauth/access_token"];

/// A server that has the app.
pub(crate) struct AppServer {
    /// Where its API is.
    pub(crate) api: String,
    /// The app's id.
    pub(crate) app_id: String,
    /// The app's private key.
    pub(crate) private_key: Secret,
    /// Whether its certificate must be valid.
    pub(crate) verify_tls: bool,
}

impl AppServer {
    /// The request for the first of these whose response the state lacks.
    pub(crate) fn first_missing(
        &self,
        names: &[&'static str],
        state: &State,
    ) -> Option<VendorRequest> {
        names.iter().find(|name| state.lacks(name)).map(|name| self.request(name, state))
    }

    /// The request of this name: for an installation as the app itself, else as the user.
    pub(crate) fn request(&self, name: &'static str, state: &State) -> VendorRequest {
        let path = match name {
            INSTALLATION => {
                let id = state.fetch(ID).map(id_text).unwrap_or_default();
                format!("/app/installations/{}", text::segment(&id))
            }
            USER => "/user".to_owned(),
            MEMBERSHIPS => "/user/memberships/orgs?per_page=100".to_owned(),
            _ => "/user/installations?per_page=100".to_owned(),
        };
        let credentials = match name {
            INSTALLATION => Credentials::GitHubApp {
                app_id: self.app_id.clone(),
                private_key: self.private_key.clone(),
            },
            _ => oauth2::credentials(state),
        };
        let request = VendorRequest::get(name, format!("{}{path}", self.api), credentials);
        let via = Transport::GitHub(self.api.clone());
        VendorRequest { via, verify_tls: self.verify_tls, ..request }
    }
}

/// Binds what both bind alike: the tokens, the installation and the user's installations.
pub(crate) fn bind_response(name: &str, response: &VendorResponse, state: &mut State) -> Result {
    match name {
        oauth2::OAUTH_DATA => oauth2::bind_tokens(response, state)?,
        INSTALLATION => state.bind(INSTALLATION, installation(response)?),
        _ => {
            let what = "the user's installations of the GitHub app";
            state.bind(INSTALLATIONS, response.json(what)?);
        }
    }
    Ok(())
}

fn installation(response: &VendorResponse) -> Result<Value> {
    let messages = [
        (404, "the GitHub installation does not exist, or belongs to another app"),
        (401, "GitHub did not accept the app: check its id and private key"),
    ];
    let installation = response.json_or("the installation of the GitHub app", &messages)?;
    if !installation["suspended_at"].is_null() {
        return Err(Refusal::failure("the GitHub installation is suspended"));
    }
    Ok(installation)
}

/// The ids and accounts of the user's installations.
pub(crate) fn installations(state: &State) -> impl Iterator<Item = &Value> {
    let response = state.fetch(INSTALLATIONS).unwrap_or(&Value::Null);
    response["installations"].as_array().into_iter().flatten()
}

/// An id as GitHub writes it in JSON, as the text that it is everywhere else.
pub(crate) fn id_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What both keep of the installation.
pub(crate) fn metadata(installation: &Value) -> Object {
    let account = &installation["account"];
    let home = account["html_url"].as_str().unwrap_or_default();
    let domain = home.split_once("://").map_or(home, |(_, rest)| rest);
    object(json!({
        "access_token": null,
        "expires_at": null,
        "icon": account["avatar_url"],
        "domain_name": domain,
        "account_type": account["type"],
        "account_id": account["id"],
    }))
}

/// A refusal for an installation that is not the user's.
pub(crate) fn not_accessible() -> Refusal {
    Refusal::failure("the user has no access to this GitHub installation, or is not an owner of it")
}
