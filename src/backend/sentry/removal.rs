//! Deleting at a Sentry: an integration, a repository, a code mapping. Each has its id, so that the
//! request may be sent again; what became of one whose answer was lost is looked up.

use super::client::SentryRequest;
use super::client::permission::Permission;
use super::client::response::error_text;
use super::{SentryBackend, listed};
use crate::backend::LinkReport;
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::http::retry::RetryPolicy;
use crate::integration::{ExistingLinks, IntegrationTask, RequestedLinks, UnwantedLinks};
use crate::model::ListedIntegration;
use crate::text::segment;

impl SentryBackend<'_> {
    /// Checks that the named integration, if it can be seen, is of the task's provider.
    ///
    /// # Errors
    ///
    /// `integration-mismatch` where it is another's.
    pub async fn check_named(&self) -> Result {
        let id = self.task.named_id().filter(|_| !self.task.provider_key().is_empty());
        let Some(id) = id else { return Ok(()) };
        let path = self.path(&format!("integrations/{id}/"));
        let Ok(response) = self.client.get_optional(path).await else { return Ok(()) };
        let body = response.json();
        let found = body["provider"]["key"].as_str().filter(|_| response.is_success());
        found.map_or(Ok(()), |found| self.task.check_provider(found))
    }

    /// The task of links through the named integration; none where the token does not show it, and what
    /// is asked for is found without it.
    ///
    /// # Errors
    ///
    /// `bad-field` where it is not there or being deleted, `integration-mismatch` where it is another's.
    pub async fn named_linkable(
        &self,
        requested: &RequestedLinks,
    ) -> Result<Option<IntegrationTask>> {
        let Some(id) = self.task.named_id() else { return Ok(None) };
        // Without a provider nothing says what a repository is linked as.
        let is_needed = requested.needs_user() && self.task.provider_key().is_empty();
        let response =
            match self.client.get_optional(self.path(&format!("integrations/{id}/"))).await {
                Ok(response) => response,
                Err(failure) if is_needed => return Err(failure.into()),
                Err(_) => return Ok(None),
            };
        let body = response.json();
        match (listed(&body), body["provider"]["key"].as_str()) {
            (Some(named), Some(key)) if response.is_success() => {
                self.task.check_linkable(key, &named.name, named.deletion.as_deref())?;
                Ok(Some(self.task.through(key, id)))
            }
            _ if response.status == 404 && response.is_from_sentry() => {
                Err(self.task.nothing_to_link())
            }
            _ if is_needed => Err(self.denied(&response, Permission::ListIntegrations)),
            _ => Ok(None),
        }
    }

    /// Everything that is linked through an integration.
    pub async fn all_links(&self, integration: i64) -> Result<ExistingLinks> {
        let repositories = self.repositories(integration).await?;
        let code_mappings = self.code_mappings(integration).await?;
        Ok(ExistingLinks { repositories, code_mappings, ..ExistingLinks::default() })
    }

    /// Deletes an integration. Sentry marks it, and deletes it some time later.
    pub async fn remove(&self, integration: &ListedIntegration) -> Result {
        let id = integration.id;
        let path = self.path(&format!("integrations/{id}/"));
        let failure = match self.delete(path, RetryPolicy::Safe).await {
            // The Sentry of 2023 answers so, too, where it deletes nothing since it is not active.
            Ok(response) if response.status == 204 && integration.active => return Ok(()),
            Ok(response) if response.status == 204 => left_as_it_is(integration),
            Ok(response) if is_refusal(&response) => {
                return Err(self.denied(&response, Permission::Removal));
            }
            Ok(response) if response.status == 404 => self.unknown(&response, id),
            Ok(response) => self.denied(&response, Permission::Removal),
            Err(failure) => failure,
        };
        let is_gone = async || {
            let listed = self.list().await?;
            let is_there = |one: &ListedIntegration| one.id == id && one.deletion.is_none();
            Ok((!listed.iter().any(is_there)).then_some(()))
        };
        self.client.look_for(is_gone).await.ok().flatten().ok_or(failure)
    }

    /// Checks that an integration which was being deleted is in use after its finish. The Sentry of 2023
    /// finishes it and deletes it all the same.
    pub async fn check_revived(&self, finished: i64) -> Result {
        let is_revived = async || {
            let mut listed = self.list().await?.into_iter();
            Ok(listed.find(|one| one.id == finished && one.deletion.is_none()).map(drop))
        };
        self.client.look_for(is_revived).await?.ok_or_else(|| {
            let message = format!(
                "the install is complete, but Sentry still lists integration {finished} as being \
                 deleted and will delete it"
            );
            Error::new(ErrorCode::Refused, message)
                .with_hint("run again once Sentry has deleted it, some minutes after its removal")
        })
    }

    /// Deletes the code mappings and repositories that are to be gone.
    pub(super) async fn remove_links(
        &self,
        integration: Option<i64>,
        unwanted: &UnwantedLinks<'_>,
        report: &mut LinkReport,
    ) {
        for known in &unwanted.code_mappings {
            if !report.may_go_on() {
                return;
            }
            let gone = async || {
                let listed = self.code_mappings(integration).await?;
                Ok((!listed.iter().any(|one| one.id == known.id)).then_some(()))
            };
            let path = format!("code-mappings/{}/", segment(&known.id));
            match self.delete_row(&path, gone).await {
                Ok(()) => report.unmapped(&known.mapping),
                Err(why) => report.not_unmapped(&known.mapping, why),
            }
        }
        for known in &unwanted.repositories {
            if !report.may_go_on() {
                return;
            }
            let gone = async || {
                let listed = self.repositories(integration).await?;
                Ok((!listed.iter().any(|one| one.id == known.id)).then_some(()))
            };
            let name = known.shown_name();
            match self.delete_row(&format!("repos/{}/", segment(&known.id)), gone).await {
                Ok(()) => report.unlinked(name),
                Err(why) => report.not_unlinked(name, why),
            }
        }
        report.note_kept(unwanted);
    }

    /// Deletes one row below the organization; why it is still there, else.
    pub(super) async fn delete_row(
        &self,
        rest: &str,
        gone: impl AsyncFn() -> Result<Option<()>>,
    ) -> Result {
        let failure = match self.delete(self.path(rest), RetryPolicy::Optional).await {
            Ok(response) if matches!(response.status, 202 | 204) => return Ok(()),
            Ok(response) if is_refusal(&response) => {
                return Err(self.link_error(&response, Permission::Removal));
            }
            Ok(response) => self.link_error(&response, Permission::Removal),
            Err(failure) => failure,
        };
        self.client.look_for(gone).await.ok().flatten().ok_or(failure)
    }

    async fn delete(&self, path: String, retry: RetryPolicy) -> Result<HttpResponse> {
        let request = SentryRequest { retry, ..SentryRequest::delete(path) };
        Ok(self.client.send(&request).await?)
    }

    /// A 404 for what is listed.
    fn unknown(&self, response: &HttpResponse, integration: i64) -> Error {
        let host = self.client.base().host_str().unwrap_or_default();
        let reason = error_text(&response.json()).map(|reason| format!(" ({reason})"));
        let reason = reason.unwrap_or_default();
        let message = format!(
            "{host} answered HTTP 404{reason} to the deletion of integration {integration}, and still \
             lists it"
        );
        let failure = Error::new(ErrorCode::BackendError, message);
        Error { status: Some(response.status), ..failure }
    }
}

/// An answer after which nothing has to be looked up: Sentry itself says no.
fn is_refusal(response: &HttpResponse) -> bool {
    (400..500).contains(&response.status) && response.status != 404 && response.is_from_sentry()
}

/// A deletion that was accepted and has no effect.
fn left_as_it_is(integration: &ListedIntegration) -> Error {
    let ListedIntegration { id, name, .. } = integration;
    let message = format!(
        "Sentry accepted the deletion of integration {id} ({name}), which is not active, but has not \
         deleted it"
    );
    Error::new(ErrorCode::Refused, message)
        .with_hint("delete it on its settings page; an older Sentry deletes only what is active")
}
