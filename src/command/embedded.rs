//! An integration on the embedded backend.

use super::integration::{IntegrationBackend, IntegrationFlow, answer_steps, resumed_decision};
use super::resume::missing_callback;
use super::resume_command::{FROM_CALLBACK, PASTE, ResumeCommand};
use super::{RunContext, base_url};
use crate::backend::LinkReport;
use crate::backend::embedded::{self, EmbeddedBackend, ResumedPipeline};
use crate::database::{Database, path};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::http::reach;
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::integration::callback::{Callback, CallbackKey};
use crate::integration::kept::other_owner;
use crate::integration::{Decision, IntegrationTask, RequestedLinks, StepView};
use crate::model::OrgSlug;
use crate::model::site::Site;
use crate::os::terminal;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::output::{OutputSinks, WriteOp};
use crate::provider::Step;
use crate::text::page::PageUrl;
use crate::text::quote;
use std::path::Path;
use tokio::time::Instant;
use url::Url;

/// The embedded backend in one run.
struct EmbeddedRun<'a> {
    run: &'a RunContext<'a>,
    inputs: &'a Inputs,
    path: &'a Path,
    backend: EmbeddedBackend<'a>,
    deadline: Instant,
}

impl RunContext<'_> {
    pub(crate) async fn integrate_embedded(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        let report = IntegrationReport { task, site: &Site::new(base_url(inputs)) };
        if inputs.dry_run {
            let organization = self.embedded_organization(&path, &task.org).await;
            return self.plan_embedded(report, inputs, &path, &organization).await;
        }
        let mut database = Database::open(&path).await?;
        let mut backend =
            EmbeddedBackend::new(&mut database).trusting(inputs.certificates.as_ref());
        let listed = backend.list(task).await?;
        let (decision, links) = (task.decide(&listed)?, RequestedLinks::from_inputs(inputs));
        let flow = IntegrationFlow { inputs, report, decision, links };
        // A person would approve for nothing.
        let unreached = match flow.decision {
            Decision::UpToDate { .. } => None,
            Decision::Install(_) | Decision::Reauth(_) => unreached_instance(task).await,
        };
        unreached.iter().for_each(|warning| tracing::warn!("{}", warning.message));
        let mut run = EmbeddedRun { run: self, inputs, path: &path, backend, deadline };
        let outcome = flow.run(&mut run, &listed).await?;
        let is_waiting = outcome.status == OutcomeStatus::ActionRequired;
        Ok(outcome.with_warning(unreached.filter(|_| is_waiting)))
    }

    /// Decides and changes nothing; the file does not even come into being.
    async fn plan_embedded(
        &self,
        report: IntegrationReport<'_>,
        inputs: &Inputs,
        path: &Path,
        organization: &str,
    ) -> Result<Outcome> {
        let task = report.task;
        let listed = embedded::list_read_only(path, task).await?;
        let note = if path.exists() { "" } else { " (would be created)" };
        let request = format!("embedded, {}{note}", path.display());
        let (decision, links) = (task.decide(&listed)?, RequestedLinks::from_inputs(inputs));
        let flow = IntegrationFlow { inputs, report, decision, links };
        let existing = async |id, requested: &_| {
            let existing = embedded::links_read_only(path, &task.org, id, requested).await?;
            self.note_planned(requested, &existing);
            Ok(existing)
        };
        flow.plan(&request, organization, &listed, existing).await
    }

    /// The organization of a plan among all of the run; for a manifest's, all that it has is read once.
    pub(super) async fn embedded_organization(&self, path: &Path, org: &OrgSlug) -> String {
        let organization = format!("embedded/{org}");
        if self.entry.is_some() {
            let list = async || embedded::inventory_or_none(path, org).await;
            drop(self.cache.inventory(&organization, list).await);
        }
        organization
    }

    pub(crate) async fn resume_embedded(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: Option<&Callback>,
        deadline: Instant,
    ) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        if !path.exists() {
            let message = format!("database {} does not exist", quote(&path.to_string_lossy()));
            return Err(Error::new(ErrorCode::Database, message)
                .with_hint("set `database` to the file that the first run used"));
        }
        let mut database = Database::open(&path).await?;
        let backend = EmbeddedBackend::new(&mut database).trusting(inputs.certificates.as_ref());
        let run = RunContext { entry: inputs.entry.as_deref(), ..*self };
        let mut embedded = EmbeddedRun { run: &run, inputs, path: &path, backend, deadline };
        let outcome = embedded.resume(org, callback).await?;
        Ok(self.note_embedded(inputs, outcome))
    }
}

