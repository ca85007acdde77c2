//! Every endpoint, with the scopes of which any one allows it: Sentry's own map.

use super::auth::Scopes;
use super::call::{Resource, nowhere};
use super::organizations;
use super::start::Server;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use std::sync::Arc;

/// The largest body that is read.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

const ORG_READ: Scopes = &["org:read", "org:write", "org:admin"];
const PROJECT_READ: Scopes = &["project:read", "project:write", "project:admin"];

/// The whole server.
pub(super) fn router(server: Arc<Server>) -> Router {
    let mount = |router, resource: Resource| resource.mount(router);
    let router = resources().into_iter().fold(Router::new(), mount);
    router.fallback(nowhere).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(server)
}

fn resources() -> Vec<Resource> {
    vec![
        Resource::at("").visit(&[], organizations::who_am_i),
        Resource::at("organizations/").visit(ORG_READ, organizations::list),
        Resource::of_org("").on(Method::GET, ORG_READ, organizations::show),
        Resource::of_org("projects/").on(Method::GET, ORG_READ, organizations::projects),
        Resource::at("projects/{org}/{project}/").on(
            Method::GET,
            PROJECT_READ,
            organizations::show_project,
        ),
    ]
}
