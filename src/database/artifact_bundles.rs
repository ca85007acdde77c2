//! Bundles: what was put together of chunks, for which projects, releases and dists.

use super::organizations::PageQuery;
use super::upload_chunks::{self, ChunkPlace};
use super::{Database, bundle_files};
use crate::error::Result;
use crate::os::clock::unix_ms;
use crate::sourcemap::bundle_reader::BundleContents;
use crate::sourcemap::debug_id::DebugId;
use rusqlite::{Connection, OptionalExtension, Row};

/// How many bundles are searched for a file, newest first; as in Sentry.
const MAX_SEARCHED: i64 = 5;

/// A bundle as it is stored.
#[derive(Clone, Debug)]
pub struct StoredBundle {
    /// Its id here.
    pub id: i64,
    /// Its own id.
    pub bundle_id: String,
    /// How many bytes it has.
    pub size: u64,
    /// How many files it has.
    pub file_count: i64,
    /// Whether a file is found by a debug id.
    pub has_debug_ids: bool,
    /// The release that its manifest names.
    pub release: Option<String>,
    /// The dist that its manifest names.
    pub dist: Option<String>,
    /// When it came.
    pub created_at: i64,
    /// When it came last.
    pub modified_at: i64,
}

/// The order of a listing of bundles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleOrder {
    /// By when they came last, and not by when they came first.
    pub by_modified: bool,
    /// The oldest first.
    pub is_ascending: bool,
}

/// What came of taking a bundle away from a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleRemoval {
    /// The project has it no more, or never had.
    Removed,
    /// Only other projects have it.
    OfOthers,
}

/// What a bundle is made of.
pub(crate) struct NewBundle<'a> {
    pub(crate) id: &'a DebugId,
    pub(crate) checksum: &'a str,
    pub(crate) places: &'a [ChunkPlace],
    pub(crate) contents: &'a BundleContents,
}

/// What a bundle is for.
#[derive(Clone, Copy)]
pub(crate) struct BundleUse<'a> {
    pub(crate) projects: &'a [i64],
    pub(crate) release: Option<&'a str>,
    pub(crate) dist: Option<&'a str>,
}

impl Database {
    /// A project's bundles; those with exactly this release, dist, bundle id or debug id.
    pub async fn bundles(
        &mut self,
        project: i64,
        query: Option<&str>,
        order: BundleOrder,
        page: PageQuery,
    ) -> Result<Vec<StoredBundle>> {
        let column = if order.by_modified { "modified_at" } else { "created_at" };
        let direction = if order.is_ascending { "ASC" } else { "DESC" };
        let sql = format!(
            "SELECT bundle.* FROM artifact_bundle_project AS link
             JOIN artifact_bundle AS bundle ON bundle.id = link.artifact_bundle_id
             WHERE link.project_id = ?1
               AND (?2 IS NULL OR bundle.bundle_id = ?3
                    OR EXISTS (SELECT 1 FROM artifact_bundle_release AS used
                        WHERE used.artifact_bundle_id = bundle.id
                        AND (used.version = ?2 OR used.dist = ?2))
                    OR EXISTS (SELECT 1 FROM artifact_bundle_file AS file
                        WHERE file.artifact_bundle_id = bundle.id AND file.debug_id = ?3))
             ORDER BY {column} {direction}, bundle.id {direction} LIMIT ?4 OFFSET ?5"
        );
        let id = query.and_then(DebugId::parse);
        let id = id.as_ref().map(DebugId::as_str);
        self.rows(&sql, (project, query, id, page.rows, page.offset), read).await
    }

    /// A project's bundle with this id.
    pub async fn bundle(&mut self, project: i64, id: &DebugId) -> Result<Option<StoredBundle>> {
        let sql = "SELECT bundle.* FROM artifact_bundle_project AS link
                   JOIN artifact_bundle AS bundle ON bundle.id = link.artifact_bundle_id
                   WHERE link.project_id = ?1 AND bundle.bundle_id = ?2";
        self.row(sql, (project, id.as_str()), read).await
    }

