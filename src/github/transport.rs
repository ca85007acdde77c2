//! One request to GitHub's API: octocrab on our HTTP stack.

use crate::error::Result;
use crate::http::{HttpResponse, NetworkError};
use crate::os::clock::unix_seconds;
use crate::secret::Secret;
use axum::body::HttpBody;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use reqwest::header::{ACCEPT, HeaderValue};
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use url::Url;

/// A page of commits with long messages is far smaller; what is beyond it is not read.
pub(super) const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// GitHub's own media type, and JSON for servers that only know that.
const JSON: HeaderValue =
    HeaderValue::from_static("application/vnd.github+json, application/json;q=0.9");

/// What carries requests to GitHub.
pub(super) struct GitHubTransport {
    http: reqwest::Client,
}

impl GitHubTransport {
    pub(super) fn new(http: reqwest::Client) -> Result<Self> {
        Ok(Self { http })
    }

    /// Sends one request, with a body a POST and without one a GET.
    pub(super) async fn send(
        &self,
        api: &Url,
        token: Option<&Secret>,
        path: String,
        body: Option<&Value>,
    ) -> Result<HttpResponse, NetworkError> {
        let octocrab = self.octocrab(api, token);
        let response = match body {
            None => octocrab._get(path).await,
            Some(body) => octocrab._post(path, Some(body)).await,
        };
        let response = response.map_err(|error| NetworkError::within(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(response.into_body()).await?;
        Ok(HttpResponse { status, headers, body, received: unix_seconds() })
    }

    /// Octocrab without the layers that repeat and rename. Not kept, for it needs the runtime.
    fn octocrab(&self, api: &Url, token: Option<&Secret>) -> Octocrab {
        let root = api.as_str().parse().expect("checked when the client was built");
        let auth = match token {
            Some(token) => AuthState::AccessToken { token: token.expose().to_owned().into() },
            None => AuthState::None,
        };
        let built = OctocrabBuilder::new_empty()
            .with_service(ReqwestConnector::new(self.http.clone()))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(vec![(ACCEPT, JSON)])))
            .with_layer(&BaseUriLayer::new(root))
            .with_auth(auth)
            .build();
        built.unwrap_or_else(|never| match never {})
    }
}

/// The body as text; one that is too large ends beyond the bound.
async fn read<B>(mut body: B) -> Result<String, NetworkError>
where
    B: HttpBody<Data: AsRef<[u8]>, Error = octocrab::Error> + Unpin,
{
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| NetworkError::within(&error))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(data.as_ref());
        }
        if bytes.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
