//! A run on the embedded backend.

use super::{RunContext, add_link_report};
use crate::backend::LinkReport;
use crate::backend::embedded::{self, EmbeddedBackend};
use crate::database::{Database, path};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::integration::callback::Callback;
use crate::integration::decision::Decision;
use crate::integration::driver::{self, PipelineEnd};
use crate::integration::links::RequestedLinks;
use crate::integration::pipeline::PipelineStart;
use crate::integration::task::IntegrationTask;
use crate::model::OrgSlug;
use crate::model::site::Site;
use crate::os::terminal;
use crate::outcome::integration::IntegrationReport;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::output::{OutputSinks, WriteOp};
use crate::provider::{self, AllowedSteps, INITIAL};
use crate::text::quote::quote;
use std::path::Path;
use url::Url;

/// Where `serve` answers when nobody says otherwise.
pub(crate) const LOCAL_SITE: &str = "http://127.0.0.1:9797";

impl RunContext<'_> {
    pub(crate) async fn finish(&self, inputs: &Inputs, task: &IntegrationTask) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        let site = base_url(inputs);
        let report = IntegrationReport { task, site: &Site::new(site) };
        if inputs.dry_run {
            return plan(&report, inputs, &path).await;
        }
        let mut database = Database::open(&path).await?;
        let mut engine = EmbeddedBackend::new(&mut database);
        let listed = engine.list(&task.org, task.provider).await?;
        let decision = task.decide(&listed)?;
        let (provider, org) = (task.key.as_str(), task.org.as_str());
        let (why, file) = (decision.reason(), path.display());
        tracing::info!(provider, org, why, database = %file, "{}", decision.log_message());
        let mut outcome = match &decision {
            Decision::UpToDate { id, name } => report.up_to_date(*id, name),
            Decision::Install(_) | Decision::Reauth(_) => {
                self.drive(inputs, &mut engine, &report, &decision).await?
            }
        };
        apply_links(&mut outcome, inputs, &mut engine, task).await;
        report.note_added_links(&decision, &mut outcome);
        Ok(outcome.with_warning(task.immutable_fields_warning(&listed)))
    }

    async fn drive(
        &self,
        inputs: &Inputs,
        engine: &mut EmbeddedBackend<'_>,
        report: &IntegrationReport<'_>,
        decision: &Decision,
    ) -> Result<Outcome> {
        let (task, kind) = (report.task, decision.pipeline_type());
        let begin = PipelineStart {
            provider: task.provider,
            org: &task.org,
            initial_data: task.answers.step(INITIAL),
            app: Some(&task.app),
            integration_id: decision.integration_id(),
            base_url: base_url(inputs),
            next: task.next.as_deref(),
        };
        match driver::drive(engine, task, begin).await? {
            PipelineEnd::Finished(finished) => {
                let mut outcome = report.complete(kind, decision.verb(), &finished);
                let made = engine.created_orgs.iter();
                let made = made.map(|org| format!("the organization {org} is new here"));
                outcome.details.extend(made);
                Ok(outcome)
            }
            PipelineEnd::AwaitingUser(url) => {
                let then = self.resume_instructions(inputs, &task.org);
                if self.may_prompt(inputs) {
                    return prompt_for_callback(engine, inputs, report, &url, &then).await;
                }
                Ok(report.waiting(kind, url, &then))
            }
        }
    }

    /// How a person goes on after the page.
    fn resume_instructions(&self, inputs: &Inputs, org: &OrgSlug) -> [String; 2] {
        let copy = "approve, and copy the whole address that the browser ends at: it may show no page, and is a secret until it is used";
        let database = inputs.database.as_ref().map(|file| format!(" --database {file}"));
        let database = database.unwrap_or_default();
        let go_on = match self.job.host {
            // The action knows by its input which command it is.
            host if host.is_github_like() => {
                "within an hour: run this again with that address as `callback-url`".to_owned()
            }
            host if host.is_ci() => {
                "within an hour: run `finishline resume` with that address in FINISHLINE_CALLBACK_URL"
                    .to_owned()
            }
            _ => format!(
                "within an hour: finishline resume --org {org}{database} --callback-url - (then paste it)"
            ),
        };
        [copy.to_owned(), go_on]
    }

    pub(crate) async fn resume_on_embedded(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: &Callback,
    ) -> Result<Outcome> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        if !path.exists() {
            let message = format!("there is no database {}", quote(&path.to_string_lossy()));
            return Err(Error::new(ErrorCode::Database, message)
                .with_hint("let `database` name the file that the first run used"));
        }
        let mut database = Database::open(&path).await?;
        let mut engine = EmbeddedBackend::new(&mut database);
        let then = self.resume_instructions(inputs, org);
        let (task, mut outcome) =
            resume_pipeline(&mut engine, org, inputs, callback, &then).await?;
        apply_links(&mut outcome, inputs, &mut engine, &task).await;
        Ok(outcome)
    }
}

