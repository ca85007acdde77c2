//! The server that a file of sentry-cli names, and whether the token goes there.
//!
//! Whoever may change the checkout could change the file, and would have the token sent to a server
//! of theirs: so a file alone never sends it anywhere but to Sentry's own servers.

use super::parse::{self, InputReader};
use super::raw::{InputOrigin, RawInput, RawInputs, TOKENS};
use crate::error::{Error, ErrorCode};
use crate::model::organization_domain::is_saas_host;
use crate::model::token::TokenClaims;
use url::Url;

/// The address of the file, where it is used. A run without a token for a server needs none, and
/// the entries of a manifest have addresses of their own.
pub(super) fn url(
    raw: &RawInputs,
    reader: &mut InputReader<'_>,
    claims: Option<&TokenClaims>,
) -> Option<Url> {
    let file = raw.file_default("url")?.origin;
    let token = token(raw)?.origin;
    if let Some(claimed) = claims.and_then(server) {
        warn_of_another(raw, claims, claimed);
        return None;
    }
    let url = reader.default_value("url", parse::url)?;
    if is_saas(&url) {
        return Some(url);
    }
    if raw.is_at_terminal {
        tracing::info!(%url, "using the server that {file} names");
        return Some(url);
    }
    reader.mistakes.push(refused(&url, file, token));
    None
}

/// Says so where the token names its server and a file another one, as sentry-cli does.
fn warn_of_another(raw: &RawInputs, claims: Option<&TokenClaims>, claimed: &str) {
    let Some(input) = raw.file_default("url") else { return };
    let Ok(url) = parse::url(input.text.expose()) else { return };
    if claims.and_then(|claims| claims.server_mismatch(&url)).is_some() {
        let (file, url) = (input.origin, input.text.expose());
        tracing::warn!(%file, url, "the file's server is not used: the token belongs to {claimed}");
    }
}

/// The token that would go to a server.
fn token(raw: &RawInputs) -> Option<&RawInput> {
    let is_manifest = raw.get("manifest").is_some();
    let tokens = TOKENS.into_iter().find_map(|name| raw.get(name));
    tokens.filter(|_| !raw.is_embedded() && !is_manifest)
}

/// The server that the token itself names.
fn server(claims: &TokenClaims) -> Option<&str> {
    [claims.url.as_str(), claims.region_url.as_str()].into_iter().find(|url| !url.is_empty())
}

/// Whether it is a server of Sentry's own.
fn is_saas(url: &Url) -> bool {
    url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_saas_host)
}

fn refused(url: &Url, file: InputOrigin, token: InputOrigin) -> Error {
    let message = format!(
        "{file} names the server {url}, but `url` is not set: the token in {token} is not sent to a \
         server that only a file names"
    );
    Error::new(ErrorCode::Usage, message)
        .with_hint(format!("set `url` (SENTRY_URL) to the server of the token, {url} or another"))
}
