//! The only loop over steps.

use crate::failure::{Code, Failure};
use crate::model::Finished;
use crate::plan::Task;
use crate::seam::{Begin, Pipeline, Progress, StepView};

/// Walks the task's pipeline to its finish.
///
/// # Errors
///
/// The backend's failure, or the refusal as a failure; a refused pipeline is abandoned.
pub async fn walk(
    pipeline: &mut impl Pipeline,
    task: &Task,
    integration_id: Option<i64>,
) -> Result<Finished, Failure> {
    let begin = Begin { provider: task.provider, org: &task.org, integration_id };
    let mut step = pipeline.begin(begin).await?;
    loop {
        tracing::debug!(step = step.id, "answering");
        match answer(pipeline, task, &step).await? {
            Progress::Advance(next) => step = next,
            Progress::Complete(finished) => return Ok(finished),
            Progress::Refused(refusal) => {
                pipeline.abandon().await?;
                return Err(refusal.into());
            }
        }
    }
}

async fn answer(
    pipeline: &mut impl Pipeline,
    task: &Task,
    step: &StepView,
) -> Result<Progress, Failure> {
    let unknown = || {
        let (key, id) = (task.provider.key(), &step.id);
        Failure::new(Code::Unsupported, format!("the {key} pipeline has a step `{id}` of its own"))
    };
    pipeline.answer(task.answers.step(&step.id).ok_or_else(unknown)?).await
}
