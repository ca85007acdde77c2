//! An integration from its decision to its outcome, the same on both backends. A backend says only
//! what differs.

use super::resume::missing_callback;
use super::{RunContext, base_url};
use crate::backend::LinkReport;
use crate::error::{Result, Warning};
use crate::inputs::state::FieldEntry;
use crate::inputs::{Inputs, usage};
use crate::integration::callback::Callback;
use crate::integration::driver::{self, PipelineEnd};
use crate::integration::{
    Decision, DecisionReason, ExistingLinks, IntegrationTask, KeptInputs, Pipeline, PipelineStart,
    RequestedLinks, StepView,
};
use crate::model::ListedIntegration;
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::integration_changes::PlannedIntegration;
use crate::provider::{INITIAL, Provider, Step};
use std::path::Path;

/// A backend at work for one run.
pub(crate) trait IntegrationBackend {
    /// What the driver drives.
    type Pipeline: Pipeline;

    /// The pipeline of the task.
    fn pipeline(&mut self) -> &mut Self::Pipeline;

    /// The file of the embedded backend, for the log.
    fn database(&self) -> Option<&Path> {
        None
    }

    /// The run that it is at work for.
    fn run(&self) -> &RunContext<'_>;

    /// What came into being beside the integration, a line each.
    fn created(&self) -> Vec<String> {
        Vec::new()
    }

    /// Stores a pipeline that waits for a person, where that is not done already; the lines say how
    /// the person goes on.
    async fn suspend(
        &mut self,
        task: &IntegrationTask,
        decision: &Decision,
        links: &RequestedLinks,
    ) -> Result<Vec<String>>;

    /// Deletes what was stored of a pipeline that has finished now.
    fn discard_suspended(&mut self) -> Result {
        Ok(())
    }

    /// Waits for a person who is at the terminal, where the pipeline needs one.
    async fn prompt(&mut self, _task: &IntegrationTask, waiting: Outcome) -> Result<Outcome> {
        Ok(waiting)
    }

    /// Links repositories and sets code mappings.
    async fn set_links(
        &mut self,
        task: &IntegrationTask,
        integration_id: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    );
}

/// A task with what was decided about it.
pub(crate) struct IntegrationFlow<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) report: IntegrationReport<'a>,
    pub(crate) decision: Decision,
    /// What is linked once the integration is there.
    pub(crate) links: RequestedLinks,
}

impl IntegrationFlow<'_> {
    /// What a run would do; `request` says how the backend would be asked, and `organization` which
    /// one it is among all of the run.
    pub(crate) async fn plan(
        &self,
        request: &str,
        organization: &str,
        listed: &[ListedIntegration],
        existing_links: impl AsyncFnOnce(Option<i64>, &RequestedLinks) -> Result<ExistingLinks>,
    ) -> Result<Outcome> {
        let (task, links) = (self.report.task, &self.links);
        let existing = existing_links(self.decision.existing_id(), links).await?;
        links.check_names(&existing)?;
        let decision = &self.decision;
        let organization = organization.to_owned();
        let existing = &existing;
        let planned = PlannedIntegration { task, decision, listed, links, existing, organization };
        let obstacle = task.obstacle(decision, listed);
        let outcome = self.report.planned(decision, request, planned.plan(), obstacle);
        Ok(outcome.with_warning(self.warning(listed)))
    }

    /// What a person should know of what the integration keeps.
    fn warning(&self, listed: &[ListedIntegration]) -> Option<Warning> {
        let task = self.report.task;
        let kept = task.immutable_fields_warning(listed);
        kept.or_else(|| task.repeated_finish_warning(&self.decision, listed))
    }

    /// Carries the decision out, then sets the links.
    pub(crate) async fn run(
        &self,
        backend: &mut impl IntegrationBackend,
        listed: &[ListedIntegration],
    ) -> Result<Outcome> {
        let Self { report, decision, .. } = self;
        let (task, why) = (report.task, decision.reason());
        let (provider, org) = (task.key.as_str(), task.org.as_str());
        let database = backend.database().map(|path| tracing::field::display(path.display()));
        tracing::info!(provider, org, why, database, "{}", decision.log_message());
        let mut outcome = match decision {
            Decision::UpToDate { id, name } => {
                backend.run().note_integration(self.inputs, task, (Some(*id), name), false);
                report.up_to_date(*id, name)
            }
            Decision::Install(_) | Decision::Reauth(_) => self.drive(backend).await?,
        };
        apply_links(backend, &self.links, task, &mut outcome).await;
        report.note_added_links(decision, &self.links, &mut outcome);
        Ok(outcome.with_warning(self.warning(listed)))
    }

    async fn drive(&self, backend: &mut impl IntegrationBackend) -> Result<Outcome> {
        let task = self.report.task;
        let start = PipelineStart {
            provider: task.provider,
            org: &task.org,
            initial_data: task.answers.step(INITIAL),
            app: Some(&task.app),
            integration_id: self.decision.integration_id(),
            base_url: base_url(self.inputs),
            next: task.next.as_deref(),
        };
        let end = driver::drive(backend.pipeline(), task, start).await?;
        let is_finished = matches!(end, PipelineEnd::Finished(_));
        let mut outcome = self.conclude(backend, end).await?;
        if is_finished {
            outcome.details.extend(backend.created());
            return Ok(outcome);
        }
        backend.prompt(task, outcome).await
    }

    /// Goes on with a pipeline at this step, and sets the links in the end.
    pub(crate) async fn resume(
        &self,
        backend: &mut impl IntegrationBackend,
        step: StepView,
    ) -> Result<Outcome> {
        let end = driver::resume(backend.pipeline(), self.report.task, step).await?;
        if let PipelineEnd::Finished(_) = &end {
            backend.discard_suspended()?;
        }
        let mut outcome = self.conclude(backend, end).await?;
        apply_links(backend, &self.links, self.report.task, &mut outcome).await;
        Ok(outcome)
    }

    async fn conclude(
        &self,
        backend: &mut impl IntegrationBackend,
        end: PipelineEnd,
    ) -> Result<Outcome> {
        let Self { report, decision, .. } = self;
        let kind = decision.pipeline_type();
        match end {
            PipelineEnd::Finished(finished) => {
                decision.check_finished(finished.id)?;
                let which = (Some(finished.id), finished.name.as_str());
                backend.run().note_integration(self.inputs, report.task, which, true);
                Ok(report.complete(kind, decision.verb(), &finished))
            }
            PipelineEnd::AwaitingUser(page) => {
                let then = backend.suspend(report.task, decision, &self.links).await?;
                Ok(report.waiting(kind, page, &then))
            }
        }
    }
}

