//! What a Sentry of 2023 does about repositories and code mappings: GitLab's go by a number and are
//! called otherwise than their paths, and there is no endpoint for many code mappings.

use super::fake_sentry::FakeSentry;
use super::http_server::{Request, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// What GitLab has: the number, the path and the name that people see.
const PROJECTS: [(u64, &str, &str); 4] = [
    (7, "acme/web", "Acme Inc / Web"),
    (12, "acme/api-server", "Acme Inc / The API"),
    (15, "acme/webhooks", "Acme Inc / Hooks"),
    (18, "acme/tools/cli-shell", "Acme Inc / Tools / Prompt"),
];

/// What that Sentry has stored.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) repositories: Vec<Value>,
    pub(crate) mappings: Vec<Value>,
    /// Repositories that a commit named, of no integration.
    pub(crate) manual: Vec<(String, String)>,
    /// Releases that are there.
    pub(crate) releases: Vec<String>,
    /// When what is linked was made, where it was there before.
    pub(crate) created: Option<&'static str>,
    made: u64,
}

/// A Sentry 23.7 with an integration of id 1, and what it has.
pub(crate) fn sentry_23(provider: &str, account: &str) -> (FakeSentry, Arc<Mutex<Rows>>) {
    let rows = Arc::<Mutex<Rows>>::default();
    let of_server = Arc::clone(&rows);
    let sentry = FakeSentry::with(move |world, request| {
        let mut rows = of_server.lock().unwrap();
        rows.answer(request).unwrap_or_else(|| world.answer(request))
    });
    (sentry.with_integration(provider, account), rows)
}

impl Rows {
    fn answer(&mut self, request: &Request) -> Option<Response> {
        let (line, body) = (request.line(), request.json());
        let (method, path) = line.split_once(' ')?;
        let id = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Some(match (method, path) {
            ("GET", "integrations/1/repos/") => self.search(&request.parameter("search")),
            ("GET", "repos/") => Response::json(200, &Value::from(self.repositories.clone())),
            ("POST", "repos/") => self.link(&body),
            ("GET", "projects/") => {
                let ids = json!([{ "slug": "web", "id": "44" }, { "slug": "api", "id": "99" }]);
                Response::json(200, &ids)
            }
            ("POST", "code-mappings/bulk/") => {
                Response::detail(405, "Method \"POST\" not allowed.")
            }
            ("GET", "code-mappings/") => {
                let mut mappings = self.mappings.clone();
                let integration = request.parameter("integrationId");
                mappings
                    .retain(|one| integration.is_empty() || one["integrationId"] == integration);
                Response::json(200, &Value::from(mappings))
            }
            ("DELETE", path) if path.starts_with("code-mappings/") => self.unmap(id),
            ("POST", "code-mappings/") => self.map(&body),
            ("PUT", path) if path.starts_with("code-mappings/") => self.change(id, &body),
            ("DELETE", path) if path.starts_with("repos/") => {
                self.repositories.retain(|one| one["id"] != id);
                Response::json(202, &json!({}))
            }
            ("POST", "releases/") => self.release(&body),
            ("DELETE", path) if path.starts_with("releases/") => {
                self.releases.retain(|one| one != id);
                Response::json(204, &Value::Null)
            }
            _ => return None,
        })
    }

    /// A Sentry looks for a part of the name or of the last part of the path; what is of no third
    /// party is listed whole.
    fn search(&self, text: &str) -> Response {
        let text = text.to_lowercase();
        let fits = |(_, path, name): &&(u64, &str, &str)| {
            let last = path.rsplit('/').next().unwrap_or_default();
            last.contains(&text) || name.to_lowercase().contains(&text)
        };
        let numbered =
            |(id, _, name): &(u64, &str, &str)| json!({ "name": name, "identifier": id });
        let manual = |(id, name): &(String, String)| json!({ "name": name, "identifier": id });
        let found: Vec<_> = match self.manual.is_empty() {
            true => PROJECTS.iter().filter(fits).map(numbered).collect(),
            false => self.manual.iter().map(manual).collect(),
        };
        let searchable = self.manual.is_empty();
        Response::json(200, &json!({ "repos": found, "searchable": searchable }))
    }

