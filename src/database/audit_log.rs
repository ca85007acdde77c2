//! What the pages of `serve` show beside what its API does: counts, searches, and who did what to
//! an integration.

use super::Database;
use super::integrations::{INSTALLED, InstalledIntegration, read};
use super::organizations::PageQuery;
use crate::error::Result;
use rusqlite::Row;

/// How much an organization has.
#[derive(Clone, Copy, Debug)]
pub struct OrganizationCounts {
    /// Integrations.
    pub integrations: i64,
    /// Releases.
    pub releases: i64,
}

/// The account that an organization's integration acts by.
#[derive(Clone, Debug)]
pub struct LinkedAccount {
    /// The third party's id for it.
    pub external_id: String,
    /// The user here who linked it.
    pub user: String,
    /// When it was last verified, in milliseconds since 1970.
    pub verified_at: i64,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// What happened, by Sentry's name for it.
    pub event: String,
    /// The user who did it.
    pub actor: String,
    /// When, in milliseconds since 1970.
    pub created_at: i64,
}

impl Database {
    /// How much an organization has.
    pub async fn counts(&mut self, org: i64) -> Result<OrganizationCounts> {
        let sql =
            "SELECT (SELECT count(*) FROM organization_integration WHERE organization_id = ?1),
                          (SELECT count(*) FROM release WHERE organization_id = ?1)";
        let read = |row: &Row<'_>| {
            Ok(OrganizationCounts { integrations: row.get(0)?, releases: row.get(1)? })
        };
        self.read(|connection| connection.query_row(sql, [org], read)).await
    }

    /// The organization's integrations whose name, account or provider has this in it, by name.
    pub async fn search_integrations(
        &mut self,
        org: i64,
        query: &str,
        page: PageQuery,
    ) -> Result<Vec<InstalledIntegration>> {
        let sql = format!(
            "{INSTALLED} AND (?2 = '' OR instr(lower(integration.name || char(10)
                 || integration.external_id || char(10) || integration.provider), lower(?2)) > 0)
             ORDER BY integration.name, integration.id LIMIT ?3 OFFSET ?4"
        );
        self.rows(&sql, (org, query, page.rows, page.offset), read).await
    }

    /// When the organization was linked to an integration, in milliseconds since 1970, and the
    /// account that it acts by.
    pub async fn link_details(&mut self, link: i64) -> Result<(i64, Option<LinkedAccount>)> {
        let sql = "SELECT link.created_at, identity.external_id, user.name, date_verified
                   FROM organization_integration AS link
                   LEFT JOIN identity ON identity.id = default_auth_id
                   LEFT JOIN user ON user.id = identity.user_id
                   WHERE link.id = ?1";
        let read = |row: &Row<'_>| Ok((row.get(0)?, read_account(row)?));
        self.read(|connection| connection.query_row(sql, [link], read)).await
    }

    /// What was done to an organization's integration, the latest first.
    pub async fn audit_log(
        &mut self,
        org: i64,
        integration: i64,
        page: PageQuery,
    ) -> Result<Vec<AuditEntry>> {
        let sql = "SELECT event, user.name AS actor, created_at FROM audit_log_entry
                   JOIN user ON user.id = actor_id
                   WHERE organization_id = ?1 AND target_object = ?2
                       AND event GLOB 'integration.*'
                   ORDER BY audit_log_entry.id DESC LIMIT ?3 OFFSET ?4";
        let read = |row: &Row<'_>| {
            Ok(AuditEntry { event: row.get(0)?, actor: row.get(1)?, created_at: row.get(2)? })
        };
        self.rows(sql, (org, integration, page.rows, page.offset), read).await
    }
}

/// The account of a link that has one.
fn read_account(row: &Row<'_>) -> rusqlite::Result<Option<LinkedAccount>> {
    let Some(external_id) = row.get("external_id")? else { return Ok(None) };
    let (user, verified_at) = (row.get("name")?, row.get("date_verified")?);
    Ok(Some(LinkedAccount { external_id, user, verified_at }))
}
