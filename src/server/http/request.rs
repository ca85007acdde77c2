//! A request as it came: its path, query, headers and body, within the bounds.

use super::body_budget::{IncomingBody, MAX_BODY};
use super::limits::ConnectionLimits;
use super::response::ApiError;
use super::security::RequestAccess;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, Method};
use url::form_urlencoded;

/// How many parameters a query may have; Django's own bound.
const MAX_PARAMETERS: usize = 1000;

/// A request, its body still on the way.
pub(crate) struct RawRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) body: IncomingBody,
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
        let pairs = form_urlencoded::parse(self.body.bytes()).filter(|(key, _)| key == name);
        pairs.last().map(|(_, value)| value.into_owned())
    }

    /// The path with its query, as it came.
    pub(crate) fn whole_path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(&self.query).finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }
}

/// The body stays where it is until somebody reads it.
impl<S: Send + Sync> FromRequest<S> for RawRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state).await;
        let params = params.map_err(|_| ApiError::not_found())?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let limits: ConnectionLimits = parts.extensions.get().copied().unwrap_or_default();
        let access: RequestAccess = parts.extensions.get().copied().unwrap_or_default();
        let body = IncomingBody::new(body, &parts.headers, limits);
        body.check_length(MAX_BODY)?;
        let query = parts.uri.query().unwrap_or_default();
        if query.bytes().filter(|byte| *byte == b'&').count() >= MAX_PARAMETERS {
            let text = format!("The query has more than {MAX_PARAMETERS} parameters.");
            return Err(ApiError::bad_request(text));
        }
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (method, path) = (parts.method, parts.uri.path().to_owned());
        let params = params.iter().map(owned).collect();
        Ok(Self { method, path, query, headers: parts.headers, params, body, access })
    }
}
