//! GitHub's API through octocrab: as a user, or as the app itself.

use crate::http::{self, NetworkError};
use crate::provider::request::{Credentials, VendorRequest, VendorResponse};
use axum::body::{Body, to_bytes};
use octocrab::Octocrab;
use reqwest::header::HeaderValue;

/// No answer that we read is anywhere near this large.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Fetches one thing from the API at `base`.
pub(crate) async fn fetch(
    request: &VendorRequest,
    base: &str,
    certificates: &[String],
) -> VendorResponse {
    tracing::debug!(name = request.name, "sending a request to GitHub");
    let sent = http::fetch_trusting(request, certificates, |client| async move {
        get(request, base, client).await.map_err(|error| NetworkError::within(&*error))
    });
    sent.await
}

type FetchError = Box<dyn std::error::Error + Send + Sync>;

async fn get(
    request: &VendorRequest,
    base: &str,
    client: reqwest::Client,
) -> Result<VendorResponse, FetchError> {
    let builder = Octocrab::builder().base_uri(base)?;
    let builder = match &request.credentials {
        // Octocrab panics at a token that no header can carry.
        Credentials::Bearer(token) if HeaderValue::from_str(token.expose()).is_err() => {
            return Err("the token returned by GitHub contains invalid characters".into());
        }
        Credentials::Bearer(token) => builder.personal_token(token.expose().to_owned()),
        _ => builder,
    };
    let octocrab = builder.build_with_reqwest(client)?;
    let response = octocrab._get(request.url.strip_prefix(base).unwrap_or(&request.url)).await?;
    let status = response.status().as_u16();
    let body = to_bytes(Body::new(response.into_body()), LARGEST_BODY).await?;
    Ok(VendorResponse::Received { status, body: String::from_utf8_lossy(&body).into_owned() })
}
