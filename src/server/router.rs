//! Who answers which path: the API's endpoints, the pages, and what is neither.

use super::endpoint::{Endpoint, not_found};
use super::http::security;
use super::state::ServerState;
use super::{api, pages};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use std::sync::Arc;

/// The whole server, behind the guard that decides what a request may do.
pub(crate) fn router(server: Arc<ServerState>) -> Router {
    let mount = |router, resource: Endpoint| resource.mount(router);
    let router = api::endpoints().into_iter().fold(Router::new(), mount);
    let router = pages::mount(router).fallback(fallback);
    security::protect(router.with_state(server))
}

/// The paths of all pages, and of what they are dressed in.
#[cfg(test)]
pub(crate) fn page_paths() -> std::collections::BTreeSet<&'static str> {
    pages::paths().into_iter().collect()
}

/// What is neither an endpoint nor a page.
async fn fallback(
    State(server): State<Arc<ServerState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    match uri.path() {
        path if path.starts_with("/api/") => not_found(path, &headers),
        _ => pages::no_page(&server, &headers).await,
    }
}
