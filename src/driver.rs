//! The only loop over steps.

use crate::failure::{Code, Failure};
use crate::model::{Finished, Object};
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
            // The step wants what only a person can bring, or nothing that we know.
            Progress::Stay(data) => return stay(&data),
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
    tracing::debug!(step = view.id, provider_key = task.key, "answering a step");
    let step = task.provider.steps().iter().find(|step| step.id == view.id);
    let given = task.answers.step(&view.id);
    let page = match step {
        Some(step) => step
            .link
            .filter(|_| step.needs_browser() && !step.is_answered(given))
            .and_then(|link| view.data.get(link)?.as_str()),
        // Nobody describes it: what the state does not answer may be a person's to answer.
        None if given.is_none() => page(&view.data),
        None => None,
    };
    match (page, given) {
        (Some(page), _) => Ok(Answer::Person(page.to_owned())),
        (None, Some(fields)) => {
            let mut fields = fields.clone();
            step.into_iter().for_each(|step| step.echo(&view.data, &mut fields));
            Ok(Answer::Inputs(fields))
        }
        (None, None) => {
            let (key, id) = (&task.key, crate::failure::quote(&view.id));
            let message = format!("the {key} pipeline has a step {id} that nothing here answers");
            let hint = format!("name its fields in `state` under {id}");
            Err(Failure::new(Code::MissingField, message).hint(hint))
        }
    }
}

/// The page that a step shows, by the names that Sentry gives to such data.
fn page(data: &Object) -> Option<&str> {
    let urls = data.iter().filter(|(name, _)| name.ends_with("Url"));
    let is_page = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    urls.filter_map(|(_, url)| url.as_str()).find(is_page)
}

fn stay(data: &Object) -> Result<Walked, Failure> {
    match page(data) {
        Some(page) => Ok(Walked::Waiting(page.to_owned())),
        None => Err(Failure::new(Code::Refused, why_it_stays(data))),
    }
}

/// A step that did only a part of its work names what failed.
fn why_it_stays(data: &Object) -> String {
    let failures = data.get("failures").and_then(|failures| failures.as_array());
    let names = failures.into_iter().flatten().filter_map(|failure| failure["name"].as_str());
    let names: Vec<_> = names.map(crate::failure::quote).collect();
    match names.is_empty() {
        true => "the step stays where it is, and does not say why".to_owned(),
        false => format!("the step did not succeed for {}", names.join(", ")),
    }
}

fn invalid(fields: &[(String, String)]) -> Failure {
    let words: Vec<_> = fields.iter().map(|(name, why)| format!("`{name}`: {why}")).collect();
    Failure::new(Code::BadField, words.join("; "))
}
