//! Every endpoint, with the scopes of which any one allows it: Sentry's own map.

pub(crate) mod artifact_bundles;
pub(crate) mod artifact_lookup;
pub(crate) mod chunk_upload;
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
    let parts =
        [organization_routes(), integration_routes(), release_routes(), source_map_routes()];
    parts.into_iter().flatten().collect()
}

/// The user, organizations and projects.
fn organization_routes() -> Vec<Endpoint> {
    vec![
        Endpoint::at("").get_public(&[], organizations::who_am_i),
        Endpoint::at("organizations/").get_public(ORG_READ, organizations::list),
        Endpoint::of_org("").get(ORG_READ, organizations::show),
        Endpoint::of_org("projects/").get(ORG_READ, organizations::projects),
        Endpoint::at("projects/{org}/{project}/").get(PROJECT_READ, organizations::show_project),
    ]
}

/// Integrations, and the pipeline that makes them.
fn integration_routes() -> Vec<Endpoint> {
    vec![
        Endpoint::of_org("pipeline/{pipeline_name}/")
            .get(LINK_READ, pipeline::show)
            .post_step(LINK_WRITE, pipeline::advance),
        Endpoint::of_org("integrations/").get(LINK_READ, integrations::list),
        Endpoint::of_org("integrations/{id}/")
            .get(LINK_READ, integrations::show)
            .put(LINK_WRITE, integrations::update)
            .delete(LINK_DELETE, integrations::delete),
        Endpoint::of_org("integrations/{id}/repos/").get(LINK_READ, integrations::repositories),
        Endpoint::of_org("config/integrations/").get(ORG_READ, integrations::configurations),
        Endpoint::of_org("repos/")
            .get(LINK_OR_CI, repositories::list)
            .post(LINK_READ, repositories::create),
        Endpoint::of_org("repos/{id}/")
            .get(LINK_READ, repositories::show)
            .put(LINK_WRITE, repositories::update)
            .delete(LINK_DELETE, repositories::delete),
        Endpoint::of_org("repos/{id}/commits/").get(LINK_OR_CI, commits::of_repository),
        Endpoint::of_org("code-mappings/")
            .get(LINK_OR_CI, code_mappings::list)
            .post(LINK_READ, code_mappings::create),
        Endpoint::of_org("code-mappings/bulk/").post(LINK_OR_CI, code_mappings::upsert),
        Endpoint::of_org("code-mappings/{id}/")
            .put(LINK_READ, code_mappings::update)
            .delete(LINK_DELETE, code_mappings::delete),
    ]
}

/// Releases, with what belongs to them.
fn release_routes() -> Vec<Endpoint> {
    let of_release = |path: &str| Endpoint::of_org(&format!("releases/{{version}}/{path}"));
    vec![
        Endpoint::of_org("releases/")
            .get(RELEASE_READ, releases::list)
            .post(RELEASE_WRITE, releases::create),
        Endpoint::at("projects/{org}/{project}/releases/")
            .get(RELEASE_READ, releases::list_of_project)
            .post(RELEASE_WRITE, releases::create_of_project),
        Endpoint::at("projects/{org}/{project}/releases/{version}/")
            .get(RELEASE_READ, releases::show)
            .put(RELEASE_WRITE, releases::update)
            .delete(RELEASE_DELETE, releases::delete),
        of_release("")
            .get(RELEASE_READ, releases::show)
            .put(RELEASE_WRITE, releases::update)
            .delete(RELEASE_DELETE, releases::delete),
        of_release("previous-with-commits/").get(RELEASE_READ, releases::previous_with_commits),
        of_release("commits/").get(RELEASE_READ, commits::of_release),
        of_release("commitfiles/").get(RELEASE_READ, commits::files),
        of_release("deploys/")
            .get(RELEASE_READ, deploys::list)
            .post(RELEASE_WRITE, deploys::create),
    ]
}

/// Source maps: how they arrive, and where they are found.
fn source_map_routes() -> Vec<Endpoint> {
    let of_project = |path: &str| Endpoint::at(&format!("projects/{{org}}/{{project}}/{path}"));
    vec![
        Endpoint::of_org("chunk-upload/")
            .get(RELEASE_READ, chunk_upload::limits)
            .post(RELEASE_WRITE, chunk_upload::upload),
        Endpoint::of_org("artifactbundle/assemble/").post(RELEASE_WRITE, chunk_upload::assemble),
        of_project("files/artifact-bundles/")
            .get(RELEASE_READ, artifact_bundles::list)
            .delete(RELEASE_DELETE, artifact_bundles::delete),
        of_project("artifact-bundles/{bundle}/files/").get(RELEASE_READ, artifact_bundles::files),
        of_project("artifact-bundles/{bundle}/files/{id}/")
            .get(RELEASE_READ, artifact_bundles::download_file),
        of_project("artifact-lookup/").get(RELEASE_READ, artifact_lookup::look_up),
    ]
}
