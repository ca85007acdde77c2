//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! The third party is not asked about them.

use super::EmbeddedBackend;
use crate::backend::LinkReport;
use crate::database::code_mappings::NewCodeMapping;
use crate::database::organizations::PageQuery;
use crate::database::repositories::{NewRepository, RepositoryFilter};
use crate::error::{Error, Result};
use crate::inputs::types::CodeMapping;
use crate::integration::links::{ExistingLinks, RequestedLinks};
use crate::integration::task::IntegrationTask;
use crate::model::OrgSlug;

impl EmbeddedBackend<'_> {
    /// The repositories and code mappings of an integration.
    pub async fn linked(&mut self, org: i64, integration: i64) -> Result<ExistingLinks> {
        let integration_id = Some(integration);
        let filter = RepositoryFilter { integration_id, ..RepositoryFilter::default() };
        let repositories = self.database.repositories(org, &filter, PageQuery::ALL).await?;
        let mapped = self.database.code_mappings(org, integration_id, &[], PageQuery::ALL).await?;
        let mapping = |one: crate::database::code_mappings::StoredCodeMapping| CodeMapping {
            project: one.project_slug,
            repository: one.repository_name,
            stack_root: one.stack_root,
            source_root: one.source_root,
            default_branch: one.default_branch,
        };
        Ok(ExistingLinks {
            repositories: repositories.into_iter().map(|one| vec![one.name]).collect(),
            code_mappings: mapped.into_iter().map(mapping).collect(),
        })
    }

    /// Links the repositories, and sets code mappings over those for the same project and stack root.
    pub async fn set_links(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        wanted: &RequestedLinks,
        after: &mut LinkReport,
    ) {
        for name in &wanted.repositories {
            match self.link_one(task, integration, name).await {
                Ok(true) => after.linked(name),
                Ok(false) => {}
                Err(failure) => after.not_linked(name, &failure.message),
            }
        }
        for mapping in &wanted.code_mappings {
            match self.map_one(task, integration, mapping).await {
                Ok(true) => after.mapped(mapping),
                Ok(false) => {}
                Err(failure) => after.not_mapped(mapping, &failure.message),
            }
        }
    }

    async fn link_one(
        &mut self,
        task: &IntegrationTask,
        integration: i64,
        name: &str,
    ) -> Result<bool> {
        if !task.provider.has_repositories() {
            return Err(refused(format!("{} has no repositories", task.name())));
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
        let slug = slug.ok_or_else(|| refused("the project's slug is none".to_owned()))?;
        let org = self.database.ensure_organization(&task.org, &[slug]).await?;
        let project = self.database.project(org, &mapping.project).await?;
        let project = project.ok_or_else(|| refused("there is no such project".to_owned()))?.id;
        let integration_id = Some(integration);
        let filter = RepositoryFilter { integration_id, ..RepositoryFilter::default() };
        let linked = self.database.repositories(org, &filter, PageQuery::ALL).await?;
        let repository = linked.into_iter().find(|linked| linked.name == mapping.repository);
        let repository = repository.ok_or_else(|| refused("it is not linked".to_owned()))?;
        let link = self.database.integration(org, integration).await?;
        let link = link.ok_or_else(|| refused("the integration is gone".to_owned()))?.link;
        let there =
            self.database.code_mappings(org, Some(integration), &[project], PageQuery::ALL).await?;
        let is_same = there.iter().any(|there| {
            there.stack_root == mapping.stack_root
                && there.source_root == mapping.source_root
                && there.repository_id == repository.id
                && there.default_branch == mapping.default_branch
        });
        if is_same {
            return Ok(false);
        }
        let new = NewCodeMapping {
            project,
            repository: repository.id,
            link,
            stack_root: mapping.stack_root.clone(),
            source_root: mapping.source_root.clone(),
            default_branch: mapping.default_branch.clone(),
        };
        self.database.upsert_code_mappings(&[new]).await?;
        Ok(true)
    }
}

fn refused(why: String) -> Error {
    Error::new(crate::error::ErrorCode::Refused, why)
}
