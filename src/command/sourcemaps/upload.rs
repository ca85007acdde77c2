//! From the files on disk to the backend.

use super::bundle_file::BundleFile;
use super::{ExaminedSourcemaps, no_space};
use crate::backend::embedded::EmbeddedSourcemaps;
use crate::backend::sentry::{ConnectOptions, SentrySourcemaps};
use crate::command::RunContext;
use crate::command::server_access::release_token;
use crate::database::path;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::model::OrgSlug;
use crate::sourcemap::backend::{FileAddress, SourcemapBackend};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::upload::{ChunkBytes, UncutBundle, UploadPlan, UploadProgress, upload};
use tokio::time::Instant;

/// How many ids are looked up afterwards; each is a request for each project.
const LOOKUPS: usize = 1;

impl ChunkBytes for BundleFile {
    fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        Self::read(self, at, size).map_err(|error| no_space(&error))
    }
}

impl ExaminedSourcemaps<'_> {
    /// Uploads the bundle; a failure then is that of files that were left out of it.
    pub(crate) async fn send(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result {
        if self.bundle.count > 0 {
            let (files, bytes) = (self.bundle.count, self.bundle.size);
            tracing::info!(files, bytes, "uploading scripts and source maps");
            let lookup = IdLookup::open(run, inputs, deadline).await?;
            match lookup.expect("what is asked for was checked before") {
                IdLookup::Embedded(mut backend) => self.upload(&mut backend).await?,
                IdLookup::Sentry(mut backend) => self.upload(&mut *backend).await?,
            }
        }
        self.progress.failure(self.inputs.allow_empty).map_or(Ok(()), Err)
    }

    async fn upload(&mut self, backend: &mut impl SourcemapBackend) -> Result {
        let BundleFile { id, size, cuts, .. } = &self.bundle;
        let bundle = UncutBundle { id: id.clone(), size: *size, cuts: cuts.clone() };
        let ids = self.progress.scripts.iter().filter_map(|script| script.id.clone());
        let plan = UploadPlan {
            is_unchanged: self.progress.written == 0,
            waits: self.inputs.wait,
            lookups: ids.take(LOOKUPS).collect(),
        };
        let mut done = UploadProgress::default();
        let (bytes, target) = (&mut self.bundle, &self.target);
        let result = upload(backend, bytes, &bundle, target, &plan, &mut done).await;
        let progress = &mut self.progress;
        progress.is_sent = done.is_accepted;
        progress.is_uploaded = done.is_complete;
        progress.is_new = done.sent_chunks > 0;
        progress.is_found = (!done.proven.is_empty()).then_some(true);
        progress.warnings.append(&mut done.warnings);
        result
    }
}

/// Asks a backend what it finds.
pub(super) enum IdLookup {
    Embedded(EmbeddedSourcemaps),
    Sentry(Box<SentrySourcemaps>),
}

impl IdLookup {
    /// One for these inputs; none where they name no organization, project or backend.
    pub(super) async fn open(
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result<Option<Self>> {
        let (Some(org), Ok(backend)) = (&inputs.org, inputs.backend(run.job)) else {
            return Ok(None);
        };
        if inputs.release.projects.is_empty() {
            return Ok(None);
        }
        Ok(Some(match backend {
            BackendName::Embedded => {
                let path = path::resolve_path(inputs.database.as_deref(), run.env)?;
                Self::Embedded(EmbeddedSourcemaps::open(&path, org).await?)
            }
            BackendName::Sentry => Self::Sentry(Box::new(at_sentry(run, inputs, org, deadline)?)),
        }))
    }

    pub(super) async fn finds(&mut self, project: &str, id: &DebugId) -> Result<Option<bool>> {
        match self {
            Self::Embedded(backend) => backend.finds(project, id).await,
            Self::Sentry(backend) => backend.finds(project, id).await,
        }
    }

    pub(super) async fn finds_url(
        &mut self,
        project: &str,
        url: &str,
        release: Option<&str>,
        dist: Option<&str>,
    ) -> Result<Option<bool>> {
        let file = FileAddress { url, release, dist };
        match self {
            Self::Embedded(backend) => backend.finds_address(project, file).await,
            Self::Sentry(backend) => backend.finds_address(project, file).await,
        }
    }
}

fn at_sentry(
    run: &RunContext<'_>,
    inputs: &Inputs,
    org: &OrgSlug,
    deadline: Instant,
) -> Result<SentrySourcemaps> {
    let (url, token) = (inputs.release_url(), release_token(inputs)?);
    let (connection, headers) = (run.connection(inputs, &url), inputs.headers.clone());
    let options = ConnectOptions { url, token, headers, deadline, connection };
    SentrySourcemaps::new(options, org.clone())
}
