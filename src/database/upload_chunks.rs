//! Chunks: pieces of bundles, each there once for an organization, however many bundles have it.

use super::Database;
use crate::error::Result;
use crate::os::clock::unix_ms;
use rusqlite::{Connection, OptionalExtension};

/// How long a chunk that no bundle has is kept for one.
const SPARE_MS: i64 = 24 * 60 * 60 * 1000;

/// How many such chunks an organization may have; the newest are kept.
const MAX_SPARE: i64 = 8192;

/// A chunk at its place in a bundle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkPlace {
    /// Its id.
    pub(crate) chunk: i64,
    /// Its first byte in the bundle.
    pub(crate) start: u64,
    /// How many bytes it has.
    pub(crate) size: u64,
}

impl Database {
    /// Stores chunks, each with its hash, and removes those that nobody came back for. One that is
    /// there stays as it is.
    pub async fn store_chunks(&mut self, org: i64, chunks: &[(String, Vec<u8>)]) -> Result {
        self.write(|transaction| {
            let sql = "INSERT INTO upload_chunk (organization_id, hash, data, spare_since)
                       VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (organization_id, hash) DO UPDATE SET spare_since = ?4
                       WHERE spare_since IS NOT NULL";
            let mut statement = transaction.prepare(sql)?;
            for (hash, data) in chunks {
                statement.execute((org, hash, data, unix_ms()))?;
            }
            remove_spare(transaction, org)
        })
        .await
    }
}

/// The id and the size of a chunk.
pub(crate) fn find(
    connection: &Connection,
    org: i64,
    hash: &str,
) -> rusqlite::Result<Option<(i64, u64)>> {
    let sql = "SELECT id, length(data) FROM upload_chunk WHERE organization_id = ?1 AND hash = ?2";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()));
    connection.query_row(sql, (org, hash), read).optional()
}

/// The bytes of a chunk.
pub(crate) fn bytes(connection: &Connection, chunk: i64) -> rusqlite::Result<Vec<u8>> {
    connection.query_row("SELECT data FROM upload_chunk WHERE id = ?1", [chunk], |row| row.get(0))
}

/// Notes that a bundle has these.
pub(super) fn keep(connection: &Connection, places: &[ChunkPlace]) -> rusqlite::Result<()> {
    let sql = "UPDATE upload_chunk SET spare_since = NULL WHERE id = ?1";
    let mut statement = connection.prepare(sql)?;
    places.iter().try_for_each(|place| statement.execute([place.chunk]).map(drop))
}

/// Notes that a bundle, which is about to go, has its chunks no more.
pub(super) fn release(connection: &Connection, bundle: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE upload_chunk SET spare_since = ?2 WHERE id IN (
                   SELECT chunk_id FROM artifact_bundle_chunk WHERE artifact_bundle_id = ?1)
               AND NOT EXISTS (SELECT 1 FROM artifact_bundle_chunk
                   WHERE chunk_id = upload_chunk.id AND artifact_bundle_id <> ?1)";
    connection.execute(sql, (bundle, unix_ms())).map(drop)
}

/// Removes the chunks that no bundle has and that are old, or too many.
pub(super) fn remove_spare(connection: &Connection, org: i64) -> rusqlite::Result<()> {
    let old = "DELETE FROM upload_chunk WHERE organization_id = ?1 AND spare_since < ?2";
    connection.execute(old, (org, unix_ms() - SPARE_MS))?;
    let many = "DELETE FROM upload_chunk WHERE id IN (SELECT id FROM upload_chunk
                    WHERE organization_id = ?1 AND spare_since IS NOT NULL
                    ORDER BY spare_since DESC, id DESC LIMIT -1 OFFSET ?2)";
    connection.execute(many, (org, MAX_SPARE)).map(drop)
}
