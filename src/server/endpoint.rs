//! One request on its way to an endpoint: authenticated, permitted, read, answered.
//!
//! The order is Sentry's: credentials, scopes, organization, membership, method, and only then
//! the endpoint. A panic in an endpoint is answered with 500, and the server lives on.

use super::auth;
use super::auth::scopes::Scopes;
use super::http::body_budget::MAX_BODY;
use super::http::response::with_body;
use super::http::{ApiError, ApiResult, ListQuery, RawRequest, empty};
use super::state::{DatabaseLease, ServerState};
use crate::database::{InstalledIntegration, Organization, Principal};
use axum::Router;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// No request takes longer, whatever a third party or a busy file does.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// A request to an endpoint that belongs to no organization.
pub(crate) struct PublicRequest {
    pub(crate) server: Arc<ServerState>,
    pub(crate) database: DatabaseLease,
    pub(crate) principal: Option<Principal>,
    pub(crate) raw: RawRequest,
}

/// A request to an endpoint of an organization, by somebody who may.
pub(crate) struct OrgRequest {
    pub(crate) server: Arc<ServerState>,
    pub(crate) database: DatabaseLease,
    pub(crate) principal: Principal,
    pub(crate) org: Organization,
    pub(crate) raw: RawRequest,
}

impl OrgRequest {
    /// One page of a listing.
    pub(crate) fn list_response(
        &self,
        page: ListQuery,
        rows: impl IntoIterator<Item = Value>,
    ) -> ApiResult {
        page.respond(&self.base(), &self.raw, rows.into_iter().collect())
    }

    /// The server's address, as the client knows it.
    pub(crate) fn base(&self) -> String {
        self.server.base_for(&self.raw.headers)
    }

    /// Whether the principal holds one of these scopes here too.
    pub(crate) async fn allows(&mut self, scopes: Scopes) -> Result<bool, ApiError> {
        auth::holds_scopes(&mut self.database, &self.principal, self.org.id, scopes).await
    }

    /// The organization's integration with this id; what is no number names none.
    pub(crate) async fn integration(
        &mut self,
        id: &str,
    ) -> Result<Option<InstalledIntegration>, ApiError> {
        let Ok(id) = id.parse() else { return Ok(None) };
        Ok(self.database.integration(self.org.id, id).await?)
    }
}

/// What a handler returns.
pub(crate) trait HandlerAnswer: Future<Output = ApiResult> + Send + 'static {}

impl<F: Future<Output = ApiResult> + Send + 'static> HandlerAnswer for F {}

pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = ApiResult> + Send>>;

type OrgHandler<A> = fn(OrgRequest) -> A;
type PublicHandler<A> = fn(PublicRequest) -> A;

enum EndpointHandler {
    Public(Box<dyn Fn(PublicRequest) -> HandlerFuture + Send + Sync>),
    OfOrg(Box<dyn Fn(OrgRequest) -> HandlerFuture + Send + Sync>),
}

struct MethodHandler {
    method: Method,
    scopes: Scopes,
    handler: EndpointHandler,
    /// Whether all that it writes is one transaction.
    is_atomic: bool,
}

/// One path of the API with its methods, their scopes, and who answers them.
pub(crate) struct Endpoint {
    path: String,
    methods: Vec<MethodHandler>,
}

impl Endpoint {
    /// A path below `/api/0/`.
    pub(crate) fn at(path: &str) -> Self {
        Self { path: format!("/api/0/{path}"), methods: Vec::new() }
    }

    /// Its methods, each with the path.
    #[cfg(test)]
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (String, String)> {
        self.methods.iter().map(|handler| (handler.method.to_string(), self.path.clone()))
    }

    /// A path below an organization's.
    pub(crate) fn of_org(path: &str) -> Self {
        Self::at(&format!("organizations/{{org}}/{path}"))
    }

    /// A GET that needs no organization, and without scopes not even a token.
    pub(crate) fn get_public<A: HandlerAnswer>(
        mut self,
        scopes: Scopes,
        handler: PublicHandler<A>,
    ) -> Self {
        let handler = EndpointHandler::Public(Box::new(move |request| Box::pin(handler(request))));
        let method = Method::GET;
        self.methods.push(MethodHandler { method, scopes, handler, is_atomic: false });
        self
    }

    /// A GET of an organization's endpoint; any one of the scopes allows it.
    pub(crate) fn get<A: HandlerAnswer>(self, scopes: Scopes, handler: OrgHandler<A>) -> Self {
        self.method(Method::GET, scopes, handler)
    }

    /// The same for a POST, which is one transaction.
    pub(crate) fn post<A: HandlerAnswer>(self, scopes: Scopes, handler: OrgHandler<A>) -> Self {
        self.method(Method::POST, scopes, handler)
    }

    /// A POST that asks third parties, for whom no transaction waits: each step is one.
    pub(crate) fn post_step<A: HandlerAnswer>(
        self,
        scopes: Scopes,
        handler: OrgHandler<A>,
    ) -> Self {
        let mut endpoint = self.post(scopes, handler);
        endpoint.methods.iter_mut().for_each(|entry| entry.is_atomic = false);
        endpoint
    }

