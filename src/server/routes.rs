//! Every endpoint, with the scopes of which any one allows it: Sentry's own map.

use super::auth::Scopes;
use super::call::{Resource, nowhere};
use super::start::Server;
use super::{
    code_mappings, commits, deploys, integrations, organizations, pages, pipeline, releases,
    repositories,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use std::sync::Arc;

/// The largest body that is read.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

const ORG_READ: Scopes = &["org:read", "org:write", "org:admin"];
const LINK_READ: Scopes = &["org:read", "org:write", "org:admin", "org:integrations"];
const LINK_WRITE: Scopes = &["org:write", "org:admin", "org:integrations"];
const LINK_DELETE: Scopes = &["org:admin", "org:integrations"];
const LINK_OR_CI: Scopes = &["org:read", "org:write", "org:admin", "org:integrations", "org:ci"];
const RELEASE_READ: Scopes =
    &["project:read", "project:write", "project:admin", "project:releases", "org:ci"];
const RELEASE_WRITE: Scopes = &["project:write", "project:admin", "project:releases", "org:ci"];
const RELEASE_DELETE: Scopes = &["project:admin", "project:releases"];
const PROJECT_READ: Scopes = &["project:read", "project:write", "project:admin"];

/// The whole server.
pub(super) fn router(server: Arc<Server>) -> Router {
    let mount = |router, resource: Resource| resource.mount(router);
    let router = resources().into_iter().fold(Router::new(), mount);
    let router = pages::mount(router);
    router.fallback(elsewhere).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(server)
}

/// What is neither an endpoint nor a page.
async fn elsewhere(State(server): State<Arc<Server>>, uri: Uri, headers: HeaderMap) -> Response {
    match uri.path() {
        path if path.starts_with("/api/") => nowhere(path, &headers),
        _ => pages::no_page(&server, &headers),
    }
}

pub(super) fn resources() -> Vec<Resource> {
    let parts = [tenants(), installed(), released()];
    parts.into_iter().flatten().collect()
}

/// Who asks, and for what there is.
fn tenants() -> Vec<Resource> {
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

/// Integrations, and the pipeline that makes them.
fn installed() -> Vec<Resource> {
    vec![
        Resource::of_org("pipeline/{pipeline_name}/")
            .on(Method::GET, LINK_READ, pipeline::show)
            .on(Method::POST, LINK_WRITE, pipeline::advance),
        Resource::of_org("integrations/").on(Method::GET, LINK_READ, integrations::list),
        Resource::of_org("integrations/{id}/").on(Method::GET, LINK_READ, integrations::show).on(
            Method::DELETE,
            LINK_DELETE,
            integrations::delete,
        ),
        Resource::of_org("integrations/{id}/repos/").on(
            Method::GET,
            LINK_READ,
            integrations::repositories,
        ),
        Resource::of_org("config/integrations/").on(
            Method::GET,
            LINK_READ,
            integrations::configurations,
        ),
        Resource::of_org("repos/").on(Method::GET, LINK_OR_CI, repositories::list).on(
            Method::POST,
            LINK_READ,
            repositories::create,
        ),
        Resource::of_org("repos/{id}/commits/").on(Method::GET, LINK_OR_CI, commits::of_repository),
        Resource::of_org("code-mappings/").on(Method::GET, LINK_OR_CI, code_mappings::list).on(
            Method::POST,
            LINK_READ,
            code_mappings::create,
        ),
        Resource::of_org("code-mappings/bulk/").on(Method::POST, LINK_OR_CI, code_mappings::upsert),
    ]
}

/// Releases, with what belongs to them.
fn released() -> Vec<Resource> {
    vec![
        Resource::of_org("releases/").on(Method::GET, RELEASE_READ, releases::list).on(
            Method::POST,
            RELEASE_WRITE,
            releases::create,
        ),
        Resource::at("projects/{org}/{project}/releases/").on(
            Method::GET,
            RELEASE_READ,
            releases::list_of_project,
        ),
        Resource::of_org("releases/{version}/")
            .on(Method::GET, RELEASE_READ, releases::show)
            .on(Method::PUT, RELEASE_WRITE, releases::update)
            .on(Method::DELETE, RELEASE_DELETE, releases::delete),
        Resource::of_org("releases/{version}/previous-with-commits/").on(
            Method::GET,
            RELEASE_READ,
            releases::previous_with_commits,
        ),
        Resource::of_org("releases/{version}/commits/").on(
            Method::GET,
            RELEASE_READ,
            commits::of_release,
        ),
        Resource::of_org("releases/{version}/commitfiles/").on(
            Method::GET,
            RELEASE_READ,
            commits::files,
        ),
        Resource::of_org("releases/{version}/deploys/")
            .on(Method::GET, RELEASE_READ, deploys::list)
            .on(Method::POST, RELEASE_WRITE, deploys::create),
    ]
}
