//! One request on its way to an endpoint: authenticated, permitted, read, answered.
//!
//! The order is Sentry's: credentials, scopes, organization, membership, method, and only then
//! the endpoint. A panic in an endpoint is answered with 500, and the server lives on.

use super::http::request::RawRequest;
use super::http::response::{ApiError, ApiResult, empty};
use crate::database::organizations::{Organization, Principal};
use crate::server::auth;
use crate::server::auth::scopes::Scopes;
use crate::server::state::{DatabaseLease, ServerState};
use axum::Router;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// No request takes longer, whatever a third party or a busy file does.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// A request to an endpoint that belongs to no organization.
pub(crate) struct PublicRequest {
    pub(crate) server: Arc<ServerState>,
    pub(crate) database: DatabaseLease,
    pub(crate) bearer: Option<Principal>,
    pub(crate) asked: RawRequest,
}

/// A request to an endpoint of an organization, by somebody who may.
pub(crate) struct OrgRequest {
    pub(crate) server: Arc<ServerState>,
    pub(crate) database: DatabaseLease,
    pub(crate) bearer: Principal,
    pub(crate) org: Organization,
    pub(crate) asked: RawRequest,
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
pub(crate) struct Endpoint {
    path: String,
    verbs: Vec<MethodHandler>,
}

impl Endpoint {
    /// A path below `/api/0/`.
    pub(crate) fn at(path: &str) -> Self {
        Self { path: format!("/api/0/{path}"), verbs: Vec::new() }
    }

    /// Its methods, each with the path.
    #[cfg(test)]
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (String, String)> {
        self.verbs.iter().map(|verb| (verb.method.to_string(), self.path.clone()))
    }

    /// A path below an organization's.
    pub(crate) fn of_org(path: &str) -> Self {
        Self::at(&format!("organizations/{{org}}/{path}"))
    }

    /// A GET that needs no organization, and without scopes not even a token.
    pub(crate) fn get_public<F, A>(mut self, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(PublicRequest) -> A + Send + Sync + 'static,
        A: Future<Output = ApiResult> + Send + 'static,
    {
        let handler = EndpointHandler::Visit(Box::new(move |visit| Box::pin(handler(visit))));
        self.verbs.push(MethodHandler { method: Method::GET, scopes, handler });
        self
    }

    /// A method of an organization's endpoint; any one of the scopes allows it.
    pub(crate) fn method<F, A>(mut self, method: Method, scopes: Scopes, handler: F) -> Self
    where
        F: Fn(OrgRequest) -> A + Send + Sync + 'static,
        A: Future<Output = ApiResult> + Send + 'static,
    {
        let handler = EndpointHandler::Call(Box::new(move |call| Box::pin(handler(call))));
        self.verbs.push(MethodHandler { method, scopes, handler });
        self
    }

    /// Puts the resource into the router.
    pub(crate) fn mount(self, router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
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
        let mut database = server.database().await?;
        let bearer = auth::authenticate(server.own_token(), &mut database, &asked.headers).await?;
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let Some(verb) = self.verbs.iter().find(|verb| verb.method == wanted) else {
            return method_not_allowed(bearer.as_ref(), method);
        };
        match &verb.handler {
            EndpointHandler::Visit(handler) => {
                if !verb.scopes.is_empty() {
                    auth::check_scopes(bearer.as_ref(), verb.scopes)?;
                }
                handler(PublicRequest { server, database, bearer, asked }).await
            }
            EndpointHandler::Call(handler) => {
                auth::check_scopes(bearer.as_ref(), verb.scopes)?;
                let bearer = bearer.ok_or_else(ApiError::forbidden)?;
                let org = database.organization(asked.param("org")).await?;
                let org = org.ok_or_else(ApiError::not_found)?;
                auth::authorize(&mut database, &bearer, org.id, verb.scopes).await?;
                handler(OrgRequest { server, database, bearer, org, asked }).await
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
pub(crate) async fn spawn_isolated<E>(answering: E) -> ApiResult
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
pub(crate) fn not_found(path: &str, headers: &HeaderMap) -> Response {
    let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let help = "Route not found, did you forget a trailing slash?";
    let suggestion = format!("try: {path}/");
    if path.ends_with('/') {
        super::http::response::with_body(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            String::new(),
        )
    } else if kind.starts_with("application/json") {
        // Python's separators, with which this body is written without a serializer there.
        let text = serde_json::Value::from(format!("{help} {suggestion}"));
        let body = format!("{{\"info\": {text}}}");
        super::http::response::with_body(StatusCode::NOT_FOUND, "application/json", body)
    } else {
        let arrow = format!("{}^", " ".repeat(suggestion.chars().count() - 1));
        let body = format!("{help}\n\n{suggestion}\n{arrow}\n");
        super::http::response::with_body(StatusCode::NOT_FOUND, "text/plain", body)
    }
}
