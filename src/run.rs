//! The work of a run: inputs, task, decision, driver, outcome.

use crate::backend::embedded::{self, Embedded};
use crate::callback::Callback;
use crate::database;
use crate::driver::{self, Walked};
use crate::env::Env;
use crate::failure::{Code, Failure};
use crate::files;
use crate::host::{Emit, Sinks};
use crate::inputs::given::Given;
use crate::inputs::{self, BackendName, Inputs};
use crate::job::Job;
use crate::model::OrgSlug;
use crate::outcome::Outcome;
use crate::plan::{Decision, Task};
use crate::redirect::Site;
use crate::report::Report;
use crate::seam::Begin;
use crate::terminal;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Where `serve` answers when nobody says otherwise.
const LOCAL_SITE: &str = "http://127.0.0.1:9797";

/// How long a pipeline waits, and so a person at a terminal may take.
const PERSON: Duration = Duration::from_secs(3600);

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Everything that the inputs ask for.
    Run,
    /// To go on with a pipeline that waited for a person.
    Resume,
}

/// What a run works with.
pub struct Run<'a> {
    /// What it is for.
    pub errand: Errand,
    /// What was typed.
    pub given: &'a Given,
    /// The environment.
    pub env: &'a Env,
    /// What the host tells.
    pub job: &'a Job,
    /// Where outputs go.
    pub sinks: &'a Sinks,
}

impl Run<'_> {
    /// Does everything the inputs ask for; a failure is an outcome too.
    pub async fn carry_out(self, mistakes: Vec<Failure>) -> Outcome {
        if let Err(failure) = self.sinks.probe() {
            return Outcome::failed(failure);
        }
        if let Some(reason) = inputs::withheld(self.given, self.job) {
            return Outcome::skipped(reason);
        }
        let inputs = match Inputs::read(self.given, self.env, &files::read, mistakes) {
            Ok(inputs) => inputs,
            Err(failure) => return Outcome::failed(failure),
        };
        let deadline = if self.waits(&inputs) { PERSON } else { inputs.timeout };
        let work = async {
            match self.errand {
                Errand::Run => self.integrate(&inputs).await,
                Errand::Resume => self.resume(&inputs).await,
            }
        };
        let done = tokio::time::timeout(deadline, work).await;
        let mut outcome = match done {
            Ok(done) => done.unwrap_or_else(Outcome::failed),
            Err(_) => Outcome::from(Code::Deadline),
        };
        outcome.tolerate(&inputs.tolerate);
        outcome
    }

    async fn integrate(&self, inputs: &Inputs) -> Result<Outcome, Failure> {
        let task = Task::new(inputs)?;
        let site = inputs.url.as_ref().map_or(LOCAL_SITE, Url::as_str);
        let report = Report { task: &task, site: &Site::new(site) };
        let mut secrets = task.secrets();
        secrets.extend(inputs.auth_token.as_ref().map(|token| token.expose().to_owned()));
        let work = self.finish(inputs, &report, site);
        Ok(self.told(&secrets, &report, work).await)
    }

    async fn finish(
        &self,
        inputs: &Inputs,
        report: &Report<'_>,
        site: &str,
    ) -> Result<Outcome, Failure> {
        let path = self.database(inputs)?;
        if inputs.dry_run {
            return plan(report, &path).await;
        }
        let task = report.task;
        let mut backend = Embedded::open(&path).await?;
        let decision = task.decide(&backend.list(&task.org, task.provider).await?)?;
        let (provider, org) = (task.provider.key(), task.org.as_str());
        tracing::info!(provider, org, database = %path.display(), "{}", decision.words());
        if let Decision::Nothing { id, name } = &decision {
            return Ok(report.nothing(*id, name));
        }
        let begin = Begin {
            provider: task.provider,
            org: &task.org,
            integration_id: decision.integration_id(),
            site,
            next: task.next.as_deref(),
        };
        let walked = driver::walk(&mut backend, task, begin).await?;
        let kind = decision.pipeline_type();
        match walked {
            Walked::Finished(finished) => {
                let mut outcome = report.complete(kind, decision.verb(), &finished);
                let made = backend.made.iter();
                outcome
                    .details
                    .extend(made.map(|org| format!("the organization {org} is new here")));
                Ok(outcome)
            }
            Walked::Waiting(url) if self.waits(inputs) => {
                self.wait(&mut backend, report, &url).await
            }
            Walked::Waiting(url) => Ok(report.waiting(kind, url)),
        }
    }

    async fn resume(&self, inputs: &Inputs) -> Result<Outcome, Failure> {
        let address = inputs.callback_url.as_ref().ok_or_else(|| {
            let message = "`callback-url` is missing: the address that the browser ended at";
            let hint = "set FINISHLINE_CALLBACK_URL from a secret, or --callback-url FILE (`-` is standard input)";
            Failure::new(Code::Usage, message).hint(hint)
        })?;
        let org = inputs.org.as_ref().ok_or_else(Task::no_org)?;
        let callback = Callback::parse(address.expose())?;
        let (masks, warnings) = self.sinks.masks(&callback.secrets(), &[org.to_string()]);
        Sinks::emit(masks)?;
        let path = self.database(inputs)?;
        if !path.exists() {
            let message =
                format!("there is no database {}", crate::failure::quote(&path.to_string_lossy()));
            return Err(Failure::new(Code::Database, message)
                .hint("let `database` name the file that the first run used"));
        }
        let mut backend = Embedded::open(&path).await?;
        let mut outcome = go_on(&mut backend, org, &callback).await?;
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }

    /// Masks the secrets before anything else is said, and folds what is logged by the work.
    async fn told(
        &self,
        secrets: &[String],
        report: &Report<'_>,
        work: impl Future<Output = Result<Outcome, Failure>>,
    ) -> Outcome {
        let (mut begin, warnings) = self.sinks.masks(secrets, &report.shown());
        let title = format!("finishline: {} for {}", report.task.provider.key(), report.task.org);
        begin.extend(self.sinks.open_group(&title, unix_seconds()));
        let group = Group(self.sinks);
        let done = match Sinks::emit(begin) {
            Ok(()) => work.await,
            Err(failure) => Err(failure),
        };
        drop(group);
        let mut outcome = done.unwrap_or_else(|failure| report.failed(failure));
        outcome.warnings.splice(0..0, warnings);
        outcome
    }

    /// A person at a terminal may be waited for; a CI job never waits.
    fn waits(&self, inputs: &Inputs) -> bool {
        inputs.wait && !self.job.host.is_ci() && terminal::is_there()
    }

    /// Asks for the callback's address until one is right; a wrong one costs nothing.
    async fn wait(
        &self,
        backend: &mut Embedded,
        report: &Report<'_>,
        url: &str,
    ) -> Result<Outcome, Failure> {
        let name = report.task.provider.name();
        let mut words = format!("{name} needs you: open this page and approve\n\n  {url}\n\n");
        loop {
            words.push_str("then paste the address that the browser ends at: ");
            Sinks::emit(vec![Emit::Stderr(std::mem::take(&mut words))])?;
            let line = terminal::line().await.ok_or_else(|| {
                Failure::new(Code::NeedsBrowser, "nothing was pasted; the pipeline still waits")
            })?;
            let done = match Callback::parse(&line) {
                Ok(callback) => go_on(backend, &report.task.org, &callback).await,
                Err(failure) => Err(failure),
            };
            match done {
                // What was pasted is no callback of a waiting pipeline: paste again.
                Err(failure) => words = format!("{failure}\n"),
                done => return done,
            }
        }
    }

    /// The embedded backend's file, when it is the backend.
    fn database(&self, inputs: &Inputs) -> Result<PathBuf, Failure> {
        match inputs.backend(self.job)? {
            BackendName::Embedded => database::path(inputs.database.as_deref(), self.env),
            BackendName::Sentry => {
                let message = "this version finishes on the embedded backend only";
                Err(Failure::new(Code::Unsupported, message))
            }
        }
    }
}

