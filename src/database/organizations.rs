//! Who `serve` knows: organizations, their projects and members, and whose a token is.

use super::Database;
use super::columns::digest;
use crate::error::Result;
use crate::model::OrgSlug;
use crate::os::clock::unix_ms;
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;
use subtle::ConstantTimeEq;

/// An organization.
#[derive(Clone, Debug)]
pub struct Organization {
    /// Its id.
    pub id: i64,
    /// Its slug.
    pub slug: String,
    /// When it came into being, in milliseconds since 1970.
    pub created_at: i64,
}

/// A project of an organization.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its id.
    pub id: i64,
    /// Its slug.
    pub slug: String,
    /// When it came into being, in milliseconds since 1970.
    pub created_at: i64,
    /// The version of the latest release of it.
    pub latest_release: Option<String>,
}

/// Whose a token is, and what it allows.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user, of a user's token.
    pub user: Option<i64>,
    /// The organization, of an organization's token.
    pub organization: Option<i64>,
    /// Its scopes.
    pub scopes: Vec<String>,
}

/// A part of a listing.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery {
    /// How many come before it.
    pub offset: i64,
    /// At most how many to read; one more than is shown tells whether there is a next page.
    pub rows: i64,
}

impl PageQuery {
    /// Everything.
    pub(crate) const ALL: Self = Self { rows: i64::MAX, offset: 0 };
    /// The first row.
    pub(crate) const FIRST: Self = Self { rows: 1, offset: 0 };
}

impl Database {
    /// The id of the local user, who is made when not there.
    pub async fn local_user(&mut self) -> Result<i64> {
        self.write(ensure_local_user).await
    }

    /// Makes the organization, with the local user as its owner, and these projects of it, as far
    /// as they are not there; the organization's id.
    pub async fn ensure_organization(
        &mut self,
        org: &OrgSlug,
        projects: &[OrgSlug],
    ) -> Result<i64> {
        self.write(|transaction| {
            let (_, id, _) = ensure_org(transaction, org)?;
            for project in projects {
                create_project(transaction, id, project.as_str())?;
            }
            Ok(id)
        })
        .await
    }

    /// The same for a run: the organization's id, and in words what came into being.
    pub async fn create_projects(
        &mut self,
        org: &OrgSlug,
        projects: &[String],
    ) -> Result<(i64, Vec<String>)> {
        self.write(|transaction| {
            let (_, id, is_new) = ensure_org(transaction, org)?;
            let mut created = Vec::new();
            if is_new {
                created.push(format!("created organization {org}"));
            }
            for slug in projects {
                if create_project(transaction, id, slug)? {
                    created.push(format!("created project {slug}"));
                }
            }
            Ok((id, created))
        })
        .await
    }

    /// Keeps a generated token by its digest; one that is kept already stays as it is.
    pub async fn store_generated_token(&mut self, token: &str, principal: &Principal) -> Result {
        let sql = "INSERT OR IGNORE INTO token
                       (digest, user_id, organization_id, scopes, created_at, is_generated)
                   VALUES (?1, ?2, ?3, ?4, ?5, 1)";
        let Principal { user, organization, scopes } = principal;
        let (digest, scopes) = (digest(token), scopes.join(" "));
        self.write(|transaction| {
            transaction.execute(sql, (&digest, user, organization, &scopes, unix_ms())).map(drop)
        })
        .await
    }

    /// Withdraws every generated token but these; how many.
    pub async fn withdraw_generated_tokens(&mut self, kept: &[String]) -> Result<usize> {
        let kept: Value = kept.iter().map(|token| digest(token)).collect();
        let sql = "DELETE FROM token
                   WHERE is_generated AND digest NOT IN (SELECT value FROM json_each(?1))";
        self.write(|transaction| transaction.execute(sql, [kept.to_string()])).await
    }

    /// Whose token it is.
    pub async fn token_principal(&mut self, token: &str) -> Result<Option<Principal>> {
        self.digest_principal(&digest(token)).await
    }

