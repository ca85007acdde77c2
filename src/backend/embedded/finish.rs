//! `finish_pipeline`: permission, integration, identity, link, audit entry and configuration, in
//! Sentry's order and in the caller's one transaction.

use super::EngineError;
use super::identity::{self, VendorAccount};
use super::known_secrets::shown;
use super::rows::{self, IntegrationRow, LinkRow};
use crate::database::{self, Actor, organizations};
use crate::error::ErrorCode;
use crate::model::{
    FinishedIntegration, IntegrationData, IntegrationStatus, Object, Refusal, RowPolicy, State,
};
use crate::provider::{OrgLink, Provider};
use rusqlite::Connection;

/// Stores what a provider built, and links the organization to it.
///
/// A finish that changes nothing leaves no trace, not even in the audit log.
/// After a refusal the caller must roll back.
pub fn finish(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
    state: &State,
    data: IntegrationData,
) -> Result<FinishedIntegration, EngineError> {
    check_permission(connection, actor, provider)?;
    let (integration, stored) = ensure_integration(connection, provider, state, &data)?;
    let (default_auth, verified) = ensure_identity(connection, actor, provider, &data)?;
    let (link, linked) = ensure_link(connection, actor, &integration, default_auth)?;
    let configured = configure(connection, provider, state, &link)?;
    let changed = stored || verified || linked || configured;
    if changed {
        rows::record_install(connection, actor, provider.key(), &integration)?;
    }
    Ok(FinishedIntegration {
        id: integration.id,
        integration_key: provider.integration_key().to_owned(),
        name: integration.name,
        changed,
    })
}

/// Roles above member hold `org:integrations`.
fn check_permission(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
) -> Result<(), EngineError> {
    if database::may_install(organizations::role(connection, actor)?.as_deref()) {
        return Ok(());
    }
    let error_message = "you must be an owner, manager or admin of the organization";
    tracing::warn!(
        error_message,
        organization_id = actor.org,
        user_id = actor.user,
        provider_key = provider.key(),
        "build-integration.permission_error"
    );
    Err(Refusal::new(ErrorCode::MissingScope, error_message).into())
}

/// The row by (integration key, external id): expected, kept, or overwritten wholesale.
fn ensure_integration(
    connection: &Connection,
    provider: &dyn Provider,
    state: &State,
    data: &IntegrationData,
) -> Result<(IntegrationRow, bool), EngineError> {
    let external_id = checked_length("external id", &data.external_id, 256)?;
    let name = data.name.as_ref().unwrap_or(&data.external_id);
    let (name, shown) = shown(name, state, data);
    let name = checked_length("name", &name, 200)?;
    let key = provider.integration_key();
    let existing = rows::integration(connection, key, &external_id)?;
    // One that no organization has any more keeps nothing but its id.
    let kept = existing.as_ref().filter(|row| !row.metadata.is_empty());
    let (name, metadata) = match (kept, data.row) {
        (None, RowPolicy::Expect) => {
            let message = format!("no {key} integration found to connect to");
            return Err(Refusal::failure(message).into());
        }
        (Some(row), RowPolicy::Keep | RowPolicy::Expect) => {
            (row.name.clone(), row.metadata.clone())
        }
        (row, RowPolicy::Keep | RowPolicy::Overwrite) => (name, metadata(shown, data, row)),
    };
    let row = IntegrationRow {
        id: existing.as_ref().map_or(0, |row| row.id),
        external_id,
        name,
        metadata,
        status: IntegrationStatus::Active,
    };
    if existing.as_ref() == Some(&row) {
        return Ok((row, false));
    }
    let id = rows::write_integration(connection, key, &row)?;
    Ok((IntegrationRow { id, ..row }, true))
}

/// The new metadata, with the values that a row already there keeps.
fn metadata(
    mut metadata: Object,
    data: &IntegrationData,
    existing: Option<&IntegrationRow>,
) -> Object {
    for name in data.kept_metadata {
        if let Some(value) = existing.and_then(|row| row.metadata.get(*name)) {
            metadata.insert((*name).to_owned(), value.clone());
        }
    }
    metadata
}

/// The default identity, where the provider builds one.
fn ensure_identity(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
    data: &IntegrationData,
) -> Result<(Option<i64>, bool), EngineError> {
    let Some(identity) = &data.user_identity else {
        if provider.needs_default_identity() {
            let message =
                format!("{} needs an account to link, but returned none", provider.name());
            return Err(Refusal::failure(message).into());
        }
        return Ok((None, false));
    };
    let idp_external_id = data.idp_external_id.as_ref().unwrap_or(&data.external_id);
    let account = VendorAccount { identity, idp_external_id, idp_config: &data.idp_config };
    let ensured = identity::ensure(connection, actor, provider, &account)?;
    let (id, changed) = ensured.map_or((None, false), |(id, changed)| (Some(id), changed));
    Ok((id.filter(|_| provider.needs_default_identity()), changed))
}

/// Links the organization, or revives a link that waits for its deletion. On a link that is there,
/// only a default identity that is given replaces the one it has.
fn ensure_link(
    connection: &Connection,
    actor: Actor,
    integration: &IntegrationRow,
    default_auth: Option<i64>,
) -> Result<(LinkRow, bool), EngineError> {
    let Some(link) = rows::link(connection, actor.org, integration.id)? else {
        let link = rows::insert_link(connection, actor.org, integration.id, default_auth)?;
        return Ok((link, true));
    };
    if link.status == IntegrationStatus::DeletionInProgress {
        let message = "deletion is already in progress: run again when it is complete";
        return Err(Refusal::failure(message).into());
    }
    let default_auth = default_auth.or(link.default_auth);
    let changed = link.status != IntegrationStatus::Active || link.default_auth != default_auth;
    if changed {
        rows::renew_link(connection, link.id, default_auth)?;
    }
    Ok((link, changed))
}

/// Post-install: the organization's own configuration, as the provider sets it.
fn configure(
    connection: &Connection,
    provider: &dyn Provider,
    state: &State,
    row: &LinkRow,
) -> Result<bool, EngineError> {
    let link = OrgLink { id: row.id, integration_id: row.integration_id, config: &row.config };
    match provider.org_config(state, link) {
        Some(config) if config != row.config => {
            rows::configure_link(connection, row.id, &config)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Sentry's column widths: a longer text is refused here and not cut.
fn checked_length(what: &str, text: &str, longest: usize) -> Result<String, EngineError> {
    if text.chars().count() <= longest {
        return Ok(text.to_owned());
    }
    let message = format!("the integration's {what} is longer than {longest} characters");
    Err(Refusal::failure(message).into())
}
