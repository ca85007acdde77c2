//! Releases: made once for a version, filled from several sides, listed newest first.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::os::clock::unix_ms;
use crate::release::ReleaseUpdate;
use rusqlite::{Connection, Row};
use serde_json::json;

/// A release as it is stored.
#[derive(Clone, Debug)]
pub struct StoredRelease {
    /// Its id.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// `open` or `archived`.
    pub status: String,
    /// The commit that it was made of.
    pub r#ref: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// Who made it.
    pub user_agent: Option<String>,
    /// When it came out, in milliseconds since 1970.
    pub date_released: Option<i64>,
    /// When it was made.
    pub created_at: i64,
    /// How many commits it has.
    pub commit_count: i64,
    /// How many deploys it has.
    pub deploy_count: i64,
}

/// A release to make.
#[derive(Clone, Copy, Debug)]
pub struct NewRelease<'a> {
    /// Its version.
    pub version: &'a str,
    /// The ids of its projects.
    pub projects: &'a [i64],
    /// Who makes it.
    pub user_agent: Option<&'a str>,
    /// `open` or `archived`.
    pub status: Option<&'a str>,
    /// What else is known. Its commits and refs are for [`Database::set_commits`] and
    /// [`Database::set_refs`].
    pub update: &'a ReleaseUpdate,
}

/// Which releases to list.
#[derive(Clone, Debug, Default)]
pub struct ReleaseFilter {
    /// A part of the version.
    pub query: Option<String>,
    /// `open` or `archived`.
    pub status: Option<String>,
    /// Ids of projects, any one of which the release has; none asks for all.
    pub projects: Vec<i64>,
    /// Environments, any one of which it was deployed to, in one of the projects; none asks for all.
    pub environments: Vec<String>,
}

pub(crate) const RELEASE: &str = "SELECT release.*,
        (SELECT count(*) FROM release_commit WHERE release_id = release.id) AS commit_count,
        (SELECT count(*) FROM deploy WHERE release_id = release.id) AS deploy_count
     FROM release";

impl Database {
    /// Makes the release, or adds projects to the one that is there. With it, whether anything is
    /// new: the version, or one of the projects.
    pub async fn ensure_release(
        &mut self,
        org: i64,
        new: NewRelease<'_>,
    ) -> Result<(StoredRelease, bool)> {
        self.write(|transaction| {
            let created = transaction.execute(
                "INSERT OR IGNORE INTO release
                     (organization_id, version, user_agent, created_at) VALUES (?1, ?2, ?3, ?4)",
                (org, new.version, new.user_agent, unix_ms()),
            )?;
            let sql = "SELECT id FROM release WHERE organization_id = ?1 AND version = ?2";
            let id = transaction.query_row(sql, (org, new.version), |row| row.get(0))?;
            let mut joined = 0;
            for project in new.projects {
                let sql = "INSERT OR IGNORE INTO release_project VALUES (?1, ?2)";
                joined += transaction.execute(sql, (id, project))?;
            }
            // Of a release that was there, a second beginning changes nothing but the status.
            let unchanged = ReleaseUpdate::default();
            let update = if created == 1 { new.update } else { &unchanged };
            change(transaction, id, update, new.status)?;
            let sql = format!("{RELEASE} WHERE release.id = ?1");
            let release = transaction.query_row(&sql, [id], read_release)?;
            Ok((release, created + joined > 0))
        })
        .await
    }

    /// Changes a release, except its commits and heads.
    pub async fn change_release(
        &mut self,
        id: i64,
        update: &ReleaseUpdate,
        status: Option<&str>,
    ) -> Result {
        self.write(|transaction| change(transaction, id, update, status)).await
    }

    /// The release of this version.
    pub async fn release(&mut self, org: i64, version: &str) -> Result<Option<StoredRelease>> {
        let sql = format!("{RELEASE} WHERE organization_id = ?1 AND version = ?2");
        self.row(&sql, (org, version), read_release).await
    }