    fn link(&mut self, body: &Value) -> Response {
        let identifier = body["identifier"].as_str().unwrap_or_default();
        if let Some(at) = self.manual.iter().position(|(id, _)| id == identifier) {
            let (id, name) = self.manual.remove(at);
            let row = json!({ "id": id, "name": name, "url": null, "integrationId": "1" });
            self.repositories.push(row.clone());
            return Response::json(201, &row);
        }
        let known = |(id, path, _): &&(u64, &str, &str)| {
            id.to_string() == identifier || path.replace('/', "%2F") == identifier
        };
        let Some((id, path, name)) = PROJECTS.iter().find(known) else {
            let reason = "Error Communicating with GitLab (HTTP 404): 404 Project Not Found";
            let errors = json!({ "error_type": "validation", "errors": { "__all__": reason } });
            return Response::json(400, &errors);
        };
        let url = format!("https://gitlab.example.com/{path}");
        if self.repositories.iter().any(|one| one["url"] == url.as_str()) {
            return Response::json(500, &json!({ "error_type": "unknown" }));
        }
        let row = json!({
            "id": (id + 300).to_string(), "name": name, "url": url, "externalSlug": id,
            "integrationId": "1", "dateCreated": self.created
        });
        self.repositories.push(row.clone());
        Response::json(201, &row)
    }

    /// The commit of a release makes the repository that it names.
    fn release(&mut self, body: &Value) -> Response {
        let version = body["version"].as_str().unwrap_or_default().to_owned();
        let name = body["commits"][0]["repository"].as_str().unwrap_or_default().to_owned();
        self.made += 1;
        self.manual.push((format!("8{}", self.made), name));
        self.releases.push(version.clone());
        Response::json(201, &json!({ "version": version }))
    }

    /// The row of these ids, or what is wrong with them.
    fn row(&self, id: &str, body: &Value) -> Result<Value, Response> {
        let repository = self.repositories.iter().find(|one| one["id"] == body["repositoryId"]);
        let error = |name: &str, why: &str| Response::json(400, &json!({ name: [why] }));
        let repository =
            repository.ok_or_else(|| error("repositoryId", "Repository does not exist"))?;
        let project = match body["projectId"].as_str() {
            Some("44") => "web",
            Some("99") => "api",
            _ => return Err(error("projectId", "Project does not exist")),
        };
        if body["defaultBranch"].as_str().is_none_or(str::is_empty) {
            return Err(error("defaultBranch", "This field is required."));
        }
        Ok(json!({
            "id": id, "projectSlug": project, "repoId": repository["id"],
            "repoName": repository["name"], "integrationId": "1",
            "stackRoot": body["stackRoot"], "sourceRoot": body["sourceRoot"],
            "defaultBranch": body["defaultBranch"],
        }))
    }

    fn map(&mut self, body: &Value) -> Response {
        let row = match self.row(&format!("5{}", self.mappings.len()), body) {
            Ok(row) => row,
            Err(refusal) => return refusal,
        };
        let names = |one: &Value| (one["projectSlug"].clone(), one["stackRoot"].clone());
        if self.mappings.iter().any(|one| names(one) == names(&row)) {
            let text = "Code path config already exists with this project and stack trace root";
            return Response::json(400, &json!({ "nonFieldErrors": [text] }));
        }
        self.mappings.push(row.clone());
        Response::json(201, &row)
    }

    /// One that code owners use is kept.
    fn unmap(&mut self, id: &str) -> Response {
        let count = self.mappings.len();
        self.mappings.retain(|one| one["id"] != id || one["hasOwners"] == true);
        if self.mappings.len() < count {
            return Response::html(204, "");
        }
        let why =
            "Cannot delete Code Mapping. Must delete Code Owner that uses this mapping first.";
        Response::json(409, &why.into())
    }

    fn change(&mut self, id: &str, body: &Value) -> Response {
        let row = match self.row(id, body) {
            Ok(row) => row,
            Err(refusal) => return refusal,
        };
        match self.mappings.iter_mut().find(|one| one["id"] == id) {
            Some(known) => known.clone_from(&row),
            None => return Response::detail(404, "The requested resource does not exist"),
        }
        Response::json(200, &row)
    }
}
