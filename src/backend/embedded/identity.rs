//! The installer's account at the third party: linked, renewed, re-keyed, or taken by another.

use super::{EngineError, rows};
use crate::database::Actor;
use crate::database::columns::text;
use crate::error::ErrorCode;
use crate::model::{Object, Refusal, UserIdentity};
use crate::os::clock::unix_ms;
use crate::provider::Provider;
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

/// An identity as it was before.
struct StoredIdentity {
    id: i64,
    user: i64,
}

/// What the finish knows of the account.
pub(super) struct VendorAccount<'a> {
    pub(super) identity: &'a UserIdentity,
    pub(super) idp_external_id: &'a str,
    pub(super) idp_config: &'a Object,
}

/// Links the account to the actor by Sentry's rules. `None` when it belongs to another user and
/// the provider can do without; the link's id, and whether anything changed, else.
pub(super) fn ensure(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
    account: &VendorAccount<'_>,
) -> Result<Option<(i64, bool)>, EngineError> {
    let idp = ensure_provider(connection, account)?;
    let by_account = find(connection, idp, "external_id", &account.identity.external_id)?;
    let by_user = find(connection, idp, "user_id", &actor.user)?;
    match (by_account, by_user) {
        (Some(stored), _) if stored.user != actor.user => {
            let taken = identity_taken(actor, provider, idp, account, stored.id);
            if provider.needs_default_identity() { Err(taken) } else { Ok(None) }
        }
        // The account itself, or another account of this user, which takes the new id over.
        (Some(stored), _) | (None, Some(stored)) => {
            let changed = renew(connection, stored.id, account.identity)?;
            Ok(Some((stored.id, changed)))
        }
        (None, None) => {
            let id = insert(connection, idp, actor, account.identity)?;
            rows::record_identity(connection, actor, account.identity.kind)?;
            Ok(Some((id, true)))
        }
    }
}

/// Creates the identity provider, or overwrites its configuration.
fn ensure_provider(connection: &Connection, account: &VendorAccount<'_>) -> rusqlite::Result<i64> {
    connection.query_row(
        "INSERT INTO identity_provider (type, external_id, config) VALUES (?1, ?2, ?3)
         ON CONFLICT (type, external_id) DO UPDATE SET config = excluded.config
         RETURNING id",
        (account.identity.kind, account.idp_external_id, text(account.idp_config)),
        |row| row.get(0),
    )
}

fn find(
    connection: &Connection,
    idp: i64,
    column: &'static str,
    value: &dyn rusqlite::ToSql,
) -> rusqlite::Result<Option<StoredIdentity>> {
    let sql = format!("SELECT id, user_id FROM identity WHERE idp_id = ?1 AND {column} = ?2");
    connection
        .query_row(&sql, rusqlite::params![idp, value], |row| {
            Ok(StoredIdentity { id: row.get(0)?, user: row.get(1)? })
        })
        .optional()
}

fn insert(
    connection: &Connection,
    idp: i64,
    actor: Actor,
    identity: &UserIdentity,
) -> rusqlite::Result<i64> {
    connection.query_row(
        "INSERT INTO identity
             (idp_id, user_id, external_id, status, scopes, data, date_verified)
         VALUES (?1, ?2, ?3, 'valid', ?4, ?5, ?6) RETURNING id",
        (idp, actor.user, &identity.external_id, scopes(identity), text(&identity.data), unix_ms()),
        |row| row.get(0),
    )
}

/// Writes account, scopes and tokens over what was there; whether they differ.
fn renew(connection: &Connection, id: i64, identity: &UserIdentity) -> rusqlite::Result<bool> {
    let (scopes, data) = (scopes(identity), text(&identity.data));
    let changed = connection.execute(
        "UPDATE identity SET external_id = ?2, status = 'valid', scopes = ?3, data = ?4
         WHERE id = ?1 AND (external_id, status, scopes, data) <> (?2, 'valid', ?3, ?4)",
        (id, &identity.external_id, scopes, data),
    )?;
    connection.execute("UPDATE identity SET date_verified = ?2 WHERE id = ?1", (id, unix_ms()))?;
    Ok(changed == 1)
}

fn scopes(identity: &UserIdentity) -> String {
    Value::from(identity.scopes.clone()).to_string()
}

fn identity_taken(
    actor: Actor,
    provider: &dyn Provider,
    idp_id: i64,
    account: &VendorAccount<'_>,
    object_id: i64,
) -> EngineError {
    tracing::info!(
        idp_id,
        external_id = account.identity.external_id,
        object_id,
        user_id = actor.user,
        r#type = account.identity.kind,
        organization_id = actor.org,
        provider_key = provider.key(),
        "finish_pipeline.identity_linked_different_user"
    );
    let name = provider.name();
    let message = format!("this {name} account is linked to a different Sentry user");
    Refusal::new(ErrorCode::IdentityTaken, message).into()
}
