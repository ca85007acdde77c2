//! What ends: an organization's integration with what is linked through it, a repository, a code mapping.

use super::Database;
use super::columns::{object, text};
use super::repositories::{self, OLD_NAME, StoredRepository};
use crate::error::Result;
use crate::model::IntegrationStatus;
use crate::os::clock::unix_ms;
use crate::os::random::random_hex;
use rusqlite::{Connection, OptionalExtension};

/// The external id that a repository had before its deletion, in its configuration.
const OLD_ID: &str = "pending_deletion_external_id";

/// How an integration came to wait for its deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionMark {
    /// It was marked now.
    New,
    /// It was marked before.
    Known,
}

impl Database {
    /// Marks the link for deletion, which a later finish revives, and notes it as Sentry's audit
    /// entry `integration.remove`. `None` where there was none.
    pub async fn uninstall(
        &mut self,
        org: i64,
        user: Option<i64>,
        id: i64,
    ) -> Result<Option<DeletionMark>> {
        self.write(|transaction| {
            if mark(transaction, org, id)? {
                note(transaction, org, user, id)?;
                return Ok(Some(DeletionMark::New));
            }
            let sql = "SELECT count(*) FROM organization_integration
                       WHERE organization_id = ?1 AND integration_id = ?2";
            let count = transaction.query_row(sql, (org, id), |row| row.get::<_, i64>(0))?;
            Ok((count == 1).then_some(DeletionMark::Known))
        })
        .await
    }

    /// Deletes the links that are marked, or this one of an organization if it is; how many.
    pub async fn delete_marked(&mut self, only: Option<(i64, i64)>) -> Result<usize> {
        let sql = "SELECT organization_id, integration_id, id, default_auth_id
                   FROM organization_integration WHERE status = ?1
                     AND (?2 IS NULL OR organization_id = ?2 AND integration_id = ?3)";
        let pending = IntegrationStatus::PendingDeletion.as_str();
        self.write(|transaction| {
            let mut statement = transaction.prepare(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?))
            };
            let (org, integration) = only.unzip();
            let marked = statement.query_map((pending, org, integration), read)?;
            let marked: Vec<_> = marked.collect::<rusqlite::Result<_>>()?;
            for (place, link, identity) in &marked {
                delete_link(transaction, *place, *link, *identity)?;
            }
            Ok(marked.len())
        })
        .await
    }

    /// Deletes the organization's link, as Sentry does some time after [`Self::uninstall`]: its code
    /// mappings go, its repositories stay without it. Whether there was one.
    pub async fn remove_integration(
        &mut self,
        org: i64,
        user: Option<i64>,
        id: i64,
    ) -> Result<bool> {
        self.write(|transaction| {
            let link = "SELECT id, default_auth_id FROM organization_integration
                        WHERE organization_id = ?1 AND integration_id = ?2";
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let Some((link, identity)) = transaction.query_row(link, (org, id), read).optional()?
            else {
                return Ok(false);
            };
            note(transaction, org, user, id)?;
            delete_link(transaction, (org, id), link, identity)?;
            Ok(true)
        })
        .await
    }

    /// Deletes a repository, and with it the code mappings that lead to it. Its commits stay in their
    /// releases, so the row stays under another name, which frees the old one. `None` where there is none.
    pub async fn delete_repository(
        &mut self,
        org: i64,
        id: i64,
    ) -> Result<Option<StoredRepository>> {
        self.write(|transaction| {
            let Some(repository) = find(transaction, org, id)? else { return Ok(None) };
            let pending = IntegrationStatus::PendingDeletion.as_str();
            if repository.status == pending {
                return Ok(Some(repository));
            }
            transaction.execute("DELETE FROM code_mapping WHERE repository_id = ?1", [id])?;
            let config: String = transaction.query_row(
                "SELECT config FROM repository WHERE id = ?1",
                [id],
                |row| row.get(0),
            )?;
            let mut config = object(&config);
            config.insert(OLD_NAME.to_owned(), repository.name.clone().into());
            config.insert(OLD_ID.to_owned(), repository.external_id.clone().into());
            let hidden = random_hex()[..32].to_owned();
            let sql = "UPDATE repository SET status = ?2, config = ?3, name = ?4,
                           external_id = CASE WHEN external_id IS NULL THEN NULL ELSE ?4 END
                       WHERE id = ?1";
            transaction.execute(sql, (id, pending, text(&config), hidden))?;
            Ok(Some(StoredRepository { status: pending.to_owned(), ..repository }))
        })
        .await
    }

    /// Changes a repository's status, and the integration that it is linked through: its id, with the
    /// provider as a repository has it. One that is active again has its name again.
    pub async fn update_repository(
        &mut self,
        org: i64,
        id: i64,
        status: Option<&str>,
        integration: Option<(i64, &str)>,
    ) -> Result<Option<StoredRepository>> {
        self.write(|transaction| {
            let (integration, provider) = integration.unzip();
            if status == Some("active") {
                revive(transaction, org, id)?;
            }
            let sql = "UPDATE repository SET status = coalesce(?3, status),
                           integration_id = coalesce(?4, integration_id),
                           provider = coalesce(?5, provider)
                       WHERE organization_id = ?1 AND id = ?2 AND status <> ?6";
            let pending = IntegrationStatus::PendingDeletion.as_str();
            transaction.execute(sql, (org, id, status, integration, provider, pending))?;
            find(transaction, org, id)
        })
        .await
    }

    /// Deletes a code mapping; whether there was one.
    pub async fn delete_code_mapping(&mut self, org: i64, id: i64) -> Result<bool> {
        let sql = "DELETE FROM code_mapping WHERE id = ?2 AND EXISTS (
                       SELECT 1 FROM organization_integration AS link
                       WHERE link.id = organization_integration_id AND link.organization_id = ?1)";
        Ok(self.write(|transaction| transaction.execute(sql, (org, id))).await? == 1)
    }
}

