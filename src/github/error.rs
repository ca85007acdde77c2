//! What an answer or the lack of one means: another try, or words for whoever set the job up.

use super::client::{GitHubAttempt, GitHubClient, GitHubRequest, GitHubResponse, GitHubSendError};
use crate::error::{Error, ErrorCode};
use crate::os::clock;
use crate::provider::request::ConnectError;
use crate::secret;
use crate::text::quote::one_line;
use serde_json::Value;
use std::time::Duration;

/// How long a limited client waits when GitHub does not say: what its documentation asks for.
const MINUTE: u64 = 60;
/// The longest wait that an answer is taken for; no deadline is as far away.
const DAY: u64 = 24 * 60 * MINUTE;

impl GitHubClient {
    /// What to do about an answer.
    pub(super) fn verdict(
        &self,
        call: &GitHubRequest<'_>,
        answer: GitHubResponse,
    ) -> GitHubAttempt {
        if let Some(after) = answer.rate_limit() {
            let mut failure = self.failure(ErrorCode::RateLimited, call, &answer);
            if self.token.is_none() {
                failure =
                    failure.with_hint("set `github-token`: GitHub answers few without a token");
            }
            return GitHubAttempt::Again { after: Some(after), failure };
        }
        match answer.status {
            200..=299 => GitHubAttempt::Answer(answer),
            408 | 500..=599 => {
                let failure = self.failure(ErrorCode::BackendError, call, &answer);
                match call.body {
                    None => GitHubAttempt::Again { after: None, failure },
                    Some(_) => GitHubAttempt::Failed(failure),
                }
            }
            _ => GitHubAttempt::Failed(self.refused(call, &answer)),
        }
    }

    fn refused(&self, call: &GitHubRequest<'_>, answer: &GitHubResponse) -> Error {
        let code = match answer.status {
            401 => ErrorCode::Unauthorized,
            403 => ErrorCode::MissingScope,
            _ => ErrorCode::ProviderError,
        };
        let failure = self.failure(code, call, answer);
        let permission = answer.permission().unwrap_or_else(|| call.permission.to_owned());
        match (answer.status, &self.token) {
            (401, _) => failure.with_hint("set `github-token` to a token that is valid there"),
            (403, _) => failure.with_hint(format!(
                "add `{permission}` to the job's `permissions`, or set `github-token` to a token \
                 that has it"
            )),
            (404, None) => failure.with_hint(
                "a private repository needs `github-token`; check also the repository's name, and \
                 that the commits are pushed",
            ),
            (404, Some(_)) => failure.with_hint(format!(
                "check the repository's name, that the commits are pushed, and that the token has \
                 `{permission}`"
            )),
            (422, _) => failure.with_hint("check that the commits are pushed to this repository"),
            (300..=399, _) => failure.with_hint(
                "name the repository as it is called now, and check `GITHUB_API_URL`; a redirect \
                 is never followed, so that the token goes nowhere else",
            ),
            _ => failure,
        }
    }

    fn failure(&self, code: ErrorCode, call: &GitHubRequest<'_>, answer: &GitHubResponse) -> Error {
        let secrets: Vec<_> = self.token.iter().map(|token| token.expose().to_owned()).collect();
        let said = secret::redact(&answer.error_text(), &secrets);
        let said = if said.is_empty() { said } else { format!(": {said}") };
        let (what, host, status) = (&call.what, self.host(), answer.status);
        let message = format!("cannot {what}: {host} answered with HTTP {status}{said}");
        Error { status: Some(status), ..Error::new(code, message) }
    }

