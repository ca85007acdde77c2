//! Finds the pipeline that a callback belongs to, or says why there is none.

use super::known_secrets::secrets_in;
use super::pipeline::StoredPipeline;
use super::{CurrentStep, EmbeddedBackend, EngineError, callback_used, fresh_values};
use crate::database::columns::digest;
use crate::error::{ErrorCode, Result};
use crate::integration::callback::CallbackKey;
use crate::integration::{IntegrationTask, KeptInputs, RequestedLinks, StepView};
use crate::model::{Object, OrgSlug, Refusal};
use crate::os::clock::unix_ms;
use crate::provider::auth::self_hosted::INSTALLATION_DATA;
use crate::provider::{self, APP, Provider};
use rusqlite::{Connection, OptionalExtension};

/// The name under which what it is to go on with is bound.
const KEPT: &str = "kept_inputs";

/// Where a pipeline has what its form was answered with, and the app.
const GIVEN: [&str; 3] = [INSTALLATION_DATA, "config", APP];

/// A pipeline that goes on.
pub struct ResumedPipeline {
    /// The third party.
    pub provider: &'static dyn Provider,
    /// The step that waits for the callback, or for a choice.
    pub step: StepView,
    /// The integration to renew; a pipeline that has one is a `reauth`.
    pub integration_id: Option<i64>,
    /// What the redirect URL carries.
    pub next: Option<String>,
    /// Where the backend's pages are.
    pub site: String,
    /// What the first run was given for the steps to come.
    pub kept: KeptInputs,
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
            CallbackKey::None(key) => undecided(connection, org, *key),
        };
        self.key = self.database.try_read(find_key).await?;
        let CurrentStep { provider, mut pipeline, .. } = self.current().await?;
        let integration_id = pipeline.integration_id();
        let kept = pipeline.data.fetch(KEPT).map(KeptInputs::from_json).unwrap_or_default();
        let kept = kept.with_secrets(given_secrets(pipeline.data.data()));
        let step = pipeline.view(provider, &fresh_values(provider, &pipeline.site.clone()));
        let StoredPipeline { next, site, .. } = pipeline;
        Ok(ResumedPipeline { provider, step, integration_id, next, site, kept })
    }

    /// Keeps what the pipeline that waits is to go on with.
    pub async fn keep(
        &mut self,
        task: &IntegrationTask,
        links: &RequestedLinks,
        entry: Option<&str>,
    ) -> Result {
        let CurrentStep { step, mut pipeline, .. } = self.current().await?;
        let kept = KeptInputs::new(task, step.id, links).of_entry(entry);
        let before = pipeline.data.clone();
        match kept.is_empty() {
            true => pipeline.data.unbind(KEPT),
            false => pipeline.data.bind(KEPT, kept.to_json()),
        }
        if pipeline.data == before {
            return Ok(());
        }
        let key = &self.key;
        self.database.write(|transaction| pipeline.save(transaction, key)).await
    }
}

/// The secrets of the steps that are over.
fn given_secrets(data: &Object) -> Vec<String> {
    let given = GIVEN.iter().filter_map(|name| data.get(*name)?.as_object());
    given.flat_map(secrets_in).collect()
}

/// The key of the organization's only pipeline whose step a browser has no part in.
fn undecided(
    connection: &Connection,
    org: &OrgSlug,
    provider: Option<&str>,
) -> Result<String, EngineError> {
    let sql = "SELECT key, provider_key, step_index FROM pipeline_state
               JOIN organization ON organization.id = org_id
               WHERE slug = ?1 AND ended = 0 AND expires_at > ?2";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map((org.as_str(), unix_ms()), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let waits = |key: &str, index: i64| {
        let known = provider::find(key).ok().filter(|_| provider.is_none_or(|name| name == key));
        known
            .and_then(|known| known.steps().get(usize::try_from(index).ok()?))
            .is_some_and(|step| step.choice.is_some())
    };
    let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let waiting: Vec<_> = rows.into_iter().filter(|(_, key, index)| waits(key, *index)).collect();
    match &waiting[..] {
        [(key, ..)] => Ok(key.clone()),
        [] => Err(Refusal::new(ErrorCode::Usage, "no pipeline is waiting for a choice").into()),
        several => {
            let keys: Vec<_> = several.iter().map(|(_, key, _)| key.as_str()).collect();
            let message =
                format!("several pipelines are waiting for a choice: {}", keys.join(", "));
            Err(Refusal::new(ErrorCode::Ambiguous, message).into())
        }
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
