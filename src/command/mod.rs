//! The work of a run: inputs, task, decision, driver, outcome.

pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod commit_status;
pub(crate) mod commits;
pub(crate) mod embedded;
pub(crate) mod import;
pub(crate) mod manifest;
pub(crate) mod release;
pub(crate) mod resume_file;
pub(crate) mod sentry;
pub(crate) mod supervise;
pub(crate) mod unknown_variables;

use crate::backend::LinkReport;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use crate::http::{self, ServerConnection, TlsTrust};
use crate::inputs::raw::RawInputs;
use crate::inputs::types::BackendName;
use crate::inputs::{self, Inputs};
use crate::integration::callback::Callback;
use crate::integration::task::IntegrationTask;
use crate::job::Job;
use crate::os::clock::unix_seconds;
use crate::os::{files, terminal};
use crate::outcome::integration::IntegrationReport;
use crate::outcome::{IntegrationOutcome, Outcome};
use crate::output::OutputSinks;
use crate::provider;
pub(crate) use cache::RunCache;
use release::PreparedRelease;
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
    /// To go on with a pipeline that waited for a person.
    Resume,
    /// To write the manifest of what an organization has.
    Import,
}

/// What a run works with.
pub struct RunContext<'a> {
    /// What it is for.
    pub errand: Command,
    /// What was typed.
    pub given: &'a RawInputs,
    /// The environment.
    pub env: &'a Env,
    /// What the host tells.
    pub job: &'a Job,
    /// Where outputs go.
    pub sinks: &'a OutputSinks,
    /// Whether it is to stop.
    pub(crate) stopping: &'a Cancellation,
    /// What its entries share.
    pub(crate) shared: &'a RunCache,
    /// The entry of a manifest that it is about. What is logged of many at once is not folded.
    pub(crate) entry: Option<&'a str>,
}

/// What is asked for, checked before any of it begins.
struct RequestedJobs<'a> {
    task: Option<IntegrationTask>,
    releasing: Option<PreparedRelease<'a>>,
    backend: Result<BackendName>,
}

impl<'r> RunContext<'r> {
    /// Does everything the inputs ask for; a failure is an outcome too.
    pub async fn execute(self, mistakes: Vec<Error>) -> Outcome {
        unknown_variables::warn(self.env);
        if let Err(failure) = self.sinks.probe() {
            return Outcome::failed(failure);
        }
        if let Some(reason) = inputs::withheld_token_reason(self.given, self.job) {
            return Outcome::skipped(reason);
        }
        let inputs = match Inputs::read(self.given, self.env, &files::read, mistakes) {
            Ok(inputs) => inputs,
            Err(failure) => return Outcome::failed(failure),
        };
        if self.errand == Command::Run && inputs.callback_url.is_some() {
            return Outcome::failed(unexpected_callback());
        }
        if let Some(manifest) = inputs.manifest.as_ref().filter(|_| self.errand == Command::Run) {
            return self.run_manifest(&inputs, manifest).await;
        }
        let deadline =
            Instant::now() + if self.may_prompt(&inputs) { USER_TIMEOUT } else { inputs.timeout };
        // Boxed here and below: what is moved from call to call is an address, and not 50 KB of states.
        let work = Box::pin(async {
            match self.errand {
                Command::Run => Ok(self.run(&inputs, deadline).await),
                Command::Check => self.preflight(&inputs, deadline).await,
                Command::Import => self.import(&inputs, deadline).await,
                Command::Resume => match self.entry_to_resume(&inputs, deadline) {
                    Ok(Some(entry)) => self.resume(&entry, deadline).await,
                    Ok(None) => self.resume(&inputs, deadline).await,
                    Err(failure) => Err(failure),
                },
            }
        });
        let done = tokio::time::timeout_at(deadline, work).await;
        let mut outcome = match done {
            Ok(done) => done.unwrap_or_else(Outcome::failed),
            Err(_) => Outcome::from(ErrorCode::Deadline),
        };
        outcome.tolerate(&inputs.tolerate);
        outcome
    }

