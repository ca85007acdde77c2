//! One client for GitHub: octocrab on our HTTP stack, which repeats what is safe to repeat and
//! says why it waits.

use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{RetryLoop, RetryPolicy};
use crate::http::{HttpResponse, NetworkError, ServerConnection, TlsTrust};
use crate::os::clock::unix_seconds;
use crate::secret::Secret;
use crate::text::url::is_http_url;
use axum::body::HttpBody;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use reqwest::header::{ACCEPT, HeaderValue};
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// A page of commits with long messages is far smaller; what is beyond it is not read.
pub(super) const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// GitHub's own media type, and JSON for servers that only know that.
const JSON: HeaderValue =
    HeaderValue::from_static("application/vnd.github+json, application/json;q=0.9");

/// A client for one API and one token.
pub(super) struct GitHubClient {
    connection: ServerConnection,
    http: reqwest::Client,
    /// The root of the API; its path ends with a slash or not.
    pub(super) api: Url,
    pub(super) token: Option<Secret>,
    deadline: Instant,
}

/// One request.
pub(super) struct GitHubRequest<'a> {
    /// What it does, after "cannot".
    pub(super) what: String,
    /// Below the root of the API, with its query.
    pub(super) path: String,
    /// With one it is a POST, without one a GET.
    pub(super) body: Option<&'a Value>,
    /// What a token needs for it, as a workflow's `permissions` has it.
    pub(super) permission: &'static str,
}

impl GitHubRequest<'_> {
    /// Its method and path, for the log and its failure.
    fn line(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", if self.body.is_none() { "GET" } else { "POST" })
    }

    /// Reading twice equals reading once, and a release goes without its commits; a POST may have
    /// been taken.
    pub(super) fn retry(&self) -> RetryPolicy {
        if self.body.is_none() { RetryPolicy::Optional } else { RetryPolicy::Unsent }
    }
}

impl GitHubClient {
    pub(super) fn new(
        api: &Url,
        token: Option<&Secret>,
        trust: &TlsTrust,
        timeout: Duration,
        deadline: Instant,
    ) -> Result<Self> {
        let token = token.map(|token| token.expose().trim()).filter(|token| !token.is_empty());
        if token.is_some_and(|token| HeaderValue::from_str(token).is_err()) {
            let message = "the token for GitHub contains invalid characters";
            let hint = "set `github-token` to the token only, on one line";
            return Err(Error::new(ErrorCode::Unauthorized, message).with_hint(hint));
        }
        let is_web = is_http_url(api) && api.host_str().is_some();
        if !is_web || api.as_str().parse::<axum::http::Uri>().is_err() {
            let message = "the URL of GitHub's API is not an http(s) URL";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("check `GITHUB_API_URL`"));
        }
        let connection = ServerConnection::new(trust.clone(), timeout);
        let http = connection.pooled()?;
        let token = token.map(Secret::from);
        Ok(Self { connection, http, api: api.clone(), token, deadline })
    }

    /// Sends the request, and repeats it where that is safe. Only success is an answer.
    pub(super) async fn send(&self, request: &GitHubRequest<'_>) -> Result<HttpResponse> {
        let retries = RetryLoop {
            connection: &self.connection,
            deadline: self.deadline,
            policy: request.retry(),
            request: request.line(),
            is_pooled: false,
            log_message: "retrying the request to GitHub after a pause",
        };
        let send = async || match self.send_once(request).await {
            Ok(response) => self.classify(request, response),
            Err(error) => self.classify_error(request, &error),
        };
        Ok(retries.run(send, self.deadline_error(request)).await?)
    }

    async fn send_once(&self, request: &GitHubRequest<'_>) -> Result<HttpResponse, NetworkError> {
        let octocrab = self.octocrab();
        // The root's own path goes in front here: octocrab leaves it out where it takes a part of
        // the request's for it.
        let path = format!("{}{}", self.api.path().trim_end_matches('/'), request.path);
        let response = match request.body {
            None => octocrab._get(path).await,
            Some(body) => octocrab._post(path, Some(body)).await,
        };
        let response = response.map_err(|error| NetworkError::within(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read(response.into_body()).await?;
        Ok(HttpResponse { status, headers, body, received: unix_seconds() })
    }

    /// Octocrab without the layers that repeat and rename. Not kept, for it needs the runtime.
    fn octocrab(&self) -> Octocrab {
        let root = self.api.as_str().parse().expect("checked when the client was built");
        let auth = match &self.token {
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
