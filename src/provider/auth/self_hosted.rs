//! A server that people run themselves: the form that describes it, and the OAuth application that
//! GitLab and Gitea have there.

use super::oauth2::{self, OAuth2};
use crate::model::{Fields, Object, Refusal, State, UserIdentity};
use crate::provider::request::VendorRequest;
use crate::provider::{Field, FieldKind, FreshValues, Result};
use crate::secret::Secret;
use crate::text::url;
use serde_json::{Value, json};

/// The name under which the form's answer is bound, as in Sentry.
pub(crate) const INSTALLATION_DATA: &str = "installation_data";

/// The form's last field.
pub(crate) const VERIFY_SSL: Field = Field::optional("verifySsl", FieldKind::Flag(true))
    .help("whether to verify the instance's TLS certificate", "true");

/// The instance as its form describes it.
pub(crate) struct SelfHostedInstance {
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    pub(crate) verify_ssl: bool,
}

/// Binds the form's answer, with what else the provider keeps of it.
pub(crate) fn bind(fields: &Fields, more: Object, state: &mut State) {
    let mut data = more;
    data.insert("url".to_owned(), json!(fields.text("url").trim_end_matches('/')));
    data.insert("client_id".to_owned(), json!(fields.text("clientId")));
    data.insert("client_secret".to_owned(), json!(fields.text("clientSecret")));
    data.insert("verify_ssl".to_owned(), json!(fields.flag("verifySsl", true)));
    state.bind(INSTALLATION_DATA, data);
}

/// What a person copies from the form into the application there.
pub(crate) fn setup_values(fresh: &FreshValues, scopes: &str) -> Value {
    json!([
        { "label": "Name", "value": "Sentry" },
        { "label": "Redirect URI", "value": fresh.redirect_uri },
        { "label": "Scopes", "value": scopes },
    ])
}

/// The form's answer as it was bound.
pub(crate) fn form_data(state: &State) -> &Value {
    state.fetch(INSTALLATION_DATA).unwrap_or(&Value::Null)
}

/// A text of the form; empty where it is absent.
pub(crate) fn form_text<'a>(state: &'a State, name: &str) -> &'a str {
    form_data(state)[name].as_str().unwrap_or_default()
}

/// Whether the server's certificate must be valid.
pub(crate) fn verify_ssl(state: &State) -> bool {
    form_data(state)["verify_ssl"] != false
}

impl SelfHostedInstance {
    pub(crate) fn of(state: &State) -> Self {
        Self {
            url: form_text(state, "url").to_owned(),
            client_id: form_text(state, "client_id").to_owned(),
            client_secret: Secret::from(form_text(state, "client_secret")),
            verify_ssl: verify_ssl(state),
        }
    }

    pub(crate) fn host(&self) -> String {
        url::host(&self.url)
    }

    /// The instance's OAuth application; the paths are the third party's own.
    pub(crate) fn oauth(&self, paths: [&str; 2], scope: &'static str) -> OAuth2 {
        let secret = self.client_secret.clone();
        let oauth = OAuth2::new(&self.url, paths, &self.client_id, secret, scope);
        OAuth2 { verify_tls: self.verify_ssl, ..oauth }
    }

    /// A GET at the instance's API with the token of the exchange.
    pub(crate) fn get(&self, name: &'static str, path: &str, state: &State) -> VendorRequest {
        let credentials = oauth2::credentials(state);
        let request = VendorRequest::get(name, format!("{}{path}", self.url), credentials);
        VendorRequest { verify_tls: self.verify_ssl, ..request }
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
pub(crate) fn with_id(object: Value, what: &str) -> Result<Value> {
    if object["id"].is_i64() {
        return Ok(object);
    }
    Err(Refusal::failure(format!("{what} has no id")))
}
