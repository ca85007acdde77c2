//! The `api` dialect, of 2026 and later: Sentry's JSON pipeline endpoint.

use crate::backend::sentry::SentryBackend;
use crate::backend::sentry::client::SentryRequest;
use crate::backend::sentry::client::permission::{self, Permission};
use crate::backend::sentry::client::response::{error_text, field_errors};
use crate::error::{Error, ErrorCode, Result};
use crate::http::HttpResponse;
use crate::http::retry::{RetryPolicy, SendError};
use crate::integration::driver::invalid_fields;
use crate::integration::{IntegrationTask, StepResult, StepView};
use crate::model::{Fields, FinishedIntegration, ListedIntegration, Object, Refusal};
use crate::provider::INITIAL;
use crate::text::{quote, segment};
use serde_json::{Value, json};

/// The endpoint, below the organization.
pub(crate) const PIPELINE: &str = "pipeline/integration_pipeline/";

/// What is known while a pipeline is driven.
#[derive(Default)]
pub(crate) struct ApiPipeline {
    /// What the organization had before.
    pub(crate) existing: Vec<ListedIntegration>,
    /// The step that was last shown.
    pub(crate) step: String,
    /// The integration that is being renewed.
    pub(crate) renewed: Option<i64>,
    /// Whether it is over for good, although it has not finished.
    pub(crate) is_over: bool,
}

/// The body that starts a pipeline. Some providers begin with data of their own, which `state`
/// names as it names the fields of a step.
pub(crate) fn initialize(task: &IntegrationTask) -> Value {
    let mut body = json!({ "action": "initialize", "provider": task.key });
    let initial = task.answers.step(INITIAL);
    if let Some(initial) = initial.filter(|initial| initial.iter().next().is_some()) {
        body[INITIAL] = Value::Object(object_of(initial));
    }
    body
}

