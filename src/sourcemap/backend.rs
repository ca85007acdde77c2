//! The seam between an upload and whoever keeps source maps: our engine, or a Sentry.

use super::bundle::BundleTarget;
use super::debug_id::DebugId;
use crate::error::{Error, Result};
use std::time::Duration;

/// What a server takes in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// The most bytes of a chunk.
    pub chunk_size: u64,
    /// The most chunks of a request.
    pub chunks_per_request: usize,
    /// The most bytes of the chunks of a request.
    pub request_size: u64,
    /// The most bytes of a bundle.
    pub bundle_size: u64,
    /// Whether it tells which chunks it does not have; otherwise all must be there before it is asked.
    pub tells_missing_chunks: bool,
}

/// What became of chunks that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// They are there.
    Stored,
    /// A chunk or a request is larger than what the server, or a proxy before it, takes.
    TooLarge(Error),
}

/// A piece of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleChunk {
    /// The SHA-1 of its bytes, in lower-case hexadecimal.
    pub hash: String,
    /// Its first byte in the bundle.
    pub at: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// A bundle that is cut into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkedBundle {
    /// The bundle's own id.
    pub id: DebugId,
    /// The SHA-1 of the whole, in lower-case hexadecimal.
    pub hash: String,
    /// Its pieces, in their order.
    pub chunks: Vec<BundleChunk>,
}

/// A file as an event without debug ids names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAddress<'a> {
    /// Its URL, `~/` for any host.
    pub url: &'a str,
    /// The version of the release.
    pub release: Option<&'a str>,
    /// The distribution of that release.
    pub dist: Option<&'a str>,
}

/// What a server says of a bundle that it was asked to put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssembleState {
    /// It does not have these chunks.
    Missing(Vec<String>),
    /// It is at work.
    Pending,
    /// The bundle is there.
    Complete,
    /// It cannot put it together; its own words.
    Failed(String),
}

/// What comes of the question whether a project finds a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupAnswer {
    /// It does.
    Found,
    /// It does not.
    NotFound,
    /// It has something for the release, and does not tell whether that is the file.
    OnlyRelease,
    /// The server has no such look-up.
    Unsupported,
    /// The server has one, or something before it, and gave another answer; which.
    Unclear(String),
}

impl From<bool> for LookupAnswer {
    fn from(is_found: bool) -> Self {
        if is_found { Self::Found } else { Self::NotFound }
    }
}

/// Whoever keeps source maps, at work for one organization.
#[expect(async_fn_in_trait, reason = "one thread: nobody needs the futures to be Send")]
pub trait SourcemapBackend {
    /// What it takes in one request.
    async fn limits(&mut self) -> Result<UploadLimits>;

    /// Stores chunks, each with its hash, by some requests that may be under way at once. Storing one
    /// twice changes nothing.
    async fn store(&mut self, requests: Vec<Vec<(String, Vec<u8>)>>) -> Result<StoreResult>;

    /// Puts a bundle together, or says how far that is. Asking twice equals asking once.
    async fn assemble(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<AssembleState>;

    /// Whether a project finds a file by this id.
    async fn finds(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer>;

    /// The same before there is anything to wait for: an answer that is late is none.
    async fn finds_soon(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        self.finds(project, id).await
    }

    /// Whether a project has this very bundle, with a file of this id; `false` where that is not told.
    async fn holds(&mut self, project: &str, bundle: &DebugId, id: &DebugId) -> Result<bool>;

    /// The same as [`Self::finds`] by the address of a file.
    async fn finds_address(&mut self, project: &str, file: FileAddress<'_>)
    -> Result<LookupAnswer>;

    /// Waits before it is asked again; whether there is still time to ask. What is at work at once is
    /// not waited for.
    async fn pause(&mut self, _pause: Duration) -> bool {
        false
    }
}
