//! The work of a run: inputs, task, decision, driver, outcome.

use crate::backend::embedded::{self, Embedded};
use crate::database;
use crate::driver;
use crate::env::Env;
use crate::failure::{Code, Failure};
use crate::files;
use crate::host::Sinks;
use crate::inputs::given::Given;
use crate::inputs::{self, BackendName, Inputs};
use crate::job::Job;
use crate::outcome::Outcome;
use crate::plan::{Decision, Task};
use crate::redirect::Site;
use crate::report::Report;
use std::path::Path;
use url::Url;

/// Where `serve` answers when nobody says otherwise.
const LOCAL_SITE: &str = "http://127.0.0.1:9797";

/// What a run works with.
pub struct Run<'a> {
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
        let mut outcome = match tokio::time::timeout(inputs.timeout, self.integrate(&inputs)).await
        {
            Ok(outcome) => outcome,
            Err(_) => Outcome::from(Code::Deadline),
        };
        outcome.tolerate(&inputs.tolerate);
        outcome
    }

    async fn integrate(&self, inputs: &Inputs) -> Outcome {
        let task = match Task::new(inputs) {
            Ok(task) => task,
            Err(failure) => return Outcome::failed(failure),
        };
        let site = Site::new(inputs.url.as_ref().map_or(LOCAL_SITE, Url::as_str));
        let report = Report { task: &task, site: &site };
        let mut secrets = task.secrets();
        secrets.extend(inputs.auth_token.as_ref().map(|token| token.expose().to_owned()));
        let (mut begin, warnings) = self.sinks.masks(&secrets, &report.shown());
        let title = format!("finishline: {} for {}", task.provider.key(), task.org);
        begin.extend(self.sinks.open_group(&title, unix_seconds()));
        let done = match Sinks::emit(begin) {
            Ok(()) => self.finish(inputs, &report).await,
            Err(failure) => Err(failure),
        };
        let ended = Sinks::emit(self.sinks.close_group(unix_seconds()));
        let mut outcome = ended.and(done).unwrap_or_else(|failure| report.failed(failure));
        outcome.warnings.splice(0..0, warnings);
        outcome
    }

    async fn finish(&self, inputs: &Inputs, report: &Report<'_>) -> Result<Outcome, Failure> {
        match inputs.backend(self.job)? {
            BackendName::Sentry => {
                let message = "this version finishes on the embedded backend only";
                Err(Failure::new(Code::Unsupported, message))
            }
            BackendName::Embedded => {
                let path = database::path(inputs.database.as_deref(), self.env)?;
                if inputs.dry_run { plan(report, &path).await } else { embed(report, &path).await }
            }
        }
    }
}

/// Decides and changes nothing; the file does not even come into being.
async fn plan(report: &Report<'_>, path: &Path) -> Result<Outcome, Failure> {
    let task = report.task;
    let listed = embedded::peek(path, &task.org, task.provider).await?;
    let note = if path.exists() { "" } else { " (would be made)" };
    Ok(report.planned(&task.decide(&listed)?, &format!("{}{note}", path.display())))
}

async fn embed(report: &Report<'_>, path: &Path) -> Result<Outcome, Failure> {
    let task = report.task;
    let mut backend = Embedded::open(path).await?;
    let listed = backend.list(&task.org, task.provider).await?;
    let decision = task.decide(&listed)?;
    let (provider, org) = (task.provider.key(), task.org.as_str());
    tracing::info!(provider, org, database = %path.display(), "{}", decision.words());
    match &decision {
        Decision::Nothing(one) => Ok(report.nothing(one)),
        Decision::Run(_) | Decision::Reauth(_) => {
            let finished = driver::walk(&mut backend, task, decision.integration_id()).await?;
            Ok(report.complete(&decision, &finished, &backend.made))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a section of GitLab's log carries its time")]
fn unix_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}
