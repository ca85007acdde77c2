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
use crate::text::segment;
use serde_json::{Value, json};
use url::Url;

/// What one request to the bulk endpoint may hold.
const MOST_MAPPINGS: usize = 300;

impl SentryBackend<'_> {
    /// The repositories and code mappings of an integration, as far as these ask for any.
    pub async fn linked(
        &self,
        integration: i64,
        requested: &RequestedLinks,
    ) -> Result<ExistingLinks> {
        let mut linked = ExistingLinks::default();
        if !requested.repositories.is_empty() {
            linked.repositories = self.repositories(integration).await?;
        }
        if !requested.code_mappings.is_empty() {
            // What cannot be listed is set again, and that changes nothing.
            linked.code_mappings = self.code_mappings(integration).await.unwrap_or_default();
        }
        Ok(linked)
    }

    /// A listing whose lack is a warning.
    async fn optional_pages(&self, path: &str) -> Result<Vec<Value>> {
        self.pages(path, RetryPolicy::Optional, Permission::Repositories).await
    }

    async fn repositories(&self, integration: i64) -> Result<Vec<Vec<String>>> {
        let path = self.path(&format!("repos/?integration_id={integration}"));
        Ok(self.optional_pages(&path).await?.iter().map(names).collect())
    }

    async fn code_mappings(&self, integration: i64) -> Result<Vec<CodeMapping>> {
        let path = self.path(&format!("code-mappings/?integrationId={integration}"));
        Ok(self.optional_pages(&path).await?.iter().map(mapping).collect())
    }

    /// Links the repositories and sets the code mappings that are not there.
    pub async fn set_links(
        &mut self,
        integration: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        if requested.is_empty() {
            return;
        }
        let missing = match self.linked(integration, requested).await {
            Ok(linked) => requested.missing(&linked),
            Err(failure) => return report.not_linked("repositories", &failure.message),
        };
        for name in &missing.repositories {
            match self.link_repository(integration, name).await {
                Ok(true) => report.linked(name),
                Ok(false) => {}
                Err(why) => report.not_linked(name, &why),
            }
        }
        self.map_code(&missing.code_mappings, report).await;
    }

    /// Links one, and says whether that changed anything. An older server answers HTTP 500 when
    /// it is linked already, so the list has the last word.
    async fn link_repository(&self, integration: i64, name: &str) -> Result<bool, String> {
        let body = json!({
            "provider": format!("integrations:{}", self.task.provider_key()),
            "installation": integration.to_string(),
            "identifier": self.identifier(integration, name).await,
        });
        let failure = match self.send("repos/", &body, RetryPolicy::Unsent).await {
            Ok(response) if response.is_success() && response.json().is_object() => {
                return Ok(true);
            }
            // Another run has linked it meanwhile.
            Ok(response) if exists(&response.json()) => return Ok(false),
            Ok(response) => return Err(self.http_error_text(&response)),
            Err(failure) => failure,
        };
        let look = async || {
            let linked = self.repositories(integration).await?;
            Ok(linked
                .iter()
                .flatten()
                .any(|known| known.eq_ignore_ascii_case(name))
                .then_some(true))
        };
        self.client.look_for(look).await.ok().flatten().ok_or(failure.message)
    }

    /// The third party's own name for a repository: some, like GitLab, take a number only.
    async fn identifier(&self, integration: i64, name: &str) -> String {
        let path = format!("integrations/{integration}/repos/?search={}", segment(name));
        let response = self.client.get_optional(self.path(&path)).await.ok();
        let body = response.filter(HttpResponse::is_success).map(|response| response.json());
        let mut repositories = body.iter().filter_map(|body| body["repos"].as_array()).flatten();
        let is_named = |item: &&Value| names(item).iter().any(|n| n.eq_ignore_ascii_case(name));
        match repositories.find(is_named).map(|repository| &repository["identifier"]) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => name.to_owned(),
        }
    }

    /// Sets code mappings by the bulk endpoint, which updates those that are there.
    async fn map_code(&self, mappings: &[CodeMapping], report: &mut LinkReport) {
        let mut rest: Vec<_> = mappings.iter().collect();
        while let Some(first) = rest.first().copied() {
            let same = |one: &&CodeMapping| {
                one.project == first.project
                    && one.repository == first.repository
                    && one.default_branch == first.default_branch
            };
            let (group, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(same);
            rest = others;
            for chunk in group.chunks(MOST_MAPPINGS) {
                self.map_group(first, chunk, report).await;
            }
        }
    }

    async fn map_group(
        &self,
        first: &CodeMapping,
        group: &[&CodeMapping],
        report: &mut LinkReport,
    ) {
        let roots = |one: &&CodeMapping| json!({ "stackRoot": one.stack_root, "sourceRoot": one.source_root });
        let mut body = json!({
            "project": first.project,
            "repository": first.repository,
            "provider": self.task.provider_key(),
            "mappings": group.iter().map(roots).collect::<Vec<_>>(),
        });
        if let Some(branch) = &first.default_branch {
            body["defaultBranch"] = branch.as_str().into();
        }
        match self.send("code-mappings/bulk/", &body, RetryPolicy::Optional).await {
            Ok(response) if response.is_success() && response.json().is_object() => {
                report_mappings(&response.json(), group, report)
            }
            Ok(response) => report.not_mapped(first, &self.http_error_text(&response)),
            Err(failure) => report.not_mapped(first, &failure.message),
        }
    }

    async fn send(&self, rest: &str, body: &Value, retry: RetryPolicy) -> Result<HttpResponse> {
        Ok(self.client.send(&SentryRequest::post(self.path(rest), body, retry)).await?)
    }

    fn http_error_text(&self, response: &HttpResponse) -> String {
        match error_text(&response.json()).filter(|_| response.is_from_sentry()) {
            Some(reason) => format!("HTTP {}: {reason}", response.status),
            None => self.client.foreign(response).message,
        }
    }
}

/// What became of each mapping of a group: one without a result has been set.
fn report_mappings(body: &Value, group: &[&CodeMapping], report: &mut LinkReport) {
    let results = body["mappings"].as_array().map_or(&[][..], Vec::as_slice);
    for mapping in group {
        let is_own = |result: &&Value| {
            result["stackRoot"] == mapping.stack_root.as_str()
                && result["sourceRoot"] == mapping.source_root.as_str()
        };
        match results.iter().find(is_own).filter(|result| result["status"] == "error") {
            Some(result) => report.not_mapped(mapping, &error_text(result).unwrap_or_default()),
            None => report.mapped(mapping),
        }
    }
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

fn exists(body: &Value) -> bool {
    [&body["detail"]["code"], &body["code"]].iter().any(|code| **code == "repo_exists")
}
