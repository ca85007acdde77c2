//! `/code-mappings/` and its bulk upsert.

use super::provider_json;
use crate::database::{
    InstalledIntegration, NewCodeMapping, Project, StoredCodeMapping, StoredRepository,
    UpsertResult,
};
use crate::integration::links;
use crate::model::{IntegrationStatus, Object};
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule, non_empty_text};
use crate::server::http::{ApiError, ApiResult, ListQuery, empty, json_response};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

/// How many mappings one bulk request takes.
const MAX_MAPPINGS: usize = 300;
/// The longest root.
const ROOT: usize = 255;

const BRANCH: &str = "Branch name may only have letters, numbers, underscores, forward slashes, \
                      dashes, and periods. Branch name may not start or end with a forward slash.";

const FORBIDDEN: &str = "Path may not contain spaces or quotations";

/// `GET`.
pub(crate) async fn list(mut request: OrgRequest) -> ApiResult {
    let page = ListQuery::read(&request.raw)?;
    let integration = match request.raw.non_empty_query("integrationId").map(str::to_owned) {
        Some(id) => Some(request.integration(&id).await?.ok_or_else(ApiError::no_such_row)?.id),
        None => None,
    };
    let mut projects = Vec::new();
    for id in request.raw.project_queries() {
        let project = request.database.project(request.org.id, &id).await?;
        projects.push(project.ok_or_else(ApiError::forbidden)?.id);
    }
    let (org, rows) = (request.org.id, page.rows());
    let mappings = request.database.code_mappings(org, integration, &projects, rows).await?;
    request.list_response(page, mappings.iter().map(mapping))
}

/// `POST`.
pub(crate) async fn create(mut request: OrgRequest) -> ApiResult {
    let object = body::read(&request.raw)?;
    let installed = integration(&mut request, &object).await?;
    let new = read_mapping(&mut request, &object, &installed).await?;
    let created = request.database.add_code_mapping(&new).await?.ok_or_else(exists)?;
    Ok(json_response(StatusCode::CREATED, &mapping(&created)))
}

/// `PUT {id}/`: all of a code mapping but its integration.
pub(crate) async fn update(mut request: OrgRequest) -> ApiResult {
    let id = request.raw.id("id")?;
    let object = body::read(&request.raw)?;
    let org = request.org.id;
    let known = request.database.code_mapping_by_id(org, id).await?;
    let known = known.ok_or_else(ApiError::no_such_row)?;
    let installed = request.database.integration(org, known.integration_id).await?;
    let installed = installed.ok_or_else(not_installed)?;
    let new = read_mapping(&mut request, &object, &installed).await?;
    let changed = request.database.replace_code_mapping(id, &new).await?.ok_or_else(exists)?;
    Ok(json_response(StatusCode::OK, &mapping(&changed)))
}

/// `DELETE {id}/`.
pub(crate) async fn delete(mut request: OrgRequest) -> ApiResult {
    let id = request.raw.id("id")?;
    match request.database.delete_code_mapping(request.org.id, id).await? {
        true => Ok(empty(StatusCode::NO_CONTENT)),
        false => Err(ApiError::no_such_row()),
    }
}

/// The code mapping of a body, through this integration.
async fn read_mapping(
    request: &mut OrgRequest,
    object: &Object,
    installed: &InstalledIntegration,
) -> Result<NewCodeMapping, ApiError> {
    let mut reader = BodyReader::new(object);
    let ids = ["repositoryId", "projectId"].map(|name| reader.text(name, TextRule::required(20)));
    let stack_root = root(&mut reader, "stackRoot");
    let source_root = root(&mut reader, "sourceRoot");
    let default_branch = branch(&mut reader, TextRule::required(ROOT));
    let [repository, project] = ids.map(|id| id.and_then(|id| id.parse().ok()).unwrap_or(-1));
    let linked = request.database.repository(request.org.id, repository).await?;
    let linked = linked.filter(|linked| linked.integration_id == Some(installed.id));
    if linked.is_none() && reader.value("repositoryId").is_some() {
        reader.error("repositoryId", "Repository does not exist");
    }
    let existing = request.database.project(request.org.id, &project.to_string()).await?;
    if existing.is_none() && reader.value("projectId").is_some() {
        reader.error("projectId", "Project does not exist");
    }
    reader.finish()?;
    Ok(NewCodeMapping {
        project,
        repository,
        link: installed.link,
        stack_root: stack_root.unwrap_or_default(),
        source_root: source_root.unwrap_or_default(),
        default_branch,
    })
}

