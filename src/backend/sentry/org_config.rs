//! The organization's configuration of an integration, where a finish leaves it otherwise than the
//! answers say: Sentry adds PagerDuty's services to those that it has.

use super::SentryBackend;
use super::client::SentryRequest;
use super::client::permission::Permission;
use crate::backend::LinkReport;
use crate::error::{Result, Warning};
use crate::http::retry::{RetryPolicy, SendError};
use crate::model::Object;
use serde_json::Value;

/// How often it is set. Sentry may be changed meanwhile, and an answer may be lost.
const ATTEMPTS: usize = 3;

impl SentryBackend<'_> {
    /// Sets what a finish of this run left otherwise.
    pub(super) async fn settle_config(&self, integration: i64, report: &mut LinkReport) {
        if !self.has_finished || !self.task.provider.finish_adds_config() {
            return;
        }
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            // What is sent is made of what is there each time.
            match self.client.repeat(async || self.settle_once(integration).await).await {
                Ok(true) => return,
                Ok(false) => failure = None,
                Err(error) => failure = Some(error.message),
            }
        }
        let why = failure.unwrap_or_else(|| "it was changed meanwhile".to_owned());
        let message = format!(
            "cannot take back what the install added to integration {integration}: {why}; delete in Sentry what is there twice"
        );
        report.warnings.push(Warning::new("configuration-not-set", message));
    }

    async fn unsettled_config(&self, integration: i64) -> Result<Option<Object>> {
        let listed = self.list().await?;
        let config = listed.into_iter().find(|one| one.id == integration);
        let config = config.and_then(|one| one.config).unwrap_or_default();
        Ok(self.task.provider.settled_config(&self.task.answers, &config))
    }

    /// Sets it where it is otherwise; whether it was as it should be.
    async fn settle_once(&self, integration: i64) -> Result<bool, SendError> {
        let unsettled = self.unsettled_config(integration).await.map_err(SendError::NotSent)?;
        let Some(config) = unsettled else { return Ok(true) };
        let path = self.path(&format!("integrations/{integration}/"));
        let body = Value::Object(config);
        let request = SentryRequest::post(path, &body, RetryPolicy::Unsent);
        let response = self.client.send(&request).await?;
        match response.is_success() {
            true => Ok(false),
            false => Err(SendError::NotSent(self.link_error(&response, Permission::Pipeline))),
        }
    }
}
