//! An app of one's own at the third party: its credentials as `apps` gave them, and where the
//! third party is.

use crate::error::{Error, ErrorCode};
use crate::inputs::state::{FieldEntry, FieldInput, RawValue};
use crate::model::{Fields, State};
use crate::provider::fields::answers::{app_entries, fields_hint, read, unknown_fields};
use crate::provider::{Field, FieldKind, Provider};
use crate::secret::Secret;
use serde_json::Value;
use url::{Host, Url};

/// The name under which a pipeline keeps the app that it was begun with.
pub(crate) const APP: &str = "app";

/// Another address of the third party. Credentials that were made for a vendor must not be sent
/// anywhere else, so it has to be on this machine.
pub(crate) const URL: Field = Field::optional(
    "url",
    FieldKind::Rule(is_loopback, "an http(s) URL on this machine (127.0.0.1, ::1, localhost)"),
)
.help("for testing: the URL of a mock of the third party", "http://127.0.0.1:8080");

/// Where the API of a server is, which people also run themselves: never without encryption, but
/// on this machine.
pub(crate) const API_URL: Field = Field::optional(
    "apiUrl",
    FieldKind::Rule(is_private, "an https URL, or an http URL on this machine"),
)
.help("the URL of GitHub's API; GITHUB_API_URL if not set", "https://api.github.com");

/// The app's id there.
pub(crate) const CLIENT_ID: Field = Field::text("clientId", 200).help("the id of the app", "6f1c…");

/// Its secret.
pub(crate) const fn client_secret(example: &'static str) -> Field {
    Field::text("clientSecret", 4096).help("the secret of the app", example).secret()
}

/// The app that a pipeline was begun with.
pub(crate) struct AppSettings<'a>(&'a Value);

impl<'a> AppSettings<'a> {
    pub(crate) fn of(state: &'a State) -> Self {
        Self(state.fetch(APP).unwrap_or(&Value::Null))
    }

    pub(crate) fn text(&self, name: &str) -> &'a str {
        self.0[name].as_str().unwrap_or_default()
    }

    pub(crate) fn secret(&self, name: &str) -> Secret {
        Secret::from(self.text(name))
    }

    /// Where the third party is: at its own address, unless the app says otherwise.
    pub(crate) fn base_url_or(&self, usual: &'a str) -> &'a str {
        match self.text("url").trim_end_matches('/') {
            "" => usual,
            other => other,
        }
    }
}

fn is_private(text: &str) -> bool {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host());
    is_loopback(text)
        || url.is_some_and(|url| url.username().is_empty() && url.password().is_none())
}

fn is_loopback(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let is_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_this_machine && matches!(url.scheme(), "http" | "https") && url.username().is_empty()
}

/// Reads the credentials of the app of one's own that `provider` needs from `apps`. The address of
/// GitHub's API may come from the CI host, as `api_url`.
pub fn parse_app(
    provider: &dyn Provider,
    apps: &FieldInput,
    api_url: Option<&str>,
) -> Result<Fields, Vec<Error>> {
    let described = provider.app();
    let entries = if described.is_empty() { &[] } else { app_entries(provider, apps) };
    let mut mistakes = unknown_fields(provider, entries, described);
    let is_own = |entry: &&FieldEntry| entry.name == provider.key() && !described.is_empty();
    let own = apps.entries.iter().find(is_own);
    if let Some(entry) = own.filter(|entry| !matches!(entry.value, RawValue::Mapping(_))) {
        let message = format!("the app at {} is {}, not a mapping", entry.place, entry.value);
        mistakes.push(Error::new(ErrorCode::BadField, message).with_hint(fields_hint(provider)));
    }
    let entry = |field: &Field| entries.iter().find(|entry| entry.field_name() == field.name);
    let mut fields = read(provider, described, "apps", entry, &mut mistakes);
    let field = described.iter().find(|field| field.name == API_URL.name);
    if let (None, Some(field), Some(url)) = (fields.get(API_URL.name), field, api_url)
        && field.kind.check(&Value::from(url)).is_ok()
    {
        fields.set(API_URL.name, url);
    }
    if mistakes.is_empty() { Ok(fields) } else { Err(mistakes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_elsewhere_is_encrypted() {
        for good in ["https://ghe.example/api/v3", "http://127.0.0.1:1/api/v3"] {
            assert!(is_private(good), "{good}");
        }
        for bad in ["http://ghe.example/api/v3", "https://me:pw@ghe.example", "ftp://localhost", ""]
        {
            assert!(!is_private(bad), "{bad}");
        }
    }

    #[test]
    fn a_vendor_can_be_put_on_this_machine_only() {
        for good in ["http://127.0.0.1:1/x", "https://localhost", "http://[::1]:80"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in
            ["http://127.0.0.1.example.com", "https://slack.com", "http://me@localhost", "x", ""]
        {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