    /// The same for a PUT.
    pub(crate) fn put<A: HandlerAnswer>(self, scopes: Scopes, handler: OrgHandler<A>) -> Self {
        self.method(Method::PUT, scopes, handler)
    }

    /// The same for a DELETE.
    pub(crate) fn delete<A: HandlerAnswer>(self, scopes: Scopes, handler: OrgHandler<A>) -> Self {
        self.method(Method::DELETE, scopes, handler)
    }

    fn method<A: HandlerAnswer>(
        mut self,
        method: Method,
        scopes: Scopes,
        handler: OrgHandler<A>,
    ) -> Self {
        let handler = EndpointHandler::OfOrg(Box::new(move |request| Box::pin(handler(request))));
        let is_atomic = method != Method::GET;
        self.methods.push(MethodHandler { method, scopes, handler, is_atomic });
        self
    }

    /// Puts the resource into the router.
    pub(crate) fn mount(self, router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
        let path = self.path.clone();
        let resource = Arc::new(self);
        let answer = move |State(server): State<Arc<ServerState>>,
                           method: Method,
                           raw: Result<RawRequest, ApiError>| {
            let resource = Arc::clone(&resource);
            async move {
                let allow = resource.allow();
                let answer =
                    spawn_isolated(async move { resource.answer(server, &method, raw?).await });
                let mut response = answer.await.unwrap_or_else(ApiError::into_response);
                response.headers_mut().entry(ALLOW).or_insert(allow);
                response
            }
        };
        router.route(&path, any(answer))
    }

    /// The methods as Sentry's `Allow` header lists them.
    fn allow(&self) -> HeaderValue {
        let methods = self.methods.iter().map(|handler| handler.method.as_str());
        let methods: Vec<_> = methods.chain(["HEAD", "OPTIONS"]).collect();
        HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static("GET"))
    }

    async fn answer(
        &self,
        server: Arc<ServerState>,
        method: &Method,
        mut raw: RawRequest,
    ) -> ApiResult {
        let mut database = server.database(raw.access).await?;
        let principal = auth::authenticate(server.own_token(), &mut database, &raw.headers).await?;
        let effective = if method == Method::HEAD { &Method::GET } else { method };
        let entry = self.methods.iter().find(|entry| entry.method == effective);
        let Some(MethodHandler { scopes, handler, is_atomic, .. }) = entry else {
            return method_not_allowed(principal.as_ref(), method);
        };
        match handler {
            EndpointHandler::Public(handler) => {
                if !scopes.is_empty() {
                    auth::check_scopes(principal.as_ref(), scopes)?;
                }
                handler(PublicRequest { server, database, principal, raw }).await
            }
            EndpointHandler::OfOrg(handler) => {
                auth::check_scopes(principal.as_ref(), scopes)?;
                let principal = principal.ok_or_else(ApiError::forbidden)?;
                let org = database.organization(raw.param("org")).await?;
                let org = org.ok_or_else(ApiError::not_found)?;
                auth::authorize(&mut database, &principal, org.id, scopes).await?;
                // A body is read for who may send it, and no database connection waits for it.
                drop(database);
                raw.body.read(&server.bodies, MAX_BODY).await?;
                let mut database = server.database(raw.access).await?;
                let transaction = match is_atomic {
                    true => Some(database.begin_request().await?),
                    false => None,
                };
                let answer = handler(OrgRequest { server, database, principal, org, raw }).await;
                match transaction {
                    Some(transaction) => transaction.end(answer),
                    None => answer,
                }
            }
        }
    }
}

/// A method that the endpoint does not have.
fn method_not_allowed(principal: Option<&Principal>, method: &Method) -> ApiResult {
    if method == Method::OPTIONS {
        return Ok(empty(StatusCode::OK));
    }
    auth::check_scopes(principal, &[])?;
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
            Err(ApiError::detail(StatusCode::SERVICE_UNAVAILABLE, "The request timed out."))
        }
        Err(_) => Err(ApiError::internal("an endpoint panicked")),
    }
}

/// What no endpoint of the API answers: Sentry's catch-all, which knows the missing slash.
pub(crate) fn not_found(path: &str, headers: &HeaderMap) -> Response {
    let sent = headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let help = "Route not found, did you forget a trailing slash?";
    let suggestion = format!("try: {path}/");
    let (kind, body) = if path.ends_with('/') {
        ("text/html; charset=utf-8", String::new())
    } else if sent.is_some_and(|kind| kind.starts_with("application/json")) {
        // Python's separators, with which this body is written without a serializer there.
        let text = Value::from(format!("{help} {suggestion}"));
        ("application/json", format!("{{\"info\": {text}}}"))
    } else {
        let arrow = format!("{}^", " ".repeat(suggestion.chars().count() - 1));
        ("text/plain", format!("{help}\n\n{suggestion}\n{arrow}\n"))
    };
    with_body(StatusCode::NOT_FOUND, kind, body)
}
