//! From the files on disk to the backend.

use super::bundle_file::BundleFile;
use super::{ExaminedSourcemaps, no_space};
use crate::backend::embedded::EmbeddedSourcemaps;
use crate::backend::sentry::SentrySourcemaps;
use crate::backend::sentry::bundle_files::BundleSearch;
use crate::command::RunContext;
use crate::database::path;
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::os::activity::{self, OngoingActivity};
use crate::sourcemap::backend::{FileAddress, LookupAnswer, SourcemapBackend};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::upload::{ChunkBytes, UploadPlan, UploadStage, upload};
use tokio::time::Instant;

/// What an upload is called while its chunks are sent.
const UPLOADING: &str = "uploading source maps";

/// Says how far the upload is.
fn show_stage(activity: &mut OngoingActivity, stage: UploadStage, deadline: Instant) {
    match stage {
        UploadStage::Sending { sent, total } => {
            UPLOADING.clone_into(&mut activity.words);
            (activity.count, activity.end) = (Some((sent, total)), None);
            " chunks".clone_into(&mut activity.note);
        }
        UploadStage::Processing => {
            "waiting for Sentry to process the source maps".clone_into(&mut activity.words);
            (activity.count, activity.end) = (None, Some(deadline.into_std()));
            activity.note.clear();
        }
    }
}

impl ChunkBytes for BundleFile {
    fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        Self::read(self, at, size).map_err(|error| no_space(&error))
    }
}

impl ExaminedSourcemaps<'_> {
    /// Uploads the bundle; files that were left out of it are a failure, too.
    pub(crate) async fn send(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result {
        if !self.files.finished.is_empty() {
            let lookup = IdLookup::open(run, inputs, deadline).await?;
            self.settle_finished(&mut lookup.expect("what is asked for was checked before")).await;
        }
        // What is left out is told whatever becomes of the rest.
        let left_out = self.progress.failure(self.inputs.allow_empty);
        if let Some(failure) = &left_out {
            tracing::warn!("not uploaded: {failure}");
        }
        let sent = self.send_bundle(run, inputs, deadline).await;
        Error::combine(left_out.into_iter().chain(sent.err()).collect()).map_or(Ok(()), Err)
    }

    async fn send_bundle(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result {
        if self.bundle.count > 0 {
            let (files, bytes) = (self.bundle.count, self.bundle.uncut.size);
            tracing::info!(files, bytes, "uploading scripts and source maps");
            let lookup = IdLookup::open(run, inputs, deadline).await?;
            let is_embedded = matches!(lookup, Some(IdLookup::Embedded(_)));
            self.stays_here = is_embedded && inputs.backend != Some(BackendName::Embedded);
            match lookup.expect("what is asked for was checked before") {
                IdLookup::Embedded(mut backend) => self.upload(&mut backend, deadline).await?,
                IdLookup::Sentry(mut backend) => self.upload(&mut *backend, deadline).await?,
            }
        }
        Ok(())
    }

    async fn upload(&mut self, backend: &mut impl SourcemapBackend, deadline: Instant) -> Result {
        let bundle = self.bundle.uncut.clone();
        let plan = UploadPlan {
            is_unchanged: self.progress.written == 0,
            waits: self.inputs.wait,
            lookups: self.bundle.ids.clone(),
        };
        let (bytes, target) = (&mut self.bundle, &self.target);
        let progress = &mut self.progress;
        let shown = activity::begin(|| UPLOADING.to_owned());
        let show = |stage| shown.change(|activity| show_stage(activity, stage, deadline));
        let upload = upload(backend, bytes, &bundle, target, &plan, &mut progress.upload, &show);
        let result = upload.await;
        progress.warnings.append(&mut progress.upload.warnings);
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
            BackendName::Sentry => {
                let options = run.release_server(inputs, deadline)?;
                Self::Sentry(Box::new(SentrySourcemaps::new(options, org.clone())?))
            }
        }))
    }

    /// The same for a plan: a file that is not there stays so, and has nothing.
    pub(super) async fn open_to_read(
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result<Option<Self>> {
        match (&inputs.org, inputs.backend(run.job)) {
            (Some(org), Ok(BackendName::Embedded)) => {
                let path = path::resolve_path(inputs.database.as_deref(), run.env)?;
                Ok(EmbeddedSourcemaps::open_to_read(&path, org).await?.map(Self::Embedded))
            }
            _ => Self::open(run, inputs, deadline).await,
        }
    }

    pub(super) async fn finds(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        match self {
            Self::Embedded(backend) => backend.finds(project, id).await,
            Self::Sentry(backend) => backend.finds(project, id).await,
        }
    }

    /// A script in a bundle of a server; on this machine none is looked into.
    pub(super) async fn bundled_script(
        &mut self,
        project: &str,
        url: &str,
        release: Option<&str>,
    ) -> Result<BundleSearch> {
        match self {
            Self::Embedded(_) => Ok(BundleSearch::Unknown),
            Self::Sentry(backend) => backend.bundled_script(project, url, release).await,
        }
    }

    pub(super) async fn finds_url(
        &mut self,
        project: &str,
        url: &str,
        release: Option<&str>,
        dist: Option<&str>,
    ) -> Result<LookupAnswer> {
        let file = FileAddress { url, release, dist };
        match self {
            Self::Embedded(backend) => backend.finds_address(project, file).await,
            Self::Sentry(backend) => backend.finds_address(project, file).await,
        }
    }
}
