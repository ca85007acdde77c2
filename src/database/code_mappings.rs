//! Code mappings: where the paths of a project's stack traces are in a repository.

use super::Database;
use super::organizations::PageQuery;
use crate::error::Result;
use crate::inputs::CodeMapping;
use crate::os::clock::unix_ms;
use rusqlite::{Params, Row};
use serde_json::json;

/// A code mapping.
#[derive(Clone, Debug)]
pub struct StoredCodeMapping {
    /// Its id.
    pub id: i64,
    /// The project's id.
    pub project_id: i64,
    /// The repository's id.
    pub repository_id: i64,
    /// The integration that the repository is linked through.
    pub integration_id: i64,
    /// The provider's key in storage.
    pub integration_key: String,
    /// What it says.
    pub mapping: CodeMapping,
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

const INSERT: &str = "INTO code_mapping
        (project_id, repository_id, organization_integration_id, stack_root, source_root,
         default_branch, created_at)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

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
            "{MAPPING} WHERE project.organization_id = ?1
               AND (?2 IS NULL OR integration.id = ?2)
               AND (?3 = '[]' OR project_id IN (SELECT value FROM json_each(?3)))
             ORDER BY code_mapping.id LIMIT ?4 OFFSET ?5"
        );
        let projects = json!(projects).to_string();
        self.rows(&sql, (org, integration, &projects, page.rows, page.offset), read).await
    }

    /// All code mappings of an integration.
    pub async fn linked_code_mappings(
        &mut self,
        org: i64,
        integration: i64,
    ) -> Result<Vec<StoredCodeMapping>> {
        let sql = format!(
            "{MAPPING} WHERE link.organization_id = ?1 AND link.integration_id = ?2
             ORDER BY code_mapping.id"
        );
        self.rows(&sql, (org, integration), read).await
    }

    /// One of the organization's code mappings.
    pub async fn code_mapping_by_id(
        &mut self,
        org: i64,
        id: i64,
    ) -> Result<Option<StoredCodeMapping>> {
        let sql = format!("{MAPPING} WHERE link.organization_id = ?1 AND code_mapping.id = ?2");
        self.row(&sql, (org, id), read).await
    }

    /// Writes another text over a code mapping; `None` when the project has another one for this stack
    /// root.
    pub async fn replace_code_mapping(
        &mut self,
        id: i64,
        new: &NewCodeMapping,
    ) -> Result<Option<StoredCodeMapping>> {
        let update = "UPDATE OR IGNORE code_mapping SET project_id = ?2, repository_id = ?3,
                          stack_root = ?4, source_root = ?5, default_branch = ?6 WHERE id = ?1";
        let select = format!("{MAPPING} WHERE code_mapping.id = ?1");
        let NewCodeMapping { project, repository, stack_root, source_root, default_branch, .. } =
            new;
        let values = (id, project, repository, stack_root, source_root, default_branch);
        self.write(|transaction| match transaction.execute(update, values)? {
            0 => Ok(None),
            _ => transaction.query_row(&select, [id], read).map(Some),
        })
        .await
    }

    /// The project's code mapping for a stack root.
    pub async fn code_mapping(
        &mut self,
        project: i64,
        stack_root: &str,
    ) -> Result<Option<StoredCodeMapping>> {
        let sql = format!("{MAPPING} WHERE project_id = ?1 AND stack_root = ?2");
        self.row(&sql, (project, stack_root), read).await
    }

    /// Makes a code mapping; `None` when the project has one for this stack root.
    pub async fn add_code_mapping(
        &mut self,
        new: &NewCodeMapping,
    ) -> Result<Option<StoredCodeMapping>> {
        let insert = format!("INSERT OR IGNORE {INSERT}");
        let select = format!("{MAPPING} WHERE code_mapping.id = last_insert_rowid()");
        self.write(|transaction| match transaction.execute(&insert, new.values())? {
            0 => Ok(None),
            _ => transaction.query_row(&select, [], read).map(Some),
        })
        .await
    }

    /// Makes the code mappings, or writes them over those for the same project and stack root.
    pub async fn upsert_code_mappings(
        &mut self,
        mappings: &[NewCodeMapping],
    ) -> Result<Vec<UpsertResult>> {
        let upsert = format!(
            "INSERT {INSERT} ON CONFLICT (project_id, stack_root) DO UPDATE
             SET repository_id = excluded.repository_id,
                 organization_integration_id = excluded.organization_integration_id,
                 source_root = excluded.source_root,
                 default_branch = excluded.default_branch"
        );
        let count = "SELECT count(*) FROM code_mapping WHERE project_id = ?1 AND stack_root = ?2";
        self.write(|transaction| {
            let mut results = Vec::new();
            for new in mappings {
                let key = (new.project, &new.stack_root);
                let existing: i64 = transaction.query_row(count, key, |row| row.get(0))?;
                transaction.execute(&upsert, new.values())?;
                let is_new = existing == 0;
                results.push(if is_new { UpsertResult::Created } else { UpsertResult::Updated });
            }
            Ok(results)
        })
        .await
    }
}

impl NewCodeMapping {
    /// The values of [`INSERT`].
    fn values(&self) -> impl Params {
        let Self { project, repository, link, stack_root, source_root, default_branch } = self;
        (project, repository, link, stack_root, source_root, default_branch, unix_ms())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredCodeMapping> {
    Ok(StoredCodeMapping {
        id: row.get("id")?,
        project_id: row.get("project_id")?,
        repository_id: row.get("repository_id")?,
        integration_id: row.get("integration_id")?,
        integration_key: row.get("integration_key")?,
        mapping: CodeMapping {
            project: row.get("slug")?,
            repository: row.get("repository_name")?,
            stack_root: row.get("stack_root")?,
            source_root: row.get("source_root")?,
            default_branch: row.get("default_branch")?,
        },
    })
}
