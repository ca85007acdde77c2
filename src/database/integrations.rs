//! An organization's integrations as `serve` lists them.

use super::Database;
use super::columns::read_object;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::model::Object;
use rusqlite::Row;

/// An integration with the organization's link to it.
#[derive(Clone)]
pub struct InstalledIntegration {
    /// The integration's id.
    pub id: i64,
    /// The link's own id.
    pub link: i64,
    /// The provider's key in storage.
    pub integration_key: String,
    /// The third party's id for it.
    pub external_id: String,
    /// The name people see.
    pub name: String,
    /// Facts about the installation, some of them secret.
    pub metadata: Object,
    /// The organization's own configuration.
    pub config: Object,
    /// The integration's status.
    pub status: String,
    /// The link's status.
    pub link_status: String,
}

pub(crate) const INSTALLED: &str = "SELECT integration.*, link.id AS link, link.config,
        link.status AS link_status
     FROM organization_integration AS link
     JOIN integration ON integration.id = link.integration_id
     WHERE link.organization_id = ?1";

impl Database {
    /// The organization's integrations by name; of one provider, when a key is given.
    pub async fn integrations(
        &mut self,
        org: i64,
        integration_key: Option<&str>,
        page: PageQuery,
    ) -> Result<Vec<InstalledIntegration>> {
        let sql = format!(
            "{INSTALLED} AND (?2 IS NULL OR integration.provider = ?2)
             ORDER BY integration.name, integration.id LIMIT ?3 OFFSET ?4"
        );
        self.rows(&sql, (org, integration_key, page.rows, page.offset), read).await
    }

    /// The keys of the providers of which the organization has integrations, in alphabetical order.
    pub async fn integration_keys(&mut self, org: i64) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT integration.provider FROM organization_integration AS link
                   JOIN integration ON integration.id = link.integration_id
                   WHERE link.organization_id = ?1 ORDER BY integration.provider";
        self.rows(sql, [org], |row| row.get(0)).await
    }

    /// One of them.
    pub async fn integration(&mut self, org: i64, id: i64) -> Result<Option<InstalledIntegration>> {
        let sql = format!("{INSTALLED} AND integration.id = ?2");
        self.row(&sql, (org, id), read).await
    }

    /// Gives an integration another name or domain.
    pub async fn describe_integration(
        &mut self,
        id: i64,
        name: Option<String>,
        domain: Option<String>,
    ) -> Result {
        let sql = "UPDATE integration SET name = coalesce(?2, name),
                       metadata = iif(?3 IS NULL, metadata, json_set(metadata, '$.domain_name', ?3))
                   WHERE id = ?1";
        self.write(|transaction| transaction.execute(sql, (id, &name, &domain)).map(drop)).await
    }
}

pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<InstalledIntegration> {
    Ok(InstalledIntegration {
        id: row.get("id")?,
        link: row.get("link")?,
        integration_key: row.get("provider")?,
        external_id: row.get("external_id")?,
        name: row.get("name")?,
        metadata: read_object(row, "metadata")?,
        config: read_object(row, "config")?,
        status: row.get("status")?,
        link_status: row.get("link_status")?,
    })
}
