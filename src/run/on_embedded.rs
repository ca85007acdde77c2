//! A run on the embedded backend.

use super::{Run, tell};
use crate::backend::After;
use crate::backend::embedded::{self, Embedded};
use crate::callback::Callback;
use crate::database;
use crate::driver::{self, Walked};
use crate::failure::{Code, Failure, quote};
use crate::host::{Emit, Sinks};
use crate::inputs::Inputs;
use crate::links::Links;
use crate::model::OrgSlug;
use crate::outcome::{Outcome, Status};
use crate::plan::{Decision, Task};
use crate::provider::{self, INITIAL, Strictness};
use crate::redirect::Site;
use crate::report::Report;
use crate::seam::Begin;
use crate::terminal;
use std::path::Path;
use url::Url;

/// Where `serve` answers when nobody says otherwise.
pub(super) const LOCAL_SITE: &str = "http://127.0.0.1:9797";

impl Run<'_> {
    pub(super) async fn finish_on_embedded(
        &self,
        inputs: &Inputs,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let path = database::path(inputs.database.as_deref(), self.env)?;
        let site = site(inputs);
        let report = Report { task, site: &Site::new(site) };
        if inputs.dry_run {
            return plan(&report, inputs, &path).await;
        }
        let mut engine = Embedded::open(&path).await?;
        let listed = engine.list(&task.org, task.provider).await?;
        let decision = task.decide(&listed)?;
        let (provider, org) = (task.key.as_str(), task.org.as_str());
        let (why, file) = (decision.why(), path.display());
        tracing::info!(provider, org, why, database = %file, "{}", decision.words());
        let mut outcome = match &decision {
            Decision::Nothing { id, name } => report.nothing(*id, name),
            Decision::Run(_) | Decision::Reauth(_) => {
                self.walk_embedded(inputs, &mut engine, &report, &decision).await?
            }
        };
        afterwards(&mut outcome, inputs, &mut engine, task).await;
        report.only_linked(&decision, &mut outcome);
        Ok(outcome.warned(task.kept(&listed)))
    }

    async fn walk_embedded(
        &self,
        inputs: &Inputs,
        engine: &mut Embedded,
        report: &Report<'_>,
        decision: &Decision,
    ) -> Result<Outcome, Failure> {
        let (task, kind) = (report.task, decision.pipeline_type());
        let begin = Begin {
            provider: task.provider,
            org: &task.org,
            initial: task.answers.step(INITIAL),
            app: Some(&task.app),
            integration_id: decision.integration_id(),
            site: site(inputs),
            next: task.next.as_deref(),
        };
        match driver::walk(engine, task, begin).await? {
            Walked::Finished(finished) => {
                let mut outcome = report.complete(kind, decision.verb(), &finished);
                let made = engine.made.iter();
                let made = made.map(|org| format!("the organization {org} is new here"));
                outcome.details.extend(made);
                Ok(outcome)
            }
            Walked::Waiting(url) => {
                let then = self.then(inputs, &task.org);
                if self.waits(inputs) {
                    return wait(engine, inputs, report, &url, &then).await;
                }
                Ok(report.waiting(kind, url, &then))
            }
        }
    }

    /// How a person goes on after the page.
    fn then(&self, inputs: &Inputs, org: &OrgSlug) -> [String; 2] {
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

    pub(super) async fn resume_on_embedded(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: &Callback,
    ) -> Result<Outcome, Failure> {
        let path = database::path(inputs.database.as_deref(), self.env)?;
        if !path.exists() {
            let message = format!("there is no database {}", quote(&path.to_string_lossy()));
            return Err(Failure::new(Code::Database, message)
                .hint("let `database` name the file that the first run used"));
        }
        let mut engine = Embedded::open(&path).await?;
        let then = self.then(inputs, org);
        let (task, mut outcome) = go_on(&mut engine, org, inputs, callback, &then).await?;
        afterwards(&mut outcome, inputs, &mut engine, &task).await;
        Ok(outcome)
    }
}