/// Whether an active or disabled link is marked now.
fn mark(connection: &Connection, org: i64, id: i64) -> rusqlite::Result<bool> {
    let sql = "UPDATE organization_integration SET status = ?3
               WHERE organization_id = ?1 AND integration_id = ?2 AND status NOT IN (?3, ?4)";
    let deleted = [IntegrationStatus::PendingDeletion, IntegrationStatus::DeletionInProgress];
    let [pending, in_progress] = deleted.map(IntegrationStatus::as_str);
    Ok(connection.execute(sql, (org, id, pending, in_progress))? == 1)
}

/// Sentry's audit entry `integration.remove`.
fn note(connection: &Connection, org: i64, user: Option<i64>, id: i64) -> rusqlite::Result<()> {
    let Some(user) = user else { return Ok(()) };
    let sql = "INSERT INTO audit_log_entry
                   (organization_id, actor_id, event, target_object, data, created_at)
               SELECT ?1, ?2, 'integration.remove', id,
                      json_object('provider', provider, 'name', name), ?4
               FROM integration WHERE id = ?3";
    connection.execute(sql, (org, user, id, unix_ms())).map(drop)
}

/// Deletes a link with what is its own. The integration's row stays for its id, which is never another
/// integration's; once no organization has it, it keeps no key.
fn delete_link(
    connection: &Connection,
    (org, integration): (i64, i64),
    link: i64,
    identity: Option<i64>,
) -> rusqlite::Result<()> {
    let mappings = "DELETE FROM code_mapping WHERE organization_integration_id = ?1";
    connection.execute(mappings, [link])?;
    let repositories = "UPDATE repository SET integration_id = NULL
                        WHERE organization_id = ?1 AND integration_id = ?2";
    connection.execute(repositories, (org, integration))?;
    connection.execute("DELETE FROM organization_integration WHERE id = ?1", [link])?;
    let unused = "DELETE FROM identity WHERE id = ?1
                      AND NOT EXISTS (SELECT 1 FROM organization_integration WHERE default_auth_id = ?1)";
    connection.execute(unused, [identity])?;
    let emptied = "UPDATE integration SET metadata = '{}' WHERE id = ?1
                       AND NOT EXISTS (SELECT 1 FROM organization_integration WHERE integration_id = ?1)";
    connection.execute(emptied, [integration]).map(drop)
}

/// Gives a repository that waits for its deletion back what it was called, unless another one has the
/// name now.
fn revive(connection: &Connection, org: i64, id: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE OR IGNORE repository SET status = 'active', name = config ->> ?3,
                   external_id = config ->> ?4, config = json_remove(config, '$.' || ?3, '$.' || ?4)
               WHERE organization_id = ?1 AND id = ?2 AND config ->> ?3 IS NOT NULL";
    connection.execute(sql, (org, id, OLD_NAME, OLD_ID)).map(drop)
}

fn find(connection: &Connection, org: i64, id: i64) -> rusqlite::Result<Option<StoredRepository>> {
    let sql = "SELECT * FROM repository WHERE organization_id = ?1 AND id = ?2";
    connection.query_row(sql, (org, id), repositories::read).optional()
}
