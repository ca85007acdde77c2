//! Source maps on our engine: chunks are stored, and a bundle is put together of them, in one
//! transaction each. `serve` answers its requests with the same.

use super::bundle_bytes::BundleBytes;
use crate::database::artifact_bundles::{self, BundleUse, NewBundle, StoredBundle};
use crate::database::upload_chunks::{self, ChunkPlace};
use crate::database::{Database, TransactionEnd};
use crate::error::Result;
use crate::model::OrgSlug;
use crate::sourcemap::archive_reader::ArchiveError;
use crate::sourcemap::backend::{
    AssembleState, ChunkedBundle, FileAddress, LookupAnswer, SourcemapBackend, StoreResult,
    UploadLimits,
};
use crate::sourcemap::bundle::BundleTarget;
use crate::sourcemap::bundle_reader::{BundleContents, read_bundle};
use crate::sourcemap::debug_id::DebugId;
use crate::text::hex;
use rusqlite::Connection;
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;
use std::path::Path;

/// What the engine takes: a request's chunks, packed or not, fit into a body that `serve` reads.
pub(crate) const LIMITS: UploadLimits = UploadLimits {
    chunk_size: 1024 * 1024,
    chunks_per_request: 64,
    request_size: 3 * 1024 * 1024,
    bundle_size: 512 * 1024 * 1024,
    tells_missing_chunks: true,
};

/// The most chunks of a bundle, half of those that are kept for no bundle.
pub(crate) const MAX_CHUNKS: usize = 4096;

/// A bundle to put together.
pub(crate) struct BundleRequest<'a> {
    /// The SHA-1 of the whole.
    pub(crate) checksum: &'a str,
    /// The SHA-1 of each chunk, in their order.
    pub(crate) chunks: &'a [String],
    /// The ids of the projects.
    pub(crate) projects: &'a [i64],
    /// The release, if it is for one.
    pub(crate) release: Option<&'a str>,
    /// The dist of that release.
    pub(crate) dist: Option<&'a str>,
}

/// The source maps of one organization in a file.
pub struct EmbeddedSourcemaps {
    database: Database,
    slug: OrgSlug,
    /// Organization and projects that came into being, for the run to say so.
    pub created: Vec<String>,
}

impl EmbeddedSourcemaps {
    /// Opens the file. Organization and projects come into being with what is stored for them.
    pub async fn open(path: &Path, slug: &OrgSlug) -> Result<Self> {
        let database = Database::open(path).await?;
        Ok(Self { database, slug: slug.clone(), created: Vec::new() })
    }

    /// Opens a file that is only read; none where it is not there.
    pub async fn open_to_read(path: &Path, slug: &OrgSlug) -> Result<Option<Self>> {
        let database = Database::open_to_read(path).await?;
        let of = |database| Self { database, slug: slug.clone(), created: Vec::new() };
        Ok(database.map(of))
    }

    async fn store_chunks(&mut self, chunks: &[(String, Vec<u8>)]) -> Result<Vec<String>> {
        let (org, created) = self.database.create_projects(&self.slug, &[]).await?;
        self.database.store_chunks(org, chunks).await?;
        Ok(created)
    }

    async fn assemble_for(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<(AssembleState, Vec<String>)> {
        let (org, created) = self.database.create_projects(&self.slug, &target.projects).await?;
        let mut projects = Vec::new();
        for slug in &target.projects {
            projects.extend(self.database.project(org, slug).await?.map(|project| project.id));
        }
        let chunks: Vec<_> = bundle.chunks.iter().map(|chunk| chunk.hash.clone()).collect();
        let request = BundleRequest {
            checksum: &bundle.hash,
            chunks: &chunks,
            projects: &projects,
            release: target.release.as_deref(),
            dist: target.dist.as_deref(),
        };
        Ok((assemble_bundle(&mut self.database, org, &request).await?, created))
    }

    /// Ends a transaction, which is kept if it has done what was asked.
    fn end<T>(
        &mut self,
        result: Result<(T, Vec<String>)>,
        is_done: impl Fn(&T) -> bool,
    ) -> Result<T> {
        match result {
            Ok((value, created)) if is_done(&value) => {
                self.database.end(TransactionEnd::Commit)?;
                self.created.extend(created);
                Ok(value)
            }
            result => {
                self.database.end(TransactionEnd::RollBack)?;
                result.map(|(value, _)| value)
            }
        }
    }
}

impl SourcemapBackend for EmbeddedSourcemaps {
    async fn limits(&mut self) -> Result<UploadLimits> {
        Ok(LIMITS)
    }

    async fn store(&mut self, requests: Vec<Vec<(String, Vec<u8>)>>) -> Result<StoreResult> {
        let chunks: Vec<_> = requests.into_iter().flatten().collect();
        self.database.begin().await?;
        let stored = self.store_chunks(&chunks).await;
        let stored = stored.map(|created| (StoreResult::Stored, created));
        self.end(stored, |_| true)
    }

    async fn assemble(
        &mut self,
        bundle: &ChunkedBundle,
        target: &BundleTarget,
    ) -> Result<AssembleState> {
        self.database.begin().await?;
        let assembled = self.assemble_for(bundle, target).await;
        self.end(assembled, |state| *state == AssembleState::Complete)
    }

    async fn finds(&mut self, project: &str, id: &DebugId) -> Result<LookupAnswer> {
        let Some((_, project)) = self.place(project).await? else {
            return Ok(LookupAnswer::NotFound);
        };
        Ok(self.database.bundle_with_debug_id(project, id).await?.is_some().into())
    }