/// Sets what is asked for once the integration is there.
pub(crate) async fn apply_links(
    backend: &mut impl IntegrationBackend,
    links: &RequestedLinks,
    task: &IntegrationTask,
    outcome: &mut Outcome,
) {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    let Some(&(id, _)) = integration else { return };
    let mut report = backend.run().watched_links();
    backend.set_links(task, id, links, &mut report).await;
    backend.run().note_links(&report);
    outcome.changed |= report.changed;
    outcome.lacks_links = !report.warnings.is_empty();
    outcome.details.extend(report.done);
    let count = report.warnings.len();
    outcome.warnings.extend(report.warnings);
    if let Some(failure) = report.left {
        *outcome = std::mem::take(outcome).failed_in_parts(failure, count);
    }
}

/// The decision of the run that began a pipeline.
pub(crate) fn resumed_decision(integration_id: Option<i64>) -> Decision {
    integration_id.map_or(Decision::Install(DecisionReason::Missing), Decision::Reauth)
}

/// Gives a task that goes on at this step its answers: those of the inputs over those that were kept,
/// and what the callback brings. Of the former the secrets come back, and warnings about what was typed
/// for a step that is over.
pub(crate) fn answer_steps(
    task: &mut IntegrationTask,
    inputs: &Inputs,
    kept: &KeptInputs,
    callback: Option<&Callback>,
    step_id: &str,
) -> Result<(Vec<String>, Vec<Warning>)> {
    kept.apply(task, inputs)?;
    let secrets = task.secrets();
    match callback {
        Some(callback) => callback.fill_steps(task.provider, step_id, &mut task.answers)?,
        None => check_answered(task, step_id)?,
    }
    Ok((secrets, unused_fields(task.provider, inputs, step_id)))
}

/// Without a callback, the step that waits must be answered by the inputs.
fn check_answered(task: &IntegrationTask, step_id: &str) -> Result {
    let step = task.provider.steps().iter().find(|step| step.id == step_id);
    let answer = task.answers.step(step_id);
    let is_answered = match step {
        Some(step) => !step.needs_browser() || step.is_answered(answer),
        None => answer.is_some(),
    };
    if is_answered { Ok(()) } else { Err(missing_callback()) }
}

/// What was typed as a single field of a step that is over: it comes too late.
fn unused_fields(provider: &dyn Provider, inputs: &Inputs, step_id: &str) -> Vec<Warning> {
    let steps = provider.steps();
    let Some(at) = steps.iter().position(|step| step.id == step_id) else { return Vec::new() };
    let has = |steps: &[Step], name: &str| {
        steps.iter().flat_map(|step| step.fields).any(|field| field.name == name)
    };
    let typed = inputs.state.entries.iter().filter(|entry| entry.is_set_alone());
    let names = typed.map(FieldEntry::field_name);
    let late = names.filter(|name| has(&steps[..at], name) && !has(&steps[at..], name));
    late.map(|name| usage::warning(&format!("--set {name}"), "a pipeline that is past its step"))
        .collect()
}
