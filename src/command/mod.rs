//! The work of a run: inputs, task, decision, driver, outcome.

pub(crate) mod cache;
pub(crate) mod check;
mod check_health;
pub(crate) mod commit_status;
pub(crate) mod commits;
mod contradictions;
pub(crate) mod embedded;
mod entries_progress;
mod entry_checks;
mod entry_usage;
mod hidden_texts;
pub(crate) mod import;
pub(crate) mod init;
mod integration;
pub(crate) mod kept_here;
mod links;
pub(crate) mod managed_log;
mod manifest;
mod masks;
pub(crate) mod migrate;
pub(crate) mod named_paths;
mod prune;
mod prune_record;
mod prune_scope;
pub(crate) mod release;
mod removal;
pub(crate) mod resume;
mod resume_command;
pub(crate) mod resume_file;
mod saved_plan;
pub(crate) mod sentry;
pub(crate) mod sentry_cli_call;
mod sentry_cli_operation;
mod server_access;
pub(crate) mod sourcemaps;
pub(crate) mod supervise;
mod text_table;
pub(crate) mod unknown_variables;
mod unmanaged;
mod watchdog;

use crate::env::Env;
use crate::error::{Error, ErrorCode, ExitCode, Result, Warning};
use crate::inputs::raw::RawInputs;
use crate::inputs::table::JobKind;
use crate::inputs::types::{BackendName, CalledRelease};
use crate::inputs::{self, Inputs, missing, usage};
use crate::integration::IntegrationTask;
use crate::job::Job;
use crate::os::clock::unix_seconds;
use crate::os::{blocking, terminal};
use crate::outcome::Outcome;
use crate::outcome::integration::IntegrationReport;
use crate::output::OutputSinks;
use crate::sentry_cli::{CalledOperation, ReleaseOperation};
pub(crate) use cache::RunCache;
use hidden_texts::{given_secrets, proxy_passwords, public_texts};
use release::PreparedRelease;
use server_access::base_url;
use std::time::Duration;
use supervise::Cancellation;
use tokio::time::Instant;
use url::Url;

/// How long a pipeline waits, and so a person at a terminal may take.
const USER_TIMEOUT: Duration = Duration::from_secs(3600);

/// What a run is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Everything that the inputs ask for.
    Run,
    /// To look whether it can be done.
    Check,
    /// To upload source maps alone.
    Sourcemaps,
    /// To write debug ids and upload nothing.
    Inject,
    /// To tell where a line of a stack leads.
    Explain,
    /// To go on with a pipeline that waited for a person.
    Resume,
    /// To write the manifest of what an organization has.
    Import,
    /// What a call of sentry-cli does beside the release job.
    Called(CalledOperation),
}

/// What a run works with.
pub struct RunContext<'a> {
    /// What it is for.
    pub command: Command,
    /// The inputs as they were typed.
    pub raw_inputs: &'a RawInputs,
    /// The environment.
    pub env: &'a Env,
    /// The facts of the CI job.
    pub job: &'a Job,
    /// Where outputs go.
    pub sinks: &'a OutputSinks,
    /// Whether it is to stop.
    pub(crate) cancellation: &'a Cancellation,
    /// What its entries share.
    pub(crate) cache: &'a RunCache,
    /// The entry of a manifest that it is about. What is logged of many at once is not folded.
    pub(crate) entry: Option<&'a str>,
}

/// What is asked for, checked before any of it begins.
struct RequestedJobs<'a> {
    task: Option<IntegrationTask>,
    release: Option<PreparedRelease<'a>>,
    /// The end of a release of which this event leaves nothing to do.
    skipped: Option<Outcome>,
    backend: Result<BackendName>,
}

impl<'r> RunContext<'r> {
    /// Does everything the inputs ask for; a failure is an outcome too.
    pub async fn execute(self, mistakes: Vec<Error>) -> Outcome {
        let unknown = unknown_variables::warnings(self.env);
        let mut outcome = self.execute_all(mistakes).await;
        outcome.warn_once(unknown.chain(unknown_variables::undefined(self.raw_inputs)));
        self.with_left_maps(outcome)
    }

    async fn execute_all(&self, mistakes: Vec<Error>) -> Outcome {
        self.raw_inputs.not_needed.iter().for_each(|note| tracing::debug!("{note}"));
        if let Err(failure) = self.sinks.probe() {
            return Outcome::failed(failure);
        }
        if let Some(skipped) = self.skipped() {
            return skipped;
        }
        let inputs = match self.read_inputs(self.raw_inputs, mistakes) {
            Ok(inputs) => inputs,
            Err(failure) => return Outcome::failed(failure),
        };
        if let Err(failure) = self.check_plan_command(&inputs) {
            return Outcome::failed(failure);
        }
        // What a manifest names is read later.
        if inputs.manifest.is_none()
            && let Err(failure) = self.sinks.begin()
        {
            return Outcome::failed(failure);
        }
        inputs::warn_of_page(self.raw_inputs);
        if self.command == Command::Run && inputs.callback_url.is_some() {
            return Outcome::failed(resume::unexpected_callback());
        }
        let secrets = [given_secrets(&inputs), proxy_passwords(self.env)].concat();
        self.hide(&secrets, &public_texts(&inputs));
        let mut outcome = Box::pin(self.perform(&inputs)).await;
        // A mistake in the inputs comes first.
        if outcome.exit() != ExitCode::Inputs {
            outcome.warnings.splice(0..0, self.unused_inputs(&inputs));
        }
        outcome.warn_once(inputs.warnings);
        outcome.limit_warnings();
        outcome
    }

