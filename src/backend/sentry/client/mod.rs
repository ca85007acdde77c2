//! One client for the backend: its token goes to its own origin and nowhere else, it repeats what
//! is safe to repeat, and says why it waits.

pub(crate) mod connection;
pub(crate) mod permission;
pub(crate) mod response;

use super::{ConnectOptions, ServerConnection};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::model::token::{self, TokenKind};
use crate::provider::request::ConnectError;
use crate::secret::{self, Secret};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{COOKIE, USER_AGENT};
use reqwest::{Method, RequestBuilder};
use response::{SentryResponse, error_text};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How often a failure that is no rate limit is answered by another try.
const TRIES: u32 = 6;
/// The first wait; each later one is twice as long, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// How long after an answer a server that closes its connections has surely said so: the end comes
/// with the answer, and only has to be read.
const CLOSE_NOTICE_DELAY: Duration = Duration::from_millis(1);

/// Pages of a listing that are read; a page holds a hundred.
const MOST_PAGES: usize = 100;

/// Whether a request may be sent again when nobody knows whether it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Sending it twice equals sending it once.
    Safe,
    /// Only when it surely had no effect: never sent, or refused by a rate limit.
    Unsent,
}

/// A client for one server and one token.
pub(crate) struct SentryClient {
    http: reqwest::Client,
    /// How it names itself to the server.
    agent: String,
    base: Url,
    token: Secret,
    deadline: Instant,
    line: ServerConnection,
    /// What the server's words are not to show.
    secrets: Vec<String>,
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
    pub(crate) repeat: RetryPolicy,
}

impl SentryRequest<'_> {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        let (method, path) = (Method::GET, path.into());
        Self { method, path, json: None, form: None, repeat: RetryPolicy::Safe }
    }
}

/// Why a call brought no answer that can be used.
pub(crate) enum SendError {
    /// It surely had no effect.
    NotSent(Error),
    /// Nobody knows whether it had.
    Indeterminate(Error),
}

impl From<SendError> for Error {
    fn from(silence: SendError) -> Self {
        match silence {
            SendError::NotSent(failure) | SendError::Indeterminate(failure) => failure,
        }
    }
}

impl SentryClient {
    /// `agent` is how the client names itself to the server.
    pub(crate) fn new(
        access: ConnectOptions,
        mut secrets: Vec<String>,
        agent: &str,
    ) -> Result<Self> {
        let ConnectOptions { url: base, token, deadline, line } = access;
        secrets.push(token.expose().to_owned());
        let (http, agent, jar) = (line.pooled()?, agent.to_owned(), Jar::default());
        Ok(Self { http, agent, base, token, deadline, line, secrets, jar })
    }

    /// Takes a fresh connection for each request from here on. Servers of the `web` dialect close
    /// theirs behind an answer without a word, and a form that is posted into that is lost.
    pub(crate) fn disable_pool(&mut self) -> Result<()> {
        self.http = self.line.unpooled()?;
        Ok(())
    }

    /// The server's address.
    pub(crate) fn base(&self) -> &Url {
        &self.base
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

    /// Makes the call, and waits and repeats it where that is safe. Any status but a rate limit
    /// or a failing server is an answer.
    pub(crate) async fn send(&self, call: &SentryRequest<'_>) -> Result<SentryResponse, SendError> {
        let mut wait = FIRST_WAIT;
        if call.repeat == RetryPolicy::Unsent {
            // Sent into a connection that was closed meanwhile, it would be lost.
            tokio::time::sleep(CLOSE_NOTICE_DELAY).await;
        }
        for attempt in 1.. {
            self.line.until_ready().await;
            let verdict = match http::send(self.request(call)).await {
                Ok(answer) => {
                    self.jar.set_cookies(&mut answer.cookies(), &self.base);
                    SentryResponse::from(answer).verdict(call.repeat, &self.secrets)
                }
                Err(unreached) => self.unreached(unreached, call.repeat),
            };
            let (again, failure) = match verdict {
                Attempt::Answer(reply) => return Ok(reply),
                Attempt::Failed(silence) => return Err(silence),
                Attempt::Retry { after, failure } => (after, failure),
            };
            let limited = again.is_some();
            // The first broken connection may only be one that the server had closed meanwhile.
            let first = attempt == 1 && !limited && failure.status.is_none();
            let pause =
                again.unwrap_or_else(|| http::jitter(if first { FIRST_WAIT / 10 } else { wait }));
            wait = (wait * 2).min(LONGEST_WAIT);
            if (!limited && attempt >= TRIES) || Instant::now() + pause >= self.deadline {
                return Err(SendError::NotSent(failure));
            }
            if limited {
                self.line.pause_for(pause);
            }
            if first {
                let reason = failure.message;
                tracing::debug!(reason, "the request is sent again on a new connection");
            } else {
                log_retry(pause, attempt, &failure.message);
            }
            tokio::time::sleep(pause).await;
        }
        unreachable!("the loop ends by returning")
    }

    /// Every item of a listing, page by page; `denied` says what another answer means.
    pub(crate) async fn get_all(
        &self,
        path: &str,
        denied: impl Fn(&SentryResponse) -> Error,
    ) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let reply = self.send(&SentryRequest::get(format!("{path}{cursor}"))).await?;
            if !reply.is_success() {
                return Err(denied(&reply));
            }
            let Value::Array(page) = reply.json() else {
                let message = format!("{} answered a listing with something else", self.base);
                return Err(Error::new(ErrorCode::BackendError, message));
            };
            items.extend(page);
            match reply.next_cursor() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        Ok(items)
    }

