//! The only loop over steps.

use super::pipeline::{Pipeline, PipelineStart, StepResult, StepView};
use super::task::IntegrationTask;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Fields, FinishedIntegration, Object};
use crate::provider::{Provider, Step};
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
    let result = resume(pipeline, task, first).await;
    if result.is_err() {
        pipeline.abandon().await?;
    }
    result
}

/// Goes on with a pipeline at this step. A refused one is kept: a wrong callback or choice must not
/// cost the right one.
pub async fn resume(
    pipeline: &mut impl Pipeline,
    task: &IntegrationTask,
    mut current: StepView,
) -> Result<PipelineEnd> {
    loop {
        let fields = match next_action(task, &current)? {
            NextAction::Person(url) => return Ok(PipelineEnd::AwaitingUser(url)),
            NextAction::Inputs(fields) => fields,
        };
        match pipeline.advance(&fields).await? {
            StepResult::Complete(finished) => return Ok(PipelineEnd::Finished(finished)),
            StepResult::Refused(refusal) => {
                return Err(with_choices(task, &current, &fields, refusal.into()));
            }
            StepResult::Invalid(wrong) => {
                return Err(with_choices(task, &current, &fields, invalid_fields(&wrong)));
            }
            // The step wants what only a person can bring, or nothing that we know.
            StepResult::Stay(data) => return stay(&data),
            StepResult::Advance(step) => current = step,
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
    let step = described_step(task, view);
    let answer = settled_answer(task, view)?;
    let answer = answer.as_ref();
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

fn described_step(task: &IntegrationTask, view: &StepView) -> Option<&'static Step> {
    task.provider.steps().iter().find(|step| step.id == view.id)
}

/// What answers a step, with the id of what is chosen there.
///
/// # Errors
///
/// `missing-field` when there are several to choose among, `refused` when one of several is not there.
fn settled_answer(task: &IntegrationTask, view: &StepView) -> Result<Option<Fields>> {
    let answer = task.answers.step(&view.id).cloned();
    let Some(choice) = described_step(task, view).and_then(|step| step.choice.as_ref()) else {
        return Ok(answer);
    };
    let mut fields = answer.unwrap_or_default();
    choice.settle(&view.data, &mut fields);
    let field = choice.field;
    if choice.is_undecided(&view.data, &fields) {
        let message = format!("`{field}` is missing: {}", choice.describe(&view.data));
        return Err(Error::new(ErrorCode::MissingField, message).with_hint(choice_hint(field)));
    }
    // A server passes over what it does not know among several.
    let is_several = fields.get(field).is_some_and(|value| value.is_array());
    if is_several && choice.is_unlisted(&view.data, &fields) {
        let message = format!("`{field}` names what is not there: {}", choice.describe(&view.data));
        return Err(Error::new(ErrorCode::Refused, message).with_hint(choice_hint(field)));
    }
    Ok(Some(fields))
}

/// A refusal of a choice, with what may be chosen.
fn with_choices(task: &IntegrationTask, view: &StepView, fields: &Fields, refusal: Error) -> Error {
    let choice = described_step(task, view).and_then(|step| step.choice.as_ref());
    match choice.filter(|choice| choice.is_unlisted(&view.data, fields)) {
        Some(choice) => {
            let message = format!("{}; {}", refusal.message, choice.describe(&view.data));
            Error { message, ..refusal }.with_hint(choice_hint(choice.field))
        }
        None => refusal,
    }
}

/// The field of a choice that this failure is about, so that another one may do.
pub(crate) fn open_choice(provider: &dyn Provider, failure: &Error) -> Option<&'static str> {
    let choices = provider.steps().iter().filter_map(|step| step.choice.as_ref());
    let mut fields = choices.map(|choice| choice.field);
    fields.find(|field| failure.hint == choice_hint(field))
}

fn choice_hint(field: &str) -> String {
    format!("set `{field}` to one of these: an id, or a name that only one of them has")
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
