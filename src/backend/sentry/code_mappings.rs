//! Setting code mappings: many at once, or one by one at a server that has no endpoint for many.

use super::SentryBackend;
use super::client::SentryRequest;
use super::client::response::error_text;
use super::links;
use crate::backend::{LinkReport, refused};
use crate::error::{Error, Result};
use crate::http::HttpResponse;
use crate::http::retry::RetryPolicy;
use crate::inputs::CodeMapping;
use crate::integration::{ExistingLinks, LinkedMapping};
use crate::text::{quote, segment};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What one request to the bulk endpoint may hold.
const MOST_MAPPINGS: usize = 300;
/// The branch that Sentry's own form proposes, for a server that asks for one.
const DEFAULT_BRANCH: &str = "main";

/// The ids of projects by their slugs, or why one is not known.
type ProjectIds = HashMap<String, Result<String>>;

impl SentryBackend<'_> {
    /// Sets code mappings by the bulk endpoint, which updates those that are there; where there is
    /// none, one by one.
    pub(super) async fn map_code(
        &self,
        integration: Option<i64>,
        mappings: &[CodeMapping],
        rows: &ExistingLinks,
        report: &mut LinkReport,
    ) {
        let (shared, mut rest): (Vec<_>, Vec<_>) =
            mappings.iter().partition(|one| shares_its_name(&one.repository, rows));
        self.map_each(integration, &shared, rows, report).await;
        while let Some(first) = rest.first().copied() {
            let same = |one: &&CodeMapping| {
                one.project == first.project
                    && one.repository == first.repository
                    && one.default_branch == first.default_branch
            };
            let (group, others): (Vec<_>, Vec<_>) = rest.iter().copied().partition(same);
            for chunk in group.chunks(MOST_MAPPINGS) {
                if !report.may_go_on() {
                    return;
                }
                if !self.map_group(integration, chunk, rows, report).await {
                    tracing::info!(
                        "the server has no endpoint for many code mappings; setting each"
                    );
                    return self.map_each(integration, &rest, rows, report).await;
                }
            }
            rest = others;
        }
    }

    /// Sets a group at once; false where there is no such endpoint.
    async fn map_group(
        &self,
        integration: Option<i64>,
        group: &[&CodeMapping],
        rows: &ExistingLinks,
        report: &mut LinkReport,
    ) -> bool {
        let first = group[0];
        let roots = |one: &&CodeMapping| json!({ "stackRoot": one.stack_root, "sourceRoot": one.source_root });
        // Sentry takes the name that it has itself.
        let linked = rows.repository(&first.repository);
        let name = linked.and_then(|linked| linked.names.first());
        let mut body = json!({
            "project": first.project,
            "repository": name.unwrap_or(&first.repository),
            "mappings": group.iter().map(roots).collect::<Vec<_>>(),
        });
        let known = linked.and_then(|linked| linked.provider.as_deref());
        let key = Some(self.task.provider_key()).filter(|key| !key.is_empty()).or(known);
        if let Some(key) = key {
            body["provider"] = key.into();
        }
        if let Some(branch) = &first.default_branch {
            body["defaultBranch"] = branch.as_str().into();
        }
        report.request(None, group);
        let sent = self.send("code-mappings/bulk/", &body, RetryPolicy::Optional).await;
        report.request(None, &[]);
        match sent {
            Ok(response) if response.is_success() && response.json().is_object() => {
                self.report_mappings(integration, &response.json(), group, report).await;
            }
            Ok(response) if has_no_endpoint(&response) => return false,
            // Another integration of the provider has one of this name; the id tells it.
            Ok(response) if response.status == 409 && linked.is_some() => {
                self.map_each(integration, group, rows, report).await;
            }
            Ok(response) => {
                let why = self.link_error(&response, self.link_permission());
                report.not_mapped(first, why);
            }
            Err(failure) => report.not_mapped(first, failure),
        }
        true
    }

    /// Says what became of each mapping of a group. One without a result of its own is looked up, unless
    /// the counts say that all were set.
    async fn report_mappings(
        &self,
        integration: Option<i64>,
        body: &Value,
        group: &[&CodeMapping],
        report: &mut LinkReport,
    ) {
        let count = |name: &str| body[name].as_u64().unwrap_or_default();
        let all_are_set = count("errors") == 0
            && count("created") + count("updated")
                >= u64::try_from(group.len()).unwrap_or(u64::MAX);
        let mut listed = None;
        for mapping in group {
            let result = result_of(body, mapping);
            let (status, root) =
                (result.map(|result| &result["status"]), quote(&mapping.stack_root));
            match status.and_then(Value::as_str) {
                Some("created" | "updated") => report.mapped(mapping),
                Some("error") => {
                    let reason =
                        result.and_then(error_text).unwrap_or("no reason given".to_owned());
                    report.not_mapped(mapping, refused(format!("{root}: {reason}")));
                }
                _ if all_are_set => report.mapped(mapping),
                _ => {
                    if listed.is_none() {
                        listed = Some(self.code_mappings(integration).await.unwrap_or_default());
                    }
                    let is_set = |one: &LinkedMapping| {
                        one.mapping.has_place_of(mapping)
                            && one.mapping.source_root == mapping.source_root
                    };
                    match listed.iter().flatten().any(is_set) {
                        true => report.mapped(mapping),
                        false => {
                            let why = "the answer does not say what became of it";
                            report.not_mapped(mapping, refused(format!("{root}: {why}")));
                        }
                    }
                }
            }
        }
    }

    async fn map_each(
        &self,
        integration: Option<i64>,
        mappings: &[&CodeMapping],
        rows: &ExistingLinks,
        report: &mut LinkReport,
    ) {
        let mut projects = ProjectIds::new();
        for mapping in mappings {
            if !report.may_go_on() {
                return;
            }
            report.request(None, &[mapping]);
            let mapped = self.map_one(integration, mapping, rows, &mut projects).await;
            report.request(None, &[]);
            match mapped {
                Ok(()) => report.mapped(mapping),
                Err(why) => report.not_mapped(mapping, why),
            }
        }
    }

    /// Sets one by the older endpoint, which knows repositories and projects by their ids.
    async fn map_one(
        &self,
        integration: Option<i64>,
        mapping: &CodeMapping,
        rows: &ExistingLinks,
        projects: &mut ProjectIds,
    ) -> Result {
        let repository = rows.repository(&mapping.repository).ok_or_else(|| {
            let name = quote(&mapping.repository);
            refused(format!("repository {name} is not linked: add it to `repositories`"))
        })?;
        let integration = integration.or(repository.integration);
        let integration = integration.ok_or_else(|| refused("set `integration-id`"))?;
        let known = rows.own_mapping(mapping);
        let known_branch = known.and_then(|known| known.mapping.default_branch.as_deref());
        let branch = mapping.default_branch.as_deref().or(known_branch).unwrap_or(DEFAULT_BRANCH);
        let body = json!({
            "integrationId": integration.to_string(),
            "repositoryId": repository.id,
            "projectId": self.project_id(&mapping.project, projects).await?,
            "stackRoot": mapping.stack_root,
            "sourceRoot": mapping.source_root,
            "defaultBranch": branch,
        });
        self.write_mapping(integration, mapping, known, &body).await
    }

    /// Changes the mapping that is there, or makes one. One that is made by a request whose answer
    /// was lost is found in the list.
    async fn write_mapping(
        &self,
        integration: i64,
        mapping: &CodeMapping,
        known: Option<&LinkedMapping>,
        body: &Value,
    ) -> Result {
        let request = match known {
            Some(known) => SentryRequest {
                method: Method::PUT,
                ..SentryRequest::post(
                    self.path(&format!("code-mappings/{}/", segment(&known.id))),
                    body,
                    RetryPolicy::Optional,
                )
            },
            None => SentryRequest::post(self.path("code-mappings/"), body, RetryPolicy::Unsent),
        };
        let is_made = |known: &LinkedMapping| {
            known.mapping.has_place_of(mapping) && known.mapping.source_root == mapping.source_root
        };
        let look = async || {
            let listed = self.code_mappings(integration).await?;
            Ok(listed.iter().any(is_made).then_some(()))
        };
        let mut sent = self.client.send_or_find(&request, &look).await?;
        if known.is_none() && sent.as_ref().is_ok_and(is_taken) {
            if look().await.is_ok_and(|made| made.is_some()) {
                return Ok(());
            }
            self.unmap_others(mapping).await?;
            sent = self.client.send_or_find(&request, &look).await?;
        }
        match sent {
            Ok(response) if response.is_success() && response.json().is_object() => Ok(()),
            Ok(response) => Err(self.link_error(&response, self.link_permission())),
            Err(()) => Ok(()),
        }
    }

    /// Deletes what another integration has in the place of a mapping: this server gives none over, as
    /// later ones do.
    async fn unmap_others(&self, mapping: &CodeMapping) -> Result {
        let path = self.path("code-mappings/?per_page=100");
        let others = async || {
            let listed = self.optional_pages(&path).await?;
            let all = listed.iter().map(links::mapping);
            let same = all.filter(|known| known.mapping.has_place_of(mapping));
            Ok::<_, Error>(same.map(|known| known.id).collect::<Vec<_>>())
        };
        for other in others().await? {
            let gone = async || Ok((!others().await?.contains(&other)).then_some(()));
            let path = format!("code-mappings/{}/", segment(&other));
            let left = |why: Error| {
                let message = format!("another integration has it, and keeps it: {why}");
                Error { message, ..why }
            };
            self.delete_row(&path, gone).await.map_err(left)?;
        }
        Ok(())
    }

    /// The id of a project, which is read once.
    async fn project_id(&self, slug: &str, known: &mut ProjectIds) -> Result<String> {
        if let Some(id) = known.get(slug) {
            return id.clone();
        }
        let path = self.path(&format!("projects/?query={}", segment(&format!("slug:{slug}"))));
        let listed = self.optional_pages(&path).await;
        let id = match listed.map(|listed| id_of(listed.into_iter(), slug)) {
            Ok(None) => {
                let why = "does not exist, or this token cannot see it";
                Err(refused(format!("project {} {why}", quote(slug))))
            }
            Ok(Some(id)) => Ok(id),
            // A token may see a project without being allowed to list any.
            Err(why) => self.own_project_id(slug).await.ok_or(why),
        };
        known.entry(slug.to_owned()).or_insert(id).clone()
    }

    async fn own_project_id(&self, slug: &str) -> Option<String> {
        let path =
            format!("/api/0/projects/{}/{}/", segment(self.task.org.as_str()), segment(slug));
        let response = self.client.get_optional(path).await.ok()?;
        id_of(std::iter::once(response.json()).filter(|_| response.is_success()), slug)
    }
}

