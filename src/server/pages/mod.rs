//! Pages that people look at: what is there, and the set-up of what is not yet.
//!
//! Rendered here and whole without a script. They are read on this machine without signing in,
//! and show no secret; whoever changes something is signed in, or brings a token.

mod assets;
mod components;
mod done;
mod home;
mod integration;
mod integrations;
mod layout;
mod link;
mod login;
mod release;
mod releases;
mod result;
mod search;
mod set_up;
mod step;
mod step_answer;
mod step_form;
pub(crate) mod urls;

use super::auth;
use super::auth::scopes::Scopes;
use super::auth::sessions::{BrowserSession, INSTALLS};
use super::endpoint::{HandlerAnswer, HandlerFuture, spawn_isolated};
use super::http::access_log::LogNote;
use super::http::body_budget::OWN_BYTES;
use super::http::{ApiError, ApiResult, RawRequest, RequestAccess};
use super::state::{DatabaseLease, ServerState};
use crate::database::{Organization, Principal};
use crate::error::Error;
use axum::Router;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use layout::{PageHead, PageTab};
use maud::Markup;
use std::sync::Arc;
use url::form_urlencoded;

/// The field of a form that proves where the form came from.
const FORM_KEY: &str = "form-key";

/// The field of a form that starts a pipeline by answering this step, its first.
const FORM_STEP: &str = "form-step";

/// The field that identifies a form whose answer starts a pipeline: the same one starts one only.
const FORM_ID: &str = "form-id";

/// The field of a form that starts a pipeline with what was typed before.
const FORM_AGAIN: &str = "form-again";

/// Where strangers sign in: the one page that reads their form.
const LOGIN: &str = "/auth/login/";

/// The largest form that is read.
const MAX_FORM: usize = 256 * 1024;

/// What it takes to see an organization's pages; the local user has all of it.
const PAGE_SCOPES: Scopes = &["org:read", "org:write", "org:admin", "org:integrations"];

/// Somebody's request for a page.
struct PageRequest {
    server: Arc<ServerState>,
    database: DatabaseLease,
    raw: RawRequest,
    /// Who it is, by a token or by a session.
    principal: Option<Principal>,
    /// The browser's session, when no token came.
    browser_session: Option<BrowserSession>,
}

impl PageRequest {
    /// Finds out who it is, and then reads the form, if they may send one.
    async fn new(
        server: Arc<ServerState>,
        mut raw: RawRequest,
        is_login: bool,
    ) -> Result<Self, ApiError> {
        let mut database = server.database(raw.access).await?;
        // A token that nobody has is none here: the page sends its bearer to the login.
        let principal = auth::authenticate(server.own_token(), &mut database, &raw.headers)
            .await
            .ok()
            .flatten();
        let browser_session = match principal {
            Some(_) => None,
            None => server.sessions.find(&mut database, &raw.headers).await,
        };
        drop(database);
        let signed_in = browser_session.as_ref().map(|session| &session.principal);
        let principal = principal.or_else(|| signed_in.cloned());
        match &principal {
            _ if raw.method != Method::POST => {}
            Some(_) => raw.body.read(&server.bodies, MAX_FORM).await?,
            None if is_login => raw.body.read(&server.bodies, OWN_BYTES).await?,
            None => {}
        }
        let database = server.database(raw.access).await?;
        Ok(Self { server, database, raw, principal, browser_session })
    }

    /// Whether a form is from another site than ours, which a browser would send as well.
    fn is_forged(&self) -> bool {
        let form_key = || self.raw.form(FORM_KEY).unwrap_or_default();
        let owns_form = |session: &BrowserSession| session.owns_form(&form_key());
        self.may_change() && !self.browser_session.as_ref().is_none_or(owns_form)
    }

    /// Whether it brings a form, and not only an address.
    fn is_form(&self) -> bool {
        self.raw.method == Method::POST
    }

