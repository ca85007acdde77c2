//! Commits: those that a request sends in full, and those that a ref only names.

use super::Database;
use super::organizations::PageQuery;
use super::releases::{RELEASE, StoredRelease, read_release};
use super::repositories::{self, StoredRepository};
use crate::error::Result;
use crate::inputs::release::Ref;
use crate::os::clock::unix_ms;
use crate::release::Commit;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashMap;

/// A commit.
#[derive(Clone, Debug)]
pub struct StoredCommit {
    /// Its own id.
    pub id: i64,
    /// Its hash.
    pub key: String,
    /// Its message.
    pub message: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub date_added: i64,
    /// Its author.
    pub author: Option<Author>,
    /// Its repository.
    pub repository: StoredRepository,
}

/// The author of a commit.
#[derive(Clone, Debug)]
pub struct Author {
    /// The name.
    pub name: Option<String>,
    /// The address.
    pub email: String,
}

/// A file that a commit touched.
#[derive(Clone, Debug)]
pub struct CommitFile {
    /// Its own id.
    pub id: i64,
    /// Its path.
    pub filename: String,
    /// `A`, `M` or `D`.
    pub kind: String,
    /// The commit's message.
    pub message: Option<String>,
    /// The commit's author.
    pub author: Option<Author>,
    /// The repository's name.
    pub repository: String,
}

/// Every column of a commit, with its author and its repository.
const COMMIT: &str = "SELECT source_commit.id AS commit_id, key, message, date_added,
        commit_author.name AS author_name, email, repository.*
     FROM source_commit
     JOIN repository ON repository.id = repository_id
     LEFT JOIN commit_author ON commit_author.id = author_id";

impl Database {
    /// Replaces the commits of a release by these, in their order, each with the name of its
    /// repository; the organization's own when none is given. Repositories that are not there yet
    /// come into being by their names.
    pub async fn set_commits(
        &mut self,
        org: i64,
        release: i64,
        commits: &[(Option<&str>, &Commit)],
    ) -> Result {
        self.write(|transaction| {
            transaction.execute("DELETE FROM release_commit WHERE release_id = ?1", [release])?;
            transaction.execute("DELETE FROM release_head WHERE release_id = ?1", [release])?;
            let mut repositories = HashMap::new();
            for (name, commit) in commits {
                let repository = match repositories.get(name) {
                    Some(id) => *id,
                    None => ensure_repository(transaction, org, *name)?,
                };
                repositories.insert(name, repository);
                let id = write(transaction, org, repository, commit)?;
                join(transaction, release, id)?;
                // The first commit of a repository is its head.
                let sql = "INSERT OR IGNORE INTO release_head VALUES (?1, ?2, ?3, NULL)";
                transaction.prepare_cached(sql)?.execute((release, repository, id))?;
            }
            Ok(())
        })
        .await
    }