    /// The same by its id here.
    pub async fn bundle_by_row(&mut self, project: i64, id: i64) -> Result<Option<StoredBundle>> {
        let sql = "SELECT bundle.* FROM artifact_bundle_project AS link
                   JOIN artifact_bundle AS bundle ON bundle.id = link.artifact_bundle_id
                   WHERE link.project_id = ?1 AND bundle.id = ?2";
        self.row(sql, (project, id), read).await
    }

    /// The releases that a bundle is for, each with its dist, which may be empty.
    pub async fn bundle_releases(&mut self, bundle: i64) -> Result<Vec<(String, String)>> {
        let sql = "SELECT version, dist FROM artifact_bundle_release
                   WHERE artifact_bundle_id = ?1 ORDER BY version, dist";
        self.rows(sql, [bundle], |row| Ok((row.get(0)?, row.get(1)?))).await
    }

    /// A project's newest bundle with a file of this debug id.
    pub async fn bundle_with_debug_id(
        &mut self,
        project: i64,
        id: &DebugId,
    ) -> Result<Option<i64>> {
        let sql = "SELECT bundle.id FROM artifact_bundle_file AS file
                   CROSS JOIN artifact_bundle AS bundle ON bundle.id = file.artifact_bundle_id
                   WHERE file.debug_id = ?2 AND EXISTS (SELECT 1 FROM artifact_bundle_project
                       WHERE artifact_bundle_id = bundle.id AND project_id = ?1)
                   ORDER BY bundle.modified_at DESC, bundle.id DESC LIMIT 1";
        self.row(sql, (project, id.as_str()), |row| row.get(0)).await
    }

    /// A project's newest bundles for a release and dist; with a URL, those with a file of it.
    pub async fn bundles_of_release(
        &mut self,
        (org, project): (i64, i64),
        (version, dist): (&str, &str),
        url: Option<&str>,
    ) -> Result<Vec<i64>> {
        let sql = "SELECT bundle.id FROM artifact_bundle_release AS used
                   CROSS JOIN artifact_bundle AS bundle ON bundle.id = used.artifact_bundle_id
                   WHERE used.organization_id = ?1 AND used.version = ?3 AND used.dist = ?4
                     AND EXISTS (SELECT 1 FROM artifact_bundle_project
                         WHERE artifact_bundle_id = bundle.id AND project_id = ?2)
                     AND (?5 IS NULL OR EXISTS (SELECT 1 FROM artifact_bundle_file AS file
                         WHERE file.artifact_bundle_id = bundle.id
                         AND instr(lower(file.url), lower(?5)) > 0))
                   ORDER BY bundle.modified_at DESC, bundle.id DESC LIMIT ?6";
        self.rows(sql, (org, project, version, dist, url, MAX_SEARCHED), |row| row.get(0)).await
    }

    /// Takes a bundle away from a project, and removes it when no other project has it.
    pub async fn remove_bundle(
        &mut self,
        org: i64,
        project: i64,
        id: &DebugId,
    ) -> Result<BundleRemoval> {
        self.write(|transaction| {
            let sql =
                "SELECT id FROM artifact_bundle WHERE organization_id = ?1 AND bundle_id = ?2";
            let found = transaction.query_row(sql, (org, id.as_str()), |row| row.get(0)).optional();
            let Some(bundle): Option<i64> = found? else { return Ok(BundleRemoval::Removed) };
            let sql = "DELETE FROM artifact_bundle_project
                       WHERE artifact_bundle_id = ?1 AND project_id = ?2";
            if transaction.execute(sql, (bundle, project))? == 0 {
                return Ok(BundleRemoval::OfOthers);
            }
            let sql = "SELECT count(*) FROM artifact_bundle_project WHERE artifact_bundle_id = ?1";
            if transaction.query_row(sql, [bundle], |row| row.get::<_, i64>(0))? == 0 {
                upload_chunks::release(transaction, bundle)?;
                transaction.execute("DELETE FROM artifact_bundle WHERE id = ?1", [bundle])?;
                upload_chunks::remove_spare(transaction, org)?;
            }
            Ok(BundleRemoval::Removed)
        })
        .await
    }
}

