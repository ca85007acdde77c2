//! The order in which a bundle reaches whoever keeps source maps: limits, chunks, the bundle put
//! together, and the proof that it is found. The only place that knows that order.

mod chunks;
mod limits;
mod lookup;
mod proof_ids;
mod reader;
mod stage;

use super::backend::{
    AssembleState, BundleChunk, ChunkedBundle, SourcemapBackend, StoreResult, UploadLimits,
};
use super::bundle::BundleTarget;
use super::debug_id::DebugId;
use crate::error::{Error, ErrorCode, Result, Warning};
use chunks::{SMALL_BUNDLE, cut_bundle};
use limits::SENTRY_LIMITS;
use proof_ids::ProofIds;
use reader::BundleReader;
use std::collections::BTreeSet;
use std::time::Duration;

pub use reader::ChunkBytes;
pub use stage::UploadStage;

/// How often a bundle is sent under another hash, the first time included.
const MAX_ATTEMPTS: u32 = 3;
/// How often chunks that were stored and are missing again are stored anew.
const MAX_ROUNDS: u32 = 3;
/// The first wait for a bundle that is being put together; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A finished bundle, as its writer leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncutBundle {
    /// The bundle's own id.
    pub id: DebugId,
    /// How many bytes it has.
    pub size: u64,
    /// The bytes at which a chunk may end.
    pub cuts: Vec<u64>,
}

/// What is known before an upload, and how far it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadPlan {
    /// Whether the server may have the bundle, so that it is asked first: nothing changed on disk.
    pub is_unchanged: bool,
    /// Whether it is waited for until the server has put the bundle together.
    pub waits: bool,
    /// The ids of the bundle's files, each once: every project is asked for some of them.
    pub lookups: Vec<DebugId>,
    /// The bundle as [`cut_ahead`] has cut it.
    pub cut: Option<ChunkedBundle>,
}

/// What was done, as far as it came: a failure leaves here what is there all the same.
#[derive(Debug, Default)]
pub struct UploadProgress {
    /// How many bytes the bundle has.
    pub bundle_size: u64,
    /// Into how many chunks it was cut.
    pub chunk_count: usize,
    /// How many chunks the server took.
    pub sent_chunks: usize,
    /// How many bytes these have.
    pub sent_bytes: u64,
    /// Whether the server has all of it, and puts it together.
    pub is_accepted: bool,
    /// Whether the server has put it together.
    pub is_complete: bool,
    /// The projects that find the ids.
    pub proven: Vec<String>,
    /// The projects at a server that has no look-up: its word that the bundle is processed is all there is.
    pub untold: Vec<String>,
    /// The projects of which it is not known, though the server has a look-up.
    pub doubtful: Vec<String>,
    /// What the reader should know all the same.
    pub warnings: Vec<Warning>,
}

impl UploadProgress {
    /// Whether every project was asked for the ids and finds them.
    pub fn is_proven(&self) -> bool {
        let asked_in_vain = !self.untold.is_empty() || !self.doubtful.is_empty();
        self.is_complete && !self.proven.is_empty() && !asked_in_vain
    }

    /// Whether the server has the source maps, as far as it can tell: nothing else has to keep them.
    pub fn is_settled(&self) -> bool {
        self.is_complete && self.doubtful.is_empty()
    }
}

/// Cuts a bundle for a server that takes what most take.
///
/// # Errors
///
/// Those of reading it.
pub fn cut_ahead(bytes: &mut impl ChunkBytes, bundle: &UncutBundle) -> Result<ChunkedBundle> {
    let mut reader = BundleReader::new(bytes, bundle.size, 0);
    cut_bundle(&mut reader, &bundle.id, &bundle.cuts, SENTRY_LIMITS.chunk_size)
}

/// Uploads a bundle, and tells of each stage. What was done before a failure stands in `progress`.
pub async fn upload(
    backend: &mut impl SourcemapBackend,
    bytes: &mut impl ChunkBytes,
    bundle: &UncutBundle,
    target: &BundleTarget,
    plan: &UploadPlan,
    progress: &mut UploadProgress,
    show: &dyn Fn(UploadStage),
) -> Result {
    check_target(target)?;
    let mut start = match plan.is_unchanged {
        true => AttemptStart::Assemble,
        false => AttemptStart::AsFits,
    };
    let proofs = choose_proofs(backend, target, plan).await;
    let (mut limits, mut not_found) = (None, None);
    for attempt in 1.. {
        let reader = BundleReader::new(bytes, bundle.size, attempt - 1);
        let mut driver = UploadAttempt {
            backend,
            reader,
            bundle,
            target,
            plan,
            proofs: &proofs,
            cut: plan.cut.as_ref().filter(|_| attempt == 1),
            limits,
            not_found,
            progress,
            show,
        };
        match driver.run(start).await? {
            AttemptEnd::Done => break,
            AttemptEnd::Refused(_, next) if attempt < MAX_ATTEMPTS => start = next,
            AttemptEnd::Refused(failure, _) => return Err(failure),
        }
        tracing::warn!(attempt, "uploading the bundle of source maps again under another hash");
        (limits, not_found) = (driver.limits, driver.not_found);
    }
    Ok(())
}

