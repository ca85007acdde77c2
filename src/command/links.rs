//! `mode: link`: the repositories and code mappings of an integration that is there. No pipeline runs, so
//! that an organization's token will do where a Sentry takes it.

use super::{RunContext, base_url};
use crate::backend::LinkReport;
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::backend::sentry::SentryBackend;
use crate::database::{Database, path};
use crate::error::Result;
use crate::inputs::{BackendName, Inputs};
use crate::integration::{IntegrationTask, RequestedLinks};
use crate::model::site::Site;
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
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
            let existing =
                embedded::links_read_only(&path, &task.org, Some(integration), &requested).await?;
            return Ok(report.planned_links(&requested.missing(&existing)));
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
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        if inputs.dry_run {
            let existing = backend.linked(inputs.integration_id, &requested).await?;
            return Ok(report.planned_links(&requested.missing(&existing)));
        }
        let mut links = LinkReport::default();
        backend.set_links(inputs.integration_id, &requested, &mut links).await;
        Ok(report.linked(links.changed, links.done, links.failure, links.warnings))
    }
}
