//! One request on its way to an endpoint: authenticated, permitted, read, answered.
//!
//! The order is Sentry's: credentials, scopes, organization, membership, method, and only then
//! the endpoint. A panic in an endpoint is answered with 500, and the server lives on.

use super::auth::{self, Scopes};
use super::connections::ConnectionLimits;
use super::errors::{ApiError, ApiResult, empty};
use super::start::{EngineLease, ServerState};
use crate::backend::embedded::{Organization, Principal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request, State};
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use url::form_urlencoded;

/// No request takes longer, whatever a third party or a busy file does.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// What was asked.
pub(super) struct RawRequest {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) params: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl RawRequest {
    /// A part of the path, decoded.
    pub(super) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A number in the path; what is none names nothing.
    pub(super) fn id(&self, name: &str) -> Result<i64, ApiError> {
        self.param(name).parse().map_err(|_| ApiError::no_such_row())
    }

    /// The last value of a name in the query, which is the one that Django takes.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl RawRequest {
    /// The last value of a name in a form.
    pub(super) fn form(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(&self.body).filter(|(key, _)| key == name);
        pairs.last().map(|(_, value)| value.into_owned())
    }

    /// The path with its query, as it came.
    pub(super) fn whole_path(&self) -> String {
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
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let patience: ConnectionLimits = parts.extensions.get().copied().unwrap_or_default();
        let body = Bytes::from_request(Request::from_parts(parts, body), state);
        let body = tokio::time::timeout(patience.body, body).await.map_err(|_| {
            ApiError::detail(StatusCode::REQUEST_TIMEOUT, "The body took too long.")
        })?;
        let body = body.map_err(|rejection| {
            ApiError::detail(rejection.status(), "The body is too large, or broke off.")
        })?;
        Ok(Self { path, query, headers, params: params.iter().map(owned).collect(), body })
    }
}

/// A request to an endpoint that belongs to no organization.
pub(super) struct PublicRequest {
    pub(super) server: Arc<ServerState>,
    pub(super) engine: EngineLease,
    pub(super) bearer: Option<Principal>,
    pub(super) asked: RawRequest,
}

/// A request to an endpoint of an organization, by somebody who may.
pub(super) struct OrgRequest {
    pub(super) server: Arc<ServerState>,
    pub(super) engine: EngineLease,
    pub(super) bearer: Principal,
    pub(super) org: Organization,
    pub(super) asked: RawRequest,
}

type HandlerFuture = Pin<Box<dyn Future<Output = ApiResult> + Send>>;

enum EndpointHandler {
    Visit(Box<dyn Fn(PublicRequest) -> HandlerFuture + Send + Sync>),
    Call(Box<dyn Fn(OrgRequest) -> HandlerFuture + Send + Sync>),
}

struct MethodHandler {
    method: Method,
    scopes: Scopes,
    handler: EndpointHandler,
}

/// One path of the API with its methods, their scopes, and who answers them.
pub(super) struct Endpoint {
    path: String,
    verbs: Vec<MethodHandler>,
}

impl Endpoint {
    /// A path below `/api/0/`.
    pub(super) fn at(path: &str) -> Self {
        Self { path: format!("/api/0/{path}"), verbs: Vec::new() }
    }

    /// Its methods, each with the path.
    #[cfg(test)]
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (String, String)> {
        self.verbs.iter().map(|verb| (verb.method.to_string(), self.path.clone()))
    }

    /// A path below an organization's.
    pub(super) fn of_org(path: &str) -> Self {
        Self::at(&format!("organizations/{{org}}/{path}"))
    }

