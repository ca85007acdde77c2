//! The pipeline that is kept between answers: its row, its time to live, its signature.

use super::{EngineError, expired};
use crate::model::Object;
use crate::provider::Provider;
use crate::state::{State, signature};
use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::Value;

/// Sentry's time to live, restarted on every write.
pub(super) const TIME_TO_LIVE_MS: i64 = 3_600_000;

/// A kept pipeline, in Sentry's fields.
pub(super) struct Kept {
    pub(super) uid: i64,
    pub(super) provider_key: String,
    pub(super) org_id: i64,
    pub(super) step_index: usize,
    pub(super) signature: String,
    pub(super) data: State,
}

impl Kept {
    pub(super) fn new(
        provider: &dyn Provider,
        uid: i64,
        org_id: i64,
        integration_id: Option<i64>,
    ) -> Self {
        let mut data = State::default();
        if let Some(id) = integration_id {
            data.bind("integration_id", id);
        }
        let provider_key = provider.key().to_owned();
        Self { uid, provider_key, org_id, step_index: 0, signature: of(provider), data }
    }

    /// Whether it was made by a provider with these same steps.
    pub(super) fn is_valid(&self, provider: &dyn Provider) -> bool {
        self.signature == of(provider)
    }

    /// The integration to renew; a pipeline that has one is a `reauth`.
    pub(super) fn integration_id(&self) -> Option<i64> {
        self.data.fetch("integration_id").and_then(Value::as_i64)
    }

    /// Stores it under a fresh random key; expired ones go.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<String> {
        let key = random_key();
        connection.execute("DELETE FROM pipeline_state WHERE expires_at <= ?1", [now()])?;
        connection.execute(
            "INSERT INTO pipeline_state
                 (key, uid, provider_key, org_id, step_index, signature, config, data, expires_at)
             VALUES (:key, :uid, :provider_key, :org_id, :step_index, :signature, '{}', :data, :expires_at)",
            named_params! {
                ":key": key,
                ":uid": self.uid,
                ":provider_key": self.provider_key,
                ":org_id": self.org_id,
                ":step_index": index(self.step_index),
                ":signature": self.signature,
                ":data": text(self.data.data()),
                ":expires_at": now() + TIME_TO_LIVE_MS,
            },
        )?;
        Ok(key)
    }

    pub(super) fn load(connection: &Connection, key: &str) -> Result<Self, EngineError> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self {
                uid: row.get("uid")?,
                provider_key: row.get("provider_key")?,
                org_id: row.get("org_id")?,
                step_index: usize::try_from(row.get::<_, i64>("step_index")?).unwrap_or(usize::MAX),
                signature: row.get("signature")?,
                data: State::from(object(&row.get::<_, String>("data")?)),
            })
        };
        let kept = connection
            .query_row(
                "SELECT * FROM pipeline_state WHERE key = ?1 AND expires_at > ?2",
                (key, now()),
                read,
            )
            .optional()?;
        kept.ok_or_else(|| expired().into())
    }

    /// Writes index and data, which restarts the time to live. A key that is gone stays gone.
    pub(super) fn save(&self, connection: &Connection, key: &str) -> rusqlite::Result<()> {
        let data = text(self.data.data());
        connection
            .execute(
                "UPDATE pipeline_state SET step_index = ?2, data = ?3, expires_at = ?4 WHERE key = ?1",
                (key, index(self.step_index), data, now() + TIME_TO_LIVE_MS),
            )
            .map(drop)
    }

    pub(super) fn clear(connection: &Connection, key: &str) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM pipeline_state WHERE key = ?1", [key]).map(drop)
    }
}

fn of(provider: &dyn Provider) -> String {
    signature(provider.steps().iter().map(|step| step.id))
}

fn index(step_index: usize) -> i64 {
    i64::try_from(step_index).unwrap_or(i64::MAX)
}

/// A JSON object as it is stored.
pub(super) fn text(object: &Object) -> String {
    Value::Object(object.clone()).to_string()
}

/// A stored JSON object; anything else, written by another hand, is an empty one.
pub(super) fn object(text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_default()
}

/// 32 hex digits that nobody can guess.
fn random_key() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the engine is the adapter that keeps time")]
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
