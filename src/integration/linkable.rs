//! Which integration `mode: link` sets links through: the named one, or the provider's only one.

use super::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::types::Mode;
use crate::model::{ListedIntegration, PipelineType};
use crate::provider::{self, Provider};

impl IntegrationTask {
    /// The same task of setting links, through this integration.
    #[must_use]
    pub fn through(&self, integration_key: &str, integration: i64) -> Self {
        let is_of = |one: &&&dyn Provider| one.integration_key() == integration_key;
        let (key, provider) = match provider::PROVIDERS.iter().find(is_of) {
            _ if !self.key.is_empty() => (self.key.as_str(), self.provider),
            Some(provider) => (provider.key(), *provider),
            None => (integration_key, provider::undescribed()),
        };
        let task = Self::for_resume(key, provider, self.org.clone(), None, PipelineType::Install);
        Self { mode: Mode::Link, integration_id: Some(integration), ..task }
    }

    /// The one of the provider's integrations that links are set through.
    ///
    /// # Errors
    ///
    /// `bad-field` where there is none that stays, `ambiguous` where there are several.
    pub fn only_linkable<'a>(
        &self,
        listed: &'a [ListedIntegration],
    ) -> Result<&'a ListedIntegration> {
        let (staying, leaving): (Vec<_>, Vec<_>) =
            listed.iter().partition(|one| one.deletion.is_none());
        match (&staying[..], &leaving[..]) {
            ([one], _) => Ok(one),
            ([], []) => Err(self.nothing_to_link()),
            ([], [one, ..]) => {
                Err(is_leaving(one.id, &one.name, one.deletion.as_deref().unwrap_or_default()))
            }
            (several, _) => {
                let ids: Vec<_> = several.iter().map(|one| one.id.to_string()).collect();
                let (org, key, ids) = (&self.org, &self.key, ids.join(", "));
                let message = format!("{org} has several {key} integrations: {ids}");
                Err(Error::new(ErrorCode::Ambiguous, message).with_hint("set `integration-id`"))
            }
        }
    }

    /// Checks that the named integration, which is of the provider of this key, may be linked through.
    ///
    /// # Errors
    ///
    /// `integration-mismatch` where it is another's, `bad-field` where it is being deleted.
    pub fn check_linkable(
        &self,
        integration_key: &str,
        name: &str,
        deletion: Option<&str>,
    ) -> Result {
        self.check_provider(integration_key)?;
        match (self.named_id(), deletion) {
            (Some(id), Some(status)) => Err(is_leaving(id, name, status)),
            _ => Ok(()),
        }
    }

    /// The failure where the integration that is meant is not there.
    pub fn nothing_to_link(&self) -> Error {
        let id = self.named_id().map(|id| format!(" {id}")).unwrap_or_default();
        let what = format!("{} integration{id}", self.key);
        let message = format!("{} has no {} to link through", self.org, what.trim_start());
        let failure = Error::new(ErrorCode::BadField, message)
            .with_hint("check `integration-id`, `provider` and `org`; install it first");
        Error { is_gone: true, ..failure }
    }
}

/// The failure where an integration is there for a while only.
fn is_leaving(id: i64, name: &str, status: &str) -> Error {
    let message =
        format!("nothing is linked through integration {id} ({name}): its status is {status}");
    let failure = Error::new(ErrorCode::BadField, message)
        .with_hint("install it again first, or set the `integration-id` of another one");
    Error { is_gone: true, ..failure }
}
