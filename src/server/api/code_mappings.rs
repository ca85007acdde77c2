//! `/code-mappings/` and its bulk upsert.

use super::provider_json;
use crate::database::code_mappings::{NewCodeMapping, StoredCodeMapping, UpsertResult};
use crate::database::integrations::InstalledIntegration;
use crate::database::organizations::Project;
use crate::database::repositories::StoredRepository;
use crate::model::{IntegrationStatus, Object};
use crate::server::endpoint::OrgRequest;
use crate::server::http::body::{self, BodyReader, TextRule};
use crate::server::http::pagination::ListQuery;
use crate::server::http::response::{ApiError, ApiResult, json_response};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// How many mappings one bulk request takes.
const MOST: usize = 300;
/// The longest root.
const ROOT: usize = 255;

const BRANCH: &str = "Branch name may only have letters, numbers, underscores, forward slashes, \
                      dashes, and periods. Branch name may not start or end with a forward slash.";

/// `GET`.
pub(crate) async fn list(mut call: OrgRequest) -> ApiResult {
    let wanted = ListQuery::read(&call.asked)?;
    let integration = match call.asked.query("integrationId").filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => {
            let id = id.parse().map_err(|_| ApiError::no_such_row())?;
            let found = call.database.integration(call.org.id, id).await?;
            Some(found.ok_or_else(ApiError::no_such_row)?.id)
        }
    };
    let mut projects = Vec::new();
    let named = call.asked.query.iter().filter(|(name, _)| name == "project");
    let named: Vec<_> = named.map(|(_, value)| value.clone()).filter(|id| id != "-1").collect();
    for id in named {
        let found = call.database.project(call.org.id, &id).await?;
        projects.push(found.ok_or_else(ApiError::forbidden)?.id);
    }
    let page = wanted.rows();
    let found = call.database.code_mappings(call.org.id, integration, &projects, page).await?;
    wanted.answer(call.server.base(), &call.asked, found.iter().map(mapping).collect())
}

/// `POST`.
pub(crate) async fn create(mut call: OrgRequest) -> ApiResult {
    let object = body::read(&call.asked)?;
    let installed = integration(&mut call, &object).await?;
    let mut reader = BodyReader::new(&object);
    let ids = ["repositoryId", "projectId"].map(|name| reader.text(name, TextRule::required(20)));
    let stack_root = root(&mut reader, "stackRoot");
    let source_root = root(&mut reader, "sourceRoot");
    let default_branch = branch(&mut reader, TextRule::required(ROOT));
    let [repository, project] = ids.map(|id| id.and_then(|id| id.parse().ok()).unwrap_or(-1));
    let linked = call.database.repository(call.org.id, repository).await?;
    let linked = linked.filter(|linked| linked.integration_id == Some(installed.id));
    if linked.is_none() && reader.value("repositoryId").is_some() {
        reader.error("repositoryId", "Repository does not exist");
    }
    let found = call.database.project(call.org.id, &project.to_string()).await?;
    if found.is_none() && reader.value("projectId").is_some() {
        reader.error("projectId", "Project does not exist");
    }
    reader.finish()?;
    let new = NewCodeMapping {
        project,
        repository,
        link: installed.link,
        stack_root: stack_root.unwrap_or_default(),
        source_root: source_root.unwrap_or_default(),
        default_branch,
    };
    let made = call.database.add_code_mapping(&new).await?.ok_or_else(|| {
        let text = "Code path config already exists with this project and stack trace root";
        ApiError::field("nonFieldErrors", text)
    })?;
    Ok(json_response(StatusCode::CREATED, &mapping(&made)))
}

/// `POST …/bulk/`: every mapping of one project and one repository, made or written over.
pub(crate) async fn upsert(mut call: OrgRequest) -> ApiResult {
    let object = body::read(&call.asked)?;
    let mut reader = BodyReader::new(&object);
    let project = reader.text("project", TextRule::required(100));
    let repository = reader.text("repository", TextRule::required(200));
    let provider = reader.text("provider", TextRule::optional(100));
    let default_branch = branch(&mut reader, TextRule::optional(ROOT));
    let roots = mappings(&mut reader);
    reader.finish()?;
    let project = find_project(&mut call, &project.unwrap_or_default()).await?;
    let repository =
        find_repository(&mut call, &repository.unwrap_or_default(), provider.as_deref()).await?;
    let installed = find_integration(&mut call, &repository).await?;
    let new = |(stack_root, source_root): (String, String)| NewCodeMapping {
        project: project.id,
        repository: repository.id,
        link: installed.link,
        stack_root,
        source_root,
        default_branch: default_branch.clone().filter(|branch| !branch.is_empty()),
    };
    let (good, results) = sort_out(roots.unwrap_or_default());
    let good: Vec<_> = good.into_iter().map(new).collect();
    let done = call.database.upsert_code_mappings(&good).await?;
    Ok(told(&done, results))
}

/// What became of one entry of a bulk request, until it is known.
type Entry = (String, String, Option<String>);

