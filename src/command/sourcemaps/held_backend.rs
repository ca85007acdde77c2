//! A backend beside files that are still being written: what is stored of a bundle says nothing of them,
//! and the bundle is put together once they are on disk.

use crate::error::{Error, ErrorCode, Result};
use crate::sourcemap::backend::{
    AssembleState, ChunkedBundle, FileAddress, LookupAnswer, SourcemapBackend, StoreResult,
    UploadLimits,
};
use crate::sourcemap::bundle::BundleTarget;
use crate::sourcemap::debug_id::DebugId;
use std::time::Duration;
use tokio::sync::oneshot::Receiver;

/// Tells that the files are on disk.
pub(super) type OnDiskSignal = Receiver<()>;

/// A backend that holds back what makes a bundle of chunks.
pub(super) struct HeldBackend<B> {
    backend: B,
    on_disk: Option<OnDiskSignal>,
    has_stored: bool,
}

impl<B> HeldBackend<B> {
    /// The same backend, which waits for nothing without `on_disk`.
    pub(super) fn new(backend: B, on_disk: Option<OnDiskSignal>) -> Self {
        Self { backend, on_disk, has_stored: false }
    }
}

impl<B: SourcemapBackend> SourcemapBackend for HeldBackend<B> {
    async fn limits(&mut self) -> Result<UploadLimits> {
        self.backend.limits().await
    }

    async fn store(&mut self, requests: Vec<Vec<(String, Vec<u8>)>>) -> Result<StoreResult> {
        self.has_stored = true;
        self.backend.store(requests).await
    }

    async fn assemble(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<AssembleState> {
        // Before anything was stored it only tells what is missing: what a server has all of is there already.
        if self.has_stored
            && let Some(on_disk) = self.on_disk.take()
        {
            on_disk.await.map_err(|_| unwritten())?;
        }
        self.backend.assemble(bundle, target).await
    }

    async fn finds(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        self.backend.finds(project, id).await
    }

    async fn finds_soon(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        self.backend.finds_soon(project, id).await
    }

    async fn holds(&mut self, project: &str, bundle: &DebugId, id: &DebugId) -> Result<bool> {
        self.backend.holds(project, bundle, id).await
    }

    async fn finds_address(
        &mut self,
        project: &str,
        file: FileAddress<'_>,
    ) -> Result<LookupAnswer> {
        self.backend.finds_address(project, file).await
    }

    async fn pause(&mut self, pause: Duration) -> bool {
        self.backend.pause(pause).await
    }
}

/// The end of an upload whose files were not written, which is not the first to be told.
fn unwritten() -> Error {
    Error::new(ErrorCode::Internal, "the files of the bundle were not written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::embedded::EmbeddedSourcemaps;
    use crate::model::OrgSlug;
    use crate::sourcemap::bundle::{BundleWriter, BundledFile, BundledKind, PackedBundleFile};
    use crate::sourcemap::upload::{UncutBundle, UploadPlan, UploadProgress, upload};
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn a_bundle_is_put_together_once_its_files_are_on_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, org) = (folder.path().join("x.db"), OrgSlug::parse("acme").expect("a slug"));
        let open = async || EmbeddedSourcemaps::open(&file, &org).await.expect("it opens");
        let projects = vec!["web".to_owned()];
        let target = BundleTarget { organization: "acme".into(), projects, ..Default::default() };
        let (script, mut writer) = (b"f()", BundleWriter::new(Vec::new(), &target).expect("one"));
        let id = DebugId::of_files(script, None);
        let kind = BundledKind::MinifiedSource;
        let entry = BundledFile { kind, url: "~/a.js", id: Some(&id), sourcemap: None };
        let packed = PackedBundleFile::pack(script).expect("it fits");
        writer.add(&entry, &packed).expect("it is added");
        let finished = writer.finish().expect("it ends");
        let (mut bytes, plan) = (finished.target, UploadPlan::default());
        let size = bytes.len() as u64;
        let bundle = UncutBundle { id: finished.id, size, cuts: finished.cuts };
        for are_written in [false, true] {
            let (written, on_disk) = oneshot::channel();
            let (mut backend, mut progress) =
                (HeldBackend::new(open().await, Some(on_disk)), UploadProgress::default());
            let sent =
                upload(&mut backend, &mut bytes, &bundle, &target, &plan, &mut progress, &|_| {});
            let write = async {
                for _ in 0..100 {
                    yield_now().await;
                }
                assert_eq!(open().await.finds("web", &id).await, Ok(LookupAnswer::NotFound));
                if are_written {
                    written.send(()).expect("it is waited for");
                }
            };
            let (result, ()) = tokio::join!(sent, write);
            assert_eq!((result.is_ok(), progress.sent_chunks), (are_written, 1), "{result:?}");
        }
        assert_eq!(open().await.finds("web", &id).await, Ok(LookupAnswer::Found));
    }
}
