//! `finish_pipeline`: permission, integration, link, audit entry and configuration, in Sentry's
//! order and in the caller's one transaction.

use super::EngineError;
use super::records::{self, IntegrationRow, LinkRow};
use crate::model::{Finished, IntegrationData, Object, Refusal, RefusalKind, Row, Status};
use crate::provider::{Link, Provider};
use crate::state::State;
use rusqlite::Connection;

/// Who finishes, and for which organization.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The user's id.
    pub user: i64,
    /// The organization's id.
    pub org: i64,
}

/// Stores what a provider built, and links the organization to it.
///
/// A finish that changes nothing leaves no trace, not even in the audit log.
///
/// # Errors
///
/// A refusal, after which the caller must roll back.
pub fn finish(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
    state: &State,
    data: IntegrationData,
) -> Result<Finished, EngineError> {
    permit(connection, actor, provider)?;
    let (integration, stored) = ensure_integration(connection, provider, data)?;
    let (link, linked) = ensure_link(connection, actor, &integration)?;
    let configured = configure(connection, provider, state, &link)?;
    let changed = stored || linked || configured;
    if changed {
        records::note_install(connection, actor, provider.key(), &integration)?;
    }
    Ok(Finished {
        id: integration.id,
        integration_key: provider.integration_key().to_owned(),
        name: integration.name,
        changed,
    })
}

/// Roles above member hold `org:integrations`.
fn permit(
    connection: &Connection,
    actor: Actor,
    provider: &dyn Provider,
) -> Result<(), EngineError> {
    let role = records::role(connection, actor)?;
    if matches!(role.as_deref(), Some("owner" | "manager" | "admin")) {
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
    Err(Refusal::new(RefusalKind::Permission, error_message).into())
}

/// The row by (integration key, external id): expected, kept, or overwritten wholesale.
fn ensure_integration(
    connection: &Connection,
    provider: &dyn Provider,
    data: IntegrationData,
) -> Result<(IntegrationRow, bool), EngineError> {
    let external_id = bounded("external id", data.external_id, 256)?;
    let name = bounded("name", data.name.unwrap_or_else(|| external_id.clone()), 200)?;
    let key = provider.integration_key();
    let found = records::integration(connection, key, &external_id)?;
    let (name, metadata) = match (&found, data.row) {
        (None, Row::Expect) => {
            let message = format!("there is no {key} integration that this would connect to");
            return Err(Refusal::failure(message).into());
        }
        (Some(found), Row::Keep | Row::Expect) => (found.name.clone(), found.metadata.clone()),
        (Some(_), Row::Overwrite) | (None, Row::Keep | Row::Overwrite) => (name, data.metadata),
    };
    let wanted = IntegrationRow {
        id: found.as_ref().map_or(0, |found| found.id),
        external_id,
        name,
        metadata,
        status: Status::Active,
    };
    if found.as_ref() == Some(&wanted) {
        return Ok((wanted, false));
    }
    let id = records::write_integration(connection, key, &wanted)?;
    Ok((IntegrationRow { id, ..wanted }, true))
}

/// Links the organization, or revives a link that waits for its deletion.
fn ensure_link(
    connection: &Connection,
    actor: Actor,
    integration: &IntegrationRow,
) -> Result<(LinkRow, bool), EngineError> {
    match records::link(connection, actor.org, integration.id)? {
        None => Ok((records::insert_link(connection, actor.org, integration.id)?, true)),
        Some(link) if link.status == Status::Active => Ok((link, false)),
        Some(link) if link.status == Status::DeletionInProgress => {
            let message = "deletion is already in progress: run again when it is through";
            Err(Refusal::failure(message).into())
        }
        Some(link) => {
            records::activate_link(connection, link.id)?;
            Ok((link, true))
        }
    }
}

/// Post-install: the organization's own configuration, as the provider sets it.
fn configure(
    connection: &Connection,
    provider: &dyn Provider,
    state: &State,
    row: &LinkRow,
) -> Result<bool, EngineError> {
    let link = Link { id: row.id, integration_id: row.integration_id, config: &row.config };
    let wanted: Option<Object> = provider.configure(state, link);
    match wanted {
        Some(config) if config != row.config => {
            records::configure_link(connection, row.id, &config)?;
            Ok(true)
        }
        Some(_) | None => Ok(false),
    }
}

/// Sentry's column widths: a longer text is refused here and not cut.
fn bounded(what: &str, text: String, longest: usize) -> Result<String, Refusal> {
    if text.chars().count() <= longest {
        return Ok(text);
    }
    Err(Refusal::failure(format!("the integration's {what} is longer than {longest} characters")))
}
