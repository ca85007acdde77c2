//! The rows: one small function for each thing that is read or written. No rules here.

use super::pipeline::StoredPipeline;
use crate::database::Actor;
use crate::database::columns::{object, read_object, text};
use crate::model::{
    IntegrationHealth, IntegrationStatus, ListedIntegration, Object, OrgSlug, StoredSecrets,
};
use crate::os::clock::unix_ms;
use crate::provider::ListingFilter;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::{Value, json};

/// A row of `integration`.
#[derive(PartialEq)]
pub(super) struct IntegrationRow {
    pub(super) id: i64,
    pub(super) external_id: String,
    pub(super) name: String,
    pub(super) metadata: Object,
    pub(super) status: IntegrationStatus,
}

/// A row of `organization_integration`.
pub(super) struct LinkRow {
    pub(super) id: i64,
    pub(super) integration_id: i64,
    pub(super) config: Object,
    pub(super) status: IntegrationStatus,
    pub(super) default_auth: Option<i64>,
}

/// The organization's integrations of one provider, by id. What is rare is looked for first: an
/// account or a name among all, everything in the organization.
pub(super) fn list(
    connection: &Connection,
    org: &OrgSlug,
    integration_key: &str,
    filter: &ListingFilter,
) -> rusqlite::Result<Vec<ListedIntegration>> {
    const OF_INTEGRATION: &str = "organization CROSS JOIN integration
         CROSS JOIN organization_integration AS link";
    let (tables, column, value) = match filter {
        ListingFilter::All => {
            let of_org = "organization CROSS JOIN organization_integration AS link
                          CROSS JOIN integration";
            (of_org, "provider", integration_key)
        }
        ListingFilter::ExternalId(id) => (OF_INTEGRATION, "external_id", id.as_str()),
        ListingFilter::Name(name) => (OF_INTEGRATION, "name", name.as_str()),
    };
    let mut statement = connection.prepare(&format!(
        "SELECT integration.id, integration.external_id, name, metadata, link.config,
                integration.status AS status, link.status AS link_status, identity.data AS identity
         FROM {tables} LEFT JOIN identity ON identity.id = link.default_auth_id
         WHERE organization.slug = ?1 AND link.organization_id = organization.id
             AND link.integration_id = integration.id
             AND integration.provider = ?2 AND integration.{column} = ?3
         ORDER BY integration.id"
    ))?;
    let rows = statement.query_map((org.as_str(), integration_key, value), listed)?;
    rows.collect()
}

/// A row of [`list`].
fn listed(row: &Row<'_>) -> rusqlite::Result<ListedIntegration> {
    let (own, link) = (status(row, "status")?, status(row, "link_status")?);
    let is_leaving = [IntegrationStatus::PendingDeletion, IntegrationStatus::DeletionInProgress];
    let deletion = is_leaving.contains(&link).then(|| link.as_str());
    let metadata = read_object(row, "metadata")?;
    let identity: Option<String> = row.get("identity")?;
    Ok(ListedIntegration {
        id: row.get("id")?,
        external_id: row.get("external_id")?,
        name: row.get("name")?,
        domain_name: metadata.get("domain_name").and_then(Value::as_str).map(str::to_owned),
        active: [own, link] == [IntegrationStatus::Active; 2],
        deletion: deletion.map(str::to_owned),
        health: IntegrationHealth {
            status: Some(own.as_str().to_owned()),
            link_status: Some(link.as_str().to_owned()),
            ..IntegrationHealth::default()
        },
        config: None,
        stored: Some(StoredSecrets {
            metadata,
            config: read_object(row, "config")?,
            identity: identity.as_deref().map(object),
        }),
    })
}

/// The integration by its unique pair.
pub(super) fn integration(
    connection: &Connection,
    integration_key: &str,
    external_id: &str,
) -> rusqlite::Result<Option<IntegrationRow>> {
    let sql = "SELECT * FROM integration WHERE provider = ?1 AND external_id = ?2";
    let read = |row: &Row<'_>| {
        Ok(IntegrationRow {
            id: row.get("id")?,
            external_id: row.get("external_id")?,
            name: row.get("name")?,
            metadata: read_object(row, "metadata")?,
            status: status(row, "status")?,
        })
    };
    connection.query_row(sql, (integration_key, external_id), read).optional()
}

