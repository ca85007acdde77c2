//! Requests to third parties: signed with the time and fresh randomness where that is needed.

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
/// `certificates` are trusted besides the system's.
pub(crate) async fn fetch(
    request: VendorRequest,
    certificates: &[String],
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
    Ok(match &request.via {
        Transport::Http => http::fetch(&request, certificates).await,
        Transport::GitHub(base) => github_app::fetch(&request, base, certificates).await,
    })
}
