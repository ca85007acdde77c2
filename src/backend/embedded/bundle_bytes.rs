//! The bytes of a bundle, which stand in its chunks; one chunk is in memory at a time.

use crate::database::Database;
use crate::database::artifact_bundles;
use crate::database::upload_chunks::{self, ChunkPlace};
use crate::error::{Error, ErrorCode, Result};
use crate::sourcemap::archive_reader::{ArchiveError, ByteSource, EntryReader};
use rusqlite::Connection;

/// The chunks of a bundle, and the last one that was read.
pub(crate) struct BundleBytes {
    places: Vec<ChunkPlace>,
    loaded: Option<(i64, Vec<u8>)>,
}

impl BundleBytes {
    /// The bytes in these chunks.
    pub(super) fn new(places: Vec<ChunkPlace>) -> Self {
        Self { places, loaded: None }
    }

    /// Those of a stored bundle.
    pub(crate) async fn of_bundle(database: &mut Database, bundle: i64) -> Result<Self> {
        let places = database.read(|connection| artifact_bundles::places(connection, bundle));
        Ok(Self::new(places.await?))
    }

    /// How many chunks there are.
    pub(crate) fn chunk_count(&self) -> usize {
        self.places.len()
    }

    /// A whole chunk by its number.
    pub(crate) async fn chunk(&self, database: &mut Database, number: usize) -> Result<Vec<u8>> {
        let chunk = self.places[number].chunk;
        database.read(|connection| upload_chunks::bytes(connection, chunk)).await
    }

    /// The next piece of an entry; `None` at its end.
    pub(crate) async fn next_piece(
        &mut self,
        database: &mut Database,
        reader: &mut EntryReader,
    ) -> Result<Option<Vec<u8>>> {
        let read = |connection: &Connection| match reader.next_piece(&mut self.over(connection)) {
            Err(ArchiveError::Source(error)) => Err(error),
            Err(ArchiveError::Invalid(reason)) => Ok(Err(reason)),
            Ok(piece) => Ok(Ok(piece)),
        };
        database.read(read).await?.map_err(|reason| Error::new(ErrorCode::Database, reason))
    }

    /// The same bytes where they can be read.
    pub(super) fn over<'a>(&'a mut self, connection: &'a Connection) -> StoredBytes<'a> {
        StoredBytes { connection, bytes: self }
    }

    fn load(&mut self, connection: &Connection, at: u64) -> rusqlite::Result<(u64, &[u8])> {
        let behind = self.places.partition_point(|place| place.start <= at);
        // Chunks without a byte stand before the one that has it.
        let place = self.places[behind.saturating_sub(1)];
        let loaded = match self.loaded.take() {
            Some(loaded) if loaded.0 == place.chunk => loaded,
            _ => (place.chunk, upload_chunks::bytes(connection, place.chunk)?),
        };
        Ok((place.start, &self.loaded.insert(loaded).1))
    }
}

/// A bundle's bytes over a connection.
pub(super) struct StoredBytes<'a> {
    connection: &'a Connection,
    bytes: &'a mut BundleBytes,
}

impl ByteSource for StoredBytes<'_> {
    type Error = rusqlite::Error;

    fn size(&self) -> u64 {
        self.bytes.places.last().map_or(0, |last| last.start + last.size)
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> rusqlite::Result<()> {
        let mut done = 0;
        while done < buffer.len() {
            let (start, chunk) = self.bytes.load(self.connection, at + done as u64)?;
            let from = usize::try_from(at + done as u64 - start).unwrap_or(usize::MAX);
            let part = chunk.get(from..).filter(|part| !part.is_empty());
            let part = part.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            let length = part.len().min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&part[..length]);
            done += length;
        }
        Ok(())
    }
}