fn exists() -> ApiError {
    let text = "Code path config already exists with this project and stack trace root";
    ApiError::field("nonFieldErrors", text)
}

/// `POST …/bulk/`: every mapping of one project and one repository, made or written over.
pub(crate) async fn upsert(mut request: OrgRequest) -> ApiResult {
    let object = body::read(&request.raw)?;
    let mut reader = BodyReader::new(&object);
    let project = reader.text("project", TextRule::required(100));
    let repository = reader.text("repository", TextRule::required(200));
    let provider = reader.text("provider", TextRule::optional(100));
    let default_branch = branch(&mut reader, TextRule::optional(ROOT));
    let roots = mappings(&mut reader);
    reader.finish()?;
    let project = find_project(&mut request, &project.unwrap_or_default()).await?;
    let repository =
        find_repository(&mut request, &repository.unwrap_or_default(), provider.as_deref()).await?;
    let installed = find_integration(&mut request, &repository).await?;
    let roots = roots.unwrap_or_default();
    let new = |(stack_root, source_root): &(String, String)| NewCodeMapping {
        project: project.id,
        repository: repository.id,
        link: installed.link,
        stack_root: stack_root.clone(),
        source_root: source_root.clone(),
        default_branch: default_branch.clone().filter(|branch| !branch.is_empty()),
    };
    let valid: Vec<_> = roots.iter().filter(|roots| are_valid(roots)).map(new).collect();
    let results = request.database.upsert_code_mappings(&valid).await?;
    Ok(upsert_response(&roots, &results))
}

/// Whether a mapping of these roots can be written.
fn are_valid((stack, source): &(String, String)) -> bool {
    [stack, source].iter().all(|root| !has_forbidden(root) && root.chars().count() <= ROOT)
}

/// 200 when all went well, 207 when some did not. Each valid entry has a result.
fn upsert_response(roots: &[(String, String)], results: &[UpsertResult]) -> Response {
    let mut results = results.iter();
    let mut entry = |roots: &(String, String)| {
        let mut entry = json!({ "stackRoot": roots.0, "sourceRoot": roots.1 });
        if are_valid(roots) {
            let created = results.next() == Some(&UpsertResult::Created);
            entry["status"] = if created { "created" } else { "updated" }.into();
        } else {
            entry["status"] = "error".into();
            entry["detail"] = FORBIDDEN.into();
        }
        entry
    };
    let entries: Vec<_> = roots.iter().map(&mut entry).collect();
    let count = |word: &str| entries.iter().filter(|entry| entry["status"] == word).count();
    let errors = count("error");
    let status = if errors == 0 { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    let body = json!({
        "created": count("created"),
        "updated": count("updated"),
        "errors": errors,
        "mappings": entries,
    });
    json_response(status, &body)
}

fn mappings(reader: &mut BodyReader<'_>) -> Option<Vec<(String, String)>> {
    if !reader.has("mappings") {
        reader.error("mappings", "This field is required.");
    }
    let entry = |reader: &mut BodyReader<'_>| {
        let text = TextRule::required(usize::MAX).allow_blank();
        let (stack, source) = (reader.text("stackRoot", text), reader.text("sourceRoot", text));
        Some((stack?, source?))
    };
    let read = reader.items("mappings", MAX_MAPPINGS, entry)?;
    if read.is_empty() {
        reader.error("mappings", "This list may not be empty.");
    }
    Some(read)
}

