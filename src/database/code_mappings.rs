//! Code mappings: where the paths of a project's stack traces are in a repository.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use rusqlite::{OptionalExtension, Row, named_params};

/// A code mapping.
#[derive(Clone, Debug)]
pub struct StoredCodeMapping {
    /// Its id.
    pub id: i64,
    /// The project's id.
    pub project_id: i64,
    /// The project's slug.
    pub project_slug: String,
    /// The repository's id.
    pub repository_id: i64,
    /// The repository's name.
    pub repository_name: String,
    /// The integration that the repository is linked through.
    pub integration_id: i64,
    /// The provider's key in storage.
    pub integration_key: String,
    /// How paths begin in stack traces.
    pub stack_root: String,
    /// How the same paths begin in the repository.
    pub source_root: String,
    /// The branch to link to.
    pub default_branch: Option<String>,
}

/// A code mapping to write.
#[derive(Clone, Debug)]
pub struct NewCodeMapping {
    /// The project's id.
    pub project: i64,
    /// The repository's id.
    pub repository: i64,
    /// The id of the organization's link to the integration.
    pub link: i64,
    /// How paths begin in stack traces.
    pub stack_root: String,
    /// How the same paths begin in the repository.
    pub source_root: String,
    /// The branch to link to.
    pub default_branch: Option<String>,
}

/// What became of a mapping in an upsert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpsertResult {
    /// It was not there.
    Created,
    /// It was, and says this now.
    Updated,
}

const MAPPING: &str = "SELECT code_mapping.*, slug, repository.name AS repository_name,
        integration.id AS integration_id, integration.provider AS integration_key
     FROM code_mapping
     JOIN project ON project.id = project_id
     JOIN repository ON repository.id = repository_id
     JOIN organization_integration AS link ON link.id = organization_integration_id
     JOIN integration ON integration.id = link.integration_id";

impl Database {
    /// The organization's code mappings, of an integration and of projects when they are given.
    pub async fn code_mappings(
        &mut self,
        org: i64,
        integration: Option<i64>,
        projects: &[i64],
        page: PageQuery,
    ) -> Result<Vec<StoredCodeMapping>> {
        let sql = format!(
            "{MAPPING} WHERE project.organization_id = :org
               AND (:integration IS NULL OR integration.id = :integration)
               AND (:projects = '[]'
                    OR project_id IN (SELECT value FROM json_each(:projects)))
             ORDER BY code_mapping.id LIMIT :rows OFFSET :offset"
        );
        let projects = serde_json::Value::from(projects.to_vec()).to_string();
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let values = named_params! {
                ":org": org,
                ":integration": integration,
                ":projects": projects,
                ":rows": page.rows,
                ":offset": page.offset,
            };
            statement.query_map(values, read)?.collect()
        })
        .await
    }

    /// Makes a code mapping; `None` when the project has one for this stack root.
    pub async fn add_code_mapping(
        &mut self,
        new: &NewCodeMapping,
    ) -> Result<Option<StoredCodeMapping>> {
        let shown = format!("{MAPPING} WHERE code_mapping.id = ?1");
        self.write(|transaction| {
            let id: Option<i64> = transaction
                .query_row(
                    "INSERT OR IGNORE INTO code_mapping
                         (project_id, repository_id, organization_integration_id, stack_root,
                          source_root, default_branch, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
                    values(new),
                    |row| row.get(0),
                )
                .optional()?;
            id.map(|id| transaction.query_row(&shown, [id], read)).transpose()
        })
        .await
    }

    /// Makes the code mappings, or writes them over those for the same project and stack root.
    pub async fn upsert_code_mappings(
        &mut self,
        mappings: &[NewCodeMapping],
    ) -> Result<Vec<UpsertResult>> {
        self.write(|transaction| {
            let mut done = Vec::new();
            for new in mappings {
                let known: i64 = transaction.query_row(
                    "SELECT count(*) FROM code_mapping WHERE project_id = ?1 AND stack_root = ?2",
                    (new.project, &new.stack_root),
                    |row| row.get(0),
                )?;
                transaction.execute(
                    "INSERT INTO code_mapping
                         (project_id, repository_id, organization_integration_id, stack_root,
                          source_root, default_branch, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (project_id, stack_root) DO UPDATE
                     SET repository_id = excluded.repository_id,
                         organization_integration_id = excluded.organization_integration_id,
                         source_root = excluded.source_root,
                         default_branch = excluded.default_branch",
                    values(new),
                )?;
                done.push(if known == 0 { UpsertResult::Created } else { UpsertResult::Updated });
            }
            Ok(done)
        })
        .await
    }
}

type Values<'a> = (i64, i64, i64, &'a String, &'a String, &'a Option<String>, i64);

fn values(new: &NewCodeMapping) -> Values<'_> {
    let NewCodeMapping { project, repository, link, .. } = *new;
    let (stack_root, source_root) = (&new.stack_root, &new.source_root);
    let now = crate::os::clock::unix_ms();
    (project, repository, link, stack_root, source_root, &new.default_branch, now)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredCodeMapping> {
    Ok(StoredCodeMapping {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        project_slug: row.get("slug")?,
        repository_id: row.get("repository_id")?,
        repository_name: row.get("repository_name")?,
        integration_id: row.get("integration_id")?,
        integration_key: row.get("integration_key")?,
        stack_root: row.get("stack_root")?,
        source_root: row.get("source_root")?,
        default_branch: row.get("default_branch")?,
    })
}
