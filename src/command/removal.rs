//! The end of an integration, on either backend: what is there decides, then it is removed once.

use super::{RunContext, base_url};
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::backend::sentry::SentryBackend;
use crate::database::{Database, path};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::{BackendName, Inputs};
use crate::integration::{ExistingLinks, IntegrationTask, Removal, RequestedLinks};
use crate::model::ListedIntegration;
use crate::model::site::Site;
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
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
        let Removal::Remove(there) = &removal else {
            return Ok(report.unremoved(&removal, inputs.dry_run));
        };
        self.check_pruned(inputs, there)?;
        if inputs.dry_run {
            let links = embedded::links_read_only(
                &path,
                &task.org,
                Some(there.id),
                &RequestedLinks::default(),
            )
            .await?;
            return Ok(report.planned_removal(there, &links));
        }
        log_removal(task, there.id);
        let mut database = Database::open(&path).await?;
        let is_removed = EmbeddedBackend::new(&mut database).remove(&task.org, there.id).await?;
        Ok(match is_removed {
            true => report.removed(there),
            // Another run was faster.
            false => report.unremoved(&Removal::Missing, false),
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
        let report = IntegrationReport { task, site: &Site::new(inputs.page_url().as_str()) };
        let Removal::Remove(there) = &removal else {
            return Ok(report.unremoved(&removal, inputs.dry_run));
        };
        self.check_pruned(inputs, there)?;
        if inputs.dry_run {
            // What cannot be listed goes all the same.
            let links = backend.all_links(there.id).await;
            let links = links.unwrap_or_else(|failure| {
                tracing::warn!("cannot list what the integration has: {}", failure.message);
                ExistingLinks::default()
            });
            return Ok(report.planned_removal(there, &links));
        }
        log_removal(task, there.id);
        backend.remove(there).await?;
        Ok(report.removed(there))
    }
}

impl RunContext<'_> {
    /// Whether what a manifest prunes is what it managed: another database may have another one under
    /// the id, and one that got another name may be somebody else's now.
    fn check_pruned(&self, inputs: &Inputs, there: &ListedIntegration) -> Result {
        let name = self.sinks.shown_words(&there.name);
        match &inputs.pruned_name {
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

fn log_removal(task: &IntegrationTask, integration: i64) {
    let (provider, org) = (task.key.as_str(), task.org.as_str());
    tracing::info!(provider, org, integration, "removing the integration");
}
