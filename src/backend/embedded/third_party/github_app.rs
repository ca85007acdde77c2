//! GitHub's API through octocrab: as a user, or as the app itself, by a JWT that ring signs.

use crate::http::{self, NetworkError};
use crate::model::Refusal;
use crate::provider::request::{Credentials, VendorRequest, VendorResponse};
use crate::secret::Secret;
use axum::body::{Body, to_bytes};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use octocrab::Octocrab;
use reqwest::header::HeaderValue;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// How long a JWT is good, in seconds; GitHub takes ten minutes, and a clock may go wrong by one.
const JWT_LIFETIME: i64 = 540;
const CLOCK_SKEW: i64 = 60;
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

/// The JWT that proves an app (RS256), good from a minute ago on.
pub(crate) fn jwt(app_id: &str, private_key: &Secret, now: i64) -> Result<Secret, Refusal> {
    let unfit =
        || Refusal::failure("the `privateKey` of the GitHub App is not an RSA key in PEM format");
    let key = match PrivateKeyDer::from_pem_slice(private_key.expose().as_bytes()) {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(unfit()),
    };
    let key = key.map_err(|_| unfit())?;
    let claims = json!({ "iat": now - CLOCK_SKEW, "exp": now + JWT_LIFETIME, "iss": app_id });
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| unfit())?;
    Ok(Secret::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