/// A warning where the instance that a person is sent to has a name that leads nowhere from here.
async fn unreached_instance(task: &IntegrationTask) -> Option<Warning> {
    let needs_person =
        |step: &Step| step.needs_browser() && !step.is_answered(task.answers.step(step.id));
    if !task.provider.steps().iter().any(needs_person) {
        return None;
    }
    let url = Url::parse(task.answers.text("url")).ok()?;
    let reason = reach::unresolved(&url).await?;
    let message = format!(
        "{reason}: check `url` before anybody approves, since the machine that goes on has to reach it"
    );
    Some(Warning::new("unreached", message))
}

impl EmbeddedRun<'_> {
    /// Goes on with the pipeline that the callback belongs to.
    async fn resume(&mut self, org: &OrgSlug, callback: Option<&Callback>) -> Result<Outcome> {
        let key = match callback {
            Some(callback) => callback.key(),
            None => CallbackKey::None(self.inputs.provider.as_deref()),
        };
        let resumed = self.backend.resume(org, &key).await;
        let ResumedPipeline { provider, step, integration_id, next, site, kept } = resumed
            .map_err(|failure| match failure.code {
                ErrorCode::Usage => missing_callback(),
                _ => failure,
            })?;
        kept.check_entry(self.run.entry)?;
        let given = self.inputs.provider.as_deref().filter(|given| *given != provider.key());
        if let Some(given) = given {
            return Err(other_owner("provider", provider.key(), given));
        }
        let (decision, org) = (resumed_decision(integration_id), org.clone());
        let (key, kind) = (provider.key(), decision.pipeline_type());
        let mut task = IntegrationTask::for_resume(key, provider, org, next, kind);
        let answered = answer_steps(&mut task, self.inputs, &kept, callback, &step.id);
        let (inputs, links) = (self.inputs, kept.links(self.inputs));
        let report = IntegrationReport { task: &task, site: &Site::new(site) };
        let flow = IntegrationFlow { inputs, report, decision, links };
        let (outcome, warnings) = match answered {
            Ok((secrets, late)) => {
                self.run.hide_earlier(&task);
                let (masks, mut warnings) = self.run.sinks.masks(&secrets, &[]);
                OutputSinks::emit(masks)?;
                warnings.extend(late);
                (self.go_on(&flow, step).await, warnings)
            }
            Err(failure) => (Err(failure), Vec::new()),
        };
        let mut outcome =
            outcome.unwrap_or_else(|failure| IntegrationReport::failed(&task, failure));
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }

    /// Goes on at a step. Where a choice is missing or was refused, another one may do.
    async fn go_on(&mut self, flow: &IntegrationFlow<'_>, step: StepView) -> Result<Outcome> {
        let outcome = flow.resume(self, step).await;
        let task = flow.report.task;
        outcome.map_err(|failure| self.resume_command(task).offer_choice(task, failure))
    }

    fn resume_command(&self, task: &IntegrationTask) -> ResumeCommand {
        ResumeCommand::new(self.run, self.inputs, task, BackendName::Embedded)
    }
}

impl<'a> IntegrationBackend for EmbeddedRun<'a> {
    type Pipeline = EmbeddedBackend<'a>;

    fn pipeline(&mut self) -> &mut Self::Pipeline {
        &mut self.backend
    }

