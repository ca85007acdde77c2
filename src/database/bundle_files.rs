//! The files of bundles: scripts and source maps, found by their debug id or their URL.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::sourcemap::archive_reader::ArchiveEntry;
use crate::sourcemap::bundle_reader::BundleEntry;
use crate::sourcemap::debug_id::DebugId;
use rusqlite::{Connection, Row};

/// A file that a release has by a bundle.
#[derive(Clone, Debug)]
pub struct ReleaseScript {
    /// The file.
    pub file: BundleEntry,
    /// The id of its bundle.
    pub bundle_id: String,
    /// The dist that the bundle is for; empty for none.
    pub dist: String,
}

impl Database {
    /// The files of a bundle by their paths; those with a part of this in their URL or debug id.
    pub async fn bundle_files(
        &mut self,
        bundle: i64,
        query: Option<&str>,
        page: PageQuery,
    ) -> Result<Vec<BundleEntry>> {
        let sql = "SELECT * FROM artifact_bundle_file WHERE artifact_bundle_id = ?1
                     AND (?2 IS NULL OR instr(lower(url), lower(?2)) > 0
                          OR instr(debug_id, lower(?2)) > 0
                          OR instr(replace(debug_id, '-', ''), lower(?2)) > 0)
                   ORDER BY path LIMIT ?3 OFFSET ?4";
        self.rows(sql, (bundle, query, page.rows, page.offset), read).await
    }

    /// The file of a bundle at this path.
    pub async fn bundle_file(&mut self, bundle: i64, path: &str) -> Result<Option<BundleEntry>> {
        let sql = "SELECT * FROM artifact_bundle_file WHERE artifact_bundle_id = ?1 AND path = ?2";
        self.row(sql, (bundle, path), read).await
    }

    /// The files that a release has, those of the newest bundle first.
    pub async fn release_scripts(
        &mut self,
        org: i64,
        version: &str,
        page: PageQuery,
    ) -> Result<Vec<ReleaseScript>> {
        let sql = "SELECT file.*, bundle.bundle_id, link.dist AS link_dist
                   FROM artifact_bundle_release AS link
                   JOIN artifact_bundle AS bundle ON bundle.id = link.artifact_bundle_id
                   JOIN artifact_bundle_file AS file ON file.artifact_bundle_id = bundle.id
                   WHERE link.organization_id = ?1 AND link.version = ?2
                   ORDER BY bundle.modified_at DESC, bundle.id DESC, link.dist, path
                   LIMIT ?3 OFFSET ?4";
        let read = |row: &Row<'_>| {
            let (bundle_id, dist) = (row.get("bundle_id")?, row.get("link_dist")?);
            Ok(ReleaseScript { file: read(row)?, bundle_id, dist })
        };
        self.rows(sql, (org, version, page.rows, page.offset), read).await
    }
}

/// Writes the files of a bundle that has none.
pub(super) fn insert(
    connection: &Connection,
    bundle: i64,
    files: &[BundleEntry],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO artifact_bundle_file (artifact_bundle_id, path, url, type, debug_id,
                   sourcemap, size, start, packed_size, is_deflated, crc)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let mut statement = connection.prepare(sql)?;
    for BundleEntry { path, url, kind, debug_id, sourcemap, contents } in files {
        let ArchiveEntry { start, packed_size, size, is_deflated, crc } = *contents;
        let [size, start, packed_size] = [size, start, packed_size].map(u64::cast_signed);
        let debug_id = debug_id.as_ref().map(DebugId::as_str);
        statement.execute((
            bundle,
            path,
            url,
            kind,
            debug_id,
            sourcemap,
            size,
            start,
            packed_size,
            is_deflated,
            crc,
        ))?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<BundleEntry> {
    let number =
        |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(BundleEntry {
        path: row.get("path")?,
        url: row.get("url")?,
        kind: row.get("type")?,
        debug_id: row.get::<_, Option<String>>("debug_id")?.as_deref().and_then(DebugId::parse),
        sourcemap: row.get("sourcemap")?,
        contents: ArchiveEntry {
            start: number("start")?,
            packed_size: number("packed_size")?,
            size: number("size")?,
            is_deflated: row.get("is_deflated")?,
            crc: row.get("crc")?,
        },
    })
}
