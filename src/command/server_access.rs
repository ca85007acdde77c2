//! How a server is reached: its address, its token, the certificates that are trusted on the way.

use crate::error::{Error, ErrorCode, Result};
use crate::http::TlsTrust;
use crate::inputs::Inputs;
use crate::secret::Secret;
use url::Url;

/// Where `serve` answers when no other address is given.
const LOCAL_SITE: &str = "http://127.0.0.1:9797";

/// Where the links of the embedded backend lead. A variable that other programs share names their
/// Sentry, which has none of its integrations.
pub(super) fn base_url(inputs: &Inputs) -> &str {
    inputs.url.as_ref().filter(|_| inputs.url_is_ours).map_or(LOCAL_SITE, Url::as_str)
}

/// Which certificates are trusted on the way to this address.
pub(super) fn tls_trust(inputs: &Inputs, url: &Url) -> TlsTrust {
    match url.scheme() == "http" && !inputs.proxy_over_tls {
        true => TlsTrust::NoTls,
        false => TlsTrust::Roots(inputs.certificates.iter().cloned().collect()),
    }
}

/// The token that releases are made with: what the pipeline needs beside it may be somebody else's.
pub(super) fn release_token(inputs: &Inputs) -> Result<Secret> {
    let token = inputs.auth_token.as_ref().or(inputs.pipeline_token.as_ref());
    token.cloned().ok_or_else(|| Error::new(ErrorCode::NoToken, "no token for the release is set"))
}
