//! The `api` dialect, of 2026 and later: Sentry's JSON pipeline endpoint.

use super::access::Need;
use super::client::{Call, Repeat, Silence};
use super::reply::{Reply, field_errors, reason};
use super::{Sentry, access, segment};
use crate::failure::{Code, Failure, quote};
use crate::model::{Finished, Listed, Object, Refusal};
use crate::plan::Task;
use crate::provider::INITIAL;
use crate::seam::{Progress, StepView};
use crate::state::Fields;
use reqwest::Method;
use serde_json::{Value, json};

/// The endpoint, below the organization.
pub(super) const PIPELINE: &str = "pipeline/integration_pipeline/";

/// What is known while a pipeline is walked.
#[derive(Default)]
pub(super) struct Api {
    /// What the organization had before.
    pub(super) before: Vec<Listed>,
    /// The step that was last shown.
    pub(super) step: String,
}

/// The body that starts a pipeline. Some providers begin with data of their own, which `state`
/// names as it names the fields of a step.
pub(super) fn initialize(task: &Task) -> Value {
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
pub(super) enum Start {
    /// By the first step.
    Step(StepView),
    /// By a server that has no such endpoint.
    NoEndpoint,
}

impl Sentry<'_> {
    /// Where a provider without a pipeline is switched on.
    pub(super) fn direct(&self) -> String {
        self.path(&format!("integrations/direct-enable/{}/", segment(&self.task.key)))
    }

    /// Switches on what has no pipeline. Once it is on, a second request is refused.
    async fn enable(&self) -> Result<Progress, Failure> {
        let nothing = json!({});
        let call = Call {
            method: Method::POST,
            path: self.direct(),
            json: Some(&nothing),
            form: None,
            repeat: Repeat::Unsent,
        };
        let reply = match self.client.call(&call).await {
            Ok(reply) => reply,
            Err(Silence::Unsent(failure)) => return Err(failure),
            Err(Silence::Unknown(failure)) => {
                return self.look().await.map(Progress::Complete).ok_or(failure);
            }
        };
        let said = reply.json();
        match reply.status {
            200..=299 => Ok(Progress::Complete(finished(&said)?)),
            400 | 409 => Ok(Progress::Refused(refusal(&reply, &said))),
            404 if said["detail"].is_null() => Err(self.no_endpoint()),
            404 => Err(self.gate(&reply)),
            _ => Err(self.denied(&reply, Need::Pipeline)),
        }
    }

    /// Starts a pipeline. A second start replaces the first, so it may be repeated.
    pub(super) async fn start(&mut self) -> Result<Start, Failure> {
        let step = self.task.provider.steps().first();
        if let Some(step) = step.filter(|_| self.task.provider.is_enabled_directly()) {
            self.api.step = step.id.to_owned();
            return Ok(Start::Step(StepView { id: step.id.to_owned(), data: Object::new() }));
        }
        let body = initialize(self.task);
        let reply = self.post(&body, Repeat::Safe).await?;
        let said = reply.json();
        match reply.status {
            200..=299 => Ok(Start::Step(self.show(&said)?)),
            404 if said["detail"].is_null() => Ok(Start::NoEndpoint),
            400 | 404 => Err(self.gate(&reply)),
            _ => Err(self.denied(&reply, Need::Pipeline)),
        }
    }

    /// Answers the current step. When nobody knows whether the answer arrived, looks before
    /// anything is sent again.
    pub(super) async fn advance(&mut self, fields: &Fields) -> Result<Progress, Failure> {
        if self.task.provider.is_enabled_directly() {
            return self.enable().await;
        }
        let body = Value::Object(object_of(fields));
        match self.post(&body, Repeat::Unsent).await {
            Ok(reply) => self.progress(&reply),
            Err(Silence::Unsent(failure)) => Err(failure),
            Err(Silence::Unknown(failure)) => self.recover(&body, failure).await,
        }
    }

    /// The answer may have arrived: the current step tells, and after the last one the list does.
    async fn recover(&mut self, body: &Value, failure: Failure) -> Result<Progress, Failure> {
        tracing::warn!(reason = failure.message, "looking whether the answer arrived");
        let mut failure = failure;
        // A finish that failed halfway leaves a session whose step cannot be read.
        let current = self.client.call(&Call::get(self.path(PIPELINE))).await.ok();
        if let Some(current) = current.filter(Reply::is_good) {
            let earlier = self.api.step.clone();
            let view = self.show(&current.json())?;
            if view.id != earlier {
                return Ok(Progress::Advance(view));
            }
            match self.post(body, Repeat::Unsent).await {
                Ok(reply) => return self.progress(&reply),
                Err(Silence::Unsent(failure)) => return Err(failure),
                Err(Silence::Unknown(again)) => failure = again,
            }
        }
        match self.look().await {
            Some(finished) => Ok(Progress::Complete(finished)),
            None => Err(failure),
        }
    }

    async fn post(&self, body: &Value, repeat: Repeat) -> Result<Reply, Silence> {
        let call = Call {
            method: Method::POST,
            path: self.path(PIPELINE),
            json: Some(body),
            form: None,
            repeat,
        };
        self.client.call(&call).await
    }

    fn progress(&mut self, reply: &Reply) -> Result<Progress, Failure> {
        let said = reply.json();
        match (reply.status, said["status"].as_str()) {
            (200..=299, Some("advance")) => Ok(Progress::Advance(self.show(&said)?)),
            (200..=299, Some("stay")) => Ok(Progress::Stay(object(&said["data"]))),
            (200..=299, Some("complete")) => Ok(Progress::Complete(finished(&said["data"])?)),
            (400, Some("error")) => Ok(Progress::Refused(refusal(reply, &said["data"]))),
            (400, _) => Ok(match field_errors(&said) {
                fields if fields.is_empty() => Progress::Refused(refusal(reply, &said)),
                fields => Progress::Invalid(fields),
            }),
            (404, _) => Ok(Progress::Refused(access::expired(reply))),
            (200..=299, _) => Err(self.strange()),
            _ => Err(self.denied(reply, Need::Pipeline)),
        }
    }

    /// A step as the endpoint shows it.
    pub(super) fn show(&mut self, said: &Value) -> Result<StepView, Failure> {
        let id = said["step"].as_str().filter(|id| !id.is_empty()).ok_or_else(|| self.strange())?;
        self.api.step = id.to_owned();
        Ok(StepView { id: id.to_owned(), data: object(&said["data"]) })
    }

    /// A server without the endpoint: older than 2026.
    pub(super) fn no_endpoint(&self) -> Failure {
        let message = format!("{} has no pipeline endpoint", self.client.base());
        Failure::new(Code::Unsupported, message)
            .hint("it may be older than 2026: set `dialect: web`, or check `url`")
    }

    fn strange(&self) -> Failure {
        let message = format!("{} answered the pipeline with something else", self.client.base());
        Failure::new(Code::BackendError, message)
    }

    /// The provider cannot be started here: a gate, or not registered.
    fn gate(&self, reply: &Reply) -> Failure {
        let said = reason(&reply.json()).unwrap_or_default();
        let message =
            format!("{} does not start a {} pipeline: {said}", self.client.base(), self.task.key);
        let failure = Failure::new(Code::Unsupported, message)
            .hint("the message is the server's own: the provider is unknown there, or needs a feature of the plan");
        Failure { status: Some(reply.status), ..failure }
    }
}

/// The serialized organization integration, as far as we read it.
pub(super) fn finished(data: &Value) -> Result<Finished, Failure> {
    let id = data["id"].as_str().and_then(|id| id.parse().ok()).or_else(|| data["id"].as_i64());
    let id = id.ok_or_else(|| {
        Failure::new(
            Code::BackendError,
            "the pipeline finished, and the answer names no integration",
        )
    })?;
    // An older server says success although the link still waits for its deletion.
    let status = data["organizationIntegrationStatus"].as_str().unwrap_or("active");
    if status != "active" {
        let message = format!("integration {id} is there, but Sentry has it as {}", quote(status));
        return Err(Failure::new(Code::Refused, message)
            .hint("wait until its deletion is through, and run again"));
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Finished {
        id,
        integration_key: text(&data["provider"]["key"]),
        name: text(&data["name"]),
        changed: true,
        location: None,
    })
}

fn refusal(reply: &Reply, said: &Value) -> Refusal {
    let message = reason(said).unwrap_or_else(|| "no reason was given".to_owned());
    let mut refusal = access::kind_of_refusal(message);
    refusal.status = Some(reply.status);
    refusal
}

fn object(value: &Value) -> Object {
    value.as_object().cloned().unwrap_or_default()
}
