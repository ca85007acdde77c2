//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! Whatever fails here is a warning of its own and never hides the finished integration.

use super::SentryBackend;
use super::client::SentryRequest;
use super::client::permission::Permission;
use super::client::response::error_text;
use crate::backend::LinkReport;
use crate::error::Result;
use crate::http::HttpResponse;
use crate::http::retry::RetryPolicy;
use crate::inputs::CodeMapping;
use crate::integration::{ExistingLinks, RequestedLinks};
use serde_json::Value;
use url::Url;

/// A repository that an integration has in Sentry.
pub(super) struct LinkedRepository {
    /// Sentry's id for it.
    pub(super) id: String,
    /// All its names, the one that Sentry calls it by first.
    pub(super) names: Vec<String>,
}

/// A code mapping with Sentry's id for it.
pub(super) struct LinkedMapping {
    pub(super) id: String,
    pub(super) mapping: CodeMapping,
}

/// What an integration has in Sentry.
#[derive(Default)]
pub(super) struct LinkedRows {
    pub(super) repositories: Vec<LinkedRepository>,
    pub(super) code_mappings: Vec<LinkedMapping>,
}

impl LinkedRepository {
    pub(super) fn read(item: &Value) -> Self {
        Self { id: id(item), names: names(item) }
    }

    /// Whether this is one of its names.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }
}

impl LinkedRows {
    /// The repository of this name.
    pub(super) fn repository(&self, name: &str) -> Option<&LinkedRepository> {
        self.repositories.iter().find(|one| one.is_named(name))
    }

    fn existing(&self) -> ExistingLinks {
        ExistingLinks {
            repositories: self.repositories.iter().map(|one| one.names.clone()).collect(),
            code_mappings: self.code_mappings.iter().map(|one| one.mapping.clone()).collect(),
            elsewhere: Vec::new(),
        }
    }
}

impl SentryBackend<'_> {
    /// The repositories and code mappings of an integration, as far as these ask for any.
    pub async fn linked(
        &self,
        integration: i64,
        requested: &RequestedLinks,
    ) -> Result<ExistingLinks> {
        Ok(self.linked_rows(integration, requested).await?.existing())
    }

    async fn linked_rows(
        &self,
        integration: i64,
        requested: &RequestedLinks,
    ) -> Result<LinkedRows> {
        let mut rows = LinkedRows::default();
        if requested.is_empty() {
            return Ok(rows);
        }
        let listed = self.repositories(integration).await;
        rows.repositories = match requested.repositories.is_empty() {
            // Code mappings can be set by the names that they are given, too.
            true => listed.unwrap_or_default(),
            false => listed?,
        };
        if !requested.code_mappings.is_empty() {
            // What cannot be listed is set again, and that changes nothing.
            rows.code_mappings = self.code_mappings(integration).await.unwrap_or_default();
        }
        Ok(rows)
    }

    /// A listing whose lack is a warning.
    pub(super) async fn optional_pages(&self, path: &str) -> Result<Vec<Value>> {
        self.pages(path, RetryPolicy::Optional, Permission::Repositories).await
    }

    pub(super) async fn repositories(&self, integration: i64) -> Result<Vec<LinkedRepository>> {
        let path = self.path(&format!("repos/?integration_id={integration}"));
        Ok(self.optional_pages(&path).await?.iter().map(LinkedRepository::read).collect())
    }

    pub(super) async fn code_mappings(&self, integration: i64) -> Result<Vec<LinkedMapping>> {
        let path = self.path(&format!("code-mappings/?integrationId={integration}"));
        let read = |item: &Value| LinkedMapping { id: id(item), mapping: mapping(item) };
        Ok(self.optional_pages(&path).await?.iter().map(read).collect())
    }

    /// Links the repositories and sets the code mappings that are not there.
    pub async fn set_links(
        &mut self,
        integration: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        self.settle_config(integration, report).await;
        if requested.is_empty() {
            return;
        }
        let mut rows = match self.linked_rows(integration, requested).await {
            Ok(rows) => rows,
            Err(failure) => return report.not_linked("repositories", &failure.message),
        };
        let missing = requested.missing(&rows.existing());
        for name in &missing.repositories {
            match self.link_repository(integration, name).await {
                Ok(Some(repository)) => {
                    report.linked(name);
                    rows.repositories.push(repository);
                }
                // Another run has linked it meanwhile.
                Ok(None) => {
                    let listed = self.repositories(integration).await;
                    rows.repositories = listed.unwrap_or(rows.repositories);
                }
                Err(why) => report.not_linked(name, &why),
            }
        }
        self.map_code(integration, &missing.code_mappings, &rows, report).await;
    }

    pub(super) async fn send(
        &self,
        rest: &str,
        body: &Value,
        retry: RetryPolicy,
    ) -> Result<HttpResponse> {
        Ok(self.client.send(&SentryRequest::post(self.path(rest), body, retry)).await?)
    }

    pub(super) fn http_error_text(&self, response: &HttpResponse) -> String {
        match error_text(&response.json()).filter(|_| response.is_from_sentry()) {
            Some(reason) => format!("HTTP {}: {reason}", response.status),
            None => self.client.foreign(response).message,
        }
    }
}

/// Sentry's id of a row.
fn id(item: &Value) -> String {
    item["id"].as_str().map_or_else(|| item["id"].to_string(), str::to_owned)
}

/// What a repository is called, the name that people see first; GitLab's tells the path in its
/// address only.
pub(super) fn names(repository: &Value) -> Vec<String> {
    let text = |key: &str| match &repository[key] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let texts = ["name", "identifier", "externalSlug"].map(text);
    let address = repository["url"].as_str().and_then(|url| Url::parse(url).ok());
    let path = address.map(|url| url.path().trim_matches('/').to_owned());
    texts.into_iter().flatten().chain(path.filter(|path| !path.is_empty())).collect()
}

/// A code mapping, as inputs have it.
pub(super) fn mapping(item: &Value) -> CodeMapping {
    let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    CodeMapping {
        project: text("projectSlug"),
        repository: text("repoName"),
        stack_root: text("stackRoot"),
        source_root: text("sourceRoot"),
        default_branch: item["defaultBranch"].as_str().map(str::to_owned),
    }
}
