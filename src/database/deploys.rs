//! Deploys: that a release runs in an environment.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::model::RecordId;
use crate::release::{Deploy, ExistingDeploy, OwnDeploy};
use rusqlite::Row;
use serde_json::json;
use std::collections::BTreeSet;

impl Database {
    /// Notes a deploy of the projects with these ids; of every project of the release when there are
    /// none.
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
            if projects.is_empty() {
                let sql = "INSERT INTO deploy_project
                           SELECT ?1, project_id FROM release_project WHERE release_id = ?2";
                transaction.execute(sql, (id, release))?;
            }
            Ok(stored)
        })
        .await
    }

    /// The deploys of a release, the latest first; of any of these projects, if there are some.
    pub async fn deploys(
        &mut self,
        release: i64,
        projects: &[i64],
        page: PageQuery,
    ) -> Result<Vec<ExistingDeploy>> {
        let sql = "SELECT * FROM deploy WHERE release_id = ?1
                     AND (?2 = '[]' OR EXISTS (
                         SELECT 1 FROM deploy_project WHERE deploy_id = deploy.id
                         AND project_id IN (SELECT value FROM json_each(?2))))
                   ORDER BY date_finished DESC, id DESC LIMIT ?3 OFFSET ?4";
        let values = (release, json!(projects).to_string(), page.rows, page.offset);
        self.rows(sql, values, read).await
    }

    /// The deploys of a release in an environment that have these projects and no others, the latest
    /// first.
    pub async fn deploys_of_exactly(
        &mut self,
        release: i64,
        projects: &[i64],
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>> {
        let projects: BTreeSet<_> = projects.iter().collect();
        let sql = "SELECT * FROM deploy WHERE release_id = ?1 AND environment = ?2
                     AND ?3 = (SELECT json_group_array(project_id) FROM (
                         SELECT project_id FROM deploy_project WHERE deploy_id = deploy.id
                         ORDER BY project_id))
                   ORDER BY date_finished DESC, id DESC";
        self.rows(sql, (release, environment, json!(projects).to_string()), read).await
    }

    /// Whether no other release has a later deploy of one of these projects to the environment by
    /// another run.
    pub async fn is_latest_release(
        &mut self,
        org: i64,
        release: i64,
        projects: &[i64],
        own: &OwnDeploy<'_>,
    ) -> Result<bool> {
        // Its place among the ids tells what came later.
        let sql = "SELECT deploy.* FROM deploy JOIN release ON release.id = release_id
                   WHERE organization_id = ?1 AND environment = ?2 AND deploy.id > ?3
                     AND release_id <> ?4 AND (?6 IS NULL OR deploy.url IS NOT ?6) AND EXISTS (
                         SELECT 1 FROM deploy_project WHERE deploy_id = deploy.id
                         AND project_id IN (SELECT value FROM json_each(?5)))
                   LIMIT 1";
        let (environment, id) = (&own.deploy.deploy.environment, own.deploy.id.as_str());
        let id: i64 = id.parse().unwrap_or(i64::MAX);
        let values = (org, environment, id, release, json!(projects).to_string(), own.run_page);
        Ok(self.row(sql, values, read).await?.is_none())
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

    /// The highest id that a deploy has; 0 when there is none.
    pub async fn newest_deploy_id(&mut self) -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM deploy";
        self.read(|connection| connection.query_row(sql, [], |row| row.get(0))).await
    }

    /// The deploy that was noted last.
    pub async fn last_deploy(&mut self, release: i64) -> Result<Option<ExistingDeploy>> {
        let sql = "SELECT * FROM deploy
                   WHERE id = (SELECT max(id) FROM deploy WHERE release_id = ?1)";
        self.row(sql, [release], read).await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<ExistingDeploy> {
    Ok(ExistingDeploy {
        id: RecordId::from(row.get::<_, i64>("id")?),
        deploy: Deploy {
            environment: row.get("environment")?,
            name: row.get("name")?,
            url: row.get("url")?,
            started: row.get("date_started")?,
            finished: row.get("date_finished")?,
        },
    })
}
