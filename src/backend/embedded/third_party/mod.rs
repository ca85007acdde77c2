//! Asks third parties: signs what has to be signed with the time and fresh randomness, and fetches.

pub(crate) mod github_app;
pub(crate) mod oauth1;

use crate::http;
use crate::model::Refusal;
use crate::os::clock::unix_ms;
use crate::os::random::random_hex;
use crate::provider::request::{
    Credentials, RequestBody, Transport, VendorRequest, VendorResponse,
};
use crate::secret::Secret;

/// Fetches one thing from a third party.
pub(crate) async fn fetch(ask: VendorRequest) -> Result<VendorResponse, Refusal> {
    let credentials = match &ask.credentials {
        Credentials::OAuth1(with) => {
            let method = if matches!(ask.body, RequestBody::None) { "GET" } else { "POST" };
            let header = oauth1::header(with, method, &ask.url, &random_hex(), unix_ms() / 1000)?;
            Credentials::Headers(vec![("Authorization", Secret::from(header))])
        }
        Credentials::GitHubApp { app_id, private_key } => {
            Credentials::Bearer(github_app::jwt(app_id, private_key, unix_ms() / 1000)?)
        }
        other => other.clone(),
    };
    let ask = VendorRequest { credentials, ..ask };
    Ok(match &ask.via {
        Transport::Http => http::fetch(&ask).await,
        Transport::GitHub(base) => github_app::fetch(&ask, base).await,
    })
}