/// What is asked for once the integration is there.
async fn apply_links(
    outcome: &mut Outcome,
    inputs: &Inputs,
    engine: &mut EmbeddedBackend<'_>,
    task: &IntegrationTask,
) {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    let Some((id, _)) = integration else { return };
    let mut after = LinkReport::default();
    engine.set_links(task, *id, &RequestedLinks::from_inputs(inputs), &mut after).await;
    add_link_report(outcome, after);
}

/// Where the links lead. A variable that other programs share names their Sentry, which knows
/// nothing of this backend's integrations.
pub(crate) fn base_url(inputs: &Inputs) -> &str {
    inputs.url.as_ref().filter(|_| inputs.url_is_ours).map_or(LOCAL_SITE, Url::as_str)
}

/// Decides and changes nothing; the file does not even come into being.
async fn plan(report: &IntegrationReport<'_>, inputs: &Inputs, path: &Path) -> Result<Outcome> {
    let (task, wanted) = (report.task, RequestedLinks::from_inputs(inputs));
    let listed = embedded::list_read_only(path, &task.org, task.provider).await?;
    let note = if path.exists() { "" } else { " (would be made)" };
    let backend = format!("embedded, {}{note}", path.display());
    let decision = task.decide(&listed)?;
    let lacking = match decision.existing_id() {
        Some(id) => wanted.missing(&embedded::links_read_only(path, &task.org, id).await?),
        None => wanted,
    };
    Ok(report
        .planned(&decision, &backend, &lacking)
        .with_warning(task.immutable_fields_warning(&listed)))
}

/// Goes on with the pipeline that the callback belongs to.
async fn resume_pipeline(
    engine: &mut EmbeddedBackend<'_>,
    org: &OrgSlug,
    inputs: &Inputs,
    callback: &Callback,
    then: &[String],
) -> Result<(IntegrationTask, Outcome)> {
    let resumed = engine.resume(org, &callback.key()).await?;
    let (kind, provider) = (resumed.pipeline_type, resumed.provider);
    let mut task =
        IntegrationTask::for_resume(provider.key(), provider, org.clone(), resumed.next, kind);
    // Later steps take their fields from the inputs, as on a Sentry, or from the same callback.
    let answers = provider::parse(provider, &inputs.state, AllowedSteps::AnySteps);
    task.answers = answers.unwrap_or_default();
    callback.fill_later_steps(provider, resumed.step.id, &mut task.answers);
    let report = IntegrationReport { task: &task, site: &Site::new(resumed.site) };
    let walked = match callback.fields(resumed.step) {
        Ok(fields) => driver::resume(engine, &task, fields).await,
        Err(failure) => Err(failure),
    };
    let outcome = match walked {
        Ok(PipelineEnd::Finished(finished)) => report.complete(kind, kind.past_verb(), &finished),
        Ok(PipelineEnd::AwaitingUser(url)) => report.waiting(kind, url, then),
        Err(failure) => IntegrationReport::failed(&task, failure),
    };
    Ok((task, outcome))
}

/// Asks for the callback's address until one is right; a wrong one costs nothing.
async fn prompt_for_callback(
    engine: &mut EmbeddedBackend<'_>,
    inputs: &Inputs,
    report: &IntegrationReport<'_>,
    url: &str,
    then: &[String],
) -> Result<Outcome> {
    let name = report.task.name();
    let mut words = format!("{name} needs you: open this page and approve\n\n  {url}\n\n");
    loop {
        words.push_str("then paste the address that the browser ends at: ");
        OutputSinks::emit(vec![WriteOp::Stderr(std::mem::take(&mut words))])?;
        let line = terminal::read_line().await.ok_or_else(|| {
            Error::new(ErrorCode::NeedsBrowser, "nothing was pasted; the pipeline still waits")
        })?;
        let done = match Callback::parse(&line) {
            Ok(callback) => {
                resume_pipeline(engine, &report.task.org, inputs, &callback, then).await
            }
            Err(failure) => Err(failure),
        };
        match done {
            // What was pasted is no callback of a waiting pipeline: paste again.
            Err(failure) => words = format!("{failure}\n"),
            Ok((_, outcome)) => match next_page(&outcome) {
                Some(url) => words = format!("{name} needs you again: open\n\n  {url}\n\n"),
                None => return Ok(outcome),
            },
        }
    }
}

/// The next page, where one visit was not enough.
fn next_page(outcome: &Outcome) -> Option<&str> {
    let subject =
        outcome.subject.as_ref().filter(|_| outcome.status == OutcomeStatus::ActionRequired);
    subject?.redirect_url.as_deref()
}
