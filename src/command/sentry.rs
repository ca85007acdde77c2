//! An integration at a Sentry.

use super::integration::{IntegrationBackend, IntegrationFlow, answer_steps, resumed_decision};
use super::resume_command::{FROM_CALLBACK, PASTE, ResumeCommand};
use super::server_access::pipeline_token;
use super::{RunContext, resume_file};
use crate::backend::LinkReport;
use crate::backend::sentry::{self, ResumeFile, SentryBackend, SuspendedPipeline};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::types::{BackendName, Mode};
use crate::integration::callback::Callback;
use crate::integration::{Decision, ExistingLinks, IntegrationTask, KeptInputs, RequestedLinks};
use crate::manifest::InventoryIndex;
use crate::model::OrgSlug;
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::output::OutputSinks;
use crate::provider;
use std::rc::Rc;
use tokio::time::Instant;
use url::Url;

/// A Sentry in one run.
struct SentryRun<'a> {
    run: &'a RunContext<'a>,
    inputs: &'a Inputs,
    backend: SentryBackend<'a>,
}

impl RunContext<'_> {
    pub(crate) async fn integrate_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        if let Some(path) = &inputs.resume_file {
            resume_file::check(path, !inputs.dry_run)?;
        }
        let options = self.pipeline_server(inputs, deadline)?;
        let mut backend = SentryBackend::new(options, task, inputs.dialect)?;
        let listed = self.cache.integrations(&backend).await?;
        backend.remember_existing(&listed);
        let decision = task.decide(&listed)?;
        let site = self.cache.site(&backend).await;
        let (report, links) =
            (IntegrationReport { task, site: &site }, RequestedLinks::from_inputs(inputs));
        let flow = IntegrationFlow { inputs, report, decision, links };
        if inputs.dry_run {
            let organization = backend.organization_key();
            let inventory = self.listed_once(inputs, task, &organization, deadline).await;
            let links = async |id: Option<i64>, requested: &_| {
                self.planned_links(&backend, &inventory, id, requested).await
            };
            return flow.plan(&backend.first_request(), &organization, &listed, links).await;
        }
        let mut run = SentryRun { run: self, inputs, backend };
        let mut outcome = flow.run(&mut run, &listed).await?;
        let finished = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
        if let Some((id, _)) = finished
            && listed.iter().any(|one| one.id == *id && one.deletion.is_some())
            && !self.cancellation.is_over()
        {
            run.backend.check_revived(*id).await?;
        }
        let is_unseen = |id| listed.iter().any(|one| one.id == id && task.has_unseen_secret(one));
        if matches!(flow.decision, Decision::UpToDate { id, .. } if is_unseen(id)) {
            let message = unseen_secrets(task);
            outcome.warnings.push(Warning::new("secrets-not-compared", message));
        }
        Ok(outcome)
    }

    /// What an integration has of what is planned for it.
    async fn planned_links(
        &self,
        backend: &SentryBackend<'_>,
        inventory: &Option<Rc<InventoryIndex>>,
        id: Option<i64>,
        requested: &RequestedLinks,
    ) -> Result<ExistingLinks> {
        let mut existing = match (inventory, id) {
            (Some(inventory), _) => inventory.links(id, requested),
            (None, Some(id)) => backend.linked(Some(id), requested).await?,
            (None, None) => ExistingLinks::default(),
        };
        if inventory.is_none() {
            existing.others = backend.in_the_way(id, &requested.missing(&existing)).await;
        }
        self.note_planned(requested, &existing);
        Ok(existing)
    }

    /// All that the organization has, for the entries of a manifest: one listing is enough for all.
    pub(super) async fn listed_once(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        organization: &str,
        deadline: Instant,
    ) -> Option<Rc<InventoryIndex>> {
        self.entry?;
        let list =
            async || sentry::inventory(self.pipeline_server(inputs, deadline)?, &task.org).await;
        self.cache.inventory(organization, list).await.ok()
    }

    pub(crate) async fn resume_sentry(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: Option<&Callback>,
        deadline: Instant,
    ) -> Result<Outcome> {
        let path = inputs.resume_file.as_ref().ok_or_else(|| {
            Error::new(
                ErrorCode::Usage,
                "`resume-file` is missing: the file in which the first run saved the pipeline",
            )
        })?;
        let file = resume_file::read(path)?;
        let options = self.pipeline_server(inputs, deadline)?;
        let key = find_suspended(&file, &options.url, org, inputs)?;
        let suspended = file.get(&key, &pipeline_token(inputs)?).ok_or_else(|| {
            Error::new(ErrorCode::SessionExpired, "cannot decrypt the resume file with this token")
                .with_hint(
                    "use the token of the first run. If it is the same, a run with another token has replaced \
                     what waited: start again with `finishline run`, and give each token a `resume-file` of its own",
                )
        })?;
        let kept = file.kept(&key, &pipeline_token(inputs)?);
        let mut task = resumed_task(&key, org, &suspended, inputs);
        let (mut secrets, late) =
            answer_steps(&mut task, inputs, &kept, callback, &suspended.step)?;
        let cookies = suspended.cookies.expose().split("; ");
        secrets.extend(cookies.filter_map(|one| Some(one.split_once('=')?.1.to_owned())));
        self.hide_earlier(&task);
        let (masks, mut warnings) = self.sinks.masks(&secrets, &[org.to_string()]);
        OutputSinks::emit(masks)?;
        warnings.extend(late);
        let run = RunContext { entry: key.split('/').nth(3), ..*self };
        let backend = SentryBackend::new(options, &task, inputs.dialect)?;
        let mut sentry = SentryRun { run: &run, inputs, backend };
        let links = kept.links(inputs);
        let mut outcome = match sentry.resume(&task, &suspended, &links).await {
            Ok(outcome) => outcome,
            Err(failure) => sentry.interrupted(&task, &suspended, &links, failure).await?,
        };
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }
}