/// The entries that can be written, and all of them with what keeps the others from it.
fn sort_out(roots: Vec<(String, String)>) -> (Vec<(String, String)>, Vec<Entry>) {
    let wrong = |root: &str| root.contains([' ', '"', '\'']) || root.chars().count() > ROOT;
    let check = |(stack, source): (String, String)| {
        let bad = wrong(&stack) || wrong(&source);
        let why = bad.then(|| "Path may not contain spaces or quotations".to_owned());
        (stack, source, why)
    };
    let entries: Vec<Entry> = roots.into_iter().map(check).collect();
    let good = entries.iter().filter(|(.., why)| why.is_none());
    (good.map(|(stack, source, _)| (stack.clone(), source.clone())).collect(), entries)
}

/// 200 when all went well, 207 when some did not.
fn told(done: &[UpsertResult], entries: Vec<Entry>) -> axum::response::Response {
    let mut left = done.iter();
    let mut shown = Vec::new();
    for (stack_root, source_root, why) in entries {
        let mut one = json!({ "stackRoot": stack_root, "sourceRoot": source_root });
        match why {
            Some(why) => {
                one["status"] = "error".into();
                one["detail"] = why.into();
            }
            None => {
                let created = left.next() == Some(&UpsertResult::Created);
                one["status"] = if created { "created" } else { "updated" }.into();
            }
        }
        shown.push(one);
    }
    let count = |word: &str| shown.iter().filter(|one| one["status"] == word).count();
    let errors = count("error");
    let status = if errors == 0 { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    let body = json!({
        "created": count("created"),
        "updated": count("updated"),
        "errors": errors,
        "mappings": shown,
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
    let read = reader.items("mappings", entry)?;
    if read.is_empty() {
        reader.error("mappings", "This list may not be empty.");
    }
    if read.len() > MOST {
        let why = format!("Ensure this field has no more than {MOST} elements.");
        reader.error("mappings", why);
    }
    Some(read)
}

async fn find_project(call: &mut OrgRequest, slug: &str) -> Result<Project, ApiError> {
    let found = call.database.project(call.org.id, slug).await?;
    found.ok_or_else(|| not_found(format!("Project not found: {slug}")))
}

/// The one repository of this name; several need the provider to tell them apart.
async fn find_repository(
    call: &mut OrgRequest,
    name: &str,
    provider: Option<&str>,
) -> Result<StoredRepository, ApiError> {
    let provider = provider.filter(|provider| !provider.is_empty());
    let provider = provider.map(|key| format!("integrations:{key}"));
    let found = call.database.repositories_named(call.org.id, name, provider.as_deref()).await?;
    let linked = found.iter().filter(|found| found.integration_id.is_some()).count();
    if linked > 1 {
        let text = format!(
            "Multiple repositories are named {name}. Provide the provider field to tell them apart."
        );
        return Err(ApiError::detail(StatusCode::CONFLICT, text));
    }
    // One that a commit only named gives way to one that is linked.
    let best = found.into_iter().max_by_key(|found| found.integration_id.is_some());
    best.ok_or_else(|| not_found(format!("Repository not found: {name}")))
}

async fn find_integration(
    call: &mut OrgRequest,
    repository: &StoredRepository,
) -> Result<InstalledIntegration, ApiError> {
    let id = repository.integration_id.ok_or_else(|| {
        let name = &repository.name;
        ApiError::bad_request(format!("Repository {name} is not linked to an integration"))
    })?;
    let found = call.database.integration(call.org.id, id).await?;
    let active = IntegrationStatus::Active.as_str();
    found.filter(|found| found.link_status == active).ok_or_else(|| {
        ApiError::bad_request("The repository's integration is not installed on this organization")
    })
}

/// The integration of a POST; the bodies of its two errors are bare texts.
async fn integration(
    call: &mut OrgRequest,
    object: &Object,
) -> Result<InstalledIntegration, ApiError> {
    let id = match object.get("integrationId") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => {
            let text = "Missing param: integration_id";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, text.into()));
        }
    };
    let found = match id.parse() {
        Ok(id) => call.database.integration(call.org.id, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| {
        let text = "Could not find this integration installed on your organization";
        ApiError::new(StatusCode::NOT_FOUND, text.into())
    })
}

fn not_found(text: String) -> ApiError {
    ApiError::detail(StatusCode::NOT_FOUND, text)
}

/// A root: may be empty, and has neither spaces nor quotes.
fn root(reader: &mut BodyReader<'_>, name: &str) -> Option<String> {
    let root = reader.text(name, TextRule::required(ROOT).allow_blank())?;
    if root.contains([' ', '"', '\'']) {
        reader.error(name, "Path may not contain spaces or quotations");
    }
    Some(root)
}

fn branch(reader: &mut BodyReader<'_>, takes: TextRule) -> Option<String> {
    let branch = reader.text("defaultBranch", takes)?;
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    if !branch.chars().all(word) || branch.starts_with('/') || branch.ends_with('/') {
        reader.error("defaultBranch", BRANCH);
    }
    Some(branch)
}

fn mapping(mapping: &StoredCodeMapping) -> Value {
    json!({
        "id": mapping.id.to_string(),
        "projectId": mapping.project_id.to_string(),
        "projectSlug": mapping.project_slug,
        "repoId": mapping.repository_id.to_string(),
        "repoName": mapping.repository_name,
        "integrationId": mapping.integration_id.to_string(),
        "provider": provider_json::provider(&mapping.integration_key),
        "stackRoot": mapping.stack_root,
        "sourceRoot": mapping.source_root,
        "defaultBranch": mapping.default_branch,
        "automaticallyGenerated": false,
    })
}
