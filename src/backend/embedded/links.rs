//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! The third party is not asked about them.

use super::EmbeddedBackend;
use crate::backend::{LinkReport, refused};
use crate::database::{
    NewCodeMapping, NewRepository, StoredCodeMapping, StoredRepository, may_install,
};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::CodeMapping;
use crate::integration::{
    ExistingLinks, IntegrationTask, LinkedMapping, LinkedRepository, RequestedLinks, UnwantedLinks,
};
use crate::model::OrgSlug;
use crate::text::url::decoded_path;

impl EmbeddedBackend<'_> {
    /// The repositories and code mappings of an integration.
    pub async fn linked(&mut self, org: i64, integration: i64) -> Result<ExistingLinks> {
        let repositories = self.database.linked_repositories(org, integration).await?;
        let mappings = self.database.linked_code_mappings(org, integration).await?;
        Ok(ExistingLinks {
            repositories: repositories.into_iter().map(LinkedRepository::from).collect(),
            code_mappings: mappings.into_iter().map(LinkedMapping::from).collect(),
            ..ExistingLinks::default()
        })
    }

    /// The mappings of other integrations that these would replace.
    pub async fn mapped_elsewhere(
        &mut self,
        org: i64,
        integration: Option<i64>,
        requested: &RequestedLinks,
    ) -> Result<Vec<LinkedMapping>> {
        let mut elsewhere = Vec::new();
        for mapping in &requested.code_mappings {
            let Some(project) = self.database.project(org, &mapping.project).await? else {
                continue;
            };
            let stored = self.database.code_mapping(project.id, &mapping.stack_root).await?;
            let other = stored.filter(|stored| Some(stored.integration_id) != integration);
            elsewhere.extend(other.map(LinkedMapping::from));
        }
        Ok(elsewhere)
    }

    /// Links the repositories, and sets code mappings over those for the same project and stack root.
    pub async fn set_links(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        if requested.is_empty() {
            return;
        }
        let mut known = self.linked_of(&task.org, integration).await.unwrap_or_default();
        if let Err(failure) = requested.check_names(&known) {
            return report.contradicted(requested, failure);
        }
        report.begin(requested, &known);
        self.set_missing(task, integration, requested, &known, report).await;
        // Where all was there, nothing else is now.
        if !requested.missing(&known).is_empty() {
            known = match self.linked_of(&task.org, integration).await {
                Ok(known) => known,
                Err(failure) => return report.unread(requested, failure),
            };
        }
        report.identify(&known);
        report.note_absent(requested, &known);
        let mut requested = requested.clone();
        report.keep_repositories(&mut requested);
        let removed = self.remove_links(&task.org, &requested.unwanted(&known), report).await;
        removed.unwrap_or_else(|failure| report.unread(&requested, failure));
    }

    /// Links the repositories that are not there, and sets the code mappings.
    async fn set_missing(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        requested: &RequestedLinks,
        known: &ExistingLinks,
        report: &mut LinkReport,
    ) {
        for name in requested.repositories.iter().filter(|name| !known.has(name)) {
            let linked = match self.database.begin().await {
                Ok(()) => self.link_one(task, integration, name).await,
                Err(failure) => Err(failure),
            };
            match self.database.end_with(linked) {
                Ok(true) => report.linked(name, None),
                Ok(false) => report.found(name),
                Err(failure) => report.not_linked(name, failure),
            }
        }
        for mapping in &requested.code_mappings {
            let mapped = match self.database.begin().await {
                Ok(()) => self.map_one(task, integration, mapping).await,
                Err(failure) => Err(failure),
            };
            match self.database.end_with(mapped) {
                Ok(true) => report.mapped(mapping),
                Ok(false) => {}
                Err(failure) => report.not_mapped(mapping, failure),
            }
        }
    }

    /// The repositories and code mappings of an integration of this organization.
    async fn linked_of(&mut self, org: &OrgSlug, integration: i64) -> Result<ExistingLinks> {
        match self.database.organization(org.as_str()).await? {
            Some(org) => self.linked(org.id, integration).await,
            None => Ok(ExistingLinks::default()),
        }
    }

    /// Deletes the code mappings and repositories that are to be gone.
    async fn remove_links(
        &mut self,
        org: &OrgSlug,
        unwanted: &UnwantedLinks<'_>,
        report: &mut LinkReport,
    ) -> Result {
        report.note_kept(unwanted);
        let Some(org) = self.database.organization(org.as_str()).await?.map(|org| org.id) else {
            return Ok(());
        };
        for known in &unwanted.code_mappings {
            match self.database.delete_code_mapping(org, row_id(&known.id)).await {
                Ok(_) => report.unmapped(&known.mapping),
                Err(failure) => report.not_unmapped(&known.mapping, failure),
            }
        }
        for known in &unwanted.repositories {
            let name = known.shown_name();
            match self.database.delete_repository(org, row_id(&known.id)).await {
                Ok(_) => report.unlinked(name),
                Err(failure) => report.not_unlinked(name, failure),
            }
        }
        Ok(())
    }

    /// Removes the organization's integration, with the rights of the local user; whether it was there.
    pub async fn remove(&mut self, org: &OrgSlug, integration: i64) -> Result<bool> {
        self.database.begin().await?;
        let removed = self.remove_one(org, integration).await;
        self.database.end_with(removed)
    }

    async fn remove_one(&mut self, org: &OrgSlug, integration: i64) -> Result<bool> {
        let user = self.database.local_user().await?;
        let Some(org) = self.database.organization(org.as_str()).await?.map(|org| org.id) else {
            return Ok(false);
        };
        if !may_install(self.database.role(org, user).await?.as_deref()) {
            let message = "you must be an owner, manager or admin of the organization";
            return Err(Error::new(ErrorCode::MissingScope, message));
        }
        self.database.remove_integration(org, Some(user), integration).await
    }

    async fn link_one(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        name: &str,
    ) -> Result<bool> {
        if !task.provider.has_repositories() {
            return Err(refused(format!("{} does not support repositories", task.name())));
        }
        let org = self.database.ensure_organization(&task.org, &[]).await?;
        let new = NewRepository {
            name: name.to_owned(),
            url: None,
            provider: format!("integrations:{}", task.provider_key()),
            external_id: name.to_owned(),
            integration_id: integration,
        };
        Ok(self.database.link_repository(org, &new).await?.is_some())
    }

    async fn map_one(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        mapping: &CodeMapping,
    ) -> Result<bool> {
        let slug = OrgSlug::parse(&mapping.project);
        let slug = slug.ok_or_else(|| refused("invalid project slug"))?;
        let org = self.database.ensure_organization(&task.org, &[slug]).await?;
        let project = self.database.project(org, &mapping.project).await?;
        let project = project.ok_or_else(|| refused("project not found"))?.id;
        let known = self.linked(org, integration).await?;
        let repository = known.repository(&mapping.repository);
        let repository = repository.ok_or_else(|| refused("the repository is not linked"))?;
        let repository_id = row_id(&repository.id);
        let link = self.database.integration(org, integration).await?;
        let link = link.ok_or_else(|| refused("the integration no longer exists"))?.link;
        let existing = self.database.code_mapping(project, &mapping.stack_root).await?;
        // A mapping that names no branch leaves it as it is.
        let branch = existing.as_ref().and_then(|stored| stored.mapping.default_branch.clone());
        let default_branch = mapping.default_branch.clone().or(branch);
        let name = repository.shown_name().to_owned();
        let wanted = CodeMapping { default_branch, repository: name, ..mapping.clone() };
        let is_same = |stored: &StoredCodeMapping| {
            stored.repository_id == repository_id
                && stored.integration_id == integration
                && stored.mapping == wanted
        };
        if existing.as_ref().is_some_and(is_same) {
            return Ok(false);
        }
        let new = NewCodeMapping {
            project,
            repository: repository_id,
            link,
            stack_root: wanted.stack_root,
            source_root: wanted.source_root,
            default_branch: wanted.default_branch,
        };
        self.database.upsert_code_mappings(&[new]).await?;
        Ok(true)
    }
}

/// The id of a row as SQLite has it.
fn row_id(id: &str) -> i64 {
    id.parse().unwrap_or(-1)
}

impl From<StoredRepository> for LinkedRepository {
    fn from(stored: StoredRepository) -> Self {
        let path = stored.url.as_deref().and_then(decoded_path);
        let other = path.clone().filter(|path| *path != stored.name);
        Self {
            id: stored.id.to_string(),
            names: std::iter::once(stored.name).chain(other).collect(),
            paths: path.into_iter().collect(),
            integration: stored.integration_id,
            provider: None,
        }
    }
}

impl From<StoredCodeMapping> for LinkedMapping {
    fn from(stored: StoredCodeMapping) -> Self {
        let repository_id = Some(stored.repository_id.to_string());
        Self { id: stored.id.to_string(), repository_id, mapping: stored.mapping }
    }
}