    async fn holds(&mut self, project: &str, bundle: &DebugId, _id: &DebugId) -> Result<bool> {
        let Some((_, project)) = self.place(project).await? else { return Ok(false) };
        // A bundle and its files are written at once.
        Ok(self.database.bundle(project, bundle).await?.is_some())
    }

    async fn finds_address(
        &mut self,
        project: &str,
        file: FileAddress<'_>,
    ) -> Result<LookupAnswer> {
        let Some(place) = self.place(project).await? else { return Ok(LookupAnswer::NotFound) };
        let used = (file.release.unwrap_or_default(), file.dist.unwrap_or_default());
        let found = self.database.bundles_of_release(place, used, Some(file.url)).await?;
        Ok((!found.is_empty()).into())
    }
}

impl EmbeddedSourcemaps {
    /// The rows of the organization and a project of it, where both are there.
    async fn place(&mut self, project: &str) -> Result<Option<(i64, i64)>> {
        let org = self.database.organization(self.slug.as_str()).await?;
        let Some(org) = org.filter(|org| org.slug == self.slug.as_str()) else { return Ok(None) };
        let project = self.database.project(org.id, project).await?;
        Ok(project.map(|project| (org.id, project.id)))
    }
}

/// Puts a bundle together and notes what it is for. One that is there is not put together again, but
/// noted for what else it is for.
pub(crate) async fn assemble_bundle(
    database: &mut Database,
    org: i64,
    request: &BundleRequest<'_>,
) -> Result<AssembleState> {
    database.write(|transaction| assemble(transaction, org, request)).await
}

fn assemble(
    connection: &Connection,
    org: i64,
    request: &BundleRequest<'_>,
) -> rusqlite::Result<AssembleState> {
    if let Some(stored) = artifact_bundles::with_checksum(connection, org, request.checksum)? {
        let StoredBundle { id, has_debug_ids, release, dist, .. } = stored;
        return link(connection, org, request, (release, dist, has_debug_ids), |_| Ok(id));
    }
    let (places, missing) = find_chunks(connection, org, request.chunks)?;
    if !missing.is_empty() || request.chunks.is_empty() {
        return Ok(AssembleState::Missing(missing));
    }
    if places.iter().map(|place| place.size).sum::<u64>() > LIMITS.bundle_size {
        return Ok(failed("File exceeds maximum size"));
    }
    if checksum(connection, &places)? != request.checksum {
        return Ok(failed("Reported checksum mismatch"));
    }
    match read_bundle(&mut BundleBytes::new(places.clone()).over(connection)) {
        Ok(contents) => store(connection, org, request, &places, contents),
        Err(ArchiveError::Source(error)) => Err(error),
        Err(ArchiveError::Invalid(reason)) => {
            tracing::warn!(checksum = request.checksum, reason, "the bundle is invalid");
            Ok(failed("the bundle is invalid"))
        }
    }
}

fn store(
    connection: &Connection,
    org: i64,
    request: &BundleRequest<'_>,
    places: &[ChunkPlace],
    contents: BundleContents,
) -> rusqlite::Result<AssembleState> {
    let BundleRequest { checksum, .. } = *request;
    let id = contents.id.clone().or_else(|| DebugId::parse_any(&checksum[..32]));
    let Some(id) = id else { return Ok(failed("Reported checksum mismatch")) };
    let named = (contents.release.clone(), contents.dist.clone(), contents.has_debug_ids());
    link(connection, org, request, named, |connection| {
        let new = NewBundle { id: &id, checksum, places, contents: &contents };
        artifact_bundles::write(connection, org, &new)
    })
}

/// Notes what a bundle is for, as the request or else its manifest says.
fn link(
    connection: &Connection,
    org: i64,
    request: &BundleRequest<'_>,
    (release, dist, has_debug_ids): (Option<String>, Option<String>, bool),
    bundle: impl FnOnce(&Connection) -> rusqlite::Result<i64>,
) -> rusqlite::Result<AssembleState> {
    let release = request.release.or(release.as_deref());
    let dist = request.dist.or(dist.as_deref());
    if release.is_none() && !has_debug_ids {
        return Ok(failed("uploading a bundle without debug ids or release is prohibited"));
    }
    let usage = BundleUse { projects: request.projects, release, dist };
    artifact_bundles::link(connection, org, bundle(connection)?, usage)?;
    Ok(AssembleState::Complete)
}

fn failed(words: &str) -> AssembleState {
    AssembleState::Failed(words.to_owned())
}

/// The chunks of a bundle at their places, and those that are not there, each once.
fn find_chunks(
    connection: &Connection,
    org: i64,
    hashes: &[String],
) -> rusqlite::Result<(Vec<ChunkPlace>, Vec<String>)> {
    let (mut places, mut missing) = (Vec::new(), Vec::new());
    let (mut seen, mut start) = (BTreeSet::new(), 0);
    for hash in hashes {
        match upload_chunks::find(connection, org, hash)? {
            Some((chunk, size)) => {
                places.push(ChunkPlace { chunk, start, size });
                start += size;
            }
            None if seen.insert(hash) => missing.push(hash.clone()),
            None => {}
        }
    }
    Ok((places, missing))
}

fn checksum(connection: &Connection, places: &[ChunkPlace]) -> rusqlite::Result<String> {
    let mut hash = Sha1::new();
    for place in places {
        hash.update(upload_chunks::bytes(connection, place.chunk)?);
    }
    Ok(hex(&hash.finalize()))
}