/// Creates the row, or overwrites name, metadata and status; its id.
pub(super) fn write_integration(
    connection: &Connection,
    integration_key: &str,
    row: &IntegrationRow,
) -> rusqlite::Result<i64> {
    connection.query_row(
        "INSERT INTO integration (provider, external_id, name, metadata, status, created_at)
         VALUES (:provider, :external_id, :name, :metadata, :status, :now)
         ON CONFLICT (provider, external_id) DO UPDATE
         SET name = excluded.name, metadata = excluded.metadata, status = excluded.status
         RETURNING id",
        named_params! {
            ":provider": integration_key,
            ":external_id": row.external_id,
            ":name": row.name,
            ":metadata": text(&row.metadata),
            ":status": row.status.as_str(),
            ":now": unix_ms(),
        },
        |row| row.get(0),
    )
}

/// The organization's link to an integration.
pub(super) fn link(
    connection: &Connection,
    org: i64,
    integration: i64,
) -> rusqlite::Result<Option<LinkRow>> {
    let sql = "SELECT * FROM organization_integration
               WHERE organization_id = ?1 AND integration_id = ?2";
    let read = |row: &Row<'_>| {
        Ok(LinkRow {
            id: row.get("id")?,
            integration_id: integration,
            config: read_object(row, "config")?,
            status: status(row, "status")?,
            default_auth: row.get("default_auth_id")?,
        })
    };
    connection.query_row(sql, (org, integration), read).optional()
}

/// A new link with an empty configuration.
pub(super) fn insert_link(
    connection: &Connection,
    org: i64,
    integration_id: i64,
    default_auth: Option<i64>,
) -> rusqlite::Result<LinkRow> {
    let status = IntegrationStatus::Active;
    let id = connection.query_row(
        "INSERT INTO organization_integration
             (organization_id, integration_id, default_auth_id, config, status, created_at)
         VALUES (?1, ?2, ?3, '{}', ?4, ?5) RETURNING id",
        (org, integration_id, default_auth, status.as_str(), unix_ms()),
        |row| row.get(0),
    )?;
    Ok(LinkRow { id, integration_id, config: Object::new(), status, default_auth })
}

/// Brings a link into use, with this default identity.
pub(super) fn renew_link(
    connection: &Connection,
    link: i64,
    default_auth: Option<i64>,
) -> rusqlite::Result<()> {
    let sql = "UPDATE organization_integration SET status = 'active', default_auth_id = ?2
               WHERE id = ?1";
    connection.execute(sql, (link, default_auth)).map(drop)
}

/// Replaces the organization's own configuration.
pub(super) fn configure_link(
    connection: &Connection,
    link: i64,
    config: &Object,
) -> rusqlite::Result<()> {
    let sql = "UPDATE organization_integration SET config = ?2 WHERE id = ?1";
    connection.execute(sql, (link, text(config))).map(drop)
}

/// Sentry's audit entry 110, `integration.add`.
pub(super) fn record_install(
    connection: &Connection,
    actor: Actor,
    provider_key: &str,
    integration: &IntegrationRow,
) -> rusqlite::Result<()> {
    let data = json!({ "provider": provider_key, "name": integration.name });
    let sql = "INSERT INTO audit_log_entry
                   (organization_id, actor_id, event, target_object, data, created_at)
               VALUES (?1, ?2, 'integration.add', ?3, ?4, ?5)";
    let values = (actor.org, actor.user, integration.id, data.to_string(), unix_ms());
    connection.execute(sql, values).map(drop)
}

/// Sentry's analytics event `integrations.pipeline_step`, with the index after the step.
pub(super) fn record_step(
    connection: &Connection,
    pipeline: &StoredPipeline,
) -> rusqlite::Result<()> {
    let data = json!({
        "user_id": pipeline.uid,
        "organization_id": pipeline.org_id,
        "integration": pipeline.provider_key,
        "step_index": pipeline.step_index,
        "pipeline_type": pipeline.pipeline_type().as_str(),
    });
    record_event(connection, "integrations.pipeline_step", &data)
}

/// Sentry's analytics event `integrations.identity_linked`.
pub(super) fn record_identity(
    connection: &Connection,
    actor: Actor,
    kind: &str,
) -> rusqlite::Result<()> {
    let data = json!({ "provider": kind, "actor_id": actor.user, "actor_type": "user" });
    record_event(connection, "integrations.identity_linked", &data)
}

fn record_event(connection: &Connection, kind: &str, data: &Value) -> rusqlite::Result<()> {
    let sql = "INSERT INTO analytics_event (type, data, created_at) VALUES (?1, ?2, ?3)";
    connection.execute(sql, (kind, data.to_string(), unix_ms())).map(drop)
}

/// A status that another hand wrote counts as switched off.
fn status(row: &Row<'_>, column: &str) -> rusqlite::Result<IntegrationStatus> {
    Ok(IntegrationStatus::parse(&row.get::<_, String>(column)?)
        .unwrap_or(IntegrationStatus::Disabled))
}