/// What is asked for once the integration is there.
async fn afterwards(outcome: &mut Outcome, inputs: &Inputs, engine: &mut Embedded, task: &Task) {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    let Some((id, _)) = integration else { return };
    let mut after = After::default();
    engine.set_links(task, *id, &Links::of(inputs), &mut after).await;
    tell(outcome, after);
}

/// Where the links lead. A variable that other programs share names their Sentry, which knows
/// nothing of this backend's integrations.
pub(super) fn site(inputs: &Inputs) -> &str {
    inputs.url.as_ref().filter(|_| inputs.url_is_ours).map_or(LOCAL_SITE, Url::as_str)
}

/// Decides and changes nothing; the file does not even come into being.
async fn plan(report: &Report<'_>, inputs: &Inputs, path: &Path) -> Result<Outcome, Failure> {
    let (task, wanted) = (report.task, Links::of(inputs));
    let listed = embedded::peek(path, &task.org, task.provider).await?;
    let note = if path.exists() { "" } else { " (would be made)" };
    let backend = format!("embedded, {}{note}", path.display());
    let decision = task.decide(&listed)?;
    let lacking = match decision.there() {
        Some(id) => wanted.lacking(&embedded::peek_linked(path, &task.org, id).await?),
        None => wanted,
    };
    Ok(report.planned(&decision, &backend, &lacking).warned(task.kept(&listed)))
}

/// Goes on with the pipeline that the callback belongs to.
async fn go_on(
    engine: &mut Embedded,
    org: &OrgSlug,
    inputs: &Inputs,
    callback: &Callback,
    then: &[String],
) -> Result<(Task, Outcome), Failure> {
    let resumed = engine.resume(org, &callback.knows()).await?;
    let (kind, provider) = (resumed.pipeline_type, resumed.provider);
    let mut task = Task::resumed(provider.key(), provider, org.clone(), resumed.next, kind);
    // Later steps take their fields from the inputs, as on a Sentry, or from the same callback.
    let answers = provider::check(provider, &inputs.state, Strictness::AnySteps);
    task.answers = answers.unwrap_or_default();
    callback.fill_later(provider, resumed.step.id, &mut task.answers);
    let report = Report { task: &task, site: &Site::new(resumed.site) };
    let walked = match callback.fields(resumed.step) {
        Ok(fields) => driver::go_on(engine, &task, fields).await,
        Err(failure) => Err(failure),
    };
    let outcome = match walked {
        Ok(Walked::Finished(finished)) => report.complete(kind, kind.done(), &finished),
        Ok(Walked::Waiting(url)) => report.waiting(kind, url, then),
        Err(failure) => Report::failed(&task, failure),
    };
    Ok((task, outcome))
}

/// Asks for the callback's address until one is right; a wrong one costs nothing.
async fn wait(
    engine: &mut Embedded,
    inputs: &Inputs,
    report: &Report<'_>,
    url: &str,
    then: &[String],
) -> Result<Outcome, Failure> {
    let name = report.task.name();
    let mut words = format!("{name} needs you: open this page and approve\n\n  {url}\n\n");
    loop {
        words.push_str("then paste the address that the browser ends at: ");
        Sinks::emit(vec![Emit::Stderr(std::mem::take(&mut words))])?;
        let line = terminal::line().await.ok_or_else(|| {
            Failure::new(Code::NeedsBrowser, "nothing was pasted; the pipeline still waits")
        })?;
        let done = match Callback::parse(&line) {
            Ok(callback) => go_on(engine, &report.task.org, inputs, &callback, then).await,
            Err(failure) => Err(failure),
        };
        match done {
            // What was pasted is no callback of a waiting pipeline: paste again.
            Err(failure) => words = format!("{failure}\n"),
            Ok((_, outcome)) => match another_page(&outcome) {
                Some(url) => words = format!("{name} needs you again: open\n\n  {url}\n\n"),
                None => return Ok(outcome),
            },
        }
    }
}

/// The next page, where one visit was not enough.
fn another_page(outcome: &Outcome) -> Option<&str> {
    let subject = outcome.subject.as_ref().filter(|_| outcome.status == Status::ActionRequired);
    subject?.redirect_url.as_deref()
}
