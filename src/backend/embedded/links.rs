//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! The third party is not asked about them.

use super::EmbeddedBackend;
use crate::backend::{LinkReport, refused};
use crate::database::{
    NewCodeMapping, NewRepository, StoredCodeMapping, StoredRepository, may_install,
};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::CodeMapping;
use crate::integration::{ExistingLinks, IntegrationTask, RequestedLinks};
use crate::model::OrgSlug;

impl EmbeddedBackend<'_> {
    /// The repositories and code mappings of an integration.
    pub async fn linked(&mut self, org: i64, integration: i64) -> Result<ExistingLinks> {
        let repositories = self.database.linked_repositories(org, integration).await?;
        let mappings = self.database.linked_code_mappings(org, integration).await?;
        Ok(ExistingLinks {
            repositories: repositories.into_iter().map(|stored| vec![stored.name]).collect(),
            code_mappings: mappings.into_iter().map(|stored| stored.mapping).collect(),
            elsewhere: Vec::new(),
        })
    }

    /// The mappings of other integrations that these would replace.
    pub async fn mapped_elsewhere(
        &mut self,
        org: i64,
        integration: Option<i64>,
        requested: &RequestedLinks,
    ) -> Result<Vec<CodeMapping>> {
        let mut elsewhere = Vec::new();
        for mapping in &requested.code_mappings {
            let Some(project) = self.database.project(org, &mapping.project).await? else {
                continue;
            };
            let stored = self.database.code_mapping(project.id, &mapping.stack_root).await?;
            let other = stored.filter(|stored| Some(stored.integration_id) != integration);
            elsewhere.extend(other.map(|stored| stored.mapping));
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
        let known = self.linked_of(&task.org, integration).await.unwrap_or_default();
        report.begin(requested, &known);
        for name in requested.repositories.iter().filter(|name| !known.has(name)) {
            let linked = match self.database.begin().await {
                Ok(()) => self.link_one(task, integration, name).await,
                Err(failure) => Err(failure),
            };
            match self.database.end_with(linked) {
                Ok(true) => report.linked(name),
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
        if requested.has_absent() {
            let mut requested = requested.clone();
            report.keep_repositories(&mut requested);
            let removed = self.remove_links(&task.org, integration, &requested, report).await;
            removed.unwrap_or_else(|failure| report.unread(&requested, failure));
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
        integration: i64,
        unwanted: &RequestedLinks,
        report: &mut LinkReport,
    ) -> Result {
        let Some(org) = self.database.organization(org.as_str()).await?.map(|org| org.id) else {
            return Ok(());
        };
        report.note_absent(unwanted, &self.linked(org, integration).await?);
        for stored in self.database.linked_code_mappings(org, integration).await? {
            let mapping = &stored.mapping;
            if unwanted.absent_mappings.iter().any(|place| place.is_of(mapping)) {
                match self.database.delete_code_mapping(org, stored.id).await {
                    Ok(_) => report.unmapped(mapping),
                    Err(failure) => report.not_unmapped(mapping, failure),
                }
            }
        }
        for stored in self.database.linked_repositories(org, integration).await? {
            let name = &stored.name;
            if unwanted.absent_repositories.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                match self.database.delete_repository(org, stored.id).await {
                    Ok(_) => report.unlinked(name),
                    Err(failure) => report.not_unlinked(name, failure),
                }
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
        let linked = self.database.linked_repositories(org, integration).await?;
        let is_named = |one: &StoredRepository| one.name.eq_ignore_ascii_case(&mapping.repository);
        let repository = linked.into_iter().find(is_named);
        let repository = repository.ok_or_else(|| refused("the repository is not linked"))?;
        let link = self.database.integration(org, integration).await?;
        let link = link.ok_or_else(|| refused("the integration no longer exists"))?.link;
        let existing = self.database.code_mapping(project, &mapping.stack_root).await?;
        // A mapping that names no branch leaves it as it is.
        let branch = existing.as_ref().and_then(|stored| stored.mapping.default_branch.clone());
        let default_branch = mapping.default_branch.clone().or(branch);
        let name = repository.name.clone();
        let wanted = CodeMapping { default_branch, repository: name, ..mapping.clone() };
        let is_same = |stored: &StoredCodeMapping| {
            stored.repository_id == repository.id
                && stored.integration_id == integration
                && stored.mapping == wanted
        };
        if existing.as_ref().is_some_and(is_same) {
            return Ok(false);
        }
        let new = NewCodeMapping {
            project,
            repository: repository.id,
            link,
            stack_root: wanted.stack_root,
            source_root: wanted.source_root,
            default_branch: wanted.default_branch,
        };
        self.database.upsert_code_mappings(&[new]).await?;
        Ok(true)
    }
}
