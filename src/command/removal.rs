//! The end of an integration, on either backend: what is there decides, then it is removed once.

use super::{RunContext, base_url};
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::backend::sentry::SentryBackend;
use crate::database::{Database, path};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::{BackendName, Inputs};
use crate::integration::{ExistingLinks, IntegrationTask, Removal, RequestedLinks};
use crate::model::site::Site;
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::link_changes::PlannedRemoval;
use crate::text::quote;
use tokio::time::Instant;

impl RunContext<'_> {
    /// Removes the integration of the task, or says why there is nothing to do.
    pub(super) async fn remove(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        backend: BackendName,
        deadline: Instant,
    ) -> Result<Outcome> {
        match backend {
            BackendName::Embedded => self.remove_embedded(inputs, task).await,
            BackendName::Sentry => self.remove_sentry(inputs, task, deadline).await,
        }
    }

    async fn remove_embedded(&self, inputs: &Inputs, task: &IntegrationTask) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        let report = IntegrationReport { task, site: &Site::new(base_url(inputs)) };
        // A file that is not there has nothing to remove, and does not come into being.
        let removal = task.removal(&embedded::list_read_only(&path, task).await?)?;
        if matches!(removal, Removal::Missing) {
            embedded::check_named(&path, task).await?;
        }
        self.check_pruned(inputs, &removal)?;
        if inputs.dry_run {
            let organization = self.embedded_organization(&path, &task.org).await;
            let id = removal.there().map(|there| there.id);
            let requested = RequestedLinks::default();
            let existing = &embedded::links_read_only(&path, &task.org, id, &requested).await?;
            let planned = PlannedRemoval { task, removal: &removal, existing, organization };
            return Ok(report.planned_removal(&removal, planned.plan()));
        }
        let Some(there) = removal.there() else { return Ok(report.unremoved(&removal)) };
        log_removal(task, there.id);
        let mut database = Database::open(&path).await?;
        let is_removed = EmbeddedBackend::new(&mut database).remove(&task.org, there.id).await?;
        Ok(match is_removed {
            true => report.removed(there),
            // Another run was faster.
            false => report.unremoved(&Removal::Missing),
        })
    }

    async fn remove_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        let options = self.pipeline_server(inputs, deadline)?;
        let backend = SentryBackend::new(options, task, inputs.dialect)?;
        let removal = task.removal(&self.cache.integrations(&backend).await?)?;
        if matches!(removal, Removal::Missing) {
            backend.check_named().await?;
        }
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        self.check_pruned(inputs, &removal)?;
        if inputs.dry_run {
            let organization = backend.organization_key();
            let inventory = self.listed_once(inputs, task, &organization, deadline).await;
            let existing = &match (removal.there(), inventory) {
                (None, _) => ExistingLinks::default(),
                (Some(there), Some(all)) => all.links(Some(there.id), &RequestedLinks::default()),
                (Some(there), None) => ending_links(&backend, there.id).await,
            };
            let planned = PlannedRemoval { task, removal: &removal, existing, organization };
            return Ok(report.planned_removal(&removal, planned.plan()));
        }
        let Some(there) = removal.there() else { return Ok(report.unremoved(&removal)) };
        log_removal(task, there.id);
        backend.remove(there).await?;
        Ok(report.removed(there))
    }
}

impl RunContext<'_> {
    /// Whether what a manifest prunes is what it managed: another database may have another one under
    /// the id, and one that got another name may be somebody else's now.
    fn check_pruned(&self, inputs: &Inputs, removal: &Removal) -> Result {
        let Some(there) = removal.there() else { return Ok(()) };
        let name = self.sinks.shown_words(&there.name);
        match inputs.pruned.as_ref().map(|pruned| &pruned.name) {
            Some(expected) if *expected != name => {
                let id = there.id;
                let message = format!(
                    "integration {id} is not pruned: it is called {}, and the manifest managed {}",
                    quote(&name),
                    quote(expected)
                );
                let hint = "remove it with `mode: remove`, or delete it from the record";
                Err(Error::new(ErrorCode::IntegrationMismatch, message).with_hint(hint))
            }
            _ => Ok(()),
        }
    }
}

/// What goes with an integration. What cannot be listed goes all the same.
async fn ending_links(backend: &SentryBackend<'_>, integration: i64) -> ExistingLinks {
    backend.all_links(integration).await.unwrap_or_else(|failure| {
        tracing::warn!("cannot list what the integration has: {}", failure.message);
        ExistingLinks::default()
    })
}

fn log_removal(task: &IntegrationTask, integration: i64) {
    let (provider, org) = (task.key.as_str(), task.org.as_str());
    tracing::info!(provider, org, integration, "removing the integration");
}
