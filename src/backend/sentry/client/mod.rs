//! One client for the backend: its token goes to its own origin and nowhere else, it repeats what
//! is safe to repeat, and says why it waits.

mod foreign;
mod lost_request;
pub(crate) mod permission;
pub(crate) mod response;

use super::ConnectOptions;
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{Attempt, RetryDelay, RetryLoop, RetryPolicy, SendError};
use crate::http::{HttpResponse, NetworkError, ServerConnection};
use crate::inputs::RequestHeader;
use crate::model::OrgSlug;
use crate::model::token::{self, TokenKind};
use crate::os::signals;
use crate::outcome::CANCELLED;
use crate::secret::Secret;
use crate::text::segment;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{COOKIE, USER_AGENT};
use reqwest::{Method, RequestBuilder};
use response::error_text;
use serde_json::Value;
use std::collections::HashSet;
use tokio::time::Instant;
use url::Url;

/// Pages of a listing that are read; a page holds a hundred.
const MAX_PAGES: usize = 1000;

/// A client for one server and one token.
pub(crate) struct SentryClient {
    /// How it names itself to the server.
    agent: String,
    base: Url,
    token: Secret,
    token_origin: String,
    /// What the way to the server asks for; sent nowhere else, as the token.
    headers: Vec<RequestHeader>,
    deadline: Instant,
    connection: ServerConnection,
    /// The cookies of a pipeline; nothing of them is sent elsewhere.
    jar: Jar,
}

/// One request.
pub(crate) struct SentryRequest<'a> {
    pub(crate) method: Method,
    /// Below the server's address, each segment encoded by the caller.
    pub(crate) path: String,
    pub(crate) json: Option<&'a Value>,
    /// A form, for set-up pages.
    pub(crate) form: Option<String>,
    /// Files, with their content type.
    pub(crate) files: Option<(String, Vec<u8>)>,
    pub(crate) retry: RetryPolicy,
    /// Whether a failure of Sentry's own is an answer: what it keeps of a session is broken, and
    /// asking again changes nothing.
    pub(crate) takes_failure: bool,
    /// Whether it takes back what the run did, and so is sent after a signal, too.
    pub(crate) takes_back: bool,
}

