//! Where the chunks of source maps go. A Sentry may name an address for them, on another host, too; the
//! token goes there, since the server itself says so, but never with less than the server's own TLS.

use super::client::{SentryClient, organization_path};
use crate::error::{Error, ErrorCode, Result};
use crate::model::OrgSlug;
use crate::text::quote;
use url::Url;

/// The address, and what speaks to it.
pub(super) struct UploadAddress {
    pub(super) client: SentryClient,
    /// Below the address of that client.
    pub(super) path: String,
    /// The server that named another host.
    named_by: Option<String>,
}

impl UploadAddress {
    /// The address that a Sentry has where it names no other.
    pub(super) fn usual(client: &SentryClient, org: &OrgSlug) -> Self {
        let path = organization_path(org, "chunk-upload/");
        Self { client: client.at(client.base().clone()), path, named_by: None }
    }

    /// The address that the server names: whole, from the root of its host, or below its API.
    pub(super) fn told(client: &SentryClient, org: &OrgSlug, text: &str) -> Result<Self> {
        let base = client.base();
        let url = Url::parse(&client.url("/api/0/")).and_then(|api| api.join(text));
        let url =
            url.ok().filter(is_plain).ok_or_else(|| unusable(base, text, "is no such URL"))?;
        let is_same_host = url.host_str() == base.host_str();
        if base.scheme() == "https" && url.scheme() == "http" {
            // A server behind a proxy may not know that it is spoken to over TLS.
            return match is_same_host {
                true => Ok(Self::usual(client, org)),
                false => Err(unusable(base, text, "has no TLS, so the token is not sent there")),
            };
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let named_by = base.host_str().filter(|_| !is_same_host).map(str::to_owned);
        let mut origin = url;
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        Ok(Self { client: client.at(origin), path, named_by })
    }

    /// Says whose address it is that a failure speaks of.
    pub(super) fn explain(&self, failure: Error) -> Error {
        let Some(server) = self.named_by.as_ref().filter(|_| failure.status.is_none()) else {
            return failure;
        };
        let message = format!("{}; {server} names this address for uploads", failure.message);
        Error { message, ..failure }
    }
}

/// Whether it can be asked at all, and has no credentials.
fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
}

fn unusable(base: &Url, text: &str, reason: &str) -> Error {
    let message = format!("{base} names an address for uploads that {reason}: {}", quote(text));
    Error::new(ErrorCode::BackendError, message)
        .with_hint("correct `system.url-prefix` and `system.upload-url-prefix` of that Sentry")
}