    fn request(&self, call: &SentryRequest<'_>) -> RequestBuilder {
        let url = format!("{}{}", self.base.as_str().trim_end_matches('/'), call.path);
        let request = self.http.request(call.method.clone(), url).bearer_auth(self.token.expose());
        let request = request.header("Accept", "application/json, text/html;q=0.9");
        let request = request.header(USER_AGENT, &self.agent);
        let request = match self.jar.cookies(&self.base) {
            Some(cookies) => request.header(COOKIE, cookies),
            None => request,
        };
        match (call.json, &call.form) {
            (Some(json), _) => {
                request.header("Content-Type", "application/json").body(json.to_string())
            }
            (None, Some(form)) => request
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(form.clone()),
            (None, None) => request,
        }
    }

    fn unreached(&self, unreached: ConnectError, repeat: RetryPolicy) -> Attempt {
        let host = self.base.host_str().unwrap_or_default();
        let (words, sent) = match unreached {
            ConnectError::Tls => {
                let message =
                    format!("no TLS connection to {host}, or its certificate does not verify");
                let failure = Error::new(ErrorCode::Unreachable, message).with_hint(
                    "check `url`, and name the certificate of your own authority with `ca-file`",
                );
                return Attempt::Failed(SendError::NotSent(failure));
            }
            ConnectError::Connect => (format!("cannot connect to {host}"), false),
            ConnectError::Interrupted => (format!("{host} did not answer, or broke off"), true),
        };
        let failure = Error::new(ErrorCode::Unreachable, words);
        match (sent, repeat) {
            (true, RetryPolicy::Unsent) => Attempt::Failed(SendError::Indeterminate(failure)),
            _ => Attempt::Retry { after: None, failure },
        }
    }
}

fn log_retry(pause: Duration, attempt: u32, reason: &str) {
    let seconds = http::log_seconds(pause);
    tracing::warn!(seconds, attempt, reason, "waiting before the request is sent again");
}

/// What to do about a reply.
pub(crate) enum Attempt {
    /// It is the answer.
    Answer(SentryResponse),
    /// The call is worth another try, after this time when the server names one.
    Retry {
        /// When the server takes requests again.
        after: Option<Duration>,
        /// What to say when there is no other try.
        failure: Error,
    },
    /// It is not.
    Failed(SendError),
}

impl SentryResponse {
    fn verdict(self, repeat: RetryPolicy, secrets: &[String]) -> Attempt {
        let said = error_text(&self.json()).map(|said| secret::redact(&said, secrets));
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        let failure = |code, words: &str| Error {
            status: Some(self.status),
            ..Error::new(code, format!("{words} with HTTP {}{said}", self.status))
        };
        match (self.status, repeat) {
            (429, _) => {
                let failure = failure(ErrorCode::RateLimited, "the backend limits the rate");
                Attempt::Retry { after: Some(self.rate_limit()), failure }
            }
            (408 | 500..=599, RetryPolicy::Safe) => {
                let failure = failure(ErrorCode::BackendError, "the backend answered");
                Attempt::Retry { after: None, failure }
            }
            (408 | 500..=599, RetryPolicy::Unsent) => {
                let failure = failure(ErrorCode::BackendError, "the backend answered");
                Attempt::Failed(SendError::Indeterminate(failure))
            }
            _ => Attempt::Answer(self),
        }
    }
}