    /// Whose token has this digest, whose bytes are compared in constant time.
    pub async fn digest_principal(&mut self, digest: &str) -> Result<Option<Principal>> {
        let sql = "SELECT digest, user_id, organization_id, scopes FROM token WHERE digest = ?1";
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, read_principal(row)?));
        let row = self.row(sql, [digest], read).await?;
        let is_same = |stored: &str| bool::from(stored.as_bytes().ct_eq(digest.as_bytes()));
        Ok(row.filter(|(stored, _)| is_same(stored)).map(|(_, principal)| principal))
    }

    /// The organization with this slug, or with this id.
    pub async fn organization(&mut self, name: &str) -> Result<Option<Organization>> {
        let sql = "SELECT id, slug, created_at FROM organization
                   WHERE slug = ?1 OR id = ?2 ORDER BY slug = ?1 DESC LIMIT 1";
        self.row(sql, (name, name.parse::<i64>().ok()), read_organization).await
    }

    /// The organization's slug.
    pub async fn slug(&mut self, org: i64) -> Result<Option<OrgSlug>> {
        let sql = "SELECT slug FROM organization WHERE id = ?1";
        let read = |row: &Row<'_>| row.get::<_, String>(0);
        let slug = self.read(|connection| connection.query_row(sql, [org], read)).await?;
        Ok(OrgSlug::parse(&slug))
    }

    /// The user's role in the organization; `None` for a stranger.
    pub async fn role(&mut self, org: i64, user: i64) -> Result<Option<String>> {
        self.read(|connection| role(connection, Actor { user, org })).await
    }

    /// The user's name.
    pub async fn user_name(&mut self, user: i64) -> Result<String> {
        let sql = "SELECT name FROM user WHERE id = ?1";
        self.read(|connection| connection.query_row(sql, [user], |row| row.get(0))).await
    }

    /// The organizations that the user is a member of, in the order of their making.
    pub async fn organizations(
        &mut self,
        user: i64,
        query: &str,
        page: PageQuery,
    ) -> Result<Vec<Organization>> {
        let sql = "SELECT id, slug, created_at FROM organization
                   JOIN member ON member.organization_id = organization.id
                   WHERE user_id = ?1 AND instr(lower(slug), lower(?2)) > 0
                   ORDER BY id LIMIT ?3 OFFSET ?4";
        self.rows(sql, (user, query, page.rows, page.offset), read_organization).await
    }

    /// The organization's projects by slug.
    pub async fn projects(
        &mut self,
        org: i64,
        query: &str,
        page: PageQuery,
    ) -> Result<Vec<Project>> {
        let sql = format!(
            "{PROJECT} WHERE organization_id = ?1 AND instr(lower(slug), lower(?2)) > 0
             ORDER BY slug LIMIT ?3 OFFSET ?4"
        );
        self.rows(&sql, (org, query, page.rows, page.offset), read_project).await
    }

    /// The project with this slug, or with this id.
    pub async fn project(&mut self, org: i64, name: &str) -> Result<Option<Project>> {
        let sql = format!(
            "{PROJECT} WHERE organization_id = ?1 AND (slug = ?2 OR id = ?3)
             ORDER BY slug = ?2 DESC LIMIT 1"
        );
        self.row(&sql, (org, name, name.parse::<i64>().ok()), read_project).await
    }

    /// The project with this slug.
    pub async fn project_by_slug(&mut self, org: i64, slug: &str) -> Result<Option<Project>> {
        Ok(self.project(org, slug).await?.filter(|project| project.slug == slug))
    }
}

/// Makes a project that is not there; whether it was made.
fn create_project(transaction: &Connection, org: i64, slug: &str) -> rusqlite::Result<bool> {
    let sql =
        "INSERT OR IGNORE INTO project (organization_id, slug, created_at) VALUES (?1, ?2, ?3)";
    Ok(transaction.execute(sql, (org, slug, unix_ms()))? == 1)
}

/// The newest release is looked for from the organization's newest one on, and only where there is
/// one: all of a project's are too many to sort.
const PROJECT: &str = "SELECT id, slug, created_at,
        CASE WHEN EXISTS (SELECT 1 FROM release_project WHERE project_id = project.id) THEN
            (SELECT version FROM release
             CROSS JOIN release_project AS own
                 ON own.release_id = release.id AND own.project_id = project.id
             WHERE release.organization_id = project.organization_id
             ORDER BY coalesce(date_released, release.created_at) DESC, release.id DESC LIMIT 1)
        END AS latest_release
     FROM project";

fn read_organization(row: &Row<'_>) -> rusqlite::Result<Organization> {
    Ok(Organization { id: row.get(0)?, slug: row.get(1)?, created_at: row.get(2)? })
}

fn read_project(row: &Row<'_>) -> rusqlite::Result<Project> {
    Ok(Project {
        id: row.get(0)?,
        slug: row.get(1)?,
        created_at: row.get(2)?,
        latest_release: row.get(3)?,
    })
}

fn read_principal(row: &Row<'_>) -> rusqlite::Result<Principal> {
    let scopes: String = row.get("scopes")?;
    Ok(Principal {
        user: row.get("user_id")?,
        organization: row.get("organization_id")?,
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    })
}

/// The local user and the organization, made when they are not there; whether the latter was made.
pub(crate) fn ensure_org(
    connection: &Connection,
    slug: &OrgSlug,
) -> rusqlite::Result<(i64, i64, bool)> {
    let user = ensure_local_user(connection)?;
    let is_new = connection.execute(
        "INSERT OR IGNORE INTO organization (slug, created_at) VALUES (?1, ?2)",
        (slug.as_str(), unix_ms()),
    )? == 1;
    let sql = "SELECT id FROM organization WHERE slug = ?1";
    let org = connection.query_row(sql, [slug.as_str()], |row| row.get(0))?;
    if is_new {
        let sql = "INSERT INTO member (organization_id, user_id, role) VALUES (?1, ?2, 'owner')";
        connection.execute(sql, (org, user))?;
    }
    Ok((user, org, is_new))
}

fn ensure_local_user(connection: &Connection) -> rusqlite::Result<i64> {
    connection.execute("INSERT OR IGNORE INTO user (name) VALUES (?1)", [LOCAL_USER])?;
    let sql = "SELECT id FROM user WHERE name = ?1";
    connection.query_row(sql, [LOCAL_USER], |row| row.get(0))
}

/// The role of the actor in the organization; `None` for a stranger.
pub(crate) fn role(connection: &Connection, actor: Actor) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT role FROM member WHERE organization_id = ?1 AND user_id = ?2";
    connection.query_row(sql, (actor.org, actor.user), |row| row.get(0)).optional()
}

/// Whether a role may install integrations: those above member hold `org:integrations`.
pub(crate) fn may_install(role: Option<&str>) -> bool {
    matches!(role, Some("owner" | "manager" | "admin"))
}

/// The user that a run on this backend acts as: an owner of every organization it makes.
pub(crate) const LOCAL_USER: &str = "local";

/// Who finishes, and for which organization.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The user's id.
    pub user: i64,
    /// The organization's id.
    pub org: i64,
}
