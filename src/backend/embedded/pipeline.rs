//! The pipeline that is kept between answers: its row, its time to live, its signature.

use super::known_secrets::note_plain_texts;
use super::{EngineError, callback_used, expired};
use crate::database::columns::{digest, read_object, text};
use crate::integration::{PipelineStart, StepView};
use crate::model::{Fields, Object, PipelineType, Refusal, State, signature};
use crate::os::clock::unix_ms;
use crate::os::random::random_hex;
use crate::provider::auth::oauth2::OAUTH_STATE;
use crate::provider::{APP, FreshValues, ORGANIZATION, Provider};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::Value;

/// Sentry's time to live, restarted on every write.
const TIME_TO_LIVE_MS: i64 = 3_600_000;
/// How long an ended callback is remembered, to tell a late use from a forged one.
const ENDED_RETENTION_MS: i64 = 7 * 24 * 3_600_000;

/// A kept pipeline, in Sentry's fields.
#[derive(Clone)]
pub(super) struct StoredPipeline {
    pub(super) uid: i64,
    pub(super) provider_key: String,
    pub(super) org_id: i64,
    pub(super) step_index: usize,
    pub(super) signature: String,
    pub(super) data: State,
    pub(super) site: String,
    pub(super) next: Option<String>,
}

impl StoredPipeline {
    /// A pipeline at its first step, with what it begins with.
    pub(super) fn new(start: PipelineStart<'_>, uid: i64, org_id: i64) -> Result<Self, Refusal> {
        let mut data = State::default();
        if let Some(id) = start.integration_id {
            data.bind("integration_id", id);
        }
        if let Some(app) = start.app.filter(|app| app.iter().next().is_some()) {
            let app = app.iter().map(|(name, value)| (name.clone(), value.clone()));
            data.bind(APP, Value::Object(app.collect()));
        }
        if let Some(initial) = start.provider.initial() {
            data.bind(ORGANIZATION, start.org.as_str());
            let nothing = Fields::default();
            let fields = start.initial_data.unwrap_or(&nothing);
            start.provider.verify(initial, fields, &data, unix_ms() / 1000)?;
            start.provider.bind_answer(initial, fields, &mut data)?;
            note_plain_texts(initial, fields, &mut data);
        }
        Ok(Self {
            uid,
            provider_key: start.provider.key().to_owned(),
            org_id,
            step_index: 0,
            signature: provider_signature(start.provider),
            data,
            site: start.base_url.to_owned(),
            next: start.next.map(str::to_owned),
        })
    }

    /// Whether it was made by a provider with these same steps.
    pub(super) fn is_valid(&self, provider: &dyn Provider) -> bool {
        self.signature == provider_signature(provider)
    }

    /// The integration to renew; a pipeline that has one is a `reauth`.
    pub(super) fn integration_id(&self) -> Option<i64> {
        self.data.fetch("integration_id").and_then(Value::as_i64)
    }

    /// What the pipeline is for.
    pub(super) fn pipeline_type(&self) -> PipelineType {
        if self.integration_id().is_some() { PipelineType::Reauth } else { PipelineType::Install }
    }

    /// The current step; showing it may bind fresh values.
    pub(super) fn view(&mut self, provider: &dyn Provider, fresh: &FreshValues) -> StepView {
        let Some(step) = provider.steps().get(self.step_index) else {
            return StepView { id: String::new(), data: Object::new() };
        };
        StepView { id: step.id.to_owned(), data: provider.step_data(step, &mut self.data, fresh) }
    }

