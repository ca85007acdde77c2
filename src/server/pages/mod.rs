//! Pages that people look at: what is there, and the set-up of what is not yet.
//!
//! Rendered here and whole without a script. They are read on this machine without signing in,
//! and show no secret; whoever changes something is signed in, or brings a token.

mod assets;
mod components;
mod home;
mod integration;
mod integrations;
mod layout;
mod login;
mod release;
mod releases;
mod result;
mod search;
mod set_up;
mod step;
mod step_form;
pub(crate) mod urls;

use super::auth;
use super::auth::scopes::Scopes;
use super::auth::sessions::{BrowserSession, INSTALLS};
use super::endpoint::spawn_isolated;
use super::http::{ApiError, ApiResult, RawRequest};
use super::state::{DatabaseLease, ServerState};
use crate::database::{Organization, Principal};
use axum::Router;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use layout::{PageHead, PageTab};
use maud::Markup;
use std::sync::Arc;

/// The field of a form that proves where the form came from.
const FORM_KEY: &str = "form-key";

/// What it takes to see an organization's pages; the local user has all of it.
const PAGE_SCOPES: Scopes = &["org:read", "org:write", "org:admin", "org:integrations"];

/// Somebody's request for a page.
struct PageRequest {
    method: Method,
    server: Arc<ServerState>,
    database: DatabaseLease,
    raw: RawRequest,
    /// Who it is, by a token or by a session.
    principal: Option<Principal>,
    /// The browser's session, when no token came.
    browser_session: Option<BrowserSession>,
}

impl PageRequest {
    async fn new(
        server: Arc<ServerState>,
        method: Method,
        raw: RawRequest,
    ) -> Result<Self, ApiError> {
        let mut database = server.database().await?;
        // A token that nobody has is none here: the page sends its bearer to the login.
        let principal = auth::authenticate(server.own_token(), &mut database, &raw.headers)
            .await
            .ok()
            .flatten();
        let browser_session = match principal {
            Some(_) => None,
            None => server.sessions.find(&raw.headers),
        };
        let signed_in = browser_session.as_ref().map(|session| &session.principal);
        let principal = principal.or_else(|| signed_in.cloned());
        Ok(Self { method, server, database, raw, principal, browser_session })
    }

    /// Whether a form is from another site than ours, which a browser would send as well.
    fn is_forged(&self) -> bool {
        let form_key = || self.raw.form(FORM_KEY).unwrap_or_default();
        let owns_form = |session: &BrowserSession| session.owns_form(&form_key());
        self.method == Method::POST && !self.browser_session.as_ref().is_none_or(owns_form)
    }

    /// The user of the token or the session, if it is a user's.
    fn user(&self) -> Option<i64> {
        self.principal.as_ref()?.user
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

    /// A page about no organization.
    fn page(&self, title: &str, body: Markup) -> Response {
        self.page_of(title, None, body)
    }

    /// A page of an organization, on one of its tabs.
    fn page_of(&self, title: &str, org: Option<(&str, PageTab)>, body: Markup) -> Response {
        layout::page(StatusCode::OK, &PageHead { title, org, form_key: self.form_key() }, body)
    }
}

/// Puts every page into the router.
pub(super) fn mount(router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
    let (get, post) = (MethodFilter::GET, MethodFilter::POST);
    let router = page(router, "/", get, home::show);
    let router = page(router, "/auth/login/", get, login::show);
    let router = page(router, "/auth/login/", post, login::sign_in);
    let router = page(router, "/auth/login/{org}/", get, login::show);
    let router = page(router, "/auth/logout/", post, login::sign_out);
    let router = page(router, "/settings/{org}/", get, home::organization);
    let router = page(router, "/organizations/{org}/", get, home::organization);
    let router = page(router, "/settings/{org}/integrations/", get, integrations::list);
    let settings = "/settings/{org}/integrations/{provider}/{id}/";
    let router = page(router, settings, get, integration::show);
    let router = page(router, "/organizations/{org}/releases/", get, releases::list);
    let router = page(router, "/organizations/{org}/releases/{version}/", get, release::show);
    let set_up = "/organizations/{org}/integrations/{provider}/setup/";
    let router = page(router, set_up, get, set_up::begin);
    let router = page(router, "/extensions/{provider}/configure/", get, set_up::configure);
    let router = page(router, "/extensions/{provider}/setup/", get.or(post), set_up::advance);
    assets::mount(router)
}

/// The page for an address that leads nowhere.
pub(super) fn no_page(server: &ServerState, headers: &HeaderMap) -> Response {
    layout::error(&ApiError::not_found(), server.sessions.find(headers).as_ref())
}

/// Puts a page into the router.
fn page<F, A>(
    router: Router<Arc<ServerState>>,
    path: &str,
    methods: MethodFilter,
    handler: F,
) -> Router<Arc<ServerState>>
where
    F: Fn(PageRequest) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = ApiResult> + Send + 'static,
{
    let answer = move |State(server): State<Arc<ServerState>>,
                       method: Method,
                       raw: Result<RawRequest, ApiError>| {
        let handler = handler.clone();
        async move {
            let raw = match raw {
                Ok(raw) => raw,
                Err(error) => return layout::error(&error, None),
            };
            let session = server.sessions.find(&raw.headers);
            let (path, is_get) = (raw.whole_path(), method != Method::POST);
            let answer = spawn_isolated(async move {
                let request = PageRequest::new(server, method, raw).await?;
                if request.is_forged() {
                    return Err(ApiError::detail(StatusCode::FORBIDDEN, FORGED));
                }
                handler(request).await
            });
            match answer.await {
                Ok(page) => page,
                Err(error) if is_get && error.status() == StatusCode::UNAUTHORIZED => {
                    login::redirect_to_login(&path)
                }
                Err(error) => layout::error(&error, session.as_ref()),
            }
        }
    };
    router.route(path, on(methods, answer))
}

/// What is said of a form that is not ours, or of a session that is over.
const FORGED: &str =
    "This form is from an earlier session. Go back, reload the page and submit it again.";
