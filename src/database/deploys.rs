//! Deploys: that a release runs in an environment.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::os::clock::unix_ms;
use rusqlite::{OptionalExtension, Row};

/// A deploy.
#[derive(Clone, Debug)]
pub struct StoredDeploy {
    /// Its id.
    pub id: i64,
    /// Where the release runs.
    pub environment: String,
    /// Its name.
    pub name: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub date_started: Option<i64>,
    /// When it was through.
    pub date_finished: i64,
}

/// A deploy to note.
#[derive(Clone, Debug)]
pub struct NewDeploy {
    /// Where the release runs.
    pub environment: String,
    /// Its name.
    pub name: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// When it began.
    pub date_started: Option<i64>,
    /// When it was through; now, when nobody says.
    pub date_finished: Option<i64>,
    /// The ids of the projects that it is of.
    pub projects: Vec<i64>,
}

impl Database {
    /// Notes a deploy.
    pub async fn deploy(&mut self, release: i64, new: &NewDeploy) -> Result<StoredDeploy> {
        self.write(|transaction| {
            let deploy = transaction.query_row(
                "INSERT INTO deploy
                     (release_id, environment, name, url, date_started, date_finished)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING *",
                (
                    release,
                    &new.environment,
                    &new.name,
                    &new.url,
                    new.date_started,
                    new.date_finished.unwrap_or_else(unix_ms),
                ),
                read,
            )?;
            for project in &new.projects {
                let sql = "INSERT OR IGNORE INTO deploy_project VALUES (?1, ?2)";
                transaction.execute(sql, (deploy.id, project))?;
            }
            Ok(deploy)
        })
        .await
    }

    /// The deploys of a release, the latest first.
    pub async fn deploys(&mut self, release: i64, page: PageQuery) -> Result<Vec<StoredDeploy>> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT * FROM deploy WHERE release_id = ?1
                 ORDER BY date_finished DESC, id DESC LIMIT ?2 OFFSET ?3",
            )?;
            statement.query_map((release, page.rows, page.offset), read)?.collect()
        })
        .await
    }

    /// The newest deploy to an environment, of any release of the organization.
    pub async fn newest_deploy(
        &mut self,
        org: i64,
        environment: &str,
    ) -> Result<Option<StoredDeploy>> {
        self.read(|connection| {
            let sql = "SELECT deploy.* FROM deploy JOIN release ON release.id = release_id
                       WHERE organization_id = ?1 AND environment = ?2
                       ORDER BY date_finished DESC, deploy.id DESC LIMIT 1";
            connection.query_row(sql, (org, environment), read).optional()
        })
        .await
    }

    /// The deploy that was noted last.
    pub async fn last_deploy(&mut self, release: i64) -> Result<Option<StoredDeploy>> {
        let first = PageQuery { offset: 0, rows: 1 };
        Ok(self.deploys(release, first).await?.into_iter().next())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredDeploy> {
    Ok(StoredDeploy {
        id: row.get("id")?,
        environment: row.get("environment")?,
        name: row.get("name")?,
        url: row.get("url")?,
        date_started: row.get("date_started")?,
        date_finished: row.get("date_finished")?,
    })
}