/// The bundle of these bytes.
pub(crate) fn with_checksum(
    connection: &Connection,
    org: i64,
    checksum: &str,
) -> rusqlite::Result<Option<StoredBundle>> {
    let sql = "SELECT * FROM artifact_bundle WHERE organization_id = ?1 AND checksum = ?2 LIMIT 1";
    connection.query_row(sql, (org, checksum), read).optional()
}

/// Writes a bundle in the place of the one with its id, which stays for what it is for; its id here.
pub(crate) fn write(
    connection: &Connection,
    org: i64,
    new: &NewBundle<'_>,
) -> rusqlite::Result<i64> {
    let NewBundle { id, checksum, places, contents } = new;
    let size: u64 = places.iter().map(|place| place.size).sum();
    let BundleContents { files, release, dist, .. } = contents;
    let sql = "INSERT INTO artifact_bundle (organization_id, bundle_id, checksum, size, file_count,
                   has_debug_ids, release, dist, created_at, modified_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
               ON CONFLICT (organization_id, bundle_id) DO UPDATE SET checksum = excluded.checksum,
                   size = excluded.size, file_count = excluded.file_count,
                   has_debug_ids = excluded.has_debug_ids, release = excluded.release,
                   dist = excluded.dist, modified_at = excluded.modified_at
               RETURNING id";
    let (size, count) = (size.cast_signed(), files.len().cast_signed());
    let has_ids = contents.has_debug_ids();
    let values = (org, id.as_str(), checksum, size, count, has_ids, release, dist, unix_ms());
    let bundle = connection.query_row(sql, values, |row| row.get(0))?;
    upload_chunks::release(connection, bundle)?;
    for table in ["artifact_bundle_chunk", "artifact_bundle_file"] {
        let sql = format!("DELETE FROM {table} WHERE artifact_bundle_id = ?1");
        connection.execute(&sql, [bundle])?;
    }
    let mut statement =
        connection.prepare("INSERT INTO artifact_bundle_chunk VALUES (?1, ?2, ?3, ?4)")?;
    for (number, place) in places.iter().enumerate() {
        statement.execute((
            bundle,
            number.cast_signed(),
            place.start.cast_signed(),
            place.chunk,
        ))?;
    }
    upload_chunks::keep(connection, places)?;
    bundle_files::insert(connection, bundle, files)?;
    upload_chunks::remove_spare(connection, org)?;
    Ok(bundle)
}

/// Notes what a bundle is for, beside what it is for already.
pub(crate) fn link(
    connection: &Connection,
    org: i64,
    bundle: i64,
    usage: BundleUse<'_>,
) -> rusqlite::Result<()> {
    for project in usage.projects {
        let sql = "INSERT OR IGNORE INTO artifact_bundle_project VALUES (?1, ?2)";
        connection.execute(sql, (bundle, project))?;
    }
    if let Some(release) = usage.release {
        let sql = "INSERT OR IGNORE INTO artifact_bundle_release
                   (artifact_bundle_id, organization_id, version, dist) VALUES (?1, ?2, ?3, ?4)";
        connection.execute(sql, (bundle, org, release, usage.dist.unwrap_or_default()))?;
    }
    Ok(())
}

/// The chunks of a bundle, in their order.
pub(crate) fn places(connection: &Connection, bundle: i64) -> rusqlite::Result<Vec<ChunkPlace>> {
    let sql = "SELECT chunk_id, start, length(data) AS size FROM artifact_bundle_chunk
               CROSS JOIN upload_chunk ON upload_chunk.id = chunk_id
               WHERE artifact_bundle_id = ?1 ORDER BY place";
    let read = |row: &Row<'_>| {
        let [start, size] = [row.get::<_, i64>("start")?, row.get("size")?].map(i64::cast_unsigned);
        Ok(ChunkPlace { chunk: row.get("chunk_id")?, start, size })
    };
    connection.prepare(sql)?.query_map([bundle], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredBundle> {
    Ok(StoredBundle {
        id: row.get("id")?,
        bundle_id: row.get("bundle_id")?,
        size: row.get::<_, i64>("size")?.cast_unsigned(),
        file_count: row.get("file_count")?,
        has_debug_ids: row.get("has_debug_ids")?,
        release: row.get("release")?,
        dist: row.get("dist")?,
        created_at: row.get("created_at")?,
        modified_at: row.get("modified_at")?,
    })
}