    /// The integration, then the release; all that is asked for is checked before any of it begins.
    async fn run(&self, inputs: &Inputs, deadline: Instant) -> Outcome {
        let outcome = match self.requested(inputs, deadline) {
            Ok(asked) => self.run_requested(inputs, asked, deadline).await,
            Err(failure) => return self.input_error(inputs, failure),
        };
        self.with_status(inputs, outcome, deadline).await
    }

    /// What the inputs ask for. Mistakes in it are said before the lack of a token.
    fn requested<'a>(&self, inputs: &'a Inputs, deadline: Instant) -> Result<RequestedJobs<'a>>
    where
        'r: 'a,
    {
        let backend = inputs.backend(self.job);
        let name = *backend.as_ref().unwrap_or(&BackendName::Embedded);
        let release = inputs.release.requested;
        let task =
            (inputs.provider.is_some() || !release).then(|| IntegrationTask::new(inputs, name));
        let releasing = release.then(|| PreparedRelease::new(self, inputs, name, deadline));
        match (task.transpose(), releasing.transpose()) {
            (Ok(task), Ok(releasing)) => Ok(RequestedJobs { task, releasing, backend }),
            (task, releasing) => {
                let mistakes = [task.err(), releasing.err()].into_iter().flatten().collect();
                Err(Error::combine(mistakes).expect("one of the two is a mistake"))
            }
        }
    }

    /// The integration, then the release.
    async fn run_requested(
        &self,
        inputs: &Inputs,
        asked: RequestedJobs<'_>,
        deadline: Instant,
    ) -> Outcome {
        let RequestedJobs { task, releasing, backend } = asked;
        let integrated = match &task {
            Some(task) => Some(self.integrate(inputs, task, backend.clone(), deadline).await),
            None => None,
        };
        let released = match releasing {
            Some(releasing) => Some(self.release(inputs, releasing, backend).await),
            None => None,
        };
        match (integrated, released) {
            (Some(integrated), Some(released)) => integrated.merge_release(released),
            (integrated, released) => integrated.or(released).expect("one of the two is asked for"),
        }
    }

    async fn integrate(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        backend: Result<BackendName>,
        deadline: Instant,
    ) -> Outcome {
        let mut secrets = task.secrets();
        secrets.extend(inputs.tokens().map(|token| token.expose().to_owned()));
        let base = match backend {
            Ok(BackendName::Sentry) => inputs.url.as_ref().map_or("", Url::as_str),
            _ => embedded::base_url(inputs),
        };
        let work = Box::pin(async {
            match backend? {
                BackendName::Embedded => self.finish(inputs, task).await,
                BackendName::Sentry => self.finish_on_sentry(inputs, task, deadline).await,
            }
        });
        let title = format!("finishline: {} for {}", task.key, task.org);
        let failed = |failure| IntegrationReport::failed(task, failure);
        self.with_masks_and_group(
            &secrets,
            &IntegrationReport::visible_texts(task, base),
            &title,
            work,
            failed,
        )
        .await
    }

    async fn release(
        &self,
        inputs: &Inputs,
        releasing: PreparedRelease<'_>,
        backend: Result<BackendName>,
    ) -> Outcome {
        let secrets: Vec<_> = inputs.tokens().map(|token| token.expose().to_owned()).collect();
        let title = format!("finishline: release {}", releasing.task.version);
        let shown = releasing.visible_texts(&backend);
        let work = Box::pin(async { Ok(releasing.execute(self, backend?).await) });
        self.with_masks_and_group(&secrets, &shown, &title, work, Outcome::failed).await
    }

    /// Mistakes in what is asked for: the secrets that were given are masked all the same, since
    /// later steps of the job may print them.
    fn input_error(&self, inputs: &Inputs, failure: Error) -> Outcome {
        let outcome = Outcome::failed(failure);
        let Some(key) = &inputs.provider else { return outcome };
        let Ok(provider) = provider::find(key) else { return outcome };
        let secrets = provider::given_secrets(provider, &inputs.state, &inputs.apps);
        let (masks, warnings) = self.sinks.masks(&secrets, &[]);
        drop(OutputSinks::emit(masks));
        let subject = IntegrationOutcome { provider: key.clone(), ..IntegrationOutcome::default() };
        Outcome { subject: Some(subject), warnings, ..outcome }
    }

    async fn resume(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        if inputs.dry_run {
            let message = "`resume` has no dry run: a callback can be used only once";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("leave `dry-run` away"));
        }
        let address = inputs.callback_url.as_ref().ok_or_else(missing_callback)?;
        let org = inputs.org.as_ref().ok_or_else(IntegrationTask::missing_org)?;
        let callback = Callback::parse(address.expose())?;
        let mut secrets = callback.secrets();
        let named = inputs.provider.as_deref().and_then(|key| provider::find(key).ok());
        secrets.extend(
            named.into_iter().flat_map(|provider| {
                provider::given_secrets(provider, &inputs.state, &inputs.apps)
            }),
        );
        secrets.extend(inputs.tokens().map(|token| token.expose().to_owned()));
        let (masks, warnings) = self.sinks.masks(&secrets, &[org.to_string()]);
        OutputSinks::emit(masks)?;
        let done = match inputs.backend(self.job)? {
            BackendName::Embedded => self.resume_on_embedded(inputs, org, &callback).await,
            BackendName::Sentry => self.resume_on_sentry(inputs, org, &callback, deadline).await,
        };
        let mut outcome = done.unwrap_or_else(Outcome::failed);
        outcome.redact(&secrets);
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }

    /// Masks the secrets before anything else is said, and folds what is logged by the work.
    async fn with_masks_and_group(
        &self,
        secrets: &[String],
        shown: &[String],
        title: &str,
        work: impl Future<Output = Result<Outcome>>,
        failed: impl FnOnce(Error) -> Outcome,
    ) -> Outcome {
        let (mut begin, warnings) = self.sinks.masks(secrets, shown);
        let group = self.entry.is_none().then(|| {
            begin.extend(self.sinks.open_group(title, unix_seconds()));
            LogGroup(self.sinks)
        });
        let done = match OutputSinks::emit(begin) {
            Ok(()) => work.await,
            Err(failure) => Err(failure),
        };
        drop(group);
        let mut outcome = done.unwrap_or_else(failed);
        outcome.redact(secrets);
        outcome.warnings.splice(0..0, warnings);
        outcome
    }

    /// The line to this server, which all entries share.
    fn connection(&self, inputs: &Inputs, url: &Url) -> ServerConnection {
        self.shared.connection(url, || {
            ServerConnection::new(tls_trust(inputs, url), http::read_timeout(inputs.timeout))
        })
    }

    /// A person at a terminal may be waited for; a CI job never waits.
    fn may_prompt(&self, inputs: &Inputs) -> bool {
        inputs.wait && !self.job.host.is_ci() && terminal::is_interactive()
    }
}