/// Whether Sentry calls another repository by the same name: the bulk endpoint knows no more of it.
fn shares_its_name(repository: &str, rows: &ExistingLinks) -> bool {
    let Some(row) = rows.repository(repository) else { return false };
    let mut others = rows.repositories.iter().filter(|other| other.id != row.id);
    others.any(|other| other.shown_name() == row.shown_name())
}

/// The id of the project with this slug.
fn id_of(mut projects: impl Iterator<Item = Value>, slug: &str) -> Option<String> {
    projects.find(|one| one["slug"] == slug)?["id"].as_str().map(str::to_owned)
}

/// Whether there is a mapping in the place of one that was to be made.
fn is_taken(response: &HttpResponse) -> bool {
    let taken = "Code path config already exists with this project and stack trace root";
    response.status == 400 && response.json()["nonFieldErrors"][0] == taken
}

/// Whether a server knows no such endpoint: it takes `bulk` for the id of a mapping.
fn has_no_endpoint(response: &HttpResponse) -> bool {
    response.status == 405 || (response.status == 404 && !response.is_from_sentry())
}

/// What an answer says of this mapping.
fn result_of<'a>(body: &'a Value, mapping: &CodeMapping) -> Option<&'a Value> {
    body["mappings"].as_array()?.iter().find(|result| {
        result["stackRoot"] == mapping.stack_root.as_str()
            && result["sourceRoot"] == mapping.source_root.as_str()
    })
}
