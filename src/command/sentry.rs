//! A run on a Sentry backend.

use super::{RunContext, add_link_report, resume_file};
use crate::backend::LinkReport;
use crate::backend::sentry::{ConnectOptions, ResumeFile, SentryBackend, SuspendedPipeline};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::types::Mode;
use crate::integration::callback::Callback;
use crate::integration::decision::{Decision, DecisionReason};
use crate::integration::driver::{self, PipelineEnd};
use crate::integration::links::RequestedLinks;
use crate::integration::pipeline::PipelineStart;
use crate::integration::task::IntegrationTask;
use crate::model::state::Fields;
use crate::model::{OrgSlug, PipelineType};
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::output::OutputSinks;
use crate::provider::{self, AllowedSteps};
use crate::secret::Secret;
use tokio::time::Instant;
use url::Url;

impl RunContext<'_> {
    pub(crate) async fn finish_on_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        // A file of something else is not written over, and that is said before anything begins.
        inputs.resume_file.as_deref().map(resume_file::read_or_default).transpose()?;
        let mut sentry = SentryBackend::new(self.access(inputs, deadline)?, task, inputs.dialect)?;
        let listed = self.shared.integrations(&sentry).await?;
        sentry.remember_existing(&listed);
        let decision = task.decide(&listed)?;
        let site = self.shared.site(&sentry).await;
        let report = IntegrationReport { task, site: &site };
        if inputs.dry_run {
            let lacking = missing_links(inputs, &sentry, &decision).await?;
            return Ok(report.planned(&decision, &sentry.first_request(), &lacking));
        }
        let (provider, org, why) = (task.key.as_str(), task.org.as_str(), decision.reason());
        tracing::info!(provider, org, why, "{}", decision.log_message());
        let mut outcome = match &decision {
            Decision::UpToDate { id, name } => report.up_to_date(*id, name),
            Decision::Install(_) | Decision::Reauth(_) => {
                self.drive_sentry(inputs, &mut sentry, &report, &decision).await?
            }
        };
        apply_links(&mut outcome, inputs, &mut sentry).await;
        report.note_added_links(&decision, &mut outcome);
        outcome = outcome.with_warning(task.immutable_fields_warning(&listed));
        if matches!(decision, Decision::UpToDate { .. }) && !task.secrets().is_empty() {
            let message = "Sentry shows no secrets, so a rotated one is not seen: `mode: reauth` sends them again";
            outcome.warnings.push(Warning::new("secrets-not-compared", message));
        }
        Ok(outcome)
    }

    /// How the backend is reached: at the named address, the token's own, or the SaaS.
    fn access(&self, inputs: &Inputs, deadline: Instant) -> Result<ConnectOptions> {
        let url = inputs.page_url();
        let connection = self.connection(inputs, &url);
        Ok(ConnectOptions { url, token: token(inputs)?, deadline, connection })
    }

    async fn drive_sentry(
        &self,
        inputs: &Inputs,
        sentry: &mut SentryBackend<'_>,
        report: &IntegrationReport<'_>,
        decision: &Decision,
    ) -> Result<Outcome> {
        let task = report.task;
        let begin = PipelineStart {
            provider: task.provider,
            org: &task.org,
            initial_data: None,
            app: None,
            integration_id: decision.integration_id(),
            base_url: "",
            next: task.next.as_deref(),
        };
        let walked = driver::drive(sentry, task, begin).await?;
        self.finish_or_suspend(walked, inputs, sentry, report, decision)
    }

    /// How far a pipeline came; one that waits is kept.
    fn finish_or_suspend(
        &self,
        walked: PipelineEnd,
        inputs: &Inputs,
        sentry: &SentryBackend<'_>,
        report: &IntegrationReport<'_>,
        decision: &Decision,
    ) -> Result<Outcome> {
        let kind = decision.pipeline_type();
        match walked {
            PipelineEnd::Finished(finished) => {
                decision.check_finished(finished.id)?;
                Ok(report.complete(kind, decision.verb(), &finished))
            }
            PipelineEnd::AwaitingUser(page) => {
                self.save_suspended(inputs, sentry, decision)?;
                Ok(report.waiting(kind, page, &self.sentry_resume_instructions(inputs, sentry)))
            }
        }
    }

    /// What a waiting pipeline is kept under: several entries of a manifest may share the rest.
    fn resume_key(&self, sentry: &SentryBackend<'_>) -> String {
        let key = sentry.key();
        self.entry.map_or(key.clone(), |entry| format!("{key}/{entry}"))
    }

    /// Seals the waiting pipeline into the resume file, when there is one.
    fn save_suspended(
        &self,
        inputs: &Inputs,
        sentry: &SentryBackend<'_>,
        decision: &Decision,
    ) -> Result<()> {
        let Some(path) = inputs.resume_file.as_ref().filter(|_| sentry.has_session()) else {
            return Ok(());
        };
        let (key, token) = (self.resume_key(sentry), token(inputs)?);
        let waiting = sentry.suspended(decision.integration_id());
        resume_file::update(path, |sealed| sealed.put(&key, &token, &waiting))
    }

    pub(crate) async fn resume_on_sentry(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: &Callback,
        deadline: Instant,
    ) -> Result<Outcome> {
        let path = inputs.resume_file.as_ref().ok_or_else(|| {
            Error::new(
                ErrorCode::Usage,
                "`resume-file` is missing: where the first run kept the pipeline",
            )
        })?;
        let sealed = resume_file::read(path)?;
        let access = self.access(inputs, deadline)?;
        let key = find_suspended(&sealed, &access.url, org, inputs)?;
        let waiting = sealed.get(&key, &token(inputs)?).ok_or_else(|| {
            Error::new(
                ErrorCode::SessionExpired,
                "the resume file cannot be opened with this token",
            )
            .with_hint("use the token of the first run, or start again with `finishline run`")
        })?;
        let mut task = resumed_task(&key, org, &waiting, inputs);
        callback.fill_later_steps(task.provider, &waiting.step, &mut task.answers);
        let fields = callback_fields(&task, &waiting, callback)?;
        let (masks, warnings) = self.sinks.masks(&task.secrets(), &[org.to_string()]);
        OutputSinks::emit(masks)?;
        let mut sentry = SentryBackend::new(access, &task, inputs.dialect)?;
        let run = RunContext { entry: key.split('/').nth(3), ..*self };
        let done = run.resume_pipeline(inputs, &mut sentry, &task, &waiting, fields).await;
        let mut outcome = done.unwrap_or_else(|failure| IntegrationReport::failed(&task, failure));
        outcome.redact(&task.secrets());
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }

    /// Goes on with a kept pipeline; once it is finished, nothing of it is kept.
    async fn resume_pipeline(
        &self,
        inputs: &Inputs,
        sentry: &mut SentryBackend<'_>,
        task: &IntegrationTask,
        waiting: &SuspendedPipeline,
        fields: Fields,
    ) -> Result<Outcome> {
        let site = sentry.site().await;
        let report = IntegrationReport { task, site: &site };
        sentry.resume(waiting).await?;
        let decision = waiting
            .integration_id
            .map_or(Decision::Install(DecisionReason::Missing), Decision::Reauth);
        let walked = driver::resume(sentry, task, fields).await?;
        if let (PipelineEnd::Finished(_), Some(path)) = (&walked, &inputs.resume_file) {
            let key = self.resume_key(sentry);
            resume_file::update(path, |sealed| {
                sealed.remove(&key);
                Ok(())
            })?;
        }
        let mut outcome = self.finish_or_suspend(walked, inputs, sentry, &report, &decision)?;
        apply_links(&mut outcome, inputs, sentry).await;
        Ok(outcome)
    }

    /// How a person goes on after the page.
    fn sentry_resume_instructions(
        &self,
        inputs: &Inputs,
        sentry: &SentryBackend<'_>,
    ) -> Vec<String> {
        let org = sentry.org();
        let entry = self.entry.map(|entry| format!(" --entry '{entry}'")).unwrap_or_default();
        match (&inputs.resume_file, sentry.has_session()) {
            (_, false) => {
                let how = if inputs.mode == Mode::Ensure { "" } else { " with `mode: ensure`" };
                vec![
                    "set the integration up there, signed in as an owner, manager or admin".to_owned(),
                    format!("run this again{how}: it finds the integration and reports it"),
                ]
            }
            (Some(file), true) => vec![
                "approve, and copy the whole address that the browser ends at: it is a secret until it is used".to_owned(),
                format!("within an hour: finishline resume --org {org}{entry} --resume-file {file} --callback-url - (then paste it)"),
            ],
            (None, true) => vec![
                "this run kept nothing to go on from: set `resume-file`, and run again".to_owned(),
            ],
        }
    }
}