    /// The organization's releases, newest first.
    pub async fn releases(
        &mut self,
        org: i64,
        filter: &ReleaseFilter,
        page: PageQuery,
    ) -> Result<Vec<StoredRelease>> {
        let sql = format!(
            "{RELEASE} WHERE organization_id = ?1
               AND (?2 IS NULL OR instr(lower(version), lower(?2)) > 0)
               AND (?3 IS NULL OR status = ?3)
               AND (?4 = '[]' OR EXISTS (
                   SELECT 1 FROM release_project WHERE release_id = release.id
                   AND project_id IN (SELECT value FROM json_each(?4))))
               AND (?5 = '[]' OR EXISTS (
                   SELECT 1 FROM deploy WHERE release_id = release.id
                   AND environment IN (SELECT value FROM json_each(?5))
                   AND (?4 = '[]' OR EXISTS (
                       SELECT 1 FROM deploy_project WHERE deploy_id = deploy.id
                       AND project_id IN (SELECT value FROM json_each(?4))))))
             ORDER BY coalesce(date_released, created_at) DESC, id DESC
             LIMIT ?6 OFFSET ?7"
        );
        let ReleaseFilter { query, status, projects, environments } = filter;
        let (projects, environments) = (json!(projects), json!(environments));
        let lists = (projects.to_string(), environments.to_string());
        let values = (org, query, status, &lists.0, &lists.1, page.rows, page.offset);
        self.rows(&sql, values, read_release).await
    }

    /// Removes a release with all that belongs to it alone; whether it was there.
    pub async fn delete_release(&mut self, org: i64, version: &str) -> Result<bool> {
        let sql = "DELETE FROM release WHERE organization_id = ?1 AND version = ?2";
        self.write(|transaction| Ok(transaction.execute(sql, (org, version))? == 1)).await
    }

    /// The ids and slugs of a release's projects, by id.
    pub async fn release_projects(&mut self, release: i64) -> Result<Vec<(i64, String)>> {
        let sql = "SELECT id, slug FROM project JOIN release_project ON project_id = project.id
                   WHERE release_id = ?1 ORDER BY id";
        self.rows(sql, [release], |row| Ok((row.get(0)?, row.get(1)?))).await
    }

    /// The newest release before this one that has commits and a project in common with it; where it is
    /// not left out, itself when it has commits.
    pub async fn previous_with_commits(
        &mut self,
        org: i64,
        release: &StoredRelease,
        leaves_out_itself: bool,
    ) -> Result<Option<StoredRelease>> {
        let sql = format!(
            "{RELEASE} WHERE organization_id = ?1 AND commit_count > 0
               AND coalesce(date_released, created_at) <= ?2 AND NOT (?4 AND release.id = ?3)
               AND EXISTS (SELECT 1 FROM release_project AS own
                   JOIN release_project AS other ON other.project_id = own.project_id
                   WHERE own.release_id = ?3 AND other.release_id = release.id)
             ORDER BY coalesce(date_released, created_at) DESC, id DESC LIMIT 1"
        );
        let until = release.date_released.unwrap_or(release.created_at);
        self.row(&sql, (org, until, release.id, leaves_out_itself), read_release).await
    }
}

fn change(
    transaction: &Connection,
    id: i64,
    update: &ReleaseUpdate,
    status: Option<&str>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE release SET ref = coalesce(?2, ref), url = coalesce(?3, url),
               date_released = coalesce(?4, date_released), status = coalesce(?5, status)
               WHERE id = ?1";
    let values = (id, &update.r#ref, &update.url, update.date_released, status);
    transaction.execute(sql, values).map(drop)
}

pub(crate) fn read_release(row: &Row<'_>) -> rusqlite::Result<StoredRelease> {
    Ok(StoredRelease {
        id: row.get("id")?,
        version: row.get("version")?,
        status: row.get("status")?,
        r#ref: row.get("ref")?,
        url: row.get("url")?,
        user_agent: row.get("user_agent")?,
        date_released: row.get("date_released")?,
        created_at: row.get("created_at")?,
        commit_count: row.get("commit_count")?,
        deploy_count: row.get("deploy_count")?,
    })
}
