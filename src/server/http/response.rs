//! What an endpoint answers: a response, or one of Sentry's error bodies.

use super::access_log::{LogNote, log_text};
use crate::error::{Error, ExitCode};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The answer of an endpoint.
pub(crate) type ApiResult = Result<Response, ApiError>;

/// An error in the shape that Sentry's clients read.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: Value,
    error_id: Option<String>,
    note: Option<Box<LogNote>>,
}

impl ApiError {
    /// An error with this body.
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, error_id: None, note: None }
    }

    /// `{"detail": text}`.
    pub(crate) fn detail(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(status, json!({ "detail": text.into() }))
    }

    /// A 400 with a `detail`.
    pub(crate) fn bad_request(text: impl Into<String>) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, text)
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its sentence, to be shown on a page.
    pub(crate) fn detail_text(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    /// A 400 that names a field: `{"field": ["text"]}`.
    pub(crate) fn field(name: &str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ name: [text.into()] }))
    }

    /// The 404 of an object that an organization does not have.
    pub(crate) fn not_found() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "The requested resource does not exist")
    }

    /// The 404 of Django's own look-ups.
    pub(crate) fn no_such_row() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }

    /// A 401; the response asks for no password, as Sentry's does not.
    pub(crate) fn unauthorized(text: &str) -> Self {
        Self::detail(StatusCode::UNAUTHORIZED, text)
    }

    /// The 403 of a scope or a membership that is missing.
    pub(crate) fn forbidden() -> Self {
        let text = "You do not have permission to perform this action.";
        Self::detail(StatusCode::FORBIDDEN, text)
    }

    /// A 500 with an id that the log has too; the cause is for the log alone.
    pub(crate) fn internal(cause: &str) -> Self {
        let error_id = crate::os::random::random_hex()[..32].to_owned();
        tracing::error!(error_id, cause = log_text(cause), "the request failed");
        let body = json!({ "detail": "Internal Error", "errorId": error_id });
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, body);
        Self { error_id: Some(error_id), ..error }
    }

    /// The id of a failure, by which the log is searched for it.
    pub(crate) fn error_id(&self) -> Option<&str> {
        self.error_id.as_deref()
    }

    /// The same with what the log says of it.
    pub(crate) fn with_note(self, note: LogNote) -> Self {
        Self { note: Some(Box::new(note)), ..self }
    }

    /// What the log says of it.
    pub(crate) fn log_note(&self) -> LogNote {
        if let Some(note) = &self.note {
            return LogNote::clone(note);
        }
        match &self.error_id {
            Some(id) => LogNote::Failure(id.clone()),
            None if self.body["detail"].is_string() => LogNote::Refusal(self.detail_text().into()),
            None => LogNote::Refusal(self.body.to_string()),
        }
    }
}

impl From<Error> for ApiError {
    fn from(failure: Error) -> Self {
        // What begins a pipeline may be refused, too.
        match failure.code.exit() {
            ExitCode::Refused => Self::bad_request(failure.message),
            _ => Self::internal(&failure.message),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self.body);
        response.extensions_mut().insert(self.log_note());
        if self.status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static(r#"xBasic realm="api""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// A response with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    with_body(status, "application/json", body.to_string())
}

/// A 200 with a JSON body.
pub(crate) fn ok(body: &Value) -> Response {
    json_response(StatusCode::OK, body)
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A response with a body of this type.
pub(crate) fn with_body(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