    /// What to do where there is no answer. What was sent and not answered may have been done.
    pub(super) fn on_send_error(
        &self,
        call: &GitHubRequest<'_>,
        silence: &GitHubSendError,
    ) -> GitHubAttempt {
        let (what, host) = (&call.what, self.host());
        let (why, is_over) = match silence {
            GitHubSendError::TooLarge => {
                let message = format!("cannot {what}: the answer of {host} is larger than 32 MiB");
                let failure = Error::new(ErrorCode::BackendError, message);
                return GitHubAttempt::Failed(failure.with_hint("check `GITHUB_API_URL`"));
            }
            GitHubSendError::Unreached(ConnectError::Tls) => {
                ("no TLS connection, or its certificate does not verify", true)
            }
            GitHubSendError::Unreached(ConnectError::Connect) => ("no connection", false),
            GitHubSendError::Unreached(ConnectError::Interrupted) => {
                ("it did not answer, or broke off", call.body.is_some())
            }
        };
        let failure = Error::new(ErrorCode::Unreachable, format!("cannot {what}: {host}: {why}"));
        let failure = failure.with_hint(
            "check `GITHUB_API_URL`, the network and the proxy variables; `ca-file` names the \
             certificate of your own authority",
        );
        match is_over {
            true => GitHubAttempt::Failed(failure),
            false => GitHubAttempt::Again { after: None, failure },
        }
    }

    pub(super) fn deadline_error(&self, call: &GitHubRequest<'_>) -> Error {
        let (what, host) = (&call.what, self.host());
        let message = format!("cannot {what}: {host} did not answer before the deadline");
        Error::new(ErrorCode::Deadline, message)
    }

    /// A success that is not what GitHub answers with.
    pub(super) fn unexpected_body(
        &self,
        call: &GitHubRequest<'_>,
        answer: &GitHubResponse,
        error: &serde_json::Error,
    ) -> Error {
        let (what, host) = (&call.what, self.host());
        let (line, column) = (error.line(), error.column());
        let message = format!(
            "cannot {what}: the answer of {host} is not what GitHub answers, at line {line}, \
             column {column}"
        );
        let hint = "check `GITHUB_API_URL`: it is the root of GitHub's API";
        let failure = Error::new(ErrorCode::BackendError, message).with_hint(hint);
        Error { status: Some(answer.status), ..failure }
    }

    fn host(&self) -> &str {
        self.api.host_str().unwrap_or_default()
    }
}

impl GitHubResponse {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }

    /// How long GitHub wants to be left alone; `None` when it does not limit the rate. Its 403 is
    /// a rate limit or a permission that lacks.
    fn rate_limit(&self) -> Option<Duration> {
        let is_used_up = self.number("x-ratelimit-remaining") == Some(0);
        let after = self.number("retry-after");
        let is_limit = match self.status {
            429 => true,
            403 => {
                is_used_up
                    || after.is_some()
                    || self.error_text().to_lowercase().contains("rate limit")
            }
            _ => false,
        };
        let reset = self.number("x-ratelimit-reset").filter(|_| is_used_up);
        let left = || reset.map(|reset| reset.saturating_sub(clock::unix_seconds()) + 1);
        let seconds = after.or_else(left).unwrap_or(MINUTE).clamp(1, DAY);
        is_limit.then(|| Duration::from_secs(seconds))
    }

    /// The permission that GitHub says it would have taken, as a workflow's `permissions` has it.
    fn permission(&self) -> Option<String> {
        let first = self.header("x-accepted-github-permissions")?.split(';').next()?;
        let is_plain = |c: char| c.is_ascii_lowercase() || "_=, ".contains(c);
        let is_fit = first.contains('=') && first.len() < 100 && first.chars().all(is_plain);
        is_fit.then(|| first.trim().replace('=', ": ").replace('_', "-"))
    }

    /// What GitHub says of an error, as one short line.
    fn error_text(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let more = body["errors"].as_array().into_iter().flatten();
        let more = more.filter_map(|error| error.as_str().or_else(|| error["message"].as_str()));
        let said: Vec<_> = body["message"].as_str().into_iter().chain(more).collect();
        one_line(&said.join("; ")).chars().take(300).collect()
    }
}
