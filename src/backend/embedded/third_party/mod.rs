//! Requests to third parties: signed with the time and fresh randomness where that is needed.

#[cfg_attr(not(feature = "github"), path = "no_github_api.rs")]
mod github_api;
mod github_app;
mod oauth1;

use super::known_secrets::secrets_in;
use crate::http;
use crate::model::{Refusal, State};
use crate::os::clock::unix_ms;
use crate::os::random::random_hex;
use crate::provider::request::{
    Credentials, RequestBody, Transport, VendorRequest, VendorResponse,
};
use crate::secret::Secret;

/// Fetches one thing from a third party.
/// `certificates` are trusted besides the system's. What a refusal quotes of the state's secrets, or
/// of what proved who sent the request, is not in its words.
pub(crate) async fn fetch(
    request: VendorRequest,
    certificates: &[String],
    state: &State,
) -> Result<VendorResponse, Refusal> {
    let credentials = match &request.credentials {
        Credentials::OAuth1(oauth) => {
            let method = if matches!(request.body, RequestBody::None) { "GET" } else { "POST" };
            let header =
                oauth1::header(oauth, method, &request.url, &random_hex(), unix_ms() / 1000)?;
            Credentials::Headers(vec![("Authorization", Secret::from(header))])
        }
        Credentials::GitHubApp { app_id, private_key } => {
            Credentials::Bearer(github_app::jwt(app_id, private_key, unix_ms() / 1000)?)
        }
        other => other.clone(),
    };
    let request = VendorRequest { credentials, ..request };
    let response = match &request.via {
        Transport::Http => http::fetch(&request, certificates).await,
        Transport::GitHub(base) => github_api::fetch(&request, base, certificates).await,
    };
    let mut secrets = secrets_in(state.data());
    match &request.credentials {
        Credentials::Bearer(one) | Credentials::Basic(_, one) => secrets.push(one.expose().into()),
        Credentials::Headers(all) => {
            secrets.extend(all.iter().map(|(_, one)| secret_part(one.expose()).to_owned()));
        }
        Credentials::None | Credentials::GitHubApp { .. } | Credentials::OAuth1(_) => {}
    }
    Ok(response.redacted(&secrets))
}

/// What is secret in a header: of a signed one the signature, for its names are words of the protocol.
fn secret_part(header: &str) -> &str {
    let signature = header.split_once("oauth_signature=\"").map(|(_, rest)| rest);
    signature.and_then(|rest| rest.split('"').next()).unwrap_or(header)
}