    /// A GET that needs no organization, and without scopes not even a token.
    pub(super) fn get_public<F, A>(mut self, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(PublicRequest) -> A + Send + Sync + 'static,
        A: Future<Output = ApiResult> + Send + 'static,
    {
        let handler = EndpointHandler::Visit(Box::new(move |visit| Box::pin(handler(visit))));
        self.verbs.push(MethodHandler { method: Method::GET, scopes, handler });
        self
    }

    /// A method of an organization's endpoint; any one of the scopes allows it.
    pub(super) fn method<F, A>(mut self, method: Method, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(OrgRequest) -> A + Send + Sync + 'static,
        A: Future<Output = ApiResult> + Send + 'static,
    {
        let handler = EndpointHandler::Call(Box::new(move |call| Box::pin(handler(call))));
        self.verbs.push(MethodHandler { method, scopes, handler });
        self
    }

    /// Puts the resource into the router.
    pub(super) fn mount(self, router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
        let path = self.path.clone();
        let resource = Arc::new(self);
        let answer = move |State(server): State<Arc<ServerState>>,
                           method: Method,
                           asked: Result<RawRequest, ApiError>| {
            let resource = Arc::clone(&resource);
            async move {
                let allow = resource.allow();
                let answered =
                    spawn_isolated(async move { resource.answer(server, &method, asked?).await });
                let mut response = answered.await.unwrap_or_else(ApiError::into_response);
                response.headers_mut().entry(ALLOW).or_insert(allow);
                response
            }
        };
        router.route(&path, any(answer))
    }

    /// The methods as Sentry's `Allow` header lists them.
    fn allow(&self) -> HeaderValue {
        let verbs = self.verbs.iter().map(|verb| verb.method.as_str());
        let methods: Vec<_> = verbs.chain(["HEAD", "OPTIONS"]).collect();
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("GET"))
    }

    async fn answer(
        &self,
        server: Arc<ServerState>,
        method: &Method,
        asked: RawRequest,
    ) -> ApiResult {
        let mut engine = server.engine().await?;
        let bearer = auth::authenticate(&server, &mut engine, &asked.headers).await?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(verb) = self.verbs.iter().find(|verb| verb.method == wanted) else {
            return method_not_allowed(bearer.as_ref(), method);
        };
        match &verb.handler {
            EndpointHandler::Visit(handler) => {
                if !verb.scopes.is_empty() {
                    auth::check_scopes(bearer.as_ref(), verb.scopes)?;
                }
                handler(PublicRequest { server, engine, bearer, asked }).await
            }
            EndpointHandler::Call(handler) => {
                auth::check_scopes(bearer.as_ref(), verb.scopes)?;
                let bearer = bearer.ok_or_else(ApiError::forbidden)?;
                let org = engine.organization(asked.param("org")).await?;
                let org = org.ok_or_else(ApiError::not_found)?;
                auth::authorize(&mut engine, &bearer, org.id, verb.scopes).await?;
                handler(OrgRequest { server, engine, bearer, org, asked }).await
            }
        }
    }
}

/// A method that the endpoint does not have.
fn method_not_allowed(bearer: Option<&Principal>, method: &Method) -> ApiResult {
    if method == Method::OPTIONS {
        return Ok(empty(StatusCode::OK));
    }
    auth::check_scopes(bearer, &[])?;
    let text = format!("Method \"{method}\" not allowed.");
    Err(ApiError::detail(StatusCode::METHOD_NOT_ALLOWED, text))
}

/// Answers in a task of its own: a panic ends the task and nothing else, and a client that goes
/// away does not cut a finish in half.
pub(super) async fn spawn_isolated<E>(answering: E) -> ApiResult
where
    E: Future<Output = ApiResult> + Send + 'static,
{
    match tokio::spawn(tokio::time::timeout(REQUEST_TIMEOUT, answering)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            Err(ApiError::detail(StatusCode::SERVICE_UNAVAILABLE, "The request took too long."))
        }
        Err(_) => Err(ApiError::internal("an endpoint panicked")),
    }
}

/// What no endpoint of the API answers: Sentry's catch-all, which knows the missing slash.
pub(super) fn not_found(path: &str, headers: &HeaderMap) -> Response {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let help = "Route not found, did you forget a trailing slash?";
    let suggestion = format!("try: {path}/");
    if path.ends_with('/') {
        super::errors::with_body(StatusCode::NOT_FOUND, "text/html; charset=utf-8", String::new())
    } else if kind.starts_with("application/json") {
        // Python's separators, with which this body is written without a serializer there.
        let text = serde_json::Value::from(format!("{help} {suggestion}"));
        let body = format!("{{\"info\": {text}}}");
        super::errors::with_body(StatusCode::NOT_FOUND, "application/json", body)
    } else {
        let arrow = format!("{}^", " ".repeat(suggestion.chars().count() - 1));
        let body = format!("{help}\n\n{suggestion}\n{arrow}\n");
        super::errors::with_body(StatusCode::NOT_FOUND, "text/plain", body)
    }
}
