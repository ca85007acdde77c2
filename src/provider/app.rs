//! An app of one's own at the third party: its credentials as `apps` gave them, and where the
//! third party is.

use super::{Field, FieldKind};
use crate::secret::Secret;
use crate::state::State;
use serde_json::Value;
use url::{Host, Url};

/// The name under which a pipeline keeps the app that it was begun with.
pub(crate) const APP: &str = "app";

/// Another address of the third party. Credentials that were made for a vendor must not be sent
/// anywhere else, so it has to be on this machine.
pub(super) const URL: Field = Field::optional(
    "url",
    FieldKind::Rule(is_loopback, "an http(s) address of this machine (127.0.0.1, ::1, localhost)"),
    "where the third party is, for trying things out",
    "http://127.0.0.1:8080",
);

/// Where the API of a server is, which people also run themselves: never without encryption, but
/// on this machine.
pub(super) const API_URL: Field = Field::optional(
    "apiUrl",
    FieldKind::Rule(is_private, "an https address, or an http one of this machine"),
    "where GitHub's API is; GITHUB_API_URL when not given",
    "https://api.github.com",
);

/// The app's id there.
pub(super) const CLIENT_ID: Field =
    Field::required("clientId", FieldKind::Text(200), "the id of the app", "6f1c…");

/// Its secret.
pub(super) const fn client_secret(example: &'static str) -> Field {
    Field::required("clientSecret", FieldKind::Text(4096), "the secret of the app", example)
        .secret()
}

/// The app that a pipeline was begun with.
pub(super) struct AppSettings<'a>(&'a Value);

impl<'a> AppSettings<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        Self(state.fetch(APP).unwrap_or(&Value::Null))
    }

    pub(super) fn text(&self, name: &str) -> &'a str {
        self.0[name].as_str().unwrap_or_default()
    }

    pub(super) fn secret(&self, name: &str) -> Secret {
        Secret::from(self.text(name))
    }

    /// Where the third party is: at its own address, unless the app says otherwise.
    pub(super) fn base_url_or(&self, usual: &'a str) -> &'a str {
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
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    here && matches!(url.scheme(), "http" | "https") && url.username().is_empty()
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
