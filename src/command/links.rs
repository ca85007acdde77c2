//! `mode: link`: the repositories and code mappings of an integration that is there. No pipeline runs, so
//! that an organization's token will do where a Sentry takes it.

use super::server_access::pipeline_token;
use super::{RunContext, base_url};
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::backend::sentry::SentryBackend;
use crate::database::{Database, path};
use crate::error::{ErrorCode, Result};
use crate::inputs::{BackendName, Inputs};
use crate::integration::{IntegrationTask, RequestedLinks};
use crate::manifest::InventoryIndex;
use crate::model::site::Site;
use crate::model::token::{self, TokenKind};
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::link_changes::PlannedLinks;
use std::rc::Rc;
use tokio::time::Instant;

impl RunContext<'_> {
    /// Sets what is asked for, or says why there is nothing to do.
    pub(super) async fn link(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        backend: BackendName,
        deadline: Instant,
    ) -> Result<Outcome> {
        let ended = match backend {
            BackendName::Embedded => self.link_embedded(inputs, task).await,
            BackendName::Sentry => self.link_sentry(inputs, task, deadline).await,
        };
        match ended {
            // What is pruned goes with its integration.
            Err(failure) if inputs.pruned.is_some() && failure.is_gone => {
                if backend == BackendName::Sentry {
                    // Where the organization itself is not found, nothing is known of its integrations.
                    let options = self.pipeline_server(inputs, deadline)?;
                    SentryBackend::new(options, task, inputs.dialect)?.list().await?;
                }
                let report = IntegrationReport { task, site: &Site::new(base_url(inputs)) };
                Ok(report.linked(false, Vec::new(), None, Vec::new()))
            }
            ended => ended,
        }
    }

    async fn link_embedded(&self, inputs: &Inputs, task: &IntegrationTask) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        let requested = RequestedLinks::from_inputs(inputs);
        let (integration, task) = embedded::find_linkable(&path, task).await?;
        let report = IntegrationReport { task: &task, site: &Site::new(base_url(inputs)) };
        if inputs.dry_run {
            let organization = self.embedded_organization(&path, &task.org).await;
            let existing =
                &embedded::links_read_only(&path, &task.org, Some(integration), &requested).await?;
            let (task, links, integrations) = (&task, &requested, vec![integration]);
            let planned = PlannedLinks { task, links, existing, organization, integrations };
            return self.planned(&report, planned);
        }
        let mut database = Database::open(&path).await?;
        self.note_integration(inputs, &task, (Some(integration), ""), false);
        let (mut backend, mut links) = (EmbeddedBackend::new(&mut database), self.watched_links());
        backend.set_links(&task, integration, &requested, &mut links).await;
        self.note_links(&links);
        Ok(report.linked(links.changed, links.done, links.failure, links.warnings))
    }

    async fn link_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        let requested = RequestedLinks::from_inputs(inputs);
        let found = self.linkable(inputs, task, &requested, deadline).await?;
        let task = found.as_ref().unwrap_or(task);
        let options = self.link_server(inputs, requested.needs_user(), deadline)?;
        let mut backend = SentryBackend::new(options, task, inputs.dialect)?;
        if inputs.dry_run {
            return self.plan_links(inputs, (task, &backend), &requested, deadline).await;
        }
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        self.note_integration(inputs, task, (task.named_id(), ""), false);
        let mut links = self.watched_links();
        let work = backend.set_links(task.named_id(), &requested, &mut links);
        if let Err(end) = self.cancellation.within(deadline, work).await {
            links.broken_off(end, &requested);
        }
        self.note_links(&links);
        Ok(report.linked(links.changed, links.done, links.failure, links.warnings))
    }

    async fn plan_links(
        &self,
        inputs: &Inputs,
        (task, backend): (&IntegrationTask, &SentryBackend<'_>),
        links: &RequestedLinks,
        deadline: Instant,
    ) -> Result<Outcome> {
        let (organization, named) = (backend.organization_key(), task.named_id());
        let inventory = self.listed_if_allowed(inputs, task, &organization, deadline).await;
        let existing = &match (named, &inventory) {
            (Some(id), Some(all)) => all.links(Some(id), links),
            _ => backend.linked(named, links).await?,
        };
        let integrations = match (named, inventory) {
            (None, Some(all)) => {
                all.of_provider(task.provider_key()).iter().map(|one| one.id).collect()
            }
            _ => named.into_iter().collect(),
        };
        let planned = PlannedLinks { task, links, existing, organization, integrations };
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        self.planned(&report, planned)
    }

    /// What would change, and what would stay where it is not clear what is meant.
    fn planned(
        &self,
        report: &IntegrationReport<'_>,
        planned: PlannedLinks<'_>,
    ) -> Result<Outcome> {
        let (links, existing) = (planned.links, planned.existing);
        links.check_names(existing)?;
        self.note_planned(links, existing);
        let mut outcome = report.planned_links(planned.plan());
        outcome.warnings.extend(links.unwanted(existing).warnings());
        Ok(outcome)
    }

    /// The task of links through the one integration that is meant: the named one, the provider's only
    /// one, or the one that has the repositories of the code mappings. None where the token does not show
    /// which one that is; then Sentry finds it.
    async fn linkable(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        requested: &RequestedLinks,
        deadline: Instant,
    ) -> Result<Option<IntegrationTask>> {
        let options = match lists_all(inputs) {
            true => self.pipeline_server(inputs, deadline)?,
            false => self.link_server(inputs, requested.needs_user(), deadline)?,
        };
        let backend = SentryBackend::new(options, task, inputs.dialect)?;
        if task.named_id().is_some() {
            return backend.named_linkable(requested).await;
        }
        let found = match lists_all(inputs) {
            true => self.linkable_id(inputs, (task, &backend), deadline).await.map(Some),
            false => Ok(None),
        };
        let id = match found {
            Ok(Some(id)) => Some(id),
            Err(failure) if failure.code == ErrorCode::BadField || requested.needs_user() => {
                return Err(failure);
            }
            unknown => match (backend.integration_of(&requested.code_mappings).await, unknown) {
                (None, Err(failure)) if failure.code == ErrorCode::Ambiguous => {
                    return Err(failure);
                }
                (of_repositories, _) => of_repositories,
            },
        };
        Ok(id.map(|id| task.through(task.provider_key(), id)))
    }

    /// The provider's one integration: of what the run has listed, or of what is there now, as another
    /// entry may have installed it.
    async fn linkable_id(
        &self,
        inputs: &Inputs,
        (task, backend): (&IntegrationTask, &SentryBackend<'_>),
        deadline: Instant,
    ) -> Result<i64> {
        if inputs.dry_run
            && let organization = backend.organization_key()
            && let Some(all) = self.listed_if_allowed(inputs, task, &organization, deadline).await
        {
            return Ok(task.only_linkable(&all.of_provider(task.provider_key()))?.id);
        }
        let known = self.cache.integrations(backend).await?;
        match task.only_linkable(&known) {
            Ok(one) => Ok(one.id),
            Err(_) if self.entry.is_some() => Ok(task.only_linkable(&backend.list().await?)?.id),
            Err(failure) => Err(failure),
        }
    }

    /// All that the organization has, for the entries of a manifest, where the token may list it.
    async fn listed_if_allowed(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        organization: &str,
        deadline: Instant,
    ) -> Option<Rc<InventoryIndex>> {
        match lists_all(inputs) {
            true => self.listed_once(inputs, task, organization, deadline).await,
            false => None,
        }
    }
}

/// Whether the run has a token that may list the integrations: an organization's may not.
fn lists_all(inputs: &Inputs) -> bool {
    let kind = pipeline_token(inputs).map(|token| token::kind(token.expose()));
    kind.is_ok_and(|kind| !matches!(kind, TokenKind::Organization(_)))
}
