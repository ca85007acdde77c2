//! A backend beside files that are still being written: what is stored of a bundle says nothing of them,
//! and the bundle is put together once they are on disk.

use crate::error::{Error, ErrorCode, Result};
use crate::sourcemap::backend::{
    AssembleState, BundleChunk, ChunkedBundle, FileAddress, LookupAnswer, SourcemapBackend,
    StoreResult, UploadLimits,
};
use crate::sourcemap::bundle::BundleTarget;
use crate::sourcemap::debug_id::DebugId;
use std::time::Duration;
use tokio::sync::oneshot::Receiver;

/// Tells that the files are on disk.
pub(super) type OnDiskSignal = Receiver<()>;

/// The hash of a chunk that no bundle has: with it a server says what it lacks, and puts nothing together.
const NO_CHUNK: &str = "0000000000000000000000000000000000000000";

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

impl<B: SourcemapBackend> HeldBackend<B> {
    /// The chunks that the backend does not have.
    async fn missing(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<Vec<String>> {
        let mut question = bundle.clone();
        question.chunks.push(BundleChunk { hash: NO_CHUNK.to_owned(), at: 0, size: 0 });
        let mut missing = match self.backend.assemble(&question, target).await? {
            AssembleState::Missing(hashes) => hashes,
            // It remembers the bundle from before.
            AssembleState::Pending | AssembleState::Complete | AssembleState::Failed(_) => {
                Vec::new()
            }
        };
        missing.retain(|hash| hash != NO_CHUNK);
        Ok(missing)
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
        let Some(on_disk) = self.on_disk.take() else {
            return self.backend.assemble(bundle, target).await;
        };
        if !self.has_stored {
            let missing = self.missing(bundle, target).await?;
            if !missing.is_empty() {
                self.on_disk = Some(on_disk);
                return Ok(AssembleState::Missing(missing));
            }
        }
        on_disk.await.map_err(|_| unwritten())?;
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
        let mut bytes = finished.target;
        let size = bytes.len() as u64;
        let bundle = UncutBundle { id: finished.id, size, cuts: finished.cuts };
        // What an earlier run has stored is put together as late.
        for (is_unchanged, are_written, sent_chunks) in
            [(true, false, 1), (false, false, 1), (true, false, 0), (true, true, 0)]
        {
            let plan = UploadPlan { is_unchanged, ..UploadPlan::default() };
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
            let sent = (result.is_ok(), progress.sent_chunks);
            assert_eq!(sent, (are_written, sent_chunks), "{result:?}");
        }
        assert_eq!(open().await.finds("web", &id).await, Ok(LookupAnswer::Found));
    }
}
