//! Deploys: that a release runs in an environment.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::release::{Deploy, ExistingDeploy};
use rusqlite::Row;

impl Database {
    /// Notes a deploy of the projects with these ids.
    pub async fn deploy(
        &mut self,
        release: i64,
        projects: &[i64],
        deploy: &Deploy,
    ) -> Result<ExistingDeploy> {
        self.write(|transaction| {
            let Deploy { environment, name, url, started, finished } = deploy;
            let stored = transaction.query_row(
                "INSERT INTO deploy
                     (release_id, environment, name, url, date_started, date_finished)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING *",
                (release, environment, name, url, started, finished),
                read,
            )?;
            let id = transaction.last_insert_rowid();
            for project in projects {
                let sql = "INSERT OR IGNORE INTO deploy_project VALUES (?1, ?2)";
                transaction.execute(sql, (id, project))?;
            }
            Ok(stored)
        })
        .await
    }

    /// The deploys of a release, the latest first.
    pub async fn deploys(&mut self, release: i64, page: PageQuery) -> Result<Vec<ExistingDeploy>> {
        let sql = "SELECT * FROM deploy WHERE release_id = ?1
                   ORDER BY date_finished DESC, id DESC LIMIT ?2 OFFSET ?3";
        self.rows(sql, (release, page.rows, page.offset), read).await
    }

    /// The newest deploy to an environment, of any release of the organization.
    pub async fn newest_deploy(
        &mut self,
        org: i64,
        environment: &str,
    ) -> Result<Option<ExistingDeploy>> {
        let sql = "SELECT deploy.* FROM deploy JOIN release ON release.id = release_id
                   WHERE organization_id = ?1 AND environment = ?2
                   ORDER BY date_finished DESC, deploy.id DESC LIMIT 1";
        self.row(sql, (org, environment), read).await
    }

    /// The deploy that was noted last.
    pub async fn last_deploy(&mut self, release: i64) -> Result<Option<ExistingDeploy>> {
        Ok(self.deploys(release, PageQuery::FIRST).await?.pop())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ExistingDeploy> {
    Ok(ExistingDeploy {
        id: row.get::<_, i64>("id")?.to_string(),
        deploy: Deploy {
            environment: row.get("environment")?,
            name: row.get("name")?,
            url: row.get("url")?,
            started: row.get("date_started")?,
            finished: row.get("date_finished")?,
        },
    })
}