fn object_of(fields: &Fields) -> Object {
    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// How a start was answered.
pub(crate) enum StartResult {
    /// By the first step.
    Step(StepView),
    /// By a server that has no such endpoint.
    NoEndpoint(HttpResponse),
}

impl SentryBackend<'_> {
    /// Where a provider without a pipeline is switched on.
    pub(crate) fn direct_enable_path(&self) -> String {
        self.path(&format!("integrations/direct-enable/{}/", segment(&self.task.key)))
    }

    /// Switches on what has no pipeline. Once it is on, a second request is refused.
    async fn enable(&self) -> Result<StepResult> {
        let nothing = json!({});
        let request = SentryRequest::post(self.direct_enable_path(), &nothing, RetryPolicy::Unsent);
        let response = match self.client.send(&request).await {
            Ok(response) => response,
            Err(SendError::NotSent(failure)) => return Err(failure),
            Err(SendError::Indeterminate(lost)) => return self.complete_or(lost.describe()).await,
        };
        let body = response.json();
        match response.status {
            _ if response.is_success() && body.is_object() => self.completed(&body).await,
            400 | 409 if response.is_from_sentry() => {
                Ok(StepResult::Refused(refusal(&response, &body)))
            }
            404 if response.is_from_sentry() => Err(self.not_offered(&response)),
            404 => Err(self.no_endpoint(&response)),
            _ => Err(self.denied(&response, Permission::Pipeline)),
        }
    }

    /// Starts a pipeline. A second start replaces the first, so it may be repeated.
    pub(crate) async fn start(&mut self) -> Result<StartResult> {
        let step = self.task.provider.steps().first();
        if let Some(step) = step.filter(|_| self.task.provider.direct_enable()) {
            self.api.step = step.id.to_owned();
            return Ok(StartResult::Step(StepView { id: step.id.to_owned(), data: Object::new() }));
        }
        let response = self.post(&initialize(self.task), RetryPolicy::Safe).await?;
        match response.status {
            _ if response.is_success() => Ok(StartResult::Step(self.read_step(&response)?)),
            404 if !response.is_from_sentry() => Ok(StartResult::NoEndpoint(response)),
            // A gate has `detail`; without it, what the pipeline begins with is wrong.
            400 if !field_errors(&response.json()).is_empty() => Err(rejected_start(&response)),
            400 | 404 if response.is_from_sentry() => Err(self.not_offered(&response)),
            _ => Err(self.denied(&response, Permission::Pipeline)),
        }
    }

    /// Answers the current step. When nobody knows whether the answer arrived, looks before
    /// anything is sent again.
    pub(crate) async fn advance(&mut self, fields: &Fields) -> Result<StepResult> {
        if self.task.provider.direct_enable() {
            return self.enable().await;
        }
        let body = Value::Object(object_of(fields));
        let result = match self.post(&body, RetryPolicy::Unsent).await {
            Ok(response) => self.progress(&response).await?,
            Err(SendError::NotSent(failure)) => return Err(failure),
            Err(SendError::Indeterminate(lost)) => self.recover(&body, lost.describe()).await?,
        };
        if self.is_resumed && matches!(result, StepResult::Refused(_)) {
            self.api.is_over = self.is_unreadable().await;
        }
        Ok(result)
    }

    /// Whether the refused pipeline has no step any more that could be answered again.
    async fn is_unreadable(&self) -> bool {
        let read = self.read_pipeline(RetryPolicy::Optional).await;
        read.is_ok_and(|response| {
            response.is_sentrys_failure() || (response.status == 404 && response.is_from_sentry())
        })
    }

    /// Reads the current step. A failure of Sentry's own is an answer here.
    pub(crate) async fn read_pipeline(
        &self,
        retry: RetryPolicy,
    ) -> Result<HttpResponse, SendError> {
        let request = SentryRequest::get(self.path(PIPELINE));
        self.client.send(&SentryRequest { retry, takes_failure: true, ..request }).await
    }

    /// The answer may have arrived: the current step tells, and after the last one the list does.
    async fn recover(&mut self, body: &Value, failure: Error) -> Result<StepResult> {
        tracing::warn!(
            reason = failure.message,
            "response lost: checking whether the server applied the request"
        );
        let current = match self.read_pipeline(RetryPolicy::Optional).await {
            Ok(current) => current,
            Err(_) => return self.complete_or(failure).await,
        };
        match current.status {
            _ if current.is_success() => {}
            // The session ends with the finish.
            404 if current.is_from_sentry() => {
                let found = self.find_finished().await.ok().flatten();
                return found.map(StepResult::Complete).ok_or(failure);
            }
            // A finish that failed leaves a session whose step cannot be read, and nothing comes of
            // it any more.
            500..=599 => {
                let found = self.new_integration(self.list().await.unwrap_or_default());
                return found.map(StepResult::Complete).ok_or(failure);
            }
            _ => return self.complete_or(failure).await,
        }
        let earlier_step = self.api.step.clone();
        let view = self.read_step(&current)?;
        if view.id != earlier_step {
            return Ok(StepResult::Advance(view));
        }
        match self.post(body, RetryPolicy::Unsent).await {
            Ok(response) => self.progress(&response).await,
            Err(SendError::NotSent(failure)) => Err(failure),
            Err(SendError::Indeterminate(lost)) => self.complete_or(lost.describe()).await,
        }
    }

    async fn post(&self, body: &Value, retry: RetryPolicy) -> Result<HttpResponse, SendError> {
        self.client.send(&SentryRequest::post(self.path(PIPELINE), body, retry)).await
    }

    /// A finish that succeeded. Where Sentry fails to say what it stored, it is looked up.
    pub(crate) async fn completed(&self, data: &Value) -> Result<StepResult> {
        if let Some(finished) = finished(data)? {
            return Ok(StepResult::Complete(finished));
        }
        self.find_finished().await?.map(StepResult::Complete).ok_or_else(|| {
            let message = "the pipeline finished, but the response contains no integration id, and \
                           none of the listed integrations is recognized as the new one";
            Error::new(ErrorCode::BackendError, message)
        })
    }

    async fn progress(&mut self, response: &HttpResponse) -> Result<StepResult> {
        let body = response.json();
        if response.is_success() {
            return match body["status"].as_str() {
                Some("advance") => Ok(StepResult::Advance(self.read_step(response)?)),
                Some("stay") => Ok(StepResult::Stay(object(&body["data"]))),
                Some("complete") => self.completed(&body["data"]).await,
                _ => Err(self.client.unexpected(response, "a pipeline's result")),
            };
        }
        if !response.is_from_sentry() {
            return Err(self.denied(response, Permission::Pipeline));
        }
        match (response.status, body["status"].as_str()) {
            (400, Some("error")) => Ok(StepResult::Refused(refusal(response, &body["data"]))),
            (400, _) => Ok(match field_errors(&body) {
                fields if fields.is_empty() => StepResult::Refused(refusal(response, &body)),
                fields => StepResult::Invalid(fields),
            }),
            (404, _) => Ok(StepResult::Refused(permission::expired(response))),
            _ => Err(self.denied(response, Permission::Pipeline)),
        }
    }

    /// A step as the endpoint shows it.
    pub(crate) fn read_step(&mut self, response: &HttpResponse) -> Result<StepView> {
        let body = response.json();
        let id = body["step"].as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| self.client.unexpected(response, "a pipeline's step"))?;
        self.api.step = id.to_owned();
        Ok(StepView { id: id.to_owned(), data: object(&body["data"]) })
    }

    /// A server without the endpoint: older than 2026, or none at all.
    pub(crate) fn no_endpoint(&self, response: &HttpResponse) -> Error {
        let (base, answer) = (self.client.base(), response.describe());
        let message = format!("{base} has no pipeline endpoint: {answer}");
        let hint = "the server may be older than 2026: set `dialect: web`, or check `url` and any \
                    proxy in front of Sentry";
        let failure = Error::new(ErrorCode::Unsupported, message).with_hint(hint);
        Error { status: Some(response.status), ..failure }
    }

    /// The provider cannot be started here: a gate, or not registered.
    fn not_offered(&self, response: &HttpResponse) -> Error {
        let reason = error_text(&response.json()).unwrap_or_default();
        let message = format!(
            "{} refused to start a {} pipeline: {reason}",
            self.client.base(),
            self.task.key
        );
        let failure = Error::new(ErrorCode::Unsupported, message)
            .with_hint("the message comes from the server: the provider is unknown there, or needs a feature that the plan lacks");
        Error { status: Some(response.status), ..failure }
    }
}

