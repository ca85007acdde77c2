//! From the files on disk to the backend.

use super::bundle_file::{BundleFile, BundleHandle};
use super::held_backend::{HeldBackend, OnDiskSignal};
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
use crate::sourcemap::backend::{ChunkedBundle, FileAddress, LookupAnswer, SourcemapBackend};
use crate::sourcemap::bundle::BundleTarget;
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::upload::{
    ChunkBytes, UncutBundle, UploadPlan, UploadProgress, UploadStage, cut_ahead, upload,
};
use futures_util::future::try_join;
use std::thread;
use tokio::sync::oneshot::{self, Receiver};
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

/// The bundle on its way, with all that its upload needs.
struct BundleUpload {
    bytes: BundleHandle,
    count: u64,
    bundle: UncutBundle,
    target: BundleTarget,
    plan: UploadPlan,
    /// The bundle cut by another thread.
    cut_ahead: Option<Receiver<ChunkedBundle>>,
}

/// What became of it, as far as it came.
struct SentBundle<'a> {
    progress: &'a mut UploadProgress,
    /// Whether it stays on this machine for want of a token.
    stays_here: &'a mut bool,
}

impl ChunkBytes for BundleHandle {
    fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        Self::read(self, at, size).map_err(|error| no_space(&error))
    }
}

impl BundleUpload {
    /// The same, which is cut while files are written: that reads and hashes all of it.
    fn cutting_ahead(mut self) -> Result<Self> {
        let (mut bytes, bundle) =
            (self.bytes.again().map_err(|error| no_space(&error))?, self.bundle.clone());
        let (sender, cut) = oneshot::channel();
        // What fails here is done again, and told, where it is needed.
        let work = move || cut_ahead(&mut bytes, &bundle).map(|cut| sender.send(cut));
        drop(thread::Builder::new().spawn(work));
        self.cut_ahead = Some(cut);
        Ok(self)
    }

    /// Uploads it. With `on_disk` it is put together once that is told.
    async fn run(
        mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
        on_disk: Option<OnDiskSignal>,
        sent: SentBundle<'_>,
    ) -> Result {
        let (files, bytes) = (self.count, self.bundle.size);
        tracing::info!(files, bytes, "uploading scripts and source maps");
        let lookup = IdLookup::open(run, inputs, deadline).await?;
        let is_embedded = matches!(lookup, Some(IdLookup::Embedded(_)));
        *sent.stays_here = is_embedded && inputs.backend != Some(BackendName::Embedded);
        match lookup.expect("what is asked for was checked before") {
            IdLookup::Embedded(backend) => {
                self.upload(HeldBackend::new(backend, on_disk), deadline, sent.progress).await
            }
            IdLookup::Sentry(backend) => {
                self.upload(HeldBackend::new(*backend, on_disk), deadline, sent.progress).await
            }
        }
    }

    async fn upload(
        &mut self,
        mut backend: impl SourcemapBackend,
        deadline: Instant,
        progress: &mut UploadProgress,
    ) -> Result {
        let Self { bytes, bundle, target, plan, cut_ahead, .. } = self;
        if let Some(cut) = cut_ahead.take() {
            plan.cut = cut.await.ok();
        }
        let shown = activity::begin(|| UPLOADING.to_owned());
        let show = |stage| shown.change(|activity| show_stage(activity, stage, deadline));
        upload(&mut backend, bytes, bundle, target, plan, progress, &show).await
    }
}

impl ExaminedSourcemaps<'_> {
    /// Writes the ids into the files on disk and uploads the bundle, whose chunks go ahead meanwhile.
    pub(crate) async fn write_and_send(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result {
        let upload = self.bundle_upload()?.map(BundleUpload::cutting_ahead).transpose()?;
        let (mut progress, mut stays_here) = (UploadProgress::default(), self.stays_here);
        let (written, on_disk) = oneshot::channel();
        // Where no file changes, there is nothing to wait for.
        let on_disk = Some(on_disk).filter(|_| self.has_changes());
        let write = async {
            self.write().await?;
            // Nobody hears it where there is nothing to upload, or the upload has failed.
            let _ = written.send(());
            Ok::<_, Error>(())
        };
        let sent = SentBundle { progress: &mut progress, stays_here: &mut stays_here };
        let send = async {
            Ok(match upload {
                Some(upload) => upload.run(run, inputs, deadline, on_disk, sent).await,
                None => Ok(()),
            })
        };
        // Polled in this order, so that nothing is sent before the files were found to be writable.
        let result = try_join(write, send).await;
        (self.progress.upload, self.stays_here) = (progress, stays_here);
        self.take_upload_warnings();
        let ((), sent) = result?;
        let left_out = self.left_out(run, inputs, deadline).await?;
        combined(left_out, sent)
    }

    /// Uploads the bundle; files that were left out of it are a failure, too.
    pub(crate) async fn send(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result {
        // What is left out is told whatever becomes of the rest.
        let left_out = self.left_out(run, inputs, deadline).await?;
        let Some(upload) = self.bundle_upload()? else { return combined(left_out, Ok(())) };
        let Self { progress, stays_here, .. } = self;
        let sent = SentBundle { progress: &mut progress.upload, stays_here };
        let sent = upload.run(run, inputs, deadline, None, sent).await;
        self.take_upload_warnings();
        combined(left_out, sent)
    }

    /// The failure of what is left out of the bundle.
    async fn left_out(
        &mut self,
        run: &RunContext<'_>,
        inputs: &Inputs,
        deadline: Instant,
    ) -> Result<Option<Error>> {
        if !self.files.finished.is_empty() {
            let lookup = IdLookup::open(run, inputs, deadline).await?;
            self.settle_finished(&mut lookup.expect("what is asked for was checked before")).await;
        }
        let left_out = self.progress.failure(self.inputs.allow_empty);
        if let Some(failure) = &left_out {
            tracing::warn!("not uploaded: {failure}");
        }
        Ok(left_out)
    }

    /// What has to be sent; none where the bundle is empty.
    fn bundle_upload(&self) -> Result<Option<BundleUpload>> {
        let BundleFile { uncut, count, ids, .. } = &self.bundle;
        if *count == 0 {
            return Ok(None);
        }
        let plan = UploadPlan {
            is_unchanged: !self.has_changes(),
            waits: self.inputs.wait,
            lookups: ids.clone(),
            cut: None,
        };
        let bytes = self.bundle.bytes().map_err(|error| no_space(&error))?;
        let (bundle, target) = (uncut.clone(), self.target.clone());
        Ok(Some(BundleUpload { bytes, count: *count, bundle, target, plan, cut_ahead: None }))
    }

    fn take_upload_warnings(&mut self) {
        let progress = &mut self.progress;
        progress.warnings.append(&mut progress.upload.warnings);
    }
}

fn combined(left_out: Option<Error>, sent: Result) -> Result {
    Error::combine(left_out.into_iter().chain(sent.err()).collect()).map_or(Ok(()), Err)
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
