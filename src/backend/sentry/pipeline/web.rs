//! The `web` dialect, of self-hosted servers before 2026: the set-up pages that a person would
//! click through, with a bearer token and the session's cookie.
//!
//! A browser has no part in our session, so a step that needs one ends here: the person is sent to
//! Sentry's own set-up page, and the next run finds the integration there.

use super::html::SetupPage;
use crate::backend::sentry::SentryBackend;
use crate::backend::sentry::client::response::error_text;
use crate::backend::sentry::client::{SentryRequest, permission};
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::http::retry::{RetryPolicy, SendError};
use crate::integration::{StepResult, StepView};
use crate::model::{Fields, Object, Refusal};
use crate::provider::{Field, Step};
use crate::text::case::{camel_case, snake_case};
use crate::text::segment;
use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded};

/// How the current step is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// By posting its form.
    Form,
    /// By the form behind a guide, which has to be asked for first.
    Guide,
    /// By what the vendor would put into its callback.
    Callback,
    /// By following the vendor's link.
    Link,
}

/// What is known while the pages are used.
pub(crate) struct WebPipeline {
    current: PageKind,
    index: usize,
}

impl SentryBackend<'_> {
    /// Starts the pipeline at the set-up page.
    pub(crate) async fn start_pages(&mut self) -> Result<StepView> {
        let task = self.task;
        let needs_person =
            |step: &Step| step.needs_browser() && !step.is_answered(task.answers.step(step.id));
        if self.initial().is_some() && !task.provider.steps().iter().any(needs_person) {
            return Ok(self.page_step(PageKind::Link, 0));
        }
        let setup = self.setup_page();
        // A provider that the server does not know is an error 500 there.
        let request =
            SentryRequest { retry: RetryPolicy::Unsent, ..SentryRequest::get(setup.as_str()) };
        let response = match self.client.send(&request).await {
            Ok(response) => response,
            Err(error) => self.setup_after(error, &setup).await?,
        };
        self.check_access(&response)?;
        let browser = task.provider.steps().iter().find(|step| needs_person(step));
        if let Some(step) = browser {
            return Ok(self.person_step(step.id.to_owned(), step.link.unwrap_or_default()));
        }
        let current = match (response.redirect().is_some(), SetupPage::read(&response.body)) {
            (true, _) => PageKind::Callback,
            (false, SetupPage::Form { guide: true, .. }) => PageKind::Guide,
            (false, SetupPage::Form { .. }) => PageKind::Form,
            (false, SetupPage::Error(reason)) => {
                return Err(permission::kind_of_refusal(reason).into());
            }
            (false, SetupPage::Finish(_) | SetupPage::Other) => {
                return Err(self.no_page(Some(&response)));
            }
        };
        Ok(self.page_step(current, 0))
    }

    /// The set-up page after a failure. A provider that the server knows is asked for again, as after any
    /// outage.
    async fn setup_after(&self, error: SendError, setup: &str) -> Result<HttpResponse> {
        let key = self.task.key.as_str();
        let path = format!("config/integrations/?provider_key={}", segment(key));
        let response = self.client.get(self.path(&path)).await?;
        let body = response.json();
        let mut providers = body["providers"].as_array().into_iter().flatten();
        match response.status {
            404 if response.is_from_sentry() => Err(self.no_page(None)),
            _ if providers.any(|one| one["key"] == key) => Ok(self.client.get(setup).await?),
            _ => Err(error.into()),
        }
    }

    /// Answers the current page. Nothing is posted twice: when nobody knows whether an answer
    /// arrived, the list of integrations tells.
    pub(crate) async fn answer_page(&mut self, fields: &Fields) -> Result<StepResult> {
        let (current, index) =
            self.web.as_ref().map_or((PageKind::Form, 0), |web| (web.current, web.index));
        if current == PageKind::Link {
            return self.follow_link().await;
        }
        if current == PageKind::Guide {
            let guide = format!("{}?completed_installation_guide", self.pipeline_page());
            self.client.get(guide).await?;
        }
        match self.client.send(&self.page_request(current, fields)).await {
            Ok(response) => self.page_progress(&response, index).await,
            Err(SendError::NotSent(failure)) => Err(failure),
            Err(SendError::Indeterminate(lost)) => self.complete_or(lost.describe()).await,
        }
    }

    fn page_request(&self, current: PageKind, fields: &Fields) -> SentryRequest<'static> {
        let encoded = form(fields, |name| self.parameter(current, name));
        let (method, path, form) = match current {
            PageKind::Callback => {
                (Method::GET, format!("{}?{encoded}", self.pipeline_page()), None)
            }
            PageKind::Form | PageKind::Guide | PageKind::Link => {
                (Method::POST, self.pipeline_page(), Some(encoded))
            }
        };
        let retry = RetryPolicy::Unsent;
        SentryRequest { method, form, retry, ..SentryRequest::get(path) }
    }

    /// What a field is called on the pages: by the callback's own parameter where a step that we
    /// know says it.
    fn parameter(&self, current: PageKind, name: &str) -> String {
        let fields = self.task.provider.steps().iter().flat_map(|step| step.fields);
        let described = fields.filter(|field| field.name == name).find_map(Field::callback);
        match current {
            PageKind::Callback => described.unwrap_or(name).to_owned(),
            PageKind::Form | PageKind::Guide | PageKind::Link => snake_case(name),
        }
    }

    async fn page_progress(&mut self, response: &HttpResponse, index: usize) -> Result<StepResult> {
        self.check_access(response)?;
        if response.redirect().is_some() {
            return Ok(StepResult::Advance(self.page_step(PageKind::Callback, index + 1)));
        }
        match SetupPage::read(&response.body) {
            SetupPage::Finish(message) => self.page_finish(&message).await,
            SetupPage::Error(reason) => {
                Ok(StepResult::Refused(permission::kind_of_refusal(reason)))
            }
            SetupPage::Form { errors, .. } if errors.is_empty() => Ok(StepResult::Refused(
                Refusal::failure("the setup page shows its form again without a reason"),
            )),
            SetupPage::Form { errors, .. } => {
                let named = errors.into_iter().map(|(name, why)| (camel_case(&name), why));
                Ok(StepResult::Invalid(named.collect()))
            }
            SetupPage::Other => Err(self.no_page(Some(response))),
        }
    }

    async fn page_finish(&self, message: &Value) -> Result<StepResult> {
        let (success, provider_key) = (message["success"] == true, self.task.key.as_str());
        tracing::info!(
            success,
            provider_key,
            organization = self.task.org.as_str(),
            "dialog_response"
        );
        if success {
            return self.completed(&message["data"]).await;
        }
        let reason = error_text(&message["data"]).unwrap_or_default();
        Ok(StepResult::Refused(permission::kind_of_refusal(reason)))
    }

    /// A person who may not install is sent to the login page, and one without a pipeline home.
    pub(crate) fn check_access(&self, response: &HttpResponse) -> Result {
        match (response.status, response.redirect()) {
            (_, Some(location)) if self.is_login(location) => {
                let org = &self.task.org;
                let message =
                    format!("the token's owner is not allowed to install integrations for {org}");
                Err(Error::new(ErrorCode::MissingScope, message).with_hint(
                    "use an access token of a user with the role owner, manager or admin",
                ))
            }
            (_, Some("/")) => Err(permission::expired(response).into()),
            (_, Some(_)) => Ok(()),
            _ if response.is_success() => Ok(()),
            (404, _) => Err(Error::new(
                ErrorCode::Unsupported,
                format!(
                    "{} has no {} integration to install: {}",
                    self.client.base(),
                    self.task.key,
                    response.describe()
                ),
            )),
            _ => Err(self.client.unexpected(response, "a setup page")),
        }
    }

    /// Whether a redirect leads to Sentry's own login page, and not to that of a proxy before it.
    fn is_login(&self, location: &str) -> bool {
        let base = self.client.base();
        let is_own =
            |url: Url| url.origin() == base.origin() && url.path().contains("/auth/login/");
        base.join(location).is_ok_and(is_own)
    }

    /// No page for the provider; the response is what came instead.
    pub(crate) fn no_page(&self, response: Option<&HttpResponse>) -> Error {
        let answer = response.map(|response| format!(": {}", response.describe()));
        let message = format!(
            "{} has no setup page for {}{}",
            self.client.base(),
            self.task.key,
            answer.unwrap_or_default()
        );
        Error::new(ErrorCode::Unsupported, message)
            .with_hint("the provider may not be configured on that server")
    }

    /// The step at this index: as it is described, else as the state names it. Where a server
    /// sends us to a vendor and the state does not say what the vendor would answer, a person
    /// starts again.
    fn page_step(&mut self, current: PageKind, index: usize) -> StepView {
        self.web = Some(WebPipeline { current, index });
        let described = self.task.provider.steps().get(index).map(|step| step.id.to_owned());
        match described.or_else(|| self.task.answers.id(index)) {
            Some(id) => StepView { id, data: Object::new() },
            None if current == PageKind::Callback => {
                self.person_step((index + 1).to_string(), "setupUrl")
            }
            None => StepView { id: (index + 1).to_string(), data: Object::new() },
        }
    }

    /// A step that a person takes on Sentry's own set-up page.
    fn person_step(&self, id: String, link: &str) -> StepView {
        let page = self.client.url(&self.setup_page());
        StepView { id, data: [(link.to_owned(), page.into())].into_iter().collect() }
    }

    fn setup_page(&self) -> String {
        let (org, key) = (segment(self.task.org.as_str()), segment(&self.task.key));
        format!("/organizations/{org}/integrations/{key}/setup/")
    }

    fn pipeline_page(&self) -> String {
        format!("/extensions/{}/setup/", segment(&self.task.key))
    }
}

/// The fields as a form has them, a flag as a checkbox.
fn form(fields: &Fields, parameter: impl Fn(&str) -> String) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter() {
        let text = match value {
            Value::Bool(true) => "on".to_owned(),
            Value::Bool(false) | Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        form.append_pair(&parameter(name), &text);
    }
    form.finish()
}