/// What the pipeline began with was rejected. Sentry keeps the session that it made for it, which
/// nobody goes on with.
fn rejected_start(response: &HttpResponse) -> Error {
    let failure = invalid_fields(&field_errors(&response.json()));
    Error { status: Some(response.status), ..failure }
}

/// The serialized organization integration, as far as we read it; `None` where it has no id.
fn finished(data: &Value) -> Result<Option<FinishedIntegration>> {
    let id = data["id"].as_str().and_then(|id| id.parse().ok()).or_else(|| data["id"].as_i64());
    let Some(id) = id else { return Ok(None) };
    // An older server says success although the link still waits for its deletion.
    let status = data["organizationIntegrationStatus"].as_str().unwrap_or("active");
    if status != "active" {
        let message =
            format!("integration {id} exists, but its status in Sentry is {}", quote(status));
        return Err(Error::new(ErrorCode::Refused, message)
            .with_hint("wait until its deletion is complete, then run again"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Some(FinishedIntegration {
        id,
        integration_key: text(&data["provider"]["key"]),
        name: text(&data["name"]),
        changed: true,
    }))
}

fn refusal(response: &HttpResponse, body: &Value) -> Refusal {
    let message = error_text(body).unwrap_or_else(|| "no reason was given".to_owned());
    let mut refusal = permission::kind_of_refusal(message);
    refusal.status = Some(response.status);
    refusal
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}
