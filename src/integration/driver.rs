//! The only loop over steps.

use super::pipeline::{Pipeline, PipelineStart, StepResult, StepView};
use super::task::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Fields, FinishedIntegration, Object};
use crate::text::page::PageUrl;
use crate::text::quote;

/// How far a pipeline came.
#[derive(Debug)]
pub enum PipelineEnd {
    /// To its finish.
    Finished(FinishedIntegration),
    /// To a step that a person must take in a browser, at this address.
    AwaitingUser(PageUrl),
}

/// Drives a pipeline from its beginning. A refused one is abandoned: nobody can go on with it.
pub async fn drive(
    pipeline: &mut impl Pipeline,
    task: &IntegrationTask,
    start: PipelineStart<'_>,
) -> Result<PipelineEnd> {
    let first = pipeline.initialize(start).await?;
    let result = match next_action(task, &first)? {
        NextAction::Person(url) => Ok(PipelineEnd::AwaitingUser(url)),
        NextAction::Inputs(fields) => resume(pipeline, task, fields).await,
    };
    if result.is_err() {
        pipeline.abandon().await?;
    }
    result
}

/// Goes on with a pipeline whose current step these fields answer. A refused one is kept: a
/// wrong callback must not cost the right one.
pub async fn resume(
    pipeline: &mut impl Pipeline,
    task: &IntegrationTask,
    mut fields: Fields,
) -> Result<PipelineEnd> {
    loop {
        match pipeline.advance(&fields).await? {
            StepResult::Complete(finished) => return Ok(PipelineEnd::Finished(finished)),
            StepResult::Refused(refusal) => return Err(refusal.into()),
            StepResult::Invalid(fields) => return Err(invalid_fields(&fields)),
            // The step wants what only a person can bring, or nothing that we know.
            StepResult::Stay(data) => return stay(&data),
            StepResult::Advance(step) => match next_action(task, &step)? {
                NextAction::Person(url) => return Ok(PipelineEnd::AwaitingUser(url)),
                NextAction::Inputs(next) => fields = next,
            },
        }
    }
}

/// Who answers a step.
enum NextAction {
    Inputs(Fields),
    Person(PageUrl),
}

fn next_action(task: &IntegrationTask, view: &StepView) -> Result<NextAction> {
    tracing::debug!(step = view.id, provider_key = task.key, "submitting a step");
    let step = task.provider.steps().iter().find(|step| step.id == view.id);
    let answer = task.answers.step(&view.id);
    let page = match step {
        Some(step) => step
            .link
            .filter(|_| step.needs_browser() && !step.is_answered(answer))
            .filter(|_| !step.is_approved(&view.data))
            .and_then(|link| view.data.get(link)?.as_str()),
        // Nobody describes it: what the state does not answer may be a person's to answer.
        None if answer.is_none() => first_page_url(&view.data),
        None => None,
    };
    match (page, answer) {
        (Some(page), _) => Ok(NextAction::Person(page_to_open(page)?)),
        (None, Some(fields)) => {
            let mut fields = fields.clone();
            step.into_iter().for_each(|step| step.echo(&view.data, &mut fields));
            Ok(NextAction::Inputs(fields))
        }
        (None, None) => {
            let (key, id) = (&task.key, quote(&view.id));
            let message = format!("no fields were given for step {id} of the {key} pipeline");
            let hint = format!("set its fields in `state` under {id}");
            Err(Error::new(ErrorCode::MissingField, message).with_hint(hint))
        }
    }
}

/// A page that a server sends a person to. What is no page of the web is opened by nobody.
fn page_to_open(address: &str) -> Result<PageUrl> {
    PageUrl::parse_foreign(address).map_err(|wrong| {
        let message =
            format!("the server's page for this step cannot be opened: {} {wrong}", quote(address));
        Error::new(ErrorCode::BackendError, message).with_hint(
            "check `url` and what is in front of it; a page must be an http or https URL",
        )
    })
}

/// The page that a step shows, by the names that Sentry gives to such data.
fn first_page_url(data: &Object) -> Option<&str> {
    let urls = data.iter().filter(|(name, _)| name.ends_with("Url"));
    let urls: Vec<_> = urls.filter_map(|(_, url)| url.as_str()).collect();
    let page = urls.iter().find(|url| PageUrl::parse_foreign(url).is_ok());
    page.or(urls.iter().find(|url| !url.is_empty())).copied()
}

fn stay(data: &Object) -> Result<PipelineEnd> {
    match first_page_url(data) {
        Some(page) => Ok(PipelineEnd::AwaitingUser(page_to_open(page)?)),
        None => Err(Error::new(ErrorCode::Refused, stay_reason(data))),
    }
}

/// A step that did only a part of its work names what failed, and why.
fn stay_reason(data: &Object) -> String {
    let failures = data.get("failures").and_then(|failures| failures.as_array());
    let failed: Vec<_> = failures.into_iter().flatten().filter_map(failure).collect();
    match failed.is_empty() {
        true => "the step was not accepted, and no reason was given".to_owned(),
        false => format!("the step failed for {}", failed.join(", ")),
    }
}

/// One failure: its name, and its reason where there is one.
fn failure(failure: &serde_json::Value) -> Option<String> {
    let name = failure["name"].as_str().map(quote);
    let reason = failure["error"].as_str().map(crate::text::one_line);
    match (name, reason.filter(|reason| !reason.trim().is_empty())) {
        (Some(name), Some(reason)) => Some(format!("{name} ({})", reason.trim())),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

/// The error for fields that were rejected; what is wrong with all of them together has no name.
pub(crate) fn invalid_fields(fields: &[(String, String)]) -> Error {
    let describe = |(name, why): &(String, String)| match name.as_str() {
        "nonFieldErrors" | "non_field_errors" => why.clone(),
        name => format!("`{name}`: {why}"),
    };
    let words: Vec<_> = fields.iter().map(describe).collect();
    Error::new(ErrorCode::BadField, words.join("; "))
}
