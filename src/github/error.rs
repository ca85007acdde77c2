//! What a response or the lack of one means: another attempt, or an error for whoever set the job
//! up.

use super::client::{GitHubClient, GitHubRequest};
use super::transport::MAX_BODY_BYTES;
use crate::error::{Error, ErrorCode};
use crate::http::retry::{Attempt, RetryDelay};
use crate::http::{HttpResponse, NetworkError};
use crate::text::one_line;
use serde_json::Value;
use std::time::Duration;

/// How long a limited client waits when GitHub does not say: what its documentation asks for.
const MINUTE: Duration = Duration::from_secs(60);
/// The shortest wait; the moments of GitHub's headers are in whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// What to do where something else than GitHub may have answered.
const FOREIGN_HINT: &str = "check `GITHUB_API_URL`: it must be the root of GitHub's API; if it is, \
                            let this job through the proxy, firewall or login page in front of it";

const UNREACHABLE_HINT: &str = "check `GITHUB_API_URL`, the network and the proxy variables";

impl GitHubClient {
    /// What to do about a response.
    pub(super) fn classify(&self, request: &GitHubRequest<'_>, response: HttpResponse) -> Attempt {
        if response.body.len() > MAX_BODY_BYTES {
            return Attempt::Failed(self.too_large(request));
        }
        if let Some(after) = rate_limit(&response) {
            let mut failure = self.failure(ErrorCode::RateLimited, request, &response);
            if self.token.is_none() {
                failure = failure
                    .with_hint("set `github-token`: GitHub's rate limit is low without a token");
            }
            return Attempt::Retry { after: RetryDelay::RateLimit(after), failure };
        }
        match response.status {
            _ if response.is_success() => Attempt::Answer(response),
            408 | 500..=599 => {
                let mut failure = self.failure(ErrorCode::BackendError, request, &response);
                if !is_from_github(&response) {
                    failure = failure.with_hint(FOREIGN_HINT);
                }
                Attempt::uncertain(request.retry(), response.outage(), failure)
            }
            _ => Attempt::Failed(self.refused(request, &response)),
        }
    }

    /// GitHub's own word is JSON with a message; what a proxy says instead is no matter of the token.
    fn refused(&self, request: &GitHubRequest<'_>, response: &HttpResponse) -> Error {
        if !is_from_github(response) && response.redirect().is_none() {
            return self
                .failure(ErrorCode::BackendError, request, response)
                .with_hint(FOREIGN_HINT);
        }
        let code = match response.status {
            401 => ErrorCode::Unauthorized,
            403 => ErrorCode::MissingScope,
            _ => ErrorCode::ProviderError,
        };
        let failure = self.failure(code, request, response);
        let permission =
            accepted_permission(response).unwrap_or_else(|| request.permission.to_owned());
        match (response.status, &self.token) {
            (401, _) => failure.with_hint("set `github-token` to a valid token"),
            (403, _) => failure.with_hint(format!(
                "add `{permission}` to the job's `permissions`, or set `github-token` to a token \
                 that has it"
            )),
            (404, None) => failure.with_hint(
                "set `github-token` if the repository is private; check the repository's name, and \
                 that the commits are pushed",
            ),
            (404, Some(_)) => failure.with_hint(format!(
                "check the repository's name, that the commits are pushed, and that the token has \
                 `{permission}`"
            )),
            (422, _) => failure.with_hint("check that the commits are pushed to this repository"),
            _ if response.redirect().is_some() => failure.with_hint(
                "use the repository's current name, and check `GITHUB_API_URL`; redirects are not \
                 followed, so that the token stays with this server",
            ),
            _ => failure,
        }
    }

    fn failure(
        &self,
        code: ErrorCode,
        request: &GitHubRequest<'_>,
        response: &HttpResponse,
    ) -> Error {
        let (what, host, status) = (&request.what, self.host(), response.status);
        let answer = match error_text(response) {
            reason if reason.is_empty() && !is_from_github(response) => response.describe(),
            reason if reason.is_empty() => format!("HTTP {status}"),
            reason => format!("HTTP {status}: {reason}"),
        };
        let message = format!("cannot {what}: {host} returned {answer}");
        Error { status: Some(status), ..Error::new(code, message) }
    }