    /// The end of a run without a token, where that is no failure. Of a question that the exit code
    /// answers it is one: nobody was asked.
    fn skipped(&self) -> Option<Outcome> {
        if self.command == Command::Called(CalledOperation::OnRelease(ReleaseOperation::Read)) {
            return None;
        }
        let withheld = missing::withheld_token_reason(self.raw_inputs, self.job);
        let token = || missing::skipped_token(self.raw_inputs, self.job);
        let without_token = || Some(Outcome::skipped_without_token(&token()?));
        withheld.map(Outcome::skipped).or_else(without_token)
    }

    /// What was given and is not used.
    fn unused_inputs(&self, inputs: &Inputs) -> Vec<Warning> {
        let backend = inputs.common_backend(self.job);
        let jobs = match self.command {
            Command::Run | Command::Check | Command::Called(_) => inputs.jobs(),
            Command::Resume => inputs.resume_jobs(backend),
            Command::Import => Inputs::import_jobs(backend),
            Command::Sourcemaps | Command::Inject | Command::Explain => {
                vec![JobKind::Sourcemaps]
            }
        };
        let mut warnings = usage::unused(self.raw_inputs, &jobs, backend);
        let waits_for_nobody = inputs.wait_for_approval && !self.may_prompt(inputs);
        if waits_for_nobody
            && warnings.iter().all(|one| !one.message.starts_with("`wait-for-approval`"))
        {
            warnings.push(usage::warning("wait-for-approval", "a run without a terminal"));
        }
        if self.raw_inputs.is_explicit("output-prefix") && !self.sinks.has_variables() {
            warnings.push(usage::warning("output-prefix", "a run that writes no variables"));
        }
        warnings
    }

    /// What the command does, within the deadline.
    async fn perform(&self, inputs: &Inputs) -> Outcome {
        if let Some(manifest) = inputs.manifest.as_ref().filter(|_| self.command == Command::Run) {
            return self.run_manifest(inputs, manifest).await;
        }
        let deadline = match self.may_prompt(inputs) {
            true => Instant::now() + USER_TIMEOUT,
            false => deadline(inputs),
        };
        // Boxed here and below: what is moved from call to call is an address, and not 50 KB of states.
        let work = Box::pin(async {
            match self.command {
                Command::Run => Ok(self.run(inputs, deadline).await),
                Command::Check => self.preflight(inputs, deadline).await,
                Command::Import => self.import(inputs, deadline).await,
                Command::Sourcemaps => self.sourcemaps(inputs, deadline).await,
                Command::Inject => self.inject(inputs).await,
                Command::Explain => self.explain(inputs, deadline).await,
                Command::Called(operation) => self.operate(inputs, operation, deadline).await,
                Command::Resume => self.resume_any(inputs, deadline).await,
            }
        });
        let result = tokio::time::timeout_at(deadline, work).await;
        let mut outcome = result
            .unwrap_or_else(|_| Ok(Outcome::from(ErrorCode::Deadline)))
            .unwrap_or_else(Outcome::failed);
        outcome.tolerate(&inputs.tolerate);
        outcome
    }

    /// The inputs, or their mistakes together with everything that is missing.
    fn read_inputs(&self, raw: &RawInputs, mistakes: Vec<Error>) -> Result<Inputs> {
        Inputs::read(raw, self.env, &|path| self.sinks.read(path), mistakes).map_err(|failure| {
            let missing = missing::all(raw, self.job);
            let all = missing.into_iter().chain([failure]).collect();
            Error::combine(all).expect("there is one at least")
        })
    }

    /// The integration, then the release; all that is asked for is checked before any of it begins.
    async fn run(&self, inputs: &Inputs, deadline: Instant) -> Outcome {
        if let Some(refusal) = self.plan_refusal(inputs, deadline).await {
            return refusal;
        }
        let outcome = match self.requested(inputs, deadline) {
            Ok(jobs) => self.run_requested(inputs, jobs, deadline).await,
            Err(failure) => return self.input_error(inputs, failure),
        };
        self.with_status(inputs, outcome, deadline).await
    }