/// What each project is asked for afterwards; nothing where the end is not waited for.
async fn choose_proofs(
    backend: &mut impl SourcemapBackend,
    target: &BundleTarget,
    plan: &UploadPlan,
) -> Vec<ProofIds> {
    let mut proofs = Vec::new();
    for project in target.projects.iter().filter(|_| plan.waits && !plan.lookups.is_empty()) {
        proofs.push(ProofIds::choose(backend, project, &plan.lookups).await);
    }
    proofs
}

/// What a server would refuse, after it remembered the bundle as one that it is at work on.
fn check_target(target: &BundleTarget) -> Result {
    let message = match target {
        BundleTarget { projects, .. } if projects.is_empty() => {
            "source maps cannot be uploaded without a project"
        }
        BundleTarget { dist: Some(_), release: None, .. } => "`dist` needs a release",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorCode::Usage, message)
        .with_hint("set `projects`, and `release` beside `dist`"))
}

/// What an attempt begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AttemptStart {
    /// What takes the fewest requests.
    AsFits,
    /// The bundle is put together, for all of it may be there.
    Assemble,
    /// All chunks are stored.
    Store,
}

/// How an attempt ended.
enum AttemptEnd {
    Done,
    /// The server may only be remembering this: another hash may do, begun like that.
    Refused(Error, AttemptStart),
}

/// The upload of a bundle under one hash.
struct UploadAttempt<'a, B, C> {
    backend: &'a mut B,
    reader: BundleReader<'a, C>,
    bundle: &'a UncutBundle,
    target: &'a BundleTarget,
    plan: &'a UploadPlan,
    /// What each project is asked for once the bundle is there.
    proofs: &'a [ProofIds],
    /// The bundle as it is cut for most servers.
    cut: Option<&'a ChunkedBundle>,
    /// What the server takes, once it was asked.
    limits: Option<UploadLimits>,
    /// The failure of an earlier attempt whose ids were not found.
    not_found: Option<Error>,
    progress: &'a mut UploadProgress,
    show: &'a dyn Fn(UploadStage),
}