    /// Stores it under a fresh random key; those whose time is over lose their data, then go.
    pub(super) fn insert(&self, connection: &Connection) -> rusqlite::Result<String> {
        forget_expired(connection)?;
        let key = random_hex();
        connection.execute(
            "INSERT INTO pipeline_state (key, uid, provider_key, org_id, step_index, signature,
                 config, data, expires_at, callback, site, next)
             VALUES (:key, :uid, :provider_key, :org_id, :step_index, :signature,
                 '{}', :data, :expires_at, :callback, :site, :next)",
            named_params! {
                ":key": key,
                ":uid": self.uid,
                ":provider_key": self.provider_key,
                ":org_id": self.org_id,
                ":step_index": index(self.step_index),
                ":signature": self.signature,
                ":data": text(self.data.data()),
                ":expires_at": unix_ms() + TIME_TO_LIVE_MS,
                ":callback": self.callback(),
                ":site": self.site,
                ":next": self.next,
            },
        )?;
        Ok(key)
    }

    pub(super) fn load(connection: &Connection, key: &str) -> Result<Self, EngineError> {
        let sql = "SELECT * FROM pipeline_state WHERE key = ?1 AND expires_at > ?2";
        let read = |row: &Row<'_>| Ok((Self::read(row)?, row.get("ended")?));
        match connection.query_row(sql, (key, unix_ms()), read).optional()? {
            Some((pipeline, false)) => Ok(pipeline),
            Some((_, true)) => Err(callback_used().into()),
            None => Err(expired().into()),
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            uid: row.get("uid")?,
            provider_key: row.get("provider_key")?,
            org_id: row.get("org_id")?,
            step_index: usize::try_from(row.get::<_, i64>("step_index")?).unwrap_or(usize::MAX),
            signature: row.get("signature")?,
            data: State::from(read_object(row, "data")?),
            site: row.get("site")?,
            next: row.get("next")?,
        })
    }

    /// Writes index and data, which restarts the time to live. A key that is gone stays gone, and a
    /// pipeline that another process has taken further stays there.
    pub(super) fn save(&self, connection: &Connection, key: &str) -> rusqlite::Result<()> {
        let sql = "UPDATE pipeline_state
                   SET step_index = :step_index, data = :data, expires_at = :expires_at,
                       callback = :callback
                   WHERE key = :key AND ended = 0 AND step_index <= :step_index";
        let values = named_params! {
            ":key": key,
            ":step_index": index(self.step_index),
            ":data": text(self.data.data()),
            ":expires_at": unix_ms() + TIME_TO_LIVE_MS,
            ":callback": self.callback(),
        };
        connection.execute(sql, values).map(drop)
    }

    /// Writes what a third party sent. Whether it could be: a value that finds the pipeline may
    /// come from there, and must find no other.
    pub(super) fn update_unless_taken(
        &self,
        connection: &Connection,
        key: &str,
    ) -> rusqlite::Result<bool> {
        let sql = "SELECT count(*) FROM pipeline_state WHERE callback = ?1 AND key <> ?2";
        let others: i64 = connection.query_row(sql, (self.callback(), key), |row| row.get(0))?;
        if others == 0 {
            self.save(connection, key)?;
        }
        Ok(others == 0)
    }

    /// Clears the pipeline. One that waited for a callback is remembered without its data.
    pub(super) fn end(&self, connection: &Connection, key: &str) -> rusqlite::Result<()> {
        if self.callback().is_none() {
            return Self::clear(connection, key);
        }
        let sql = "UPDATE pipeline_state SET ended = 1, data = '{}', next = NULL WHERE key = ?1";
        connection.execute(sql, [key]).map(drop)
    }

    pub(super) fn clear(connection: &Connection, key: &str) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM pipeline_state WHERE key = ?1", [key]).map(drop)
    }

    /// What a callback is found by: not the value itself, which is a secret until it is used.
    fn callback(&self) -> Option<String> {
        self.data.text(OAUTH_STATE).map(digest)
    }
}

fn forget_expired(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM pipeline_state WHERE expires_at <= ?1",
        [unix_ms() - ENDED_RETENTION_MS],
    )?;
    let sql = "UPDATE pipeline_state SET data = '{}', next = NULL
               WHERE expires_at <= ?1 AND data <> '{}'";
    connection.execute(sql, [unix_ms()]).map(drop)
}

fn provider_signature(provider: &dyn Provider) -> String {
    signature(provider.steps().iter().map(|step| step.id))
}

fn index(step_index: usize) -> i64 {
    i64::try_from(step_index).unwrap_or(i64::MAX)
}
