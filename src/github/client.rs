//! One client for GitHub: octocrab on our HTTP stack, which repeats what is safe to repeat and
//! says why it waits.

use crate::error::{Error, ErrorCode, Result};
use crate::http::{self, TlsTrust};
use crate::provider::request::ConnectError;
use crate::secret::Secret;
use axum::body::HttpBody;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::Value;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// A page of commits with long messages is far smaller.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// How often a failure that is no rate limit is answered by another try.
const TRIES: u32 = 6;
/// The first wait; each later one is twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// GitHub's own media type, and JSON for servers that only know that.
const JSON: HeaderValue =
    HeaderValue::from_static("application/vnd.github+json, application/json;q=0.9");

/// A client for one API and one token.
pub(super) struct GitHubClient {
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

/// An answer, read whole.
pub(super) struct GitHubResponse {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
pub(super) enum GitHubSendError {
    /// The connection.
    Unreached(ConnectError),
    /// It is larger than any that we read.
    TooLarge,
}

/// What to do about a call.
pub(super) enum GitHubAttempt {
    /// It is done.
    Answer(GitHubResponse),
    /// It is worth another try, after this time when GitHub names one.
    Again { after: Option<Duration>, failure: Error },
    /// It failed.
    Failed(Error),
}

impl GitHubClient {
    pub(super) fn new(
        api: &Url,
        token: Option<&Secret>,
        trust: &TlsTrust,
        deadline: Instant,
    ) -> Result<Self> {
        let token = token.map(|token| token.expose().trim()).filter(|token| !token.is_empty());
        if token.is_some_and(|token| HeaderValue::from_str(token).is_err()) {
            let message = "the token for GitHub holds characters that no token has";
            let hint = "set `github-token` to the token alone, on one line";
            return Err(Error::new(ErrorCode::Unauthorized, message).with_hint(hint));
        }
        let is_web = matches!(api.scheme(), "http" | "https") && api.host_str().is_some();
        if !is_web || api.as_str().parse::<axum::http::Uri>().is_err() {
            let message = "the address of GitHub's API is no web address";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("check `GITHUB_API_URL`"));
        }
        let http = http::client(trust, |builder| builder).map_err(|error| {
            let message = format!("the HTTP client cannot be built: {error}");
            Error::new(ErrorCode::Unreachable, message)
                .with_hint("check `ca-file` and the proxy variables")
        })?;
        Ok(Self { http, api: api.clone(), token: token.map(Secret::from), deadline })
    }

    /// Makes the call, and waits and repeats it where that is safe. Only success is an answer.
    pub(super) async fn call(&self, call: &GitHubRequest<'_>) -> Result<GitHubResponse> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let sent = timeout_at(self.deadline, self.send(call)).await;
            let verdict = match sent.map_err(|_| self.deadline_error(call))? {
                Ok(answer) => self.verdict(call, answer),
                Err(silence) => self.on_send_error(call, &silence),
            };
            let (after, failure) = match verdict {
                GitHubAttempt::Answer(answer) => return Ok(answer),
                GitHubAttempt::Failed(failure) => return Err(failure),
                GitHubAttempt::Again { after, failure } => (after, failure),
            };
            let pause = after.unwrap_or_else(|| http::jitter(wait));
            wait = (wait * 2).min(LONGEST_WAIT);
            if (after.is_none() && attempt >= TRIES) || Instant::now() + pause >= self.deadline {
                return Err(failure);
            }
            let (seconds, reason) = (http::log_seconds(pause), failure.message.as_str());
            tracing::warn!(seconds, attempt, reason, "waiting before GitHub is asked again");
            tokio::time::sleep(pause).await;
        }
        unreachable!("the loop ends by returning")
    }

    async fn send(&self, call: &GitHubRequest<'_>) -> Result<GitHubResponse, GitHubSendError> {
        let octocrab = self.octocrab();
        // The root's own path goes in front here: octocrab leaves it out where it takes a part of
        // the request's for it.
        let path = format!("{}{}", self.api.path().trim_end_matches('/'), call.path);
        let sent = match call.body {
            None => octocrab._get(path).await,
            Some(body) => octocrab._post(path, Some(body)).await,
        };
        let response = sent.map_err(|error| unreached(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(GitHubResponse { status, headers, body: read(response.into_body()).await? })
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

/// The body; more than the bound is an error, for a part of it is no JSON.
async fn read<B>(mut body: B) -> Result<Vec<u8>, GitHubSendError>
where
    B: HttpBody<Data: AsRef<[u8]>, Error = octocrab::Error> + Unpin,
{
    let mut bytes = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| unreached(&error))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(data.as_ref());
        }
        if bytes.len() > LARGEST_BODY {
            return Err(GitHubSendError::TooLarge);
        }
    }
    Ok(bytes)
}

/// What is at the bottom of octocrab's chain of errors.
fn unreached(error: &octocrab::Error) -> GitHubSendError {
    let first: Option<&(dyn StdError + 'static)> = Some(error);
    let mut causes =
        std::iter::successors(first, |cause: &&(dyn StdError + 'static)| (*cause).source());
    let cause = causes.find_map(|cause| cause.downcast_ref::<reqwest::Error>());
    GitHubSendError::Unreached(cause.map_or(ConnectError::Interrupted, http::connect_error))
}
