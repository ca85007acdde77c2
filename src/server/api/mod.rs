//! Every endpoint, with the scopes of which any one allows it: Sentry's own map.

pub(crate) mod code_mappings;
pub(crate) mod commits;
pub(crate) mod deploys;
pub(crate) mod integrations;
pub(crate) mod organizations;
pub(crate) mod pipeline;
pub(crate) mod provider_json;
pub(crate) mod release_body;
pub(crate) mod release_json;
pub(crate) mod releases;
pub(crate) mod repositories;
pub(crate) mod version_info;

use super::auth::scopes::Scopes;
use super::endpoint::Endpoint;
use axum::http::Method;

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

/// Every endpoint of the API.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let parts = [organization_routes(), integration_routes(), release_routes()];
    parts.into_iter().flatten().collect()
}

/// Who asks, and for what there is.
fn organization_routes() -> Vec<Endpoint> {
    vec![
        Endpoint::at("").get_public(&[], organizations::who_am_i),
        Endpoint::at("organizations/").get_public(ORG_READ, organizations::list),
        Endpoint::of_org("").method(Method::GET, ORG_READ, organizations::show),
        Endpoint::of_org("projects/").method(Method::GET, ORG_READ, organizations::projects),
        Endpoint::at("projects/{org}/{project}/").method(
            Method::GET,
            PROJECT_READ,
            organizations::show_project,
        ),
    ]
}

/// Integrations, and the pipeline that makes them.
fn integration_routes() -> Vec<Endpoint> {
    vec![
        Endpoint::of_org("pipeline/{pipeline_name}/")
            .method(Method::GET, LINK_READ, pipeline::show)
            .method(Method::POST, LINK_WRITE, pipeline::advance),
        Endpoint::of_org("integrations/").method(Method::GET, LINK_READ, integrations::list),
        Endpoint::of_org("integrations/{id}/")
            .method(Method::GET, LINK_READ, integrations::show)
            .method(Method::DELETE, LINK_DELETE, integrations::delete),
        Endpoint::of_org("integrations/{id}/repos/").method(
            Method::GET,
            LINK_READ,
            integrations::repositories,
        ),
        Endpoint::of_org("config/integrations/").method(
            Method::GET,
            LINK_READ,
            integrations::configurations,
        ),
        Endpoint::of_org("repos/").method(Method::GET, LINK_OR_CI, repositories::list).method(
            Method::POST,
            LINK_READ,
            repositories::create,
        ),
        Endpoint::of_org("repos/{id}/commits/").method(
            Method::GET,
            LINK_OR_CI,
            commits::of_repository,
        ),
        Endpoint::of_org("code-mappings/")
            .method(Method::GET, LINK_OR_CI, code_mappings::list)
            .method(Method::POST, LINK_READ, code_mappings::create),
        Endpoint::of_org("code-mappings/bulk/").method(
            Method::POST,
            LINK_OR_CI,
            code_mappings::upsert,
        ),
    ]
}

/// Releases, with what belongs to them.
fn release_routes() -> Vec<Endpoint> {
    vec![
        Endpoint::of_org("releases/").method(Method::GET, RELEASE_READ, releases::list).method(
            Method::POST,
            RELEASE_WRITE,
            releases::create,
        ),
        Endpoint::at("projects/{org}/{project}/releases/").method(
            Method::GET,
            RELEASE_READ,
            releases::list_of_project,
        ),
        Endpoint::of_org("releases/{version}/")
            .method(Method::GET, RELEASE_READ, releases::show)
            .method(Method::PUT, RELEASE_WRITE, releases::update)
            .method(Method::DELETE, RELEASE_DELETE, releases::delete),
        Endpoint::of_org("releases/{version}/previous-with-commits/").method(
            Method::GET,
            RELEASE_READ,
            releases::previous_with_commits,
        ),
        Endpoint::of_org("releases/{version}/commits/").method(
            Method::GET,
            RELEASE_READ,
            commits::of_release,
        ),
        Endpoint::of_org("releases/{version}/commitfiles/").method(
            Method::GET,
            RELEASE_READ,
            commits::files,
        ),
        Endpoint::of_org("releases/{version}/deploys/")
            .method(Method::GET, RELEASE_READ, deploys::list)
            .method(Method::POST, RELEASE_WRITE, deploys::create),
    ]
}
