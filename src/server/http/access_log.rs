//! What the log tells of a request: at `debug` each one, else who signed in, what was refused and
//! why, and what failed. Never a query, a header or a body, for these hold tokens and codes.

use crate::error::ErrorCode;
use crate::text::scrubber::SecretScrubber;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use std::net::SocketAddr;
use std::time::Instant;

/// How much of somebody's text is logged.
const MAX_CHARS: usize = 300;

tokio::task_local! {
    /// Whom the connection of this task comes from.
    pub(crate) static CLIENT: SocketAddr;
}

/// What an answer adds to its line in the log.
#[derive(Clone, Debug)]
pub(crate) enum LogNote {
    /// Why something was refused.
    Refusal(String),
    /// The id of a failure, whose cause is logged where it happens.
    Failure(String),
    /// Why a set-up goes no further, whatever the status.
    SetUpRefusal(String),
    /// Who signed in, and by what.
    SignIn(i64, &'static str),
}

impl LogNote {
    /// The code and the words of a refused set-up, without any value that the request brought: a
    /// third party may repeat a code or a key.
    pub(crate) fn of_set_up(
        code: ErrorCode,
        message: &str,
        values: impl Iterator<Item = String>,
    ) -> Self {
        let mut text = [format!("{}: {message}", code.slug())];
        let scrubber = SecretScrubber::default();
        scrubber.learn(&values.filter(|value| !value.is_empty()).collect::<Vec<_>>(), &[]);
        scrubber.scrub(&mut text);
        Self::SetUpRefusal(text.concat())
    }
}

/// Others' text as part of one line, in which nothing is a command or hides another part.
pub(crate) fn log_text(text: &str) -> String {
    text.chars().take(MAX_CHARS).flat_map(char::escape_debug).collect()
}

/// Answers a request, and logs how.
pub(super) async fn log_request(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), log_text(request.uri().path()));
    let start = Instant::now();
    let response = next.run(request).await;
    let client = CLIENT.try_with(ToString::to_string).unwrap_or_default();
    let (status, ms) = (response.status(), start.elapsed().as_millis() as u64);
    let line = LogLine { client: &client, method: &method, path: &path, status };
    line.write(response.extensions().get());
    let (method, status) = (log_text(method.as_str()), status.as_u16());
    tracing::debug!(client, method, path, status, ms, "request");
    response
}

struct LogLine<'a> {
    client: &'a str,
    method: &'a Method,
    path: &'a str,
    status: StatusCode,
}

impl LogLine<'_> {
    fn write(&self, note: Option<&LogNote>) {
        let Self { client, path, .. } = *self;
        let (method, status) = (log_text(self.method.as_str()), self.status.as_u16());
        match (note, status) {
            (Some(LogNote::SignIn(user, by)), _) => tracing::info!(client, user, by, "signed in"),
            (Some(LogNote::Failure(error_id)), _) => {
                tracing::error!(client, method, path, status, error_id, "answered with a failure");
            }
            (Some(LogNote::Refusal(reason)), 401 | 403 | 408 | 413 | 421 | 429 | 503) => {
                let reason = log_text(reason);
                tracing::warn!(client, method, path, status, reason, "refused");
            }
            (Some(LogNote::SetUpRefusal(reason)), _) => {
                let reason = log_text(reason);
                tracing::warn!(client, method, path, status, reason, "set-up refused");
            }
            (_, 401 | 403 | 408 | 413 | 421 | 429 | 500..) => {
                tracing::warn!(client, method, path, status, "refused");
            }
            _ => {}
        }
    }
}
