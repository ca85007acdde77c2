//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! Whatever fails here is a warning of its own and never hides the finished integration.

use super::SentryBackend;
use super::client::SentryRequest;
use super::client::permission::Permission;
use super::client::response::error_text;
use crate::backend::{LinkReport, refused};
use crate::error::{Error, Result};
use crate::http::HttpResponse;
use crate::http::retry::RetryPolicy;
use crate::inputs::CodeMapping;
use crate::integration::{ExistingLinks, LinkedMapping, LinkedRepository, RequestedLinks};
use crate::text::segment;
use crate::text::url::decoded_path;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

impl SentryBackend<'_> {
    /// The repositories and code mappings of an integration, as far as these ask for any.
    pub async fn linked(
        &self,
        integration: Option<i64>,
        requested: &RequestedLinks,
    ) -> Result<ExistingLinks> {
        let mut rows = ExistingLinks::default();
        if requested.is_empty() {
            return Ok(rows);
        }
        let RequestedLinks { pruned, absent_repositories, absent_mappings, .. } = requested;
        let have_names = !requested.repositories.is_empty() || !absent_repositories.is_empty();
        match self.repositories(integration).await {
            Ok(listed) => rows.repositories = listed,
            Err(failure) if have_names || !pruned.repositories.is_empty() => return Err(failure),
            // Code mappings can be set by the names that they are given, too.
            Err(_) => rows.is_partial = true,
        }
        if !absent_mappings.is_empty() || !pruned.code_mappings.is_empty() {
            rows.code_mappings = self.code_mappings(integration).await?;
        } else if !requested.code_mappings.is_empty() || requested.has_absent() {
            // What cannot be listed is set again, and that changes nothing.
            rows.code_mappings = self.code_mappings(integration).await.unwrap_or_default();
        }
        Ok(rows)
    }

    /// A listing whose lack is a warning.
    pub(super) async fn optional_pages(&self, path: &str) -> Result<Vec<Value>> {
        self.pages(path, RetryPolicy::Optional, self.link_permission()).await
    }

    /// What is needed to set links: less, where nothing but code mappings is.
    pub(super) fn link_permission(&self) -> Permission {
        if self.task.is_link() { Permission::CodeMappings } else { Permission::Repositories }
    }

    /// The repositories of an integration, or of all of the provider.
    pub(super) async fn repositories(
        &self,
        integration: impl Into<Option<i64>>,
    ) -> Result<Vec<LinkedRepository>> {
        let integration = integration.into();
        let path = match integration {
            Some(integration) => self.path(&format!("repos/?integration_id={integration}")),
            None => self.path("repos/?status=active"),
        };
        let all = self.optional_pages(&path).await?;
        let all = all.iter().filter(|item| may_be_of(item, integration)).map(repository);
        Ok(all.filter(|one| self.may_be_ours(one)).collect())
    }

    /// The integration that has the repositories of these code mappings, where it is one.
    pub async fn integration_of(&self, mappings: &[CodeMapping]) -> Option<i64> {
        let repositories = self.repositories(None).await.ok()?;
        let listed = ExistingLinks { repositories, ..ExistingLinks::default() };
        let mapped = mappings.iter().flat_map(|mapping| listed.named(&mapping.repository));
        let ids: BTreeSet<_> = mapped.filter_map(|one| one.integration).collect();
        ids.first().copied().filter(|_| ids.len() == 1)
    }

    /// Whether a repository is of the task's provider, as far as both are known.
    fn may_be_ours(&self, repository: &LinkedRepository) -> bool {
        let (own, key) = (&repository.provider, self.task.provider_key());
        key.is_empty() || own.as_ref().is_none_or(|own| own == key)
    }

    /// The code mappings of an integration, or of all of the provider.
    pub(super) async fn code_mappings(
        &self,
        integration: impl Into<Option<i64>>,
    ) -> Result<Vec<LinkedMapping>> {
        let integration = integration.into();
        let path = match integration {
            Some(integration) => self.path(&format!("code-mappings/?integrationId={integration}")),
            None => self.path("code-mappings/?per_page=100"),
        };
        let key = self.task.provider_key();
        let all = self.optional_pages(&path).await?;
        let is_ours = |item: &&Value| {
            key.is_empty() || item["provider"]["key"].as_str().is_none_or(|own| own == key)
        };
        let all = all.iter().filter(|item| may_be_of(item, integration));
        Ok(all.filter(is_ours).map(mapping).collect())
    }

    /// Links the repositories and sets the code mappings that are not there.
    pub async fn set_links(
        &mut self,
        integration: impl Into<Option<i64>>,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        let integration = integration.into();
        if let Some(integration) = integration {
            self.settle_config(integration, report).await;
        }
        if requested.is_empty() {
            return;
        }
        let mut rows = match self.linked(integration, requested).await {
            Ok(rows) => rows,
            Err(failure) => return report.unread(requested, failure),
        };
        if let Err(failure) = requested.check_names(&rows) {
            return report.contradicted(requested, failure);
        }
        report.begin(requested, &rows);
        report.note_absent(requested, &rows);
        let mut missing = requested.missing(&rows);
        self.link_missing(integration, &missing.repositories, &mut rows, report).await;
        let mappings = &missing.code_mappings;
        let mappings = self.own_mappings(integration, mappings, &rows, report).await;
        self.map_code(integration, &mappings, &rows, report).await;
        self.identify(integration, &rows, report).await;
        report.keep_repositories(&mut missing);
        // A repository takes its code mappings along, so those that move away from it went first.
        self.remove_links(integration, &missing.unwanted(&rows), report).await;
        report.note_cut(requested);
    }

    /// Looks up the ids of the mappings that are new: no answer has them.
    async fn identify(
        &self,
        integration: Option<i64>,
        rows: &ExistingLinks,
        report: &mut LinkReport,
    ) {
        report.identify(rows);
        if report.lacks_ids() && report.may_go_on() {
            let code_mappings = self.code_mappings(integration).await.unwrap_or_default();
            report.identify(&ExistingLinks { code_mappings, ..ExistingLinks::default() });
        }
    }

    async fn link_missing(
        &self,
        integration: Option<i64>,
        names: &[String],
        rows: &mut ExistingLinks,
        report: &mut LinkReport,
    ) {
        for name in names {
            if !report.may_go_on() {
                return;
            }
            let Some(integration) = integration else {
                report.not_linked(name, refused("set `integration-id` to link it through"));
                continue;
            };
            report.request(Some(name), &[]);
            let linked = self.link_repository(integration, name, rows).await;
            report.request(None, &[]);
            match linked {
                Ok(Some(repository)) => {
                    report.linked(name, Some(&repository));
                    rows.repositories.push(repository);
                }
                Ok(None) => match self.linked_by_others(integration, name, rows).await {
                    Ok(()) => report.found(name),
                    Err(why) => report.not_linked(name, why),
                },
                Err(why) => report.not_linked(name, why),
            }
        }
    }

    /// Looks for a repository that Sentry has already: another run has linked it meanwhile, or it is not this
    /// integration's.
    async fn linked_by_others(
        &self,
        integration: i64,
        name: &str,
        rows: &mut ExistingLinks,
    ) -> Result {
        rows.repositories = self.repositories(integration).await?;
        if rows.repositories.iter().any(|one| one.is_named(name)) {
            return Ok(());
        }
        Err(refused(match self.holder(name, integration).await {
            Some(holder) => held_by(holder),
            None => {
                "Sentry has it already, and not for this integration: it is another one's, hidden or being deleted"
                    .to_owned()
            }
        }))
    }

    /// The mappings but those to what another integration has: Sentry would map through that one.
    async fn own_mappings(
        &self,
        integration: Option<i64>,
        mappings: &[CodeMapping],
        rows: &ExistingLinks,
        report: &mut LinkReport,
    ) -> Vec<CodeMapping> {
        let Some(integration) = integration else { return mappings.to_vec() };
        let (mut own, mut others) = (Vec::new(), HashMap::new());
        for mapping in mappings {
            let name = mapping.repository.as_str();
            if !others.contains_key(name) {
                let holder = match rows.has(name) {
                    true => None,
                    false => self.holder(name, integration).await,
                };
                others.insert(name, holder);
            }
            match others[name] {
                Some(holder) => report.not_mapped(mapping, refused(held_by(holder))),
                None => own.push(mapping.clone()),
            }
        }
        own
    }

    /// Another integration that has a repository of this name.
    pub(super) async fn holder(&self, name: &str, integration: i64) -> Option<i64> {
        let path = self.path(&format!("repos/?query={}", segment(name)));
        let listed = self.optional_pages(&path).await.unwrap_or_default();
        let named = listed.iter().map(repository).filter(|one| one.is_named(name));
        named.filter_map(|one| one.integration).find(|id| *id != integration)
    }

    /// The repositories of other integrations that stand in the way of those that are lacking.
    pub async fn in_the_way(
        &self,
        integration: Option<i64>,
        missing: &RequestedLinks,
    ) -> Vec<LinkedRepository> {
        if missing.repositories.is_empty() {
            return Vec::new();
        }
        let listed = self.optional_pages(&self.path("repos/?status=active")).await;
        let listed = listed.unwrap_or_default();
        let is_lacking =
            |one: &LinkedRepository| missing.repositories.iter().any(|name| one.is_named(name));
        let others = listed.iter().map(repository).filter(is_lacking);
        others.filter(|one| one.integration.is_some() && one.integration != integration).collect()
    }

    pub(super) async fn send(
        &self,
        rest: &str,
        body: &Value,
        retry: RetryPolicy,
    ) -> Result<HttpResponse> {
        Ok(self.client.send(&SentryRequest::post(self.path(rest), body, retry)).await?)
    }

    /// Why an answer sets or removes no link: where Sentry itself refuses it, in its words.
    pub(super) fn link_error(&self, response: &HttpResponse, permission: Permission) -> Error {
        let status = response.status;
        let is_refusal = (400..500).contains(&status) && !matches!(status, 401 | 403);
        match error_text(&response.json()).filter(|_| is_refusal && response.is_from_sentry()) {
            Some(reason) => {
                let failure = refused(format!("HTTP {status}: {reason}"));
                Error { status: Some(status), ..failure }
            }
            None => self.denied(response, permission),
        }
    }
}

