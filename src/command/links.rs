//! `mode: link`: the repositories and code mappings of an integration that is there. No pipeline runs, so
//! that an organization's token will do where a Sentry takes it.

use super::server_access::pipeline_token;
use super::{RunContext, base_url};
use crate::backend::LinkReport;
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::backend::sentry::SentryBackend;
use crate::database::{Database, path};
use crate::error::Result;
use crate::inputs::{BackendName, Inputs};
use crate::integration::{IntegrationTask, RequestedLinks};
use crate::model::site::Site;
use crate::model::token::{self, TokenKind};
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::link_changes::PlannedLinks;
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
        match backend {
            BackendName::Embedded => self.link_embedded(inputs, task).await,
            BackendName::Sentry => self.link_sentry(inputs, task, deadline).await,
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
            return Ok(report.planned_links(planned.plan()));
        }
        let (mut database, mut links) = (Database::open(&path).await?, LinkReport::default());
        let mut backend = EmbeddedBackend::new(&mut database);
        backend.set_links(&task, integration, &requested, &mut links).await;
        Ok(report.linked(links.changed, links.done, links.failure, links.warnings))
    }

    async fn link_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        let requested = RequestedLinks::from_inputs(inputs);
        let options = self.link_server(inputs, requested.needs_user(), deadline)?;
        let mut backend = SentryBackend::new(options, task, inputs.dialect)?;
        backend.check_linkable().await?;
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        if inputs.dry_run {
            let (organization, links) = (backend.organization_key(), &requested);
            let inventory = match lists_all(inputs) {
                true => self.listed_once(inputs, task, &organization, deadline).await,
                false => None,
            };
            let existing = &match (inputs.integration_id, &inventory) {
                (Some(id), Some(all)) => all.links(Some(id), links),
                (named, _) => backend.linked(named, links).await?,
            };
            let integrations = match (inputs.integration_id, inventory) {
                (None, Some(all)) => all.of_provider(task.provider_key()),
                (named, _) => named.into_iter().collect(),
            };
            let planned = PlannedLinks { task, links, existing, organization, integrations };
            return Ok(report.planned_links(planned.plan()));
        }
        let mut links = LinkReport::default();
        let work = backend.set_links(inputs.integration_id, &requested, &mut links);
        if let Err(end) = self.cancellation.within(deadline, work).await {
            links.broken_off(end, &requested);
        }
        Ok(report.linked(links.changed, links.done, links.failure, links.warnings))
    }
}

/// Whether the run has a token that may list the integrations: an organization's may not.
fn lists_all(inputs: &Inputs) -> bool {
    let kind = pipeline_token(inputs).map(|token| token::kind(token.expose()));
    kind.is_ok_and(|kind| !matches!(kind, TokenKind::Organization(_)))
}
