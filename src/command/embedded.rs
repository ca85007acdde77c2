//! An integration on the embedded backend.

use super::integration::{
    IntegrationBackend, IntegrationFlow, answer_later_steps, apply_links, resumed_decision,
};
use super::{RunContext, base_url};
use crate::backend::LinkReport;
use crate::backend::embedded::{self, EmbeddedBackend, ResumedPipeline};
use crate::database::{Database, path};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::integration::callback::Callback;
use crate::integration::{Decision, IntegrationTask, RequestedLinks};
use crate::model::OrgSlug;
use crate::model::site::Site;
use crate::os::terminal;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::output::{OutputSinks, WriteOp};
use crate::text::page::PageUrl;
use crate::text::quote;
use std::path::Path;

/// The embedded backend in one run.
struct EmbeddedRun<'a> {
    run: &'a RunContext<'a>,
    inputs: &'a Inputs,
    path: &'a Path,
    backend: EmbeddedBackend<'a>,
}

impl RunContext<'_> {
    pub(crate) async fn integrate_embedded(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
    ) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        let report = IntegrationReport { task, site: &Site::new(base_url(inputs)) };
        if inputs.dry_run {
            return plan(report, inputs, &path).await;
        }
        let mut database = Database::open(&path).await?;
        let mut backend =
            EmbeddedBackend::new(&mut database).trusting(inputs.certificates.as_ref());
        let listed = backend.list(task).await?;
        let flow = IntegrationFlow { inputs, report, decision: task.decide(&listed)? };
        flow.run(&mut EmbeddedRun { run: self, inputs, path: &path, backend }, &listed).await
    }

    pub(crate) async fn resume_embedded(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: &Callback,
    ) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        if !path.exists() {
            let message = format!("database {} does not exist", quote(&path.to_string_lossy()));
            return Err(Error::new(ErrorCode::Database, message)
                .with_hint("set `database` to the file that the first run used"));
        }
        let mut database = Database::open(&path).await?;
        let backend = EmbeddedBackend::new(&mut database).trusting(inputs.certificates.as_ref());
        let mut embedded = EmbeddedRun { run: self, inputs, path: &path, backend };
        let (task, mut outcome) = embedded.resume(org, callback).await?;
        apply_links(&mut embedded, inputs, &task, &mut outcome).await;
        Ok(self.note_embedded(inputs, outcome))
    }
}

/// Decides and changes nothing; the file does not even come into being.
async fn plan(report: IntegrationReport<'_>, inputs: &Inputs, path: &Path) -> Result<Outcome> {
    let task = report.task;
    let listed = embedded::list_read_only(path, task).await?;
    let note = if path.exists() { "" } else { " (would be created)" };
    let request = format!("embedded, {}{note}", path.display());
    let flow = IntegrationFlow { inputs, report, decision: task.decide(&listed)? };
    let links = async |id, _: &_| embedded::links_read_only(path, &task.org, id).await;
    flow.plan(&request, &listed, links).await
}

impl EmbeddedRun<'_> {
    /// Goes on with the pipeline that the callback belongs to.
    async fn resume(
        &mut self,
        org: &OrgSlug,
        callback: &Callback,
    ) -> Result<(IntegrationTask, Outcome)> {
        let ResumedPipeline { provider, step, integration_id, next, site } =
            self.backend.resume(org, &callback.key()).await?;
        let (decision, org) = (resumed_decision(integration_id), org.clone());
        let (key, kind) = (provider.key(), decision.pipeline_type());
        let mut task = IntegrationTask::for_resume(key, provider, org, next, kind);
        answer_later_steps(&mut task, self.inputs, callback, step.id);
        let report = IntegrationReport { task: &task, site: &Site::new(site) };
        let flow = IntegrationFlow { inputs: self.inputs, report, decision };
        let outcome = match callback.fields(step) {
            Ok(fields) => flow.resume(self, fields).await,
            Err(failure) => Err(failure),
        };
        let outcome = outcome.unwrap_or_else(|failure| IntegrationReport::failed(&task, failure));
        Ok((task, outcome))
    }
}

impl<'a> IntegrationBackend for EmbeddedRun<'a> {
    type Pipeline = EmbeddedBackend<'a>;

    fn pipeline(&mut self) -> &mut Self::Pipeline {
        &mut self.backend
    }

    fn database(&self) -> Option<&Path> {
        Some(self.path)
    }

    fn created(&self) -> Vec<String> {
        let orgs = self.backend.created_orgs.iter();
        orgs.map(|org| format!("created organization {org}")).collect()
    }

    /// The file has the pipeline already.
    fn suspend(&mut self, task: &IntegrationTask, _: &Decision) -> Result<Vec<String>> {
        let copy = "approve, then copy the complete URL from the browser's address bar, even if no page is shown; it is a secret until it is used";
        let host = self.run.job.host;
        let resume = if host.is_github_like() {
            // The action knows by its input which command it is.
            "within an hour: run this again with that URL as `callback-url`".to_owned()
        } else if host.is_ci() {
            "within an hour: run `finishline resume` with that URL in FINISHLINE_CALLBACK_URL"
                .to_owned()
        } else {
            let database = self.inputs.database.as_ref().map(|file| format!(" --database {file}"));
            let (org, database) = (&task.org, database.unwrap_or_default());
            format!(
                "within an hour: finishline resume --org {org}{database} --callback-url - (then paste the URL)"
            )
        };
        Ok(vec![copy.to_owned(), resume])
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
            prompt.push_str("then paste the complete URL from the browser's address bar: ");
            OutputSinks::emit(vec![WriteOp::Stderr(std::mem::take(&mut prompt))])?;
            let line = terminal::read_line().await.ok_or_else(|| {
                Error::new(
                    ErrorCode::NeedsBrowser,
                    "nothing was pasted; the pipeline is still waiting",
                )
            })?;
            let resumed = match Callback::parse(&line) {
                Ok(callback) => self.resume(&task.org, &callback).await,
                Err(failure) => Err(failure),
            };
            match resumed {
                // What was pasted is no callback of a waiting pipeline: paste again.
                Err(failure) => {
                    prompt = format!("{}\n", self.run.sinks.shown_words(&failure.message))
                }
                Ok((_, outcome)) => match page_to_open(&outcome) {
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

/// The page of a pipeline that waits for a person.
fn page_to_open(outcome: &Outcome) -> Option<&PageUrl> {
    let subject =
        outcome.subject.as_ref().filter(|_| outcome.status == OutcomeStatus::ActionRequired);
    subject?.redirect_url.as_ref()
}