    /// Whether it may change something.
    fn may_change(&self) -> bool {
        self.raw.access == RequestAccess::MayChange
    }

    /// The user of the token or the session, if it is a user's.
    fn user(&self) -> Option<i64> {
        self.principal.as_ref()?.user
    }

    /// The server's address, as the browser knows it.
    fn base(&self) -> String {
        self.server.base_for(&self.raw.headers)
    }

    /// Whether somebody with this role may set integrations up by this token or session.
    fn may_install(&self, role: Option<&str>) -> bool {
        let holds = |principal| role.is_some_and(|role| auth::both_hold(principal, role, INSTALLS));
        self.principal.as_ref().is_some_and(holds)
    }

    /// As whom it is read.
    fn reader(&self) -> Result<Principal, ApiError> {
        let host = || self.raw.headers.get(HOST)?.to_str().ok();
        let local = || self.server.loopback_principal(host()?);
        self.principal
            .clone()
            .or_else(local)
            .ok_or_else(|| ApiError::unauthorized("Sign in to see this page."))
    }

    /// The organization that the path names, for somebody who may see it.
    async fn authorize(&mut self) -> Result<Organization, ApiError> {
        let (reader, slug) = (self.reader()?, self.raw.param("org").to_owned());
        let org = self.database.organization(&slug).await?.filter(|org| org.slug == slug);
        let org = org.ok_or_else(ApiError::not_found)?;
        auth::authorize(&mut self.database, &reader, org.id, PAGE_SCOPES).await?;
        Ok(org)
    }

    fn form_key(&self) -> Option<&str> {
        self.browser_session.as_ref().map(|session| session.form_key.as_str())
    }

    /// Why a set-up goes no further, for the log.
    fn refusal_note(&self, error: &Error) -> LogNote {
        let form = form_urlencoded::parse(self.raw.body.bytes()).into_owned();
        let values = self.raw.query.iter().cloned().chain(form).map(|(_, value)| value);
        LogNote::of_set_up(error.code, &error.message, values)
    }

    /// A page about no organization.
    fn page(&self, title: &str, body: Markup) -> Response {
        self.page_of(title, None, body)
    }

    /// A page of an organization, on one of its tabs.
    fn page_of(&self, title: &str, org: Option<(&str, PageTab)>, body: Markup) -> Response {
        layout::page(StatusCode::OK, &PageHead { title, org, form_key: self.form_key() }, body)
    }
}

/// A page's path, its methods, and who answers them.
struct PageRoute {
    path: &'static str,
    methods: MethodFilter,
    /// Whether a program with a token walks it by GET, as it would walk Sentry's.
    is_walked: bool,
    handler: Box<dyn Fn(PageRequest) -> HandlerFuture + Send + Sync>,
}

impl PageRoute {
    fn get<A: HandlerAnswer>(path: &'static str, handler: fn(PageRequest) -> A) -> Self {
        Self::new(path, MethodFilter::GET, handler)
    }

    fn post<A: HandlerAnswer>(path: &'static str, handler: fn(PageRequest) -> A) -> Self {
        Self::new(path, MethodFilter::POST, handler)
    }

    /// One that a browser looks at by GET and walks by POST, and a program walks by either.
    fn walked<A: HandlerAnswer>(path: &'static str, handler: fn(PageRequest) -> A) -> Self {
        let methods = MethodFilter::GET.or(MethodFilter::POST);
        Self { is_walked: true, ..Self::new(path, methods, handler) }
    }

    fn new<A: HandlerAnswer>(
        path: &'static str,
        methods: MethodFilter,
        handler: fn(PageRequest) -> A,
    ) -> Self {
        let handler = Box::new(move |request| -> HandlerFuture { Box::pin(handler(request)) });
        Self { path, methods, is_walked: false, handler }
    }