/// What is logged is folded until this is dropped: the deadline, a signal and a panic end it too.
struct LogGroup<'a>(&'a OutputSinks);

impl Drop for LogGroup<'_> {
    fn drop(&mut self) {
        drop(OutputSinks::emit(self.0.close_group(unix_seconds())));
    }
}

/// Adds what came of what is asked for beside the integration.
fn add_link_report(outcome: &mut Outcome, after: LinkReport) {
    outcome.changed |= after.changed;
    outcome.details.extend(after.done);
    outcome.warnings.extend(after.warnings);
}

/// Which certificates are trusted on the way to this address.
fn tls_trust(inputs: &Inputs, url: &Url) -> TlsTrust {
    match url.scheme() == "http" && !inputs.proxy_over_tls {
        true => TlsTrust::NoTls,
        false => TlsTrust::Roots(inputs.certificates.iter().cloned().collect()),
    }
}

fn unexpected_callback() -> Error {
    let message = "`callback-url` is for `finishline resume`, and this is `run`";
    Error::new(ErrorCode::Usage, message).with_hint("run `finishline resume`, or leave it out")
}

fn missing_callback() -> Error {
    let message = "`callback-url` is missing: the address that the browser ended at";
    let hint =
        "set FINISHLINE_CALLBACK_URL from a secret, or --callback-url FILE (`-` is standard input)";
    Error::new(ErrorCode::Usage, message).with_hint(hint)
}