/// What a run would link and map.
async fn missing_links(
    inputs: &Inputs,
    sentry: &SentryBackend<'_>,
    decision: &Decision,
) -> Result<RequestedLinks> {
    let wanted = RequestedLinks::from_inputs(inputs);
    match decision.existing_id() {
        Some(id) => Ok(wanted.missing(&sentry.linked(id, &wanted).await?)),
        None => Ok(wanted),
    }
}

/// What is asked for once the integration is there.
async fn apply_links(outcome: &mut Outcome, inputs: &Inputs, sentry: &mut SentryBackend<'_>) {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    let Some((id, _)) = integration else { return };
    let (mut after, deadline) = (LinkReport::default(), sentry.deadline());
    let work = async {
        sentry.set_links(*id, &RequestedLinks::from_inputs(inputs), &mut after).await;
    };
    // The deadline of the whole run would hide the finished integration.
    if tokio::time::timeout_at(deadline, work).await.is_err() {
        let message = "the deadline passed before every repository and code mapping was set";
        after.warnings.push(Warning::new("deadline", message));
    }
    add_link_report(outcome, after);
}

/// The token that walks pipelines.
pub(crate) fn token(inputs: &Inputs) -> Result<Secret> {
    let token = inputs.pipeline_token.as_ref().or(inputs.auth_token.as_ref());
    token
        .cloned()
        .ok_or_else(|| Error::new(ErrorCode::NoToken, "there is no token for the pipeline"))
}