    fn run(&self) -> &RunContext<'_> {
        self.run
    }

    fn database(&self) -> Option<&Path> {
        Some(self.path)
    }

    fn created(&self) -> Vec<String> {
        let orgs = self.backend.created_orgs.iter();
        orgs.map(|org| format!("created organization {org}")).collect()
    }

    /// The file has the pipeline already; what it is to go on with is added.
    async fn suspend(
        &mut self,
        task: &IntegrationTask,
        _: &Decision,
        links: &RequestedLinks,
    ) -> Result<Vec<String>> {
        self.backend.keep(task, links, self.run.entry).await?;
        let copy = "approve, then copy the complete URL from the browser's address bar, even if no page is shown; it is a secret until it is used";
        let host = self.run.job.host;
        let resume = if host.is_github_like() {
            // The action knows by its input which command it is.
            let entry = self.run.entry.map(|entry| format!(", and `entry` set to `{entry}`"));
            let entry = entry.unwrap_or_default();
            vec![format!("within an hour: run this again with that URL as `callback-url`{entry}")]
        } else if host.is_ci() {
            let entry = self.run.entry.map(|entry| format!(", and `{entry}` in FINISHLINE_ENTRY"));
            let entry = entry.unwrap_or_default();
            vec![format!(
                "within an hour: run `finishline resume` with that URL in FINISHLINE_CALLBACK_URL{entry}"
            )]
        } else {
            let command = self.resume_command(task).with(FROM_CALLBACK);
            vec![format!("within an hour: {command}"), PASTE.to_owned()]
        };
        Ok([vec![copy.to_owned()], resume].concat())
    }

    /// Reads the callback's address until one is right; a wrong one costs nothing.
    async fn prompt(&mut self, task: &IntegrationTask, waiting: Outcome) -> Result<Outcome> {
        if !self.run.may_prompt(self.inputs) {
            return Ok(waiting);
        }
        let (name, page) = (task.name(), page_to_open(&waiting).map_or("", PageUrl::as_str));
        let mut prompt =
            format!("{name} needs your approval: open this page and approve\n\n  {page}\n\n");
        loop {
            let minutes = self.deadline.saturating_duration_since(Instant::now()).as_secs() / 60;
            prompt.push_str(&format!(
                "then paste the complete URL from the browser's address bar ({minutes} min left): "
            ));
            let line = ask(std::mem::take(&mut prompt)).await?;
            let resumed = match Callback::parse(&line) {
                Ok(callback) => self.resume(&task.org, Some(&callback)).await,
                Err(failure) => Err(failure),
            };
            match resumed {
                // What was pasted is no callback of a waiting pipeline: paste again.
                Err(failure) => {
                    prompt = format!("{}\n", self.run.sinks.shown_words(&failure.message))
                }
                Ok(outcome) => match page_to_open(&outcome) {
                    Some(page) => {
                        prompt = format!("{name} needs your approval again: open\n\n  {page}\n\n");
                    }
                    None => return Ok(outcome),
                },
            }
        }
    }

    async fn set_links(
        &mut self,
        task: &IntegrationTask,
        integration_id: i64,
        requested: &RequestedLinks,
        report: &mut LinkReport,
    ) {
        self.backend.set_links(task, integration_id, requested, report).await;
    }
}

/// The line that a person types after the prompt.
async fn ask(prompt: String) -> Result<String> {
    OutputSinks::emit(vec![WriteOp::Stderr(prompt)])?;
    let nothing = "nothing was pasted; the pipeline is still waiting";
    terminal::read_line().await.ok_or_else(|| Error::new(ErrorCode::NeedsBrowser, nothing))
}

/// The page of a pipeline that waits for a person.
fn page_to_open(outcome: &Outcome) -> Option<&PageUrl> {
    let subject =
        outcome.subject.as_ref().filter(|_| outcome.status == OutcomeStatus::ActionRequired);
    subject?.redirect_url.as_ref()
}