    /// Notes the heads of a release. Names that no repository of the organization has are given
    /// back, and then nothing is written.
    pub async fn set_refs(&mut self, org: i64, release: i64, refs: &[Ref]) -> Result<Vec<String>> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|transaction| {
            let (mut known, mut unknown) = (Vec::new(), Vec::new());
            for r#ref in refs {
                match repository_named(transaction, org, &r#ref.repository)? {
                    Some(repository) => known.push((repository, r#ref)),
                    None => unknown.push(r#ref.repository.clone()),
                }
            }
            if unknown.is_empty() {
                for (repository, r#ref) in known {
                    write_head(transaction, release, repository, r#ref)?;
                }
            }
            unknown.sort();
            unknown.dedup();
            Ok(unknown)
        })
        .await
    }

    /// The commits of a release, newest first.
    pub async fn release_commits(
        &mut self,
        release: i64,
        page: PageQuery,
    ) -> Result<Vec<StoredCommit>> {
        let sql = format!(
            "{COMMIT} JOIN release_commit ON release_commit.commit_id = source_commit.id
             WHERE release_id = ?1 ORDER BY place LIMIT ?2 OFFSET ?3"
        );
        self.rows(&sql, (release, page.rows, page.offset), read).await
    }

    /// The newest commit of a release.
    pub async fn newest_commit(&mut self, release: i64) -> Result<Option<StoredCommit>> {
        Ok(self.release_commits(release, PageQuery::FIRST).await?.pop())
    }

    /// The commits of a repository, newest first.
    pub async fn repository_commits(
        &mut self,
        repository: i64,
        page: PageQuery,
    ) -> Result<Vec<StoredCommit>> {
        let sql = format!(
            "{COMMIT} WHERE repository_id = ?1
             ORDER BY date_added DESC, source_commit.id DESC LIMIT ?2 OFFSET ?3"
        );
        self.rows(&sql, (repository, page.rows, page.offset), read).await
    }

    /// The authors of a release's commits.
    pub async fn release_authors(&mut self, release: i64) -> Result<Vec<Author>> {
        let sql = "SELECT DISTINCT commit_author.id, commit_author.name AS author_name, email
                   FROM commit_author
                   JOIN source_commit ON author_id = commit_author.id
                   JOIN release_commit ON commit_id = source_commit.id
                   WHERE release_id = ?1 ORDER BY commit_author.id";
        Ok(self.rows(sql, [release], read_author).await?.into_iter().flatten().collect())
    }

    /// The versions that a commit is in, oldest first.
    pub async fn releases_of(&mut self, commit: i64) -> Result<Vec<StoredRelease>> {
        let sql = format!(
            "{RELEASE} JOIN release_commit ON release_id = release.id
             WHERE commit_id = ?1 ORDER BY release.id"
        );
        self.rows(&sql, [commit], read_release).await
    }

    /// The files that a release's commits touched, by name.
    pub async fn release_files(
        &mut self,
        release: i64,
        page: PageQuery,
    ) -> Result<Vec<CommitFile>> {
        let sql = "SELECT commit_file.id AS id, filename, type, message,
                       repository.name AS repository, commit_author.name AS author_name, email
                   FROM commit_file
                   JOIN release_commit ON release_commit.commit_id = commit_file.commit_id
                   JOIN source_commit ON source_commit.id = commit_file.commit_id
                   JOIN repository ON repository.id = repository_id
                   LEFT JOIN commit_author ON commit_author.id = author_id
                   WHERE release_id = ?1 ORDER BY filename, commit_file.id LIMIT ?2 OFFSET ?3";
        self.rows(sql, (release, page.rows, page.offset), read_file).await
    }
}

/// The repository of this name; a linked one before one that a commit only named.
fn repository_named(
    connection: &Connection,
    org: i64,
    name: &str,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT id FROM repository
               WHERE organization_id = ?1 AND name = ?2 AND status = 'active'
               ORDER BY provider IS NULL, id LIMIT 1";
    connection.query_row(sql, (org, name), |row| row.get(0)).optional()
}

/// The repository that a commit names; Sentry's own name for the one of a commit without.
fn ensure_repository(
    transaction: &Connection,
    org: i64,
    name: Option<&str>,
) -> rusqlite::Result<i64> {
    let name = name.map_or_else(|| format!("organization-{org}"), str::to_owned);
    if let Some(id) = repository_named(transaction, org, &name)? {
        return Ok(id);
    }
    let sql = "INSERT INTO repository (organization_id, name, created_at) VALUES (?1, ?2, ?3)
               RETURNING id";
    transaction.query_row(sql, (org, name, unix_ms()), |row| row.get(0))
}

/// The address of an author: Sentry makes one up for a name without.
fn address(commit: &Commit) -> Option<String> {
    let email = commit.author_email.clone().filter(|email| !email.is_empty());
    email.or_else(|| {
        let name = commit.author_name.as_deref().filter(|name| !name.is_empty())?;
        let word = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
        let local: String = name.to_lowercase().chars().filter(word).take(64).collect();
        Some(format!("{local}@localhost"))
    })
}

/// Writes a commit over what was known of it; its id. A history is long, so each statement is
/// prepared once.
fn write(
    transaction: &Connection,
    org: i64,
    repository: i64,
    commit: &Commit,
) -> rusqlite::Result<i64> {
    let author = address(commit).map(|email| write_author(transaction, org, &email, commit));
    let sql = "INSERT INTO source_commit (repository_id, key, message, author_id, date_added)
         VALUES (?1, ?2, ?3, ?4, coalesce(?5, ?6))
         ON CONFLICT (repository_id, key) DO UPDATE
         SET message = coalesce(excluded.message, message),
             author_id = coalesce(excluded.author_id, author_id),
             date_added = coalesce(?5, date_added) RETURNING id";
    let Commit { id: key, message, time, changes, .. } = commit;
    let values = (repository, key, message, author.transpose()?, time, unix_ms());
    let id = transaction.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
    let sql = "INSERT OR IGNORE INTO commit_file (commit_id, filename, type) VALUES (?1, ?2, ?3)";
    let mut file = transaction.prepare_cached(sql)?;
    for change in changes {
        file.execute((id, &change.path, change.kind.letter()))?;
    }
    Ok(id)
}

fn write_author(
    transaction: &Connection,
    org: i64,
    email: &str,
    commit: &Commit,
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO commit_author (organization_id, email, name) VALUES (?1, ?2, ?3)
         ON CONFLICT (organization_id, email)
         DO UPDATE SET name = coalesce(excluded.name, name) RETURNING id";
    let values = (org, email, &commit.author_name);
    transaction.prepare_cached(sql)?.query_row(values, |row| row.get(0))
}

/// Puts a commit at the end of a release's; one that is there already stays where it is.
fn join(transaction: &Connection, release: i64, commit: i64) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO release_commit (release_id, commit_id, place)
               SELECT ?1, ?2, coalesce(max(place) + 1, 0) FROM release_commit
               WHERE release_id = ?1";
    transaction.prepare_cached(sql)?.execute((release, commit)).map(drop)
}

fn write_head(
    transaction: &Connection,
    release: i64,
    repository: i64,
    r#ref: &Ref,
) -> rusqlite::Result<()> {
    let commit: i64 = transaction.query_row(
        "INSERT INTO source_commit (repository_id, key, date_added) VALUES (?1, ?2, ?3)
         ON CONFLICT (repository_id, key) DO UPDATE SET key = excluded.key RETURNING id",
        (repository, &r#ref.commit, unix_ms()),
        |row| row.get(0),
    )?;
    let sql = "INSERT OR REPLACE INTO release_head VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, (release, repository, commit, &r#ref.previous)).map(drop)
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredCommit> {
    Ok(StoredCommit {
        id: row.get("commit_id")?,
        key: row.get("key")?,
        message: row.get("message")?,
        date_added: row.get("date_added")?,
        author: read_author(row)?,
        repository: repositories::read(row)?,
    })
}

fn read_author(row: &Row<'_>) -> rusqlite::Result<Option<Author>> {
    let email: Option<String> = row.get("email")?;
    let name = row.get("author_name")?;
    Ok(email.map(|email| Author { name, email }))
}

fn read_file(row: &Row<'_>) -> rusqlite::Result<CommitFile> {
    Ok(CommitFile {
        id: row.get("id")?,
        filename: row.get("filename")?,
        kind: row.get("type")?,
        message: row.get("message")?,
        author: read_author(row)?,
        repository: row.get("repository")?,
    })
}