    /// What the inputs ask for. The lack of a token is reported before the mistakes in it.
    fn requested<'a>(&self, inputs: &'a Inputs, deadline: Instant) -> Result<RequestedJobs<'a>>
    where
        'r: 'a,
    {
        let backend = inputs.backend(self.job);
        // Without a token a Sentry is meant.
        let name = *backend.as_ref().unwrap_or(&BackendName::Sentry);
        let is_release = inputs.release.requested;
        let task =
            (inputs.asks_integration() || !is_release).then(|| IntegrationTask::new(inputs, name));
        // What a script calls is done, whatever the event.
        let is_called = inputs.release.called != CalledRelease::NotCalled;
        let idle = self.job.nothing_built.as_ref().filter(|_| is_release && !is_called);
        let release = (is_release && idle.is_none())
            .then(|| PreparedRelease::new(self, inputs, name, deadline));
        let skipped = idle.map(Outcome::idle);
        match (task.transpose(), release.transpose()) {
            (Ok(task), Ok(release)) => Ok(RequestedJobs { task, release, skipped, backend }),
            (task, release) => {
                let is_anything_asked = inputs.asks_integration() || is_release;
                let token = backend.err().filter(|_| is_anything_asked);
                let mistakes = [token, task.err(), release.err()].into_iter().flatten().collect();
                Err(Error::combine(mistakes).expect("one of the two is a mistake"))
            }
        }
    }

    /// The integration, then the release.
    async fn run_requested(
        &self,
        inputs: &Inputs,
        jobs: RequestedJobs<'_>,
        deadline: Instant,
    ) -> Outcome {
        let RequestedJobs { task, release, skipped, backend } = jobs;
        let is_embedded = backend == Ok(BackendName::Embedded);
        // A mask of the first would hit what is shown of the second.
        let shown_next = release.as_ref().map(|release| release.visible_texts(&backend));
        let shown_next = shown_next.unwrap_or_default();
        let integrated = match &task {
            Some(task) => {
                let work = self.integrate(inputs, task, backend.clone(), &shown_next, deadline);
                Some(work.await)
            }
            None => None,
        };
        let released = match release {
            Some(release) => Some(self.release_unless_over(inputs, release, backend).await),
            None => skipped,
        };
        let outcome = match (integrated, released) {
            (Some(integrated), Some(released)) => integrated.merge_release(released),
            (integrated, released) => integrated.or(released).expect("one of the two is asked for"),
        };
        let outcome = self.with_planned_backend(inputs, outcome);
        // A manifest says it once, of all its entries.
        match is_embedded && self.entry.is_none() {
            true => self.note_embedded(inputs, outcome),
            false => outcome,
        }
    }

    async fn integrate(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        backend: Result<BackendName>,
        shown_next: &[String],
        deadline: Instant,
    ) -> Outcome {
        let mut secrets = task.secrets();
        secrets.extend(inputs.secret_texts());
        let base = match backend {
            Ok(BackendName::Sentry) => inputs.url.as_ref().map_or("", Url::as_str),
            _ => base_url(inputs),
        };
        let mut visible_texts = IntegrationReport::visible_texts(task, base);
        visible_texts.extend_from_slice(shown_next);
        let title = format!("finishline: {} for {}", task.label(), task.org);
        let work = Box::pin(async {
            match backend? {
                backend if task.is_removal() => self.remove(inputs, task, backend, deadline).await,
                backend if task.is_link() => self.link(inputs, task, backend, deadline).await,
                BackendName::Embedded => self.integrate_embedded(inputs, task, deadline).await,
                BackendName::Sentry => self.integrate_sentry(inputs, task, deadline).await,
            }
        });
        let failed = |failure| IntegrationReport::failed(task, failure);
        self.with_masks(&secrets, &visible_texts, Some(&title), work, failed).await
    }

    async fn release(
        &self,
        inputs: &Inputs,
        release: PreparedRelease<'_>,
        backend: Result<BackendName>,
    ) -> Outcome {
        let secrets: Vec<_> = inputs.secret_texts().collect();
        let visible_texts = release.visible_texts(&backend);
        let title = format!("finishline: release {}", release.task.version);
        let work = Box::pin(async { Ok(release.execute(self, backend?).await) });
        self.with_masks(&secrets, &visible_texts, Some(&title), work, Outcome::failed).await
    }

    /// The release, but where a stop came before; then the integration beside it is told all the same.
    async fn release_unless_over(
        &self,
        inputs: &Inputs,
        release: PreparedRelease<'_>,
        backend: Result<BackendName>,
    ) -> Outcome {
        let cancelled = || {
            let message = "the release is not complete: the run was cancelled by a signal";
            Outcome::failed(Error::new(ErrorCode::Cancelled, message))
        };
        let work = Box::pin(self.release(inputs, release, backend));
        self.cancellation.until_over(work).await.unwrap_or_else(cancelled)
    }

    /// A person at a terminal may be waited for; a CI job never waits.
    fn may_prompt(&self, inputs: &Inputs) -> bool {
        inputs.wait_for_approval && !self.job.host.is_ci() && terminal::is_interactive()
    }
}

/// When the run ends: what was waited for before is a part of it.
fn deadline(inputs: &Inputs) -> Instant {
    blocking::deadline().map_or_else(|| Instant::now() + inputs.timeout, Instant::from_std)
}

/// What is logged is folded until this is dropped: the deadline, a signal and a panic end it too.
struct LogGroup<'a>(&'a OutputSinks);

impl Drop for LogGroup<'_> {
    fn drop(&mut self) {
        drop(OutputSinks::emit(self.0.close_group(unix_seconds())));
    }
}
