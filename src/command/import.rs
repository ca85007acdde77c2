//! `import`: the manifest of what an organization has. It only reads.

use super::RunContext;
use crate::backend::{embedded, sentry};
use crate::database::path;
use crate::error::{Error, Result, Warning};
use crate::inputs::types::BackendName;
use crate::inputs::{Inputs, missing};
use crate::manifest::{self, OrganizationInventory};
use crate::model::OrgSlug;
use crate::outcome::{Outcome, OutcomeStatus};
use tokio::time::Instant;

impl RunContext<'_> {
    /// Writes the manifest of the organization.
    pub(crate) async fn import(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        let org = self.required_org(inputs)?;
        let backend = inputs.backend(self.job)?;
        let existing = self.inventory(inputs, org, backend, deadline).await?;
        // A file on this machine is named by `database`, not by an address.
        let url = inputs.url.as_ref().filter(|_| backend == BackendName::Sentry);
        let hides = |text: &str| self.sinks.hides(text);
        let manifest = manifest::write(org, url.map(url::Url::as_str), existing, &hides);
        let noun = if manifest.count == 1 { "integration" } else { "integrations" };
        let headline = format!("the manifest of {org} has {} {noun}", manifest.count);
        tracing::info!("{headline}");
        let warn = |message| Warning::new("not-imported", message);
        let empty = (manifest.count == 0).then(|| {
            format!("{org} has no integration to import: a manifest without an entry is refused")
        });
        let warnings = manifest.left_out.into_iter().chain(empty).map(warn).collect();
        let document = Some(manifest.text);
        Ok(Outcome { document, warnings, ..Outcome::new(OutcomeStatus::Complete, headline) })
    }

    /// The organization of a command that cannot do without one.
    pub(super) fn required_org<'a>(&self, inputs: &'a Inputs) -> Result<&'a OrgSlug> {
        inputs.org.as_ref().ok_or_else(|| {
            let token = inputs.backend(self.job).err();
            Error::combine(token.into_iter().chain([missing::org()]).collect())
                .expect("the organization is missing")
        })
    }

    async fn inventory(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        backend: BackendName,
        deadline: Instant,
    ) -> Result<OrganizationInventory> {
        if backend == BackendName::Embedded {
            let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
            return embedded::inventory(&path, org).await;
        }
        sentry::inventory(self.pipeline_server(inputs, deadline)?, org).await
    }
}
