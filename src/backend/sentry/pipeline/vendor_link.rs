//! The vendor's link, on servers before 2026: what a vendor would send a person by begins and
//! finishes a pipeline at once, and its end is a redirect to the settings page.

use super::html::SetupPage;
use crate::backend::sentry::SentryBackend;
use crate::backend::sentry::client::{SentryRequest, permission};
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::http::retry::{RetryPolicy, SendError};
use crate::integration::StepResult;
use crate::model::{Fields, ListedIntegration};
use crate::provider::{INITIAL, Step};
use crate::text::segment;
use url::{Url, form_urlencoded};

impl SentryBackend<'_> {
    /// What the pipeline begins with, where the state brings it.
    pub(crate) fn initial(&self) -> Option<(&'static Step, &Fields)> {
        let fields = self.task.answers.step(INITIAL)?;
        self.task.provider.initial().zip(Some(fields)).filter(|_| fields.iter().next().is_some())
    }

    /// Follows the vendor's link, as a person would with what the vendor gave them. It is followed
    /// once: when nobody knows whether it arrived, the list of integrations tells.
    pub(crate) async fn follow_link(&mut self) -> Result<StepResult> {
        let request =
            SentryRequest { retry: RetryPolicy::Unsent, ..SentryRequest::get(self.link()) };
        match self.client.send(&request).await {
            Ok(response) => self.arrived(&response).await,
            Err(SendError::NotSent(failure)) => Err(failure),
            Err(SendError::Indeterminate(lost)) => self.complete_or(lost.describe()).await,
        }
    }

    /// The link's own address, with the organization and what comes `next`.
    pub(crate) fn link(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some((step, fields)) = self.initial() {
            query.extend_pairs(
                step.fields
                    .iter()
                    .filter_map(|field| Some((field.link(), fields.get(field.name)?.as_str()?))),
            );
        }
        query.append_pair("orgSlug", self.task.org.as_str());
        query.extend_pairs(self.task.next.as_ref().map(|next| ("next", next)));
        format!("/extensions/{}/configure/?{}", segment(&self.task.key), query.finish())
    }

    async fn arrived(&self, response: &HttpResponse) -> Result<StepResult> {
        self.check_access(response)?;
        let Some(location) = response.redirect() else {
            return match SetupPage::read(&response.body) {
                SetupPage::Error(reason) => {
                    Ok(StepResult::Refused(permission::kind_of_refusal(reason)))
                }
                SetupPage::Finish(_) | SetupPage::Form { .. } | SetupPage::Other => {
                    Err(self.no_page(Some(response)))
                }
            };
        };
        let location = self.client.base().join(location).ok();
        match location.and_then(|url| self.finished_id(&url)) {
            Some(id) => self.linked_by(id).await,
            None => Err(self.not_finished()),
        }
    }

    /// The integration whose settings page an address is. The server may know itself by another
    /// address than ours, so only the path is read.
    fn finished_id(&self, location: &Url) -> Option<i64> {
        let key = segment(self.task.provider_key());
        let (_, rest) = location.path().split_once(&format!("/integrations/{key}/"))?;
        rest.split('/').next()?.parse().ok()
    }

    /// The integration that a redirect names, which the organization must have.
    async fn linked_by(&self, id: i64) -> Result<StepResult> {
        let named = |one: &ListedIntegration| one.id == id && one.active;
        let look = async || Ok(self.list().await?.into_iter().find(named));
        let found = self.client.look_for(look).await?.ok_or_else(|| self.not_finished())?;
        Ok(StepResult::Complete(self.finished_as(found)))
    }

    /// To choose an organization, or because the person may not install here.
    fn not_finished(&self) -> Error {
        let (base, org) = (self.client.base(), &self.task.org);
        let message = format!(
            "{base} did not complete the installation of {} by link for {org}",
            self.task.key
        );
        Error::new(ErrorCode::Refused, message)
            .with_hint("check that the token's owner has the role owner, manager or admin in `org`")
    }
}
