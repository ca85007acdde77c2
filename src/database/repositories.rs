//! The repositories of an organization: linked by hand through an integration, or made by a
//! commit that named one.

use super::Database;
use super::columns::read_object;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::os::clock::unix_ms;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

/// The name that a repository had before its deletion, in its configuration.
pub(super) const OLD_NAME: &str = "pending_deletion_name";

/// A repository.
#[derive(Clone, Debug)]
pub struct StoredRepository {
    /// Its id.
    pub id: i64,
    /// Its name, by which refs and commits call it.
    pub name: String,
    /// Where it is.
    pub url: Option<String>,
    /// `integrations:KEY`; none for one that a commit only named.
    pub provider: Option<String>,
    /// The third party's id for it.
    pub external_id: Option<String>,
    /// The integration that it is linked through.
    pub integration_id: Option<i64>,
    /// Its status.
    pub status: String,
    /// When it came into being, in milliseconds since 1970.
    pub created_at: i64,
}

/// Which repositories to list.
#[derive(Clone, Debug, Default)]
pub struct RepositoryFilter {
    /// A part of the name.
    pub query: Option<String>,
    /// The status; `active` when none is given.
    pub status: Option<String>,
    /// The integration that they are linked through.
    pub integration_id: Option<i64>,
}

/// A repository to link.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: Option<String>,
    /// `integrations:KEY`.
    pub provider: String,
    /// The third party's id for it.
    pub external_id: String,
    /// The integration to link it through.
    pub integration_id: i64,
}

impl Database {
    /// The organization's repositories by name.
    pub async fn repositories(
        &mut self,
        org: i64,
        filter: &RepositoryFilter,
        page: PageQuery,
    ) -> Result<Vec<StoredRepository>> {
        let sql = "SELECT * FROM repository
                   WHERE organization_id = ?1 AND status = coalesce(?2, 'active')
                     AND (?3 IS NULL OR instr(lower(name), lower(?3)) > 0)
                     AND (?4 IS NULL OR integration_id = ?4)
                   ORDER BY name, id LIMIT ?5 OFFSET ?6";
        let RepositoryFilter { query, status, integration_id } = filter;
        let values = (org, status, query, integration_id, page.rows, page.offset);
        self.rows(sql, values, read).await
    }

    /// All repositories that are linked through an integration.
    pub async fn linked_repositories(
        &mut self,
        org: i64,
        integration: i64,
    ) -> Result<Vec<StoredRepository>> {
        let sql = "SELECT * FROM repository
                   WHERE organization_id = ?1 AND integration_id = ?2 AND status = 'active'
                   ORDER BY name, id";
        self.rows(sql, (org, integration), read).await
    }

    /// Those that a commit only named, and no integration has taken.
    pub async fn unlinked_repositories(&mut self, org: i64) -> Result<Vec<StoredRepository>> {
        let sql = "SELECT * FROM repository
                   WHERE organization_id = ?1 AND provider IS NULL AND integration_id IS NULL
                     AND status = 'active' ORDER BY name, id";
        self.rows(sql, [org], read).await
    }

    /// One of them.
    pub async fn repository(&mut self, org: i64, id: i64) -> Result<Option<StoredRepository>> {
        let sql = "SELECT * FROM repository WHERE organization_id = ?1 AND id = ?2";
        self.row(sql, (org, id), read).await
    }

    /// Those with this name, of one provider when it is given.
    pub async fn repositories_named(
        &mut self,
        org: i64,
        name: &str,
        provider: Option<&str>,
    ) -> Result<Vec<StoredRepository>> {
        let sql = "SELECT * FROM repository
                   WHERE organization_id = ?1 AND name = ?2 AND status = 'active'
                     AND (?3 IS NULL OR provider = ?3) ORDER BY id";
        self.rows(sql, (org, name, provider), read).await
    }

    /// Links a repository. One that is hidden, or that a commit only named, is taken over; `None`
    /// when it is linked already.
    pub async fn link_repository(
        &mut self,
        org: i64,
        new: &NewRepository,
    ) -> Result<Option<StoredRepository>> {
        self.write(|transaction| link(transaction, org, new)).await
    }

    /// Links a repository that a commit only named, by its own id; `None` where there is none.
    pub async fn take_repository(
        &mut self,
        org: i64,
        id: i64,
        integration: i64,
        provider: &str,
    ) -> Result<Option<StoredRepository>> {
        let sql = "UPDATE repository SET provider = ?4, integration_id = ?3
                   WHERE organization_id = ?1 AND id = ?2 AND provider IS NULL
                     AND integration_id IS NULL RETURNING *";
        let values = (org, id, integration, provider);
        self.write(|transaction| transaction.query_row(sql, values, read).optional()).await
    }
}

fn link(
    connection: &Connection,
    org: i64,
    new: &NewRepository,
) -> rusqlite::Result<Option<StoredRepository>> {
    let NewRepository { name, url, provider, external_id, integration_id } = new;
    // By its id, or by its name, with an index for each; the `+` keeps from another one.
    let sql = "SELECT * FROM (
                   SELECT * FROM repository
                   WHERE organization_id = ?1 AND provider = ?2 AND external_id = ?3
                   UNION ALL
                   SELECT * FROM repository
                   WHERE organization_id = ?1 AND name = ?4 AND +provider IS NULL)
               ORDER BY provider IS NULL LIMIT 1";
    let existing =
        connection.query_row(sql, (org, provider, external_id, name), read).optional()?;
    let is_linked = |existing: &StoredRepository| {
        existing.provider.is_some()
            && existing.status == "active"
            && existing.integration_id == Some(*integration_id)
    };
    if existing.as_ref().is_some_and(is_linked) {
        return Ok(None);
    }
    let sql = "INSERT INTO repository
                   (name, url, provider, external_id, integration_id, organization_id, created_at, id)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT DO UPDATE
               SET name = excluded.name, url = excluded.url, provider = excluded.provider,
                   external_id = excluded.external_id, integration_id = excluded.integration_id,
                   status = 'active' RETURNING *";
    let id = existing.map(|existing| existing.id);
    let values = (name, url, provider, external_id, integration_id, org, unix_ms(), id);
    connection.query_row(sql, values, read).optional()
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredRepository> {
    let config = read_object(row, "config")?;
    let old_name = config.get(OLD_NAME).and_then(Value::as_str).map(str::to_owned);
    Ok(StoredRepository {
        id: row.get("id")?,
        name: old_name.map_or_else(|| row.get("name"), Ok)?,
        url: row.get("url")?,
        provider: row.get("provider")?,
        external_id: row.get("external_id")?,
        integration_id: row.get("integration_id")?,
        status: row.get("status")?,
        created_at: row.get("created_at")?,
    })
}
