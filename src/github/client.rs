//! One client for GitHub, which repeats what is safe to repeat and says why it waits.

use super::transport::GitHubTransport;
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{RetryLoop, RetryPolicy};
use crate::http::{HttpResponse, NetworkError, ServerConnection, TlsTrust};
use crate::secret::Secret;
use crate::text::url::is_http_url;
use reqwest::header::HeaderValue;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// A client for one API and one token.
pub(super) struct GitHubClient {
    pub(super) connection: ServerConnection,
    transport: GitHubTransport,
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
        let transport = GitHubTransport::new(connection.pooled()?)?;
        let token = token.map(Secret::from);
        Ok(Self { connection, transport, api: api.clone(), token, deadline })
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
        // The root's own path goes in front here: octocrab leaves it out where it takes a part of
        // the request's for it.
        let path = format!("{}{}", self.api.path().trim_end_matches('/'), request.path);
        self.transport.send(&self.api, self.token.as_ref(), path, request.body).await
    }
}