/// The pipeline that is meant: the only one of this server and organization, or the provider's, or
/// the entry's.
fn find_suspended(
    sealed: &ResumeFile,
    url: &Url,
    org: &OrgSlug,
    inputs: &Inputs,
) -> Result<String> {
    let prefix = format!("{}/{org}/", url.authority());
    let is_meant = |key: &&str| {
        let Some(named) = key.strip_prefix(&prefix) else { return false };
        let (provider, entry) = named.split_once('/').unwrap_or((named, ""));
        inputs.provider.as_deref().is_none_or(|meant| meant == provider)
            && inputs.entry.as_deref().is_none_or(|meant| meant == entry)
    };
    let found: Vec<_> = sealed.keys().filter(is_meant).collect();
    match found[..] {
        [key] => Ok(key.to_owned()),
        [] => Err(Error::new(
            ErrorCode::WrongOauthState,
            "no pipeline of this organization waits in the resume file",
        )),
        _ => Err(Error::new(
            ErrorCode::Ambiguous,
            format!("several pipelines wait: {}", found.join(", ")),
        )
        .with_hint("name the one you mean with `provider`, or by what stands last with `entry`")),
    }
}

/// The task of a kept pipeline; later steps take their fields from the inputs, as the first run did.
fn resumed_task(
    key: &str,
    org: &OrgSlug,
    waiting: &SuspendedPipeline,
    inputs: &Inputs,
) -> IntegrationTask {
    let name = key.split('/').nth(2).unwrap_or_default();
    let provider = provider::find(name).unwrap_or_else(|_| provider::undescribed());
    let kind = waiting.integration_id.map_or(PipelineType::Install, |_| PipelineType::Reauth);
    let next = inputs.next.clone().or_else(|| waiting.next.clone());
    let mut task = IntegrationTask::for_resume(name, provider, org.clone(), next, kind);
    task.answers =
        provider::parse(provider, &inputs.state, AllowedSteps::AnySteps).unwrap_or_default();
    task
}

/// The callback's fields for the step that waits; a step that we do not know takes every parameter.
fn callback_fields(
    task: &IntegrationTask,
    waiting: &SuspendedPipeline,
    callback: &Callback,
) -> Result<Fields> {
    match task.provider.steps().iter().find(|step| step.id == waiting.step) {
        Some(step) => callback.fields(step),
        None => Ok(callback.raw_fields()),
    }
}
