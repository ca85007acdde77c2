//! A server that people run themselves, with an OAuth application of their own: what GitLab and
//! Gitea have in common.

use super::oauth2::{self, OAuth2};
use crate::model::state::{Fields, State};
use crate::model::{Object, Refusal, RefusalKind, UserIdentity};
use crate::provider::request::{Credentials, VendorRequest, VendorResponse};
use crate::provider::{Field, FieldKind};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

/// The name under which the form's answer is bound, as in Sentry.
const INSTALLATION: &str = "installation_data";

/// The form's last field.
pub(crate) const VERIFY_SSL: Field = Field::optional(
    "verifySsl",
    FieldKind::Flag(true),
    "whether the instance's certificate must be valid",
    "true",
);

/// The instance as its form describes it.
pub(crate) struct SelfHostedInstance {
    pub(crate) url: String,
    pub(crate) client_id: String,
    client_secret: Secret,
    pub(crate) verify_ssl: bool,
}

/// Binds the form's answer, with what else the provider keeps of it.
pub(crate) fn bind(fields: &Fields, more: Object, state: &mut State) {
    let mut data = more;
    data.insert("url".to_owned(), json!(fields.text("url").trim_end_matches('/')));
    data.insert("client_id".to_owned(), json!(fields.text("clientId")));
    data.insert("client_secret".to_owned(), json!(fields.text("clientSecret")));
    data.insert("verify_ssl".to_owned(), json!(fields.flag("verifySsl", true)));
    state.bind(INSTALLATION, data);
}

/// The form's answer as it was bound.
pub(crate) fn form_data(state: &State) -> &Value {
    state.fetch(INSTALLATION).unwrap_or(&Value::Null)
}

impl SelfHostedInstance {
    pub(crate) fn of(state: &State) -> Self {
        let data = form_data(state);
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        Self {
            url: text("url"),
            client_id: text("client_id"),
            client_secret: Secret::from(text("client_secret")),
            verify_ssl: data["verify_ssl"] != false,
        }
    }

    pub(crate) fn host(&self) -> String {
        url::host(&self.url)
    }

    /// The instance's OAuth application; the paths are the third party's own.
    pub(crate) fn app(&self, authorize: &str, token: &str, scope: &'static str) -> OAuth2 {
        OAuth2 {
            authorize_url: format!("{}{authorize}", self.url),
            token_url: format!("{}{token}", self.url),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            scope,
            pkce: false,
            verify_tls: self.verify_ssl,
        }
    }

    /// A look at the instance's API with the token of the exchange.
    pub(crate) fn get(&self, name: &'static str, path: &str, state: &State) -> VendorRequest {
        let credentials = Credentials::Bearer(oauth2::access_token(state));
        let ask = VendorRequest::get(name, format!("{}{path}", self.url), credentials);
        VendorRequest { verify_tls: self.verify_ssl, ..ask }
    }

    /// The account of this user, with its tokens and the application that they are of.
    pub(crate) fn identity(
        &self,
        kind: &'static str,
        user: i64,
        scopes: &[&str],
        state: &State,
    ) -> UserIdentity {
        let mut data = oauth2::identity_data(state);
        data.insert("client_id".to_owned(), json!(self.client_id));
        data.insert("client_secret".to_owned(), json!(self.client_secret.expose()));
        UserIdentity {
            kind,
            external_id: format!("{}:{user}", self.host()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            data,
        }
    }
}

/// An object of the instance's API, which must have an id.
pub(crate) fn object_with_id(
    reply: &VendorResponse,
    what: &str,
    kind: RefusalKind,
) -> Result<Value, Refusal> {
    let object = reply.json(what, kind)?;
    match object["id"].as_i64() {
        Some(_) => Ok(object),
        None => Err(Refusal::failure(format!("{what} has no id"))),
    }
}