impl SentryRun<'_> {
    /// Goes on with a pipeline that an earlier run began.
    async fn resume(
        &mut self,
        task: &IntegrationTask,
        suspended: &SuspendedPipeline,
        links: &RequestedLinks,
    ) -> Result<Outcome> {
        let report = IntegrationReport { task, site: &self.backend.site().await };
        let step = self.backend.resume(suspended).await?;
        let decision = resumed_decision(suspended.integration_id);
        let (inputs, links) = (self.inputs, links.clone());
        IntegrationFlow { inputs, report, decision, links }.resume(self, step).await
    }

    /// The end of a pipeline that could not go on now. Where it stands at another step, that one is
    /// kept: its answer is missing or was refused, and another one may do.
    async fn interrupted(
        &mut self,
        task: &IntegrationTask,
        suspended: &SuspendedPipeline,
        links: &RequestedLinks,
        failure: Error,
    ) -> Result<Outcome> {
        if self.backend.is_over() {
            self.discard_suspended()?;
            return Ok(IntegrationReport::failed(task, failure));
        }
        if self.backend.has_session() && self.backend.step() != suspended.step {
            self.suspend(task, &resumed_decision(suspended.integration_id), links).await?;
        }
        let failure = self.resume_command(task).offer_choice(task, failure);
        Ok(IntegrationReport::failed(task, failure))
    }

    /// The key of the pipeline in the resume file: several entries of a manifest may share all of
    /// it but their own.
    fn resume_key(&self) -> String {
        let key = self.backend.key();
        self.run.entry.map_or(key.clone(), |entry| format!("{key}/{entry}"))
    }

    /// How a person goes on after the page.
    fn resume_instructions(&self, task: &IntegrationTask) -> Vec<String> {
        let inputs = self.inputs;
        if !self.backend.has_session() {
            let mode = if inputs.mode == Mode::Ensure { "" } else { " with `mode: ensure`" };
            return vec![
                "sign in there as an owner, manager or admin, and install the integration"
                    .to_owned(),
                format!("run this again{mode}: it finds the integration and reports it"),
            ];
        }
        if inputs.resume_file.is_none() {
            let message = "nothing was saved to resume from: set `resume-file` and run again";
            return vec![message.to_owned()];
        }
        vec![
            "approve, then copy the complete URL from the browser's address bar; it is a secret until it is used".to_owned(),
            format!("within an hour: {}", self.resume_command(task).with(FROM_CALLBACK)),
            PASTE.to_owned(),
        ]
    }

    fn resume_command(&self, task: &IntegrationTask) -> ResumeCommand {
        ResumeCommand::new(self.run, self.inputs, task, BackendName::Sentry)
    }
}

