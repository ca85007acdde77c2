//! One request on its way to an endpoint: authenticated, permitted, read, answered.
//!
//! The order is Sentry's: credentials, scopes, organization, membership, method, and only then
//! the endpoint. A panic in an endpoint is answered with 500, and the server lives on.

use super::auth::{self, Scopes};
use super::connections::Patience;
use super::errors::{Answer, ApiError, empty};
use super::start::{Lease, Server};
use crate::backend::embedded::{Bearer, Organization};
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
const LIMIT: Duration = Duration::from_secs(120);

/// What was asked.
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) params: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Asked {
    /// A part of the path, decoded.
    pub(super) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A number in the path; what is none names nothing.
    ///
    /// # Errors
    ///
    /// 404.
    pub(super) fn id(&self, name: &str) -> Result<i64, ApiError> {
        self.param(name).parse().map_err(|_| ApiError::no_such_row())
    }

    /// The last value of a name in the query, which is the one that Django takes.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Asked {
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
impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state).await;
        let params = params.map_err(|_| ApiError::not_found())?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let query = parts.uri.query().unwrap_or_default();
        let (path, headers) = (parts.uri.path().to_owned(), parts.headers.clone());
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let patience: Patience = parts.extensions.get().copied().unwrap_or_default();
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
pub(super) struct Visit {
    pub(super) server: Arc<Server>,
    pub(super) engine: Lease,
    pub(super) bearer: Option<Bearer>,
    pub(super) asked: Asked,
}

/// A request to an endpoint of an organization, by somebody who may.
pub(super) struct Call {
    pub(super) server: Arc<Server>,
    pub(super) engine: Lease,
    pub(super) bearer: Bearer,
    pub(super) org: Organization,
    pub(super) asked: Asked,
}

type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

enum Handler {
    Visit(Box<dyn Fn(Visit) -> Answering + Send + Sync>),
    Call(Box<dyn Fn(Call) -> Answering + Send + Sync>),
}

struct Verb {
    method: Method,
    scopes: Scopes,
    handler: Handler,
}

/// One path of the API with its methods, their scopes, and who answers them.
pub(super) struct Resource {
    path: String,
    verbs: Vec<Verb>,
}

impl Resource {
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
    pub(super) fn visit<F, A>(mut self, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(Visit) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        let handler = Handler::Visit(Box::new(move |visit| Box::pin(handler(visit))));
        self.verbs.push(Verb { method: Method::GET, scopes, handler });
        self
    }

    /// A method of an organization's endpoint; any one of the scopes allows it.
    pub(super) fn on<F, A>(mut self, method: Method, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(Call) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        let handler = Handler::Call(Box::new(move |call| Box::pin(handler(call))));
        self.verbs.push(Verb { method, scopes, handler });
        self
    }

    /// Puts the resource into the router.
    pub(super) fn mount(self, router: Router<Arc<Server>>) -> Router<Arc<Server>> {
        let path = self.path.clone();
        let resource = Arc::new(self);
        let answer = move |State(server): State<Arc<Server>>,
                           method: Method,
                           asked: Result<Asked, ApiError>| {
            let resource = Arc::clone(&resource);
            async move {
                let allow = resource.allow();
                let answered =
                    isolate(async move { resource.answer(server, &method, asked?).await });
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

    async fn answer(&self, server: Arc<Server>, method: &Method, asked: Asked) -> Answer {
        let mut engine = server.engine().await?;
        let bearer = auth::bearer(&server, &mut engine, &asked.headers).await?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(verb) = self.verbs.iter().find(|verb| verb.method == wanted) else {
            return refuse(bearer.as_ref(), method);
        };
        match &verb.handler {
            Handler::Visit(handler) => {
                if !verb.scopes.is_empty() {
                    auth::allow(bearer.as_ref(), verb.scopes)?;
                }
                handler(Visit { server, engine, bearer, asked }).await
            }
            Handler::Call(handler) => {
                auth::allow(bearer.as_ref(), verb.scopes)?;
                let bearer = bearer.ok_or_else(ApiError::forbidden)?;
                let org = engine.organization(asked.param("org")).await?;
                let org = org.ok_or_else(ApiError::not_found)?;
                auth::enter(&mut engine, &bearer, org.id, verb.scopes).await?;
                handler(Call { server, engine, bearer, org, asked }).await
            }
        }
    }
}

/// A method that the endpoint does not have.
fn refuse(bearer: Option<&Bearer>, method: &Method) -> Answer {
    if method == Method::OPTIONS {
        return Ok(empty(StatusCode::OK));
    }
    auth::allow(bearer, &[])?;
    let text = format!("Method \"{method}\" not allowed.");
    Err(ApiError::detail(StatusCode::METHOD_NOT_ALLOWED, text))
}

/// Answers in a task of its own: a panic ends the task and nothing else, and a client that goes
/// away does not cut a finish in half.
pub(super) async fn isolate<E>(answering: E) -> Answer
where
    E: Future<Output = Answer> + Send + 'static,
{
    match tokio::spawn(tokio::time::timeout(LIMIT, answering)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            Err(ApiError::detail(StatusCode::SERVICE_UNAVAILABLE, "The request took too long."))
        }
        Err(_) => Err(ApiError::internal("an endpoint panicked")),
    }
}

/// What no endpoint of the API answers: Sentry's catch-all, which knows the missing slash.
pub(super) fn nowhere(path: &str, headers: &HeaderMap) -> Response {
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
