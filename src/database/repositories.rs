//! The repositories of an organization: linked by hand through an integration, or made by a
//! commit that named one.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::os::clock::unix_ms;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

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
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT * FROM repository
                 WHERE organization_id = :org AND status = coalesce(:status, 'active')
                   AND (:query IS NULL OR instr(lower(name), lower(:query)) > 0)
                   AND (:integration IS NULL OR integration_id = :integration)
                 ORDER BY name, id LIMIT :rows OFFSET :offset",
            )?;
            let values = named_params! {
                ":org": org,
                ":status": filter.status,
                ":query": filter.query,
                ":integration": filter.integration_id,
                ":rows": page.rows,
                ":offset": page.offset,
            };
            statement.query_map(values, read)?.collect()
        })
        .await
    }

    /// One of them.
    pub async fn repository(&mut self, org: i64, id: i64) -> Result<Option<StoredRepository>> {
        let sql = "SELECT * FROM repository WHERE organization_id = ?1 AND id = ?2";
        self.read(|connection| connection.query_row(sql, (org, id), read).optional()).await
    }

    /// Those with this name, of one provider when it is given.
    pub async fn repositories_named(
        &mut self,
        org: i64,
        name: &str,
        provider: Option<&str>,
    ) -> Result<Vec<StoredRepository>> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT * FROM repository
                 WHERE organization_id = ?1 AND name = ?2 AND status = 'active'
                   AND (?3 IS NULL OR provider = ?3) ORDER BY id",
            )?;
            statement.query_map((org, name, provider), read)?.collect()
        })
        .await
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
}

fn link(
    connection: &Connection,
    org: i64,
    new: &NewRepository,
) -> rusqlite::Result<Option<StoredRepository>> {
    let known = "SELECT id, status FROM repository WHERE organization_id = ?1
                 AND ((provider = ?2 AND external_id = ?3) OR (provider IS NULL AND name = ?4))
                 ORDER BY provider IS NULL LIMIT 1";
    let known: Option<(i64, String)> = connection
        .query_row(known, (org, &new.provider, &new.external_id, &new.name), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let is_linked = "SELECT count(*) FROM repository WHERE id = ?1 AND provider IS NOT NULL
                     AND status = 'active' AND integration_id = ?2";
    let values = (&new.name, &new.url, &new.provider, &new.external_id, new.integration_id);
    let id = match known {
        Some((id, _)) => {
            let count: i64 =
                connection.query_row(is_linked, (id, new.integration_id), |row| row.get(0))?;
            if count == 1 {
                return Ok(None);
            }
            let sql = "UPDATE repository SET name = ?1, url = ?2, provider = ?3, external_id = ?4,
                       integration_id = ?5, status = 'active' WHERE id = ?6";
            let (name, url, provider, external_id, integration) = values;
            connection.execute(sql, (name, url, provider, external_id, integration, id))?;
            id
        }
        None => {
            let sql = "INSERT INTO repository
                       (name, url, provider, external_id, integration_id, organization_id, created_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id";
            let (name, url, provider, external_id, integration) = values;
            let values = (name, url, provider, external_id, integration, org, unix_ms());
            connection.query_row(sql, values, |row| row.get(0))?
        }
    };
    connection.query_row("SELECT * FROM repository WHERE id = ?1", [id], read).optional()
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<StoredRepository> {
    Ok(StoredRepository {
        id: row.get("id")?,
        name: row.get("name")?,
        url: row.get("url")?,
        provider: row.get("provider")?,
        external_id: row.get("external_id")?,
        integration_id: row.get("integration_id")?,
        status: row.get("status")?,
        created_at: row.get("created_at")?,
    })
}