impl<'a> SentryRequest<'a> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let (method, path) = (Method::GET, path.into());
        let retry = RetryPolicy::Safe;
        let (takes_failure, takes_back) = (false, false);
        let (json, form, files) = (None, None, None);
        Self { method, path, json, form, files, retry, takes_failure, takes_back }
    }

    pub(crate) fn post(path: impl Into<String>, json: &'a Value, retry: RetryPolicy) -> Self {
        Self { method: Method::POST, json: Some(json), retry, ..Self::get(path) }
    }

    /// One that the work does not hang on.
    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, retry: RetryPolicy::Optional, ..Self::get(path) }
    }

    /// Its method and path, for the log and its failure; a query may hold what a step was answered.
    fn line(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// What the paths of the API begin with.
const API: &str = "/api/0/";

/// A path of the API below an organization.
pub(crate) fn organization_path(org: &OrgSlug, rest: &str) -> String {
    format!("/api/0/organizations/{}/{rest}", segment(org.as_str()))
}

impl SentryClient {
    /// `agent` is how the client names itself to the server.
    pub(crate) fn new(options: ConnectOptions, agent: &str) -> Result<Self> {
        let ConnectOptions { url: base, token, token_origin, headers, deadline, connection } =
            options;
        let (agent, jar) = (agent.to_owned(), Jar::default());
        Ok(Self { agent, base, token, token_origin, headers, deadline, connection, jar })
    }

    /// The same client for another address that the server itself names, without its cookies. The
    /// headers of one's own are for the server alone.
    pub(crate) fn at(&self, base: Url) -> Self {
        let (agent, token) = (self.agent.clone(), self.token.clone());
        let token_origin = self.token_origin.clone();
        let (connection, deadline) = (self.connection.clone(), self.deadline);
        let is_same = base.origin() == self.base.origin();
        let headers = if is_same { self.headers.clone() } else { Vec::new() };
        let jar = Jar::default();
        Self { agent, base, token, token_origin, headers, deadline, connection, jar }
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The server as messages call it: its host, with a port that is not the usual one.
    pub(crate) fn server_name(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Where the token was given; empty where that is not known.
    pub(crate) fn token_origin(&self) -> &str {
        &self.token_origin
    }

    /// When the whole run has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The session's cookies, as a `Cookie` header has them.
    pub(crate) fn cookies(&self) -> Secret {
        let header = self.jar.cookies(&self.base);
        Secret::from(header.as_ref().and_then(|header| header.to_str().ok()).unwrap_or_default())
    }

    /// Takes over the cookies of another process.
    pub(crate) fn set_cookies(&self, cookies: &Secret) {
        for cookie in cookies.expose().split("; ") {
            self.jar.add_cookie_str(cookie, &self.base);
        }
    }

    /// The kind of the token, for messages.
    pub(crate) fn token_kind(&self) -> TokenKind {
        token::kind(self.token.expose())
    }

    /// Sends the request, and repeats it where that is safe. Any status but a rate limit or a
    /// failing server is an answer.
    pub(crate) async fn send(
        &self,
        request: &SentryRequest<'_>,
    ) -> Result<HttpResponse, SendError> {
        let retries = RetryLoop {
            connection: &self.connection,
            deadline: self.deadline,
            policy: request.retry,
            request: request.line(),
            is_pooled: true,
            log_message: "retrying after a pause",
        };
        let changes = request.method != Method::GET && !request.takes_back;
        let send = async || {
            if changes && signals::is_stopped() {
                return Attempt::Failed(Error::new(ErrorCode::Cancelled, CANCELLED));
            }
            let client = match request.retry {
                // Sent into a connection that was closed meanwhile, it would be lost.
                RetryPolicy::Unsent => self.connection.dependable().await,
                RetryPolicy::Safe | RetryPolicy::Optional => self.connection.pooled(),
            };
            let client = match client {
                Ok(client) => client,
                Err(failure) => return Attempt::Failed(failure),
            };
            match self.connection.send(self.build(&client, request)).await {
                Ok(response) => self.classify(request, response),
                Err(error) => self.classify_error(request.retry, &error),
            }
        };
        let host = self.base.host_str().unwrap_or_default();
        let message = format!("{host} did not send a complete response before the deadline");
        retries.run(send, Error::new(ErrorCode::Deadline, message)).await
    }

    /// Reads what the run can go on without.
    pub(crate) async fn get_optional(
        &self,
        path: impl Into<String>,
    ) -> Result<HttpResponse, SendError> {
        self.send(&SentryRequest { retry: RetryPolicy::Optional, ..SentryRequest::get(path) }).await
    }

    /// Reads a path below the server's address.
    pub(crate) async fn get(&self, path: impl Into<String>) -> Result<HttpResponse, SendError> {
        self.send(&SentryRequest::get(path)).await
    }

    /// A POST as it would be sent, for a plan.
    pub(crate) fn describe_post(&self, path: &str, body: &Value) -> String {
        format!("POST {} {body}", self.url(path))
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Every item of a listing, page by page; `denied` says what another answer means.
    pub(crate) async fn get_all(
        &self,
        path: &str,
        retry: RetryPolicy,
        denied: impl Fn(&HttpResponse) -> Error,
    ) -> Result<Vec<Value>> {
        let (mut items, mut cursor, mut known) = (Vec::new(), String::new(), HashSet::new());
        for _ in 0..MAX_PAGES {
            let request = SentryRequest::get(format!("{path}{cursor}"));
            let response = self.send(&SentryRequest { retry, ..request }).await?;
            if !response.is_success() {
                return Err(denied(&response));
            }
            if !self.connection.may_keep(&response.body) {
                return Err(self.unlistable(path));
            }
            let Value::Array(page) = response.json() else {
                return Err(self.unexpected(&response, "a list"));
            };
            items.extend(page);
            match response.next_cursor() {
                Ok(Some(next)) if !known.insert(next.clone()) => {
                    return Err(self.circular(path));
                }
                Ok(Some(next)) => cursor = format!("&cursor={next}"),
                Ok(None) => return Ok(items),
                Err(()) => return Err(self.unexpected(&response, "a list with a usable cursor")),
            }
        }
        Err(self.endless(path, MAX_PAGES))
    }

    fn build(&self, client: &reqwest::Client, request: &SentryRequest<'_>) -> RequestBuilder {
        let builder = client.request(request.method.clone(), self.url(&request.path));
        let builder = builder
            .bearer_auth(self.token.expose())
            .header("Accept", "application/json, text/html;q=0.9")
            .header(USER_AGENT, &self.agent);
        let builder = self
            .headers
            .iter()
            .fold(builder, |builder, header| builder.header(&header.name, header.value.expose()));
        let builder = match self.jar.cookies(&self.base) {
            Some(cookies) => builder.header(COOKIE, cookies),
            None => builder,
        };
        let (kind, body) = match request {
            SentryRequest { json: Some(json), .. } => ("application/json", json.to_string().into()),
            SentryRequest { form: Some(form), .. } => {
                ("application/x-www-form-urlencoded", form.clone().into_bytes())
            }
            SentryRequest { files: Some((kind, body)), .. } => (kind.as_str(), body.clone()),
            _ => return builder,
        };
        builder.header("Content-Type", kind).body(body)
    }

    fn classify_error(&self, retry: RetryPolicy, error: &NetworkError) -> Attempt {
        let failure = Error::new(
            ErrorCode::Unreachable,
            error.describe(&self.base, self.connection.read_timeout()),
        );
        let failure = match error.hint("`url` (SENTRY_URL)", self.connection.read_timeout()) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        };
        Attempt::unreached(retry, error.stage, failure)
    }

    fn classify(&self, request: &SentryRequest<'_>, response: HttpResponse) -> Attempt {
        let (retry, outage) = (request.retry, response.outage());
        self.jar.set_cookies(&mut response.cookies(), &self.base);
        // By its id, whoever runs the server finds the failure in its log.
        let error_id = || response.json()["errorId"].as_str().map(str::to_owned);
        let failure = |code, text: &str| {
            let reason = error_text(&response.json());
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let id = error_id().map(|id| format!(", errorId {id}")).unwrap_or_default();
            let message = format!("{text}: HTTP {}{reason}{id}", response.status);
            Error { status: Some(response.status), ..Error::new(code, message) }
        };
        match response.status {
            429 => Attempt::Retry {
                after: RetryDelay::RateLimit(response.rate_limit()),
                failure: failure(
                    ErrorCode::RateLimited,
                    &format!("the rate limit of {} is reached", self.server_name()),
                ),
            },
            500..=599 if request.takes_failure && response.is_sentrys_failure() => {
                Attempt::Answer(response)
            }
            // Of a setup page, Sentry's own failure is a page too.
            408 | 500..=599 if !request.path.starts_with(API) && request.files.is_none() => {
                Attempt::uncertain(retry, outage, self.unexpected(&response, "a setup page"))
            }
            408 | 500..=599 if !response.is_from_sentry() => {
                Attempt::uncertain(retry, outage, self.foreign(&response))
            }
            408 | 500..=599 => {
                let failed = format!("{} failed", self.server_name());
                let failed = failure(ErrorCode::BackendError, &failed);
                let hint = self.outage_hint(error_id().as_deref());
                Attempt::uncertain(retry, outage, failed.with_hint(hint))
            }
            _ => Attempt::Answer(response),
        }
    }
}