impl<B: SourcemapBackend, C: ChunkBytes> UploadAttempt<'_, B, C> {
    async fn run(&mut self, start: AttemptStart) -> Result<AttemptEnd> {
        let is_large = self.reader.size() > SMALL_BUNDLE;
        if is_large && start != AttemptStart::Assemble && self.limits.is_none() {
            self.ask_limits().await?;
        }
        let tells_missing = self.limits.as_ref().is_some_and(|limits| limits.tells_missing_chunks);
        let mut bundle = self.cut()?;
        if start == AttemptStart::Store || (start == AttemptStart::AsFits && !tells_missing) {
            self.store(&mut bundle, None).await?;
        }
        self.assemble(&mut bundle).await
    }

    fn cut(&mut self) -> Result<ChunkedBundle> {
        let max_size = self.limits().chunk_size;
        let bundle = match self.cut.filter(|_| max_size == SENTRY_LIMITS.chunk_size) {
            Some(cut) => cut.clone(),
            None => cut_bundle(&mut self.reader, &self.bundle.id, &self.bundle.cuts, max_size)?,
        };
        self.progress.bundle_size = self.reader.size();
        self.progress.chunk_count = bundle.chunks.len();
        Ok(bundle)
    }

    fn limits(&self) -> UploadLimits {
        self.limits.clone().unwrap_or(SENTRY_LIMITS)
    }

    async fn ask_limits(&mut self) -> Result {
        let limits = self.backend.limits().await?.within_ours();
        let (size, most) = (self.reader.size(), limits.bundle_size);
        if size > most {
            let message = format!(
                "the bundle of source maps has {size} bytes, and the server takes {most} at most"
            );
            return Err(Error::new(ErrorCode::SourcemapsRefused, message)
                .with_hint("upload fewer files, or several folders one after the other"));
        }
        self.limits = Some(limits);
        Ok(())
    }

    /// Stores these chunks, or all. Where the server takes smaller ones only, the bundle is cut anew.
    async fn store(&mut self, bundle: &mut ChunkedBundle, hashes: Option<&[String]>) -> Result {
        let mut queue = chunk_queue(bundle, hashes);
        let size: u64 = queue.iter().map(|chunk| chunk.size).sum();
        if self.limits.is_none() && size > SMALL_BUNDLE {
            self.ask_limits().await?;
            self.cut_anew(bundle, &mut queue)?;
        }
        let mut total = queue.len();
        while !queue.is_empty() {
            (self.show)(UploadStage::Sending { sent: total - queue.len(), total });
            let counts = self.limits().next_requests(&queue);
            let mut next = queue.iter();
            let mut request = |count: &usize| -> Result<Vec<_>> {
                let chunks = next.by_ref().take(*count);
                chunks
                    .map(|one| Ok((one.hash.clone(), self.reader.read(one.at, one.size)?)))
                    .collect()
            };
            let requests = counts.iter().map(&mut request).collect::<Result<Vec<_>>>()?;
            match self.backend.store(requests).await? {
                StoreResult::Stored => {
                    let stored = queue.drain(..counts.iter().sum::<usize>());
                    self.progress.sent_chunks += stored.len();
                    self.progress.sent_bytes += stored.map(|chunk| chunk.size).sum::<u64>();
                }
                StoreResult::TooLarge(failure) => {
                    self.send_less(failure).await?;
                    self.cut_anew(bundle, &mut queue)?;
                    total = queue.len();
                }
            }
        }
        Ok(())
    }

    /// Keeps to what the server takes, or to less than it says: a proxy may take less.
    async fn send_less(&mut self, failure: Error) -> Result {
        let before = self.limits();
        if self.limits.is_none() {
            self.ask_limits().await?;
        }
        let said = self.limits();
        let is_less = said.chunk_size < before.chunk_size
            || said.request_size < before.request_size
            || said.chunks_per_request < before.chunks_per_request;
        self.limits = Some(if is_less { said } else { said.smaller().ok_or(failure)? });
        Ok(())
    }

    /// Cuts by the limits as they are now; all of another cut has to be stored.
    fn cut_anew(&mut self, bundle: &mut ChunkedBundle, queue: &mut Vec<BundleChunk>) -> Result {
        let cut = self.cut()?;
        if cut != *bundle {
            *queue = chunk_queue(&cut, None);
            *bundle = cut;
        }
        Ok(())
    }

    /// Has the bundle put together, and stores what is missing for it.
    async fn assemble(&mut self, bundle: &mut ChunkedBundle) -> Result<AttemptEnd> {
        let (mut rounds, mut pause, mut was_pending) = (0, FIRST_PAUSE, false);
        loop {
            match self.backend.assemble(bundle, self.target).await? {
                AssembleState::Complete => return self.prove(was_pending).await,
                AssembleState::Failed(detail) => return failed(&detail),
                AssembleState::Missing(_) if rounds == MAX_ROUNDS => return Err(chunks_lost()),
                AssembleState::Missing(hashes) => {
                    rounds += 1;
                    self.store(bundle, Some(&hashes)).await?;
                }
                AssembleState::Pending => {
                    self.progress.is_accepted = true;
                    (self.show)(UploadStage::Processing);
                    if !self.plan.waits {
                        return Ok(AttemptEnd::Done);
                    }
                    if !self.backend.pause(pause).await {
                        return Err(still_at_work());
                    }
                    (pause, was_pending) = ((pause * 2).min(MAX_PAUSE), true);
                }
            }
        }
    }
}

/// The chunks with these hashes, or all, each once. Hashes of none of them stand for all.
fn chunk_queue(bundle: &ChunkedBundle, hashes: Option<&[String]>) -> Vec<BundleChunk> {
    let mut seen = BTreeSet::new();
    let each = bundle.chunks.iter().filter(|chunk| seen.insert(chunk.hash.as_str()));
    let all: Vec<_> = each.cloned().collect();
    let Some(hashes) = hashes else { return all };
    let hashes: BTreeSet<_> = hashes.iter().collect();
    let wanted: Vec<_> = all.iter().filter(|chunk| hashes.contains(&chunk.hash)).cloned().collect();
    if wanted.is_empty() { all } else { wanted }
}

/// The end of an attempt by a server that could not put the bundle together.
fn failed(detail: &str) -> Result<AttemptEnd> {
    let reason = if detail.is_empty() { "no reason given" } else { detail };
    let message = format!("Sentry cannot process the bundle of source maps: {reason}");
    let failure = Error::new(ErrorCode::SourcemapsRefused, message);
    let lowercase = detail.to_lowercase();
    if lowercase.contains("not all chunks available") {
        Ok(AttemptEnd::Refused(failure, AttemptStart::Store))
    } else if lowercase.contains("internal server error") {
        Ok(AttemptEnd::Refused(failure, AttemptStart::Assemble))
    } else {
        Err(failure)
    }
}

fn chunks_lost() -> Error {
    let message = format!(
        "Sentry still misses chunks of the source maps that it accepted in {MAX_ROUNDS} uploads"
    );
    Error::new(ErrorCode::SourcemapsRefused, message)
        .with_hint("check the file storage of that Sentry, and run again")
}

fn still_at_work() -> Error {
    let message = "the source maps are uploaded, but Sentry did not finish processing them before \
                   the deadline";
    Error::new(ErrorCode::Deadline, message).with_hint(
        "raise `timeout`, or end without the result: `sourcemaps-wait: false`, or no `--wait`",
    )
}