async fn find_project(request: &mut OrgRequest, slug: &str) -> Result<Project, ApiError> {
    let project = request.database.project(request.org.id, slug).await?;
    project.ok_or_else(|| not_found(format!("Project not found or not active: {slug}")))
}

/// The one repository of this name; several need the provider to tell them apart.
async fn find_repository(
    request: &mut OrgRequest,
    name: &str,
    provider: Option<&str>,
) -> Result<StoredRepository, ApiError> {
    let provider = provider.filter(|provider| !provider.is_empty());
    let provider = provider.map(|key| format!("integrations:{key}"));
    let (database, org) = (&mut request.database, request.org.id);
    let named = database.repositories_named(org, name, provider.as_deref()).await?;
    let is_linked = |repository: &&StoredRepository| repository.integration_id.is_some();
    if named.iter().filter(is_linked).count() > 1 {
        let text = format!(
            "Multiple repositories are named {name}. Provide the provider field to tell them apart."
        );
        return Err(ApiError::detail(StatusCode::CONFLICT, text));
    }
    // One that a commit only named gives way to one that is linked.
    let best = named.into_iter().max_by_key(|repository| repository.integration_id.is_some());
    best.ok_or_else(|| not_found(format!("Repository not found: {name}")))
}

async fn find_integration(
    request: &mut OrgRequest,
    repository: &StoredRepository,
) -> Result<InstalledIntegration, ApiError> {
    let id = repository.integration_id.ok_or_else(|| {
        let name = &repository.name;
        ApiError::bad_request(format!("Repository {name} is not linked to an integration"))
    })?;
    let installed = request.database.integration(request.org.id, id).await?;
    let active = IntegrationStatus::Active.as_str();
    installed.filter(|installed| installed.link_status == active).ok_or_else(|| {
        ApiError::bad_request("The repository's integration is not installed on this organization")
    })
}

/// The integration of a POST; the bodies of its two errors are bare texts.
async fn integration(
    request: &mut OrgRequest,
    object: &Object,
) -> Result<InstalledIntegration, ApiError> {
    let id = non_empty_text(object, "integrationId").ok_or_else(|| {
        ApiError::new(StatusCode::BAD_REQUEST, "Missing param: integration_id".into())
    })?;
    request.integration(&id).await?.ok_or_else(not_installed)
}

fn not_installed() -> ApiError {
    let text = "Could not find this integration installed on your organization";
    ApiError::new(StatusCode::NOT_FOUND, text.into())
}

fn not_found(text: String) -> ApiError {
    ApiError::detail(StatusCode::NOT_FOUND, text)
}

/// A root: may be empty, and has neither spaces nor quotes.
fn root(reader: &mut BodyReader<'_>, name: &str) -> Option<String> {
    let root = reader.text(name, TextRule::required(ROOT).allow_blank())?;
    if has_forbidden(&root) {
        reader.error(name, FORBIDDEN);
    }
    Some(root)
}

fn has_forbidden(root: &str) -> bool {
    root.contains([' ', '"', '\''])
}

fn branch(reader: &mut BodyReader<'_>, rule: TextRule) -> Option<String> {
    let branch = reader.text("defaultBranch", rule)?;
    if !branch.is_empty() && !links::is_branch_name(&branch) {
        reader.error("defaultBranch", BRANCH);
    }
    Some(branch)
}

fn mapping(stored: &StoredCodeMapping) -> Value {
    let mapping = &stored.mapping;
    json!({
        "id": stored.id.to_string(),
        "projectId": stored.project_id.to_string(),
        "projectSlug": mapping.project,
        "repoId": stored.repository_id.to_string(),
        "repoName": mapping.repository,
        "integrationId": stored.integration_id.to_string(),
        "provider": provider_json::provider(&stored.integration_key),
        "stackRoot": mapping.stack_root,
        "sourceRoot": mapping.source_root,
        "defaultBranch": mapping.default_branch,
        "automaticallyGenerated": false,
    })
}
