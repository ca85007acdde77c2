//! A request as it came: its path, query, headers and body, within the bounds.

use super::limits::ConnectionLimits;
use super::response::ApiError;
use super::security::RequestAccess;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use url::form_urlencoded;

/// A request, read whole.
pub(crate) struct RawRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// What it may do, as the guard decided.
    pub(crate) access: RequestAccess,
}

impl RawRequest {
    /// A part of the path, decoded.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A number in the path; what is none names nothing.
    pub(crate) fn id(&self, name: &str) -> Result<i64, ApiError> {
        self.param(name).parse().map_err(|_| ApiError::no_such_row())
    }

    /// The last value of a name in the query, which is the one that Django takes.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let value = self.query.iter().rev().find(|(key, _)| key == name);
        value.map(|(_, value)| value.as_str())
    }

    /// The same, unless it is empty.
    pub(crate) fn non_empty_query(&self, name: &str) -> Option<&str> {
        self.query(name).filter(|value| !value.is_empty())
    }

    /// All values of a name in the query.
    pub(crate) fn queries<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The projects that a listing is narrowed to; `-1` is Sentry's word for all.
    pub(crate) fn project_queries(&self) -> Vec<String> {
        self.queries("project").filter(|id| *id != "-1").map(str::to_owned).collect()
    }

    /// The last value of a name in a form.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(&self.body).filter(|(key, _)| key == name);
        pairs.last().map(|(_, value)| value.into_owned())
    }

    /// The path with its query, as it came.
    pub(crate) fn whole_path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(&self.query).finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }
}

/// A body beyond the limit is refused before it is read, and one that takes too long is given up.
impl<S: Send + Sync> FromRequest<S> for RawRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state).await;
        let params = params.map_err(|_| ApiError::not_found())?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let query = parts.uri.query().unwrap_or_default();
        let (path, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
        let method = parts.method.clone();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let limits: ConnectionLimits = parts.extensions.get().copied().unwrap_or_default();
        let access: RequestAccess = parts.extensions.get().copied().unwrap_or_default();
        let body = Bytes::from_request(Request::from_parts(parts, body), state);
        let body = tokio::time::timeout(limits.body, body).await.map_err(|_| {
            ApiError::detail(StatusCode::REQUEST_TIMEOUT, "The request body timed out.")
        })?;
        let body = body.map_err(|rejection| {
            ApiError::detail(rejection.status(), "The request body is too large or incomplete.")
        })?;
        let params = params.iter().map(owned).collect();
        Ok(Self { method, path, query, headers, params, body, access })
    }
}