/// Why a repository is not linked that another integration has, and the way out.
pub(super) fn held_by(holder: i64) -> String {
    format!(
        "another integration has the repository; to move it, and lose its commits, first run with \
         `integration-id: {holder}` and the repository in `repositories-absent`"
    )
}

/// Whether a row is of this integration, as far as it tells: a server may list more than was asked for.
fn may_be_of(item: &Value, integration: Option<i64>) -> bool {
    integration.is_none() || integration_id(item).is_none_or(|id| Some(id) == integration)
}

/// The integration of a row.
fn integration_id(item: &Value) -> Option<i64> {
    let id = &item["integrationId"];
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

/// Sentry's id of a row.
pub(super) fn id(item: &Value) -> String {
    item["id"].as_str().map_or_else(|| item["id"].to_string(), str::to_owned)
}

/// A text, or a number as one.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A repository as Sentry lists it.
pub(super) fn repository(item: &Value) -> LinkedRepository {
    let provider = item["provider"]["id"].as_str().and_then(|id| id.split_once(':'));
    let slug = item["externalSlug"].as_str().filter(|slug| slug.contains('/'));
    LinkedRepository {
        id: id(item),
        names: names(item),
        paths: slug.map(str::to_owned).into_iter().chain(address_paths(item)).collect(),
        integration: integration_id(item),
        provider: provider.map(|(_, key)| key.to_owned()),
    }
}

/// What a repository is called, the name that people see first; GitLab's tells the path in its
/// address only.
pub(super) fn names(repository: &Value) -> Vec<String> {
    let texts = ["name", "identifier", "externalSlug"].map(|key| text_of(&repository[key]));
    let mut names: Vec<String> = Vec::new();
    for name in texts.into_iter().flatten().chain(address_paths(repository)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The path of a repository's address; of a GitLab below a path also the part of it that is the
/// repository's, which has as many parts as its name.
fn address_paths(repository: &Value) -> Vec<String> {
    let Some(path) = repository["url"].as_str().and_then(decoded_path) else { return Vec::new() };
    let name = repository["name"].as_str().unwrap_or_default();
    let (parts, segments) = (name.split(" / ").count(), path.split('/').collect::<Vec<_>>());
    let own = match segments.len().checked_sub(parts) {
        Some(base @ 1..) if parts > 1 => Some(segments[base..].join("/")),
        _ => None,
    };
    std::iter::once(path.clone()).chain(own).collect()
}

/// A code mapping as Sentry lists it.
pub(super) fn mapping(item: &Value) -> LinkedMapping {
    let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    let mapping = CodeMapping {
        project: text("projectSlug"),
        repository: text("repoName"),
        stack_root: text("stackRoot"),
        source_root: text("sourceRoot"),
        default_branch: item["defaultBranch"].as_str().map(str::to_owned),
    };
    LinkedMapping { id: id(item), repository_id: text_of(&item["repoId"]), mapping }
}
