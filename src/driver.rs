//! The only loop over steps.

use crate::failure::{Code, Failure};
use crate::model::Finished;
use crate::plan::Task;
use crate::seam::{Begin, Pipeline, Progress, StepView};
use crate::state::Fields;

/// How far a pipeline came.
#[derive(Debug)]
pub enum Walked {
    /// To its finish.
    Finished(Finished),
    /// To a step that a person must take in a browser, at this address.
    Waiting(String),
}

/// Walks a pipeline from its beginning. A refused one is abandoned: nobody can go on with it.
///
/// # Errors
///
/// The backend's failure, or the refusal as a failure.
pub async fn walk(
    pipeline: &mut impl Pipeline,
    task: &Task,
    begin: Begin<'_>,
) -> Result<Walked, Failure> {
    let first = pipeline.begin(begin).await?;
    let walked = match answer(task, &first)? {
        Answer::Person(url) => Ok(Walked::Waiting(url)),
        Answer::Inputs(fields) => go_on(pipeline, task, fields).await,
    };
    if walked.is_err() {
        pipeline.abandon().await?;
    }
    walked
}

/// Goes on with a pipeline whose current step these fields answer. A refused one is kept: a
/// wrong callback must not cost the right one.
///
/// # Errors
///
/// The backend's failure, or the refusal as a failure.
pub async fn go_on(
    pipeline: &mut impl Pipeline,
    task: &Task,
    fields: Fields,
) -> Result<Walked, Failure> {
    let mut fields = fields;
    loop {
        match pipeline.answer(&fields).await? {
            Progress::Complete(finished) => return Ok(Walked::Finished(finished)),
            Progress::Refused(refusal) => return Err(refusal.into()),
            Progress::Invalid(fields) => return Err(invalid(&fields)),
            Progress::Advance(step) => match answer(task, &step)? {
                Answer::Person(url) => return Ok(Walked::Waiting(url)),
                Answer::Inputs(next) => fields = next,
            },
        }
    }
}

/// Who answers a step.
enum Answer {
    Inputs(Fields),
    Person(String),
}

fn answer(task: &Task, view: &StepView) -> Result<Answer, Failure> {
    let key = task.provider.key();
    tracing::debug!(step = view.id, provider_key = key, "answering a step");
    let step = task.provider.steps().iter().find(|step| step.id == view.id).ok_or_else(|| {
        let message = format!("the {key} pipeline has a step `{}` of its own", view.id);
        Failure::new(Code::Unsupported, message)
    })?;
    let url = step.link.and_then(|link| view.data.get(link)).and_then(|url| url.as_str());
    match (url, task.answers.step(step.id)) {
        (Some(url), _) if step.needs_browser() => Ok(Answer::Person(url.to_owned())),
        (_, Some(fields)) => Ok(Answer::Inputs(fields.clone())),
        (_, None) => {
            let message = format!("the {key} pipeline now wants step `{}`", step.id);
            Err(Failure::new(Code::MissingField, message).hint("give its fields in `state`"))
        }
    }
}

fn invalid(fields: &[(String, String)]) -> Failure {
    let words: Vec<_> = fields.iter().map(|(name, why)| format!("`{name}`: {why}")).collect();
    Failure::new(Code::BadField, words.join("; "))
}