    async fn answer(&self, server: Arc<ServerState>, mut raw: RawRequest) -> ApiResult {
        if self.is_walked && raw.access == RequestAccess::ProgramGet {
            raw.access = RequestAccess::MayChange;
        }
        let request = PageRequest::new(server, raw, self.path == LOGIN).await?;
        if request.is_forged() {
            return Err(ApiError::detail(StatusCode::FORBIDDEN, FORGED));
        }
        (self.handler)(request).await
    }

    /// Puts the page into the router.
    fn mount(self, router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
        let (path, methods, route) = (self.path, self.methods, Arc::new(self));
        let answer = move |State(server): State<Arc<ServerState>>,
                           method: Method,
                           raw: Result<RawRequest, ApiError>| {
            let route = Arc::clone(&route);
            async move {
                let raw = match raw {
                    Ok(raw) => raw,
                    Err(error) => return layout::error(&error, None),
                };
                let (path, headers) = (raw.whole_path(), raw.headers.clone());
                let asked = Arc::clone(&server);
                let answer = spawn_isolated(async move { route.answer(asked, raw).await });
                match answer.await {
                    Ok(page) => page,
                    Err(error)
                        if method.is_safe() && error.status() == StatusCode::UNAUTHORIZED =>
                    {
                        login::redirect_to_login(&path)
                    }
                    Err(error) => error_page(&error, &server, &headers).await,
                }
            }
        };
        router.route(path, on(methods, answer))
    }
}

/// Every page.
fn routes() -> Vec<PageRoute> {
    vec![
        PageRoute::get("/", home::show),
        PageRoute::get(LOGIN, login::show),
        PageRoute::post(LOGIN, login::sign_in),
        PageRoute::get("/auth/login/{org}/", login::show),
        PageRoute::post("/auth/logout/", login::sign_out),
        PageRoute::get("/settings/{org}/", home::organization),
        PageRoute::get("/organizations/{org}/", home::organization),
        PageRoute::get("/settings/{org}/integrations/", integrations::list),
        PageRoute::get("/settings/{org}/integrations/{provider}/{id}/", integration::show),
        PageRoute::get("/organizations/{org}/releases/", releases::list),
        PageRoute::get("/organizations/{org}/releases/{version}/", release::show),
        PageRoute::walked("/organizations/{org}/integrations/{provider}/setup/", set_up::begin),
        PageRoute::walked("/extensions/{provider}/configure/", set_up::configure),
        PageRoute::get("/extensions/{provider}/link/", link::show),
        PageRoute::walked("/extensions/{provider}/setup/", set_up::advance),
    ]
}

/// Puts every page into the router.
pub(super) fn mount(router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
    assets::mount(routes().into_iter().fold(router, |router, page| page.mount(router)))
}

/// Every path that is mounted here.
#[cfg(test)]
pub(super) fn paths() -> Vec<&'static str> {
    let assets = assets::ASSETS.iter().map(|(path, ..)| *path);
    routes().iter().map(|page| page.path).chain(assets).collect()
}

/// The paths that a program walks by GET.
#[cfg(test)]
pub(super) fn walked_paths() -> Vec<&'static str> {
    routes().iter().filter(|page| page.is_walked).map(|page| page.path).collect()
}

/// The page for an address that leads nowhere.
pub(super) async fn no_page(server: &Arc<ServerState>, headers: &HeaderMap) -> Response {
    error_page(&ApiError::not_found(), server, headers).await
}

/// The page of an error, for whoever is signed in.
async fn error_page(error: &ApiError, server: &Arc<ServerState>, headers: &HeaderMap) -> Response {
    let session = match server.database(RequestAccess::ReadOnly).await {
        Ok(mut database) => server.sessions.find(&mut database, headers).await,
        Err(_) => None,
    };
    layout::error(error, session.as_ref())
}

/// What is said of a form that is not ours, or of a session that is over.
const FORGED: &str =
    "This form is from an earlier session. Go back, reload the page and submit it again.";