impl<'a> IntegrationBackend for SentryRun<'a> {
    type Pipeline = SentryBackend<'a>;

    fn pipeline(&mut self) -> &mut Self::Pipeline {
        &mut self.backend
    }

    fn run(&self) -> &RunContext<'_> {
        self.run
    }

    /// Seals the pipeline into the resume file, when there is one.
    async fn suspend(
        &mut self,
        task: &IntegrationTask,
        decision: &Decision,
        links: &RequestedLinks,
    ) -> Result<Vec<String>> {
        if let Some(path) = self.inputs.resume_file.as_ref().filter(|_| self.backend.has_session())
        {
            let (key, token) = (self.resume_key(), pipeline_token(self.inputs)?);
            let suspended = self.backend.suspended(decision.integration_id());
            let kept = KeptInputs::new(task, self.backend.step(), links);
            let secrets = task.secrets().into_iter().chain(task.answers.earlier_secrets());
            let kept = kept.with_secrets(secrets.collect());
            resume_file::update(path, |file| {
                if file.holds_others(&key, &token) {
                    tracing::warn!(
                        pipeline = key,
                        "a pipeline that a run with another token left in `resume-file` is replaced, and cannot be resumed"
                    );
                }
                file.put(&key, &token, &suspended)?;
                file.put_kept(&key, &token, &kept)
            })?;
        }
        Ok(self.resume_instructions(task))
    }

    fn discard_suspended(&mut self) -> Result {
        let Some(path) = &self.inputs.resume_file else { return Ok(()) };
        resume_file::update(path, |file| {
            file.remove(&self.resume_key());
            Ok(())
        })
    }

    async fn set_links(
        &mut self,
        _: &IntegrationTask,
        integration_id: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        let deadline = self.backend.deadline();
        let work = self.backend.set_links(integration_id, requested, report);
        // The end of the whole run would hide the finished integration.
        if let Err(end) = self.run.cancellation.within(deadline, work).await {
            report.broken_off(end, requested);
        }
    }
}

/// Says of secrets that nothing shows what sends them again.
fn unseen_secrets(task: &IntegrationTask) -> String {
    let again = match task.provider.has_random_id() {
        true => {
            "to send them again, set `mode: install`, which makes a new integration, and delete the old one"
        }
        false => "set `mode: reauth` to send them again",
    };
    format!("key rotation cannot be detected, because Sentry does not return secrets; {again}")
}

/// The pipeline that is meant: the only one of this server and organization, or the provider's, or
/// the entry's.
fn find_suspended(file: &ResumeFile, url: &Url, org: &OrgSlug, inputs: &Inputs) -> Result<String> {
    let prefix = format!("{}/{org}/", url.authority());
    let is_requested = |key: &&str| {
        let Some(rest) = key.strip_prefix(&prefix) else { return false };
        let (provider, entry) = rest.split_once('/').unwrap_or((rest, ""));
        inputs.provider.as_deref().is_none_or(|name| name == provider)
            && inputs.entry.as_deref().is_none_or(|name| name == entry)
    };
    let keys: Vec<_> = file.keys().filter(is_requested).collect();
    match keys[..] {
        [key] => Ok(key.to_owned()),
        [] => Err(Error::new(
            ErrorCode::WrongOauthState,
            "the resume file has no waiting pipeline of this organization",
        )),
        _ => Err(Error::new(
            ErrorCode::Ambiguous,
            format!("several pipelines are waiting: {}", keys.join(", ")),
        )
        .with_hint("select one with `provider`, or set `entry` to the last part of its name")),
    }
}

/// The task of a pipeline in the resume file.
fn resumed_task(
    key: &str,
    org: &OrgSlug,
    suspended: &SuspendedPipeline,
    inputs: &Inputs,
) -> IntegrationTask {
    let name = key.split('/').nth(2).unwrap_or_default();
    let provider = provider::find(name).unwrap_or_else(|_| provider::undescribed());
    let next = inputs.next.clone().or_else(|| suspended.next.clone());
    let kind = resumed_decision(suspended.integration_id).pipeline_type();
    IntegrationTask::for_resume(name, provider, org.clone(), next, kind)
}