    /// What to do where there is no response. What was sent and not answered may have been done.
    pub(super) fn classify_error(
        &self,
        request: &GitHubRequest<'_>,
        error: &NetworkError,
    ) -> Attempt {
        let (what, why) =
            (&request.what, error.describe(&self.api, self.connection.read_timeout()));
        let hint = error.hint("`GITHUB_API_URL`", self.connection.read_timeout());
        let failure = Error::new(ErrorCode::Unreachable, format!("cannot {what}: {why}"))
            .with_hint(hint.as_deref().unwrap_or(UNREACHABLE_HINT));
        Attempt::unreached(request.retry(), error.stage, failure)
    }

    pub(super) fn deadline_error(&self, request: &GitHubRequest<'_>) -> Error {
        let (what, host) = (&request.what, self.host());
        let message = format!("cannot {what}: {host} did not respond before the deadline");
        Error::new(ErrorCode::Deadline, message)
    }

    fn too_large(&self, request: &GitHubRequest<'_>) -> Error {
        let (what, host) = (&request.what, self.host());
        let message = format!("cannot {what}: the response of {host} is larger than 32 MiB");
        Error::new(ErrorCode::BackendError, message).with_hint("check `GITHUB_API_URL`")
    }

    /// A success that is not what GitHub answers with.
    pub(super) fn unexpected_body(
        &self,
        request: &GitHubRequest<'_>,
        response: &HttpResponse,
        error: &serde_json::Error,
    ) -> Error {
        let (what, host) = (&request.what, self.host());
        let (line, column) = (error.line(), error.column());
        let message = format!(
            "cannot {what}: unexpected response from {host} at line {line}, column {column}{}",
            // JSON of another shape is not quoted: it is long, and its beginning shows nothing.
            if error.is_data() { String::new() } else { format!(": {}", response.describe()) }
        );
        let failure = Error::new(ErrorCode::BackendError, message).with_hint(FOREIGN_HINT);
        Error { status: Some(response.status), ..failure }
    }

    fn host(&self) -> &str {
        self.api.host_str().unwrap_or_default()
    }
}

/// How long GitHub wants to be left alone; `None` when it does not limit the rate. Its 403 is a
/// rate limit or a missing permission.
fn rate_limit(response: &HttpResponse) -> Option<Duration> {
    let is_used_up = response.header("x-ratelimit-remaining") == Some("0");
    let says_when = response.header("retry-after").is_some();
    let is_limit = match response.status {
        429 => true,
        403 => {
            is_used_up || says_when || error_text(response).to_lowercase().contains("rate limit")
        }
        _ => false,
    };
    let reset = || response.time_until("x-ratelimit-reset").filter(|_| is_used_up);
    let left = || reset().map(|left| left + SECOND);
    is_limit.then(|| response.retry_after().or_else(left).unwrap_or(MINUTE).max(SECOND))
}

/// The permission that GitHub names for the request, as a workflow's `permissions` has it.
fn accepted_permission(response: &HttpResponse) -> Option<String> {
    let first = response.header("x-accepted-github-permissions")?.split(';').next()?;
    let is_plain = |c: char| c.is_ascii_lowercase() || "_=, ".contains(c);
    let is_valid = first.contains('=') && first.len() < 100 && first.chars().all(is_plain);
    is_valid.then(|| first.trim().replace('=', ": ").replace('_', "-"))
}

/// Whether an error has the shape of GitHub's.
fn is_from_github(response: &HttpResponse) -> bool {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    body["message"].is_string()
}

/// The reason in GitHub's error body, as one short line.
fn error_text(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    let errors = body["errors"].as_array().into_iter().flatten();
    let reasons = errors.filter_map(|error| error.as_str().or_else(|| error["message"].as_str()));
    let reasons: Vec<_> = body["message"].as_str().into_iter().chain(reasons).collect();
    one_line(&reasons.join("; ")).chars().take(300).collect()
}
