//! The installation of a GitHub App: what GitHub and GitHub Enterprise have in common.

use super::oauth2;
use crate::model::state::State;
use crate::model::{Object, Refusal, RefusalKind};
use crate::provider::request::{Credentials, Transport, VendorRequest, VendorResponse};
use crate::provider::{Field, FieldKind};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

/// Under which the installation is asked for, as the app.
pub(crate) const INSTALLATION: &str = "installation";
/// Under which the user's installations are asked for.
pub(crate) const INSTALLATIONS: &str = "installations";
/// Under which the user is asked for.
pub(crate) const USER: &str = "user";
/// The id of the installation that is meant.
pub(crate) const ID: &str = "installation_id";

/// The field that names it, and that GitHub's callback brings.
pub(crate) const ID_FIELD: Field = Field::optional(
    "installationId",
    FieldKind::Text(40),
    "the id of the app's installation, which is at the end of its settings' address",
    "12345",
)
.by_callback("installation_id");

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
    /// A look at the API as the user.
    pub(crate) fn as_user(&self, name: &'static str, path: &str, state: &State) -> VendorRequest {
        self.get(name, path, Credentials::Bearer(oauth2::access_token(state)))
    }

    /// A look at one installation as the app itself.
    pub(crate) fn installation(&self, id: &str) -> VendorRequest {
        let (app_id, private_key) = (self.app_id.clone(), self.private_key.clone());
        let path = format!("/app/installations/{}", url::segment(id));
        self.get(INSTALLATION, &path, Credentials::GitHubApp { app_id, private_key })
    }

    fn get(&self, name: &'static str, path: &str, credentials: Credentials) -> VendorRequest {
        let ask = VendorRequest::get(name, format!("{}{path}", self.api), credentials);
        VendorRequest {
            via: Transport::GitHub(self.api.clone()),
            verify_tls: self.verify_tls,
            ..ask
        }
    }
}

/// Binds the installation that came back.
pub(crate) fn bind_installation(reply: &VendorResponse, state: &mut State) -> Result<(), Refusal> {
    let no = |status: u16, message: &str| {
        Err(Refusal { status: Some(status), ..Refusal::failure(message) })
    };
    match reply {
        VendorResponse::Received { status: 404, .. } => {
            return no(404, "the GitHub installation does not exist, or is another app's");
        }
        VendorResponse::Received { status: 401, .. } => {
            return no(401, "GitHub does not know the app: check its id and private key");
        }
        _ => {}
    }
    let told = reply.json("the installation of the GitHub app", RefusalKind::Failure)?;
    if !told["suspended_at"].is_null() {
        return Err(Refusal::failure("the GitHub installation is suspended"));
    }
    state.bind(INSTALLATION, told);
    Ok(())
}

/// The ids and accounts of the user's installations.
pub(crate) fn listed(state: &State) -> impl Iterator<Item = &Value> {
    let told = state.fetch(INSTALLATIONS).unwrap_or(&Value::Null);
    told["installations"].as_array().into_iter().flatten()
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
    let metadata = json!({
        "access_token": null,
        "expires_at": null,
        "icon": account["avatar_url"],
        "domain_name": domain,
        "account_type": account["type"],
        "account_id": account["id"],
    });
    metadata.as_object().cloned().unwrap_or_default()
}

/// A refusal for an installation that is not the user's.
pub(crate) fn not_accessible() -> Refusal {
    Refusal::failure("the user has no access to this GitHub installation, or is no owner of it")
}
