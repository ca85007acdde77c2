//! Finds the pipeline that a callback belongs to, or says why there is none.

use super::pipeline::StoredPipeline;
use super::{CurrentStep, EmbeddedBackend, EngineError, callback_used};
use crate::database::columns::digest;
use crate::error::{ErrorCode, Result};
use crate::integration::callback::CallbackKey;
use crate::model::{OrgSlug, Refusal};
use crate::os::clock::unix_ms;
use crate::provider::{Provider, Step};
use rusqlite::{Connection, OptionalExtension};

/// A pipeline that goes on.
pub struct ResumedPipeline {
    /// The third party.
    pub provider: &'static dyn Provider,
    /// The step that waits for the callback.
    pub step: &'static Step,
    /// The integration to renew; a pipeline that has one is a `reauth`.
    pub integration_id: Option<i64>,
    /// What the redirect URL carries.
    pub next: Option<String>,
    /// Where the backend's pages are.
    pub site: String,
}

impl EmbeddedBackend<'_> {
    /// Takes up the pipeline that a callback belongs to. Nothing is changed by a wrong one.
    ///
    /// # Errors
    ///
    /// `wrong-oauth-state`, `foreign-callback`, `callback-used` or `session-expired`.
    pub async fn resume(
        &mut self,
        org: &OrgSlug,
        callback: &CallbackKey<'_>,
    ) -> Result<ResumedPipeline> {
        let find_key = |connection: &_| match callback {
            CallbackKey::State(value) => find(connection, org, &digest(value)),
            CallbackKey::Provider(key) => newest(connection, org, key),
        };
        self.key = self.database.try_read(find_key).await?;
        let CurrentStep { provider, step, pipeline } = self.current().await?;
        let integration_id = pipeline.integration_id();
        let StoredPipeline { next, site, .. } = pipeline;
        Ok(ResumedPipeline { provider, step, integration_id, next, site })
    }
}

/// The key of the pipeline, found by the digest of the value, whose bytes are compared only later
/// and in constant time.
fn find(connection: &Connection, org: &OrgSlug, digest: &str) -> Result<String, EngineError> {
    let refuse = |kind, message: &str| Err(Refusal::new(kind, message).into());
    let row = connection
        .query_row(
            "SELECT key, slug, ended, expires_at FROM pipeline_state
             JOIN organization ON organization.id = org_id WHERE callback = ?1",
            [digest],
            |row| {
                let (key, slug): (String, String) = (row.get(0)?, row.get(1)?);
                Ok((key, slug, row.get::<_, bool>(2)?, row.get::<_, i64>(3)?))
            },
        )
        .optional()?;
    match row {
        None => refuse(ErrorCode::WrongOauthState, "no pipeline is waiting for this callback"),
        Some((_, slug, ..)) if slug != org.as_str() => refuse(
            ErrorCode::ForeignCallback,
            "the callback belongs to a pipeline of another organization",
        ),
        Some((_, _, true, _)) => Err(callback_used().into()),
        Some((.., expires_at)) if expires_at <= unix_ms() => {
            refuse(ErrorCode::SessionExpired, "the pipeline has expired after waiting for an hour")
        }
        Some((key, ..)) => Ok(key),
    }
}

/// The key of the organization's newest pipeline of a provider whose step handed nothing out. What
/// such a callback brings proves itself otherwise, or is checked with the third party.
fn newest(connection: &Connection, org: &OrgSlug, provider: &str) -> Result<String, EngineError> {
    let sql = "SELECT key FROM pipeline_state
               JOIN organization ON organization.id = org_id
               WHERE slug = ?1 AND provider_key = ?2 AND callback IS NULL
                   AND ended = 0 AND expires_at > ?3
               ORDER BY expires_at DESC LIMIT 1";
    let key = connection.query_row(sql, (org.as_str(), provider, unix_ms()), |row| row.get(0));
    let message = "no pipeline is waiting for this callback";
    key.optional()?.ok_or_else(|| Refusal::new(ErrorCode::WrongOauthState, message).into())
}
