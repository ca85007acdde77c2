//! How a server is reached: its address, its token, the certificates that are trusted on the way.

use super::RunContext;
use crate::backend::sentry::ConnectOptions;
use crate::error::{Error, ErrorCode, Result};
use crate::http::{ServerConnection, TlsTrust};
use crate::inputs::Inputs;
use crate::secret::Secret;
use tokio::time::Instant;
use url::Url;

/// Where `serve` answers when no other address is given.
const LOCAL_SITE: &str = "http://127.0.0.1:9797";

impl RunContext<'_> {
    /// How this server is reached.
    pub(super) fn connect_options(
        &self,
        inputs: &Inputs,
        (url, token): (Url, Secret),
        deadline: Instant,
    ) -> ConnectOptions {
        let (connection, headers) = (self.connection(inputs, &url), inputs.headers.clone());
        let origin = match inputs.pipeline_token.as_ref() == Some(&token) {
            true => inputs.token_origins.pipeline,
            false => inputs.token_origins.auth,
        };
        let token_origin = origin.map_or_else(String::new, |origin| origin.to_string());
        ConnectOptions { url, token, token_origin, headers, deadline, connection }
    }

    /// How the server of pipelines is reached: at the named address, the token's own, or the SaaS.
    pub(super) fn pipeline_server(
        &self,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result<ConnectOptions> {
        Ok(self.connect_options(inputs, (inputs.page_url(), pipeline_token(inputs)?), deadline))
    }

    /// How the server of repositories and code mappings is reached: with a user's token where only such
    /// a one will do.
    pub(super) fn link_server(
        &self,
        inputs: &Inputs,
        needs_user: bool,
        deadline: Instant,
    ) -> Result<ConnectOptions> {
        let token = if needs_user { pipeline_token(inputs)? } else { release_token(inputs)? };
        Ok(self.connect_options(inputs, (inputs.page_url(), token), deadline))
    }

    /// How the server of releases is reached: in the organization's region.
    pub(super) fn release_server(
        &self,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result<ConnectOptions> {
        Ok(self.connect_options(inputs, (inputs.release_url(), release_token(inputs)?), deadline))
    }

    /// The connections to this server, which all entries share.
    fn connection(&self, inputs: &Inputs, url: &Url) -> ServerConnection {
        self.cache.connection(url, || ServerConnection::new(tls_trust(inputs, url), inputs.timeout))
    }
}

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

/// The token that drives pipelines.
pub(super) fn pipeline_token(inputs: &Inputs) -> Result<Secret> {
    let token = inputs.pipeline_token.as_ref().or(inputs.auth_token.as_ref());
    token.cloned().ok_or_else(|| Error::new(ErrorCode::NoToken, "no token for the pipeline is set"))
}