/// What is logged is folded until this is dropped: the deadline, a signal and a panic end it too.
struct Group<'a>(&'a Sinks);

impl Drop for Group<'_> {
    fn drop(&mut self) {
        drop(Sinks::emit(self.0.close_group(unix_seconds())));
    }
}

/// Decides and changes nothing; the file does not even come into being.
async fn plan(report: &Report<'_>, path: &Path) -> Result<Outcome, Failure> {
    let task = report.task;
    let listed = embedded::peek(path, &task.org, task.provider).await?;
    let note = if path.exists() { "" } else { " (would be made)" };
    Ok(report.planned(&task.decide(&listed)?, &format!("{}{note}", path.display())))
}

/// Goes on with the pipeline that the callback belongs to.
async fn go_on(
    backend: &mut Embedded,
    org: &OrgSlug,
    callback: &Callback,
) -> Result<Outcome, Failure> {
    let resumed = backend.resume(org, callback.text("state")).await?;
    let kind = resumed.pipeline_type;
    let task = Task::resumed(resumed.provider, org.clone(), resumed.next, kind);
    let report = Report { task: &task, site: &Site::new(resumed.site) };
    let walked = match callback.fields(resumed.step) {
        Ok(fields) => driver::go_on(backend, &task, fields).await,
        Err(failure) => Err(failure),
    };
    Ok(match walked {
        Ok(Walked::Finished(finished)) => report.complete(kind, kind.done(), &finished),
        Ok(Walked::Waiting(url)) => report.waiting(kind, url),
        Err(failure) => report.failed(failure),
    })
}

#[expect(clippy::disallowed_methods, reason = "a section of GitLab's log carries its time")]
fn unix_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}
