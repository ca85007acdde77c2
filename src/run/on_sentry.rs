//! A run on a Sentry backend.

use super::{Run, kept, tell};
use crate::backend::After;
use crate::backend::sentry::{Access, Sealed, Sentry, Waiting};
use crate::callback::Callback;
use crate::driver::{self, Walked};
use crate::failure::{Code, Failure, Warning};
use crate::host::Sinks;
use crate::inputs::{Inputs, Mode};
use crate::links::Links;
use crate::model::{OrgSlug, PipelineType};
use crate::outcome::Outcome;
use crate::plan::{Decision, Task, Why};
use crate::provider::{self, Strictness};
use crate::report::Report;
use crate::seam::Begin;
use crate::secret::Secret;
use crate::state::Fields;
use tokio::time::Instant;
use url::Url;

impl Run<'_> {
    pub(super) async fn finish_on_sentry(
        &self,
        inputs: &Inputs,
        task: &Task,
        deadline: Instant,
    ) -> Result<Outcome, Failure> {
        // A file of something else is not written over, and that is said before anything begins.
        inputs.resume_file.as_deref().map(kept::read_or_new).transpose()?;
        let mut sentry = Sentry::new(self.access(inputs, deadline)?, task, inputs.dialect)?;
        let listed = self.shared.listed(&sentry).await?;
        sentry.knows(&listed);
        let decision = task.decide(&listed)?;
        let site = self.shared.site(&sentry).await;
        let report = Report { task, site: &site };
        if inputs.dry_run {
            let lacking = lacking(inputs, &sentry, &decision).await?;
            return Ok(report.planned(&decision, &sentry.first_request(), &lacking));
        }
        let (provider, org, why) = (task.key.as_str(), task.org.as_str(), decision.why());
        tracing::info!(provider, org, why, "{}", decision.words());
        let mut outcome = match &decision {
            Decision::Nothing { id, name } => report.nothing(*id, name),
            Decision::Run(_) | Decision::Reauth(_) => {
                self.walk_sentry(inputs, &mut sentry, &report, &decision).await?
            }
        };
        afterwards(&mut outcome, inputs, &mut sentry).await;
        report.only_linked(&decision, &mut outcome);
        outcome = outcome.warned(task.kept(&listed));
        if matches!(decision, Decision::Nothing { .. }) && !task.secrets().is_empty() {
            let message = "Sentry shows no secrets, so a rotated one is not seen: `mode: reauth` sends them again";
            outcome.warnings.push(Warning::new("secrets-not-compared", message));
        }
        Ok(outcome)
    }

    /// How the backend is reached: at the named address, the token's own, or the SaaS.
    fn access(&self, inputs: &Inputs, deadline: Instant) -> Result<Access, Failure> {
        let url = inputs.page_url();
        let line = self.line(inputs, &url);
        Ok(Access { url, token: token(inputs)?, deadline, line })
    }

    async fn walk_sentry(
        &self,
        inputs: &Inputs,
        sentry: &mut Sentry<'_>,
        report: &Report<'_>,
        decision: &Decision,
    ) -> Result<Outcome, Failure> {
        let task = report.task;
        let begin = Begin {
            provider: task.provider,
            org: &task.org,
            initial: None,
            app: None,
            integration_id: decision.integration_id(),
            site: "",
            next: task.next.as_deref(),
        };
        let walked = driver::walk(sentry, task, begin).await?;
        self.reached(walked, inputs, sentry, report, decision)
    }

    /// How far a pipeline came; one that waits is kept.
    fn reached(
        &self,
        walked: Walked,
        inputs: &Inputs,
        sentry: &Sentry<'_>,
        report: &Report<'_>,
        decision: &Decision,
    ) -> Result<Outcome, Failure> {
        let kind = decision.pipeline_type();
        match walked {
            Walked::Finished(finished) => {
                decision.same(finished.id)?;
                Ok(report.complete(kind, decision.verb(), &finished))
            }
            Walked::Waiting(page) => {
                self.keep(inputs, sentry, decision)?;
                Ok(report.waiting(kind, page, &self.then_on_sentry(inputs, sentry)))
            }
        }
    }

    /// What a waiting pipeline is kept under: several entries of a manifest may share the rest.
    fn resume_key(&self, sentry: &Sentry<'_>) -> String {
        let key = sentry.key();
        self.entry.map_or(key.clone(), |entry| format!("{key}/{entry}"))
    }

    /// Seals the waiting pipeline into the resume file, when there is one.
    fn keep(
        &self,
        inputs: &Inputs,
        sentry: &Sentry<'_>,
        decision: &Decision,
    ) -> Result<(), Failure> {
        let Some(path) = inputs.resume_file.as_ref().filter(|_| sentry.has_session()) else {
            return Ok(());
        };
        let (key, token) = (self.resume_key(sentry), token(inputs)?);
        let waiting = sentry.waiting(decision.integration_id());
        kept::change(path, |sealed| sealed.put(&key, &token, &waiting))
    }

    pub(super) async fn resume_on_sentry(
        &self,
        inputs: &Inputs,
        org: &OrgSlug,
        callback: &Callback,
        deadline: Instant,
    ) -> Result<Outcome, Failure> {
        let path = inputs.resume_file.as_ref().ok_or_else(|| {
            Failure::new(
                Code::Usage,
                "`resume-file` is missing: where the first run kept the pipeline",
            )
        })?;
        let sealed = kept::read(path)?;
        let access = self.access(inputs, deadline)?;
        let key = which(&sealed, &access.url, org, inputs)?;
        let waiting = sealed.get(&key, &token(inputs)?).ok_or_else(|| {
            Failure::new(Code::SessionExpired, "the resume file cannot be opened with this token")
                .hint("use the token of the first run, or start again with `finishline run`")
        })?;
        let mut task = task(&key, org, &waiting, inputs);
        callback.fill_later(task.provider, &waiting.step, &mut task.answers);
        let fields = callback_fields(&task, &waiting, callback)?;
        let (masks, warnings) = self.sinks.masks(&task.secrets(), &[org.to_string()]);
        Sinks::emit(masks)?;
        let mut sentry = Sentry::new(access, &task, inputs.dialect)?;
        let run = Run { entry: key.split('/').nth(3), ..*self };
        let done = run.go_on(inputs, &mut sentry, &task, &waiting, fields).await;
        let mut outcome = done.unwrap_or_else(|failure| Report::failed(&task, failure));
        outcome.redact(&task.secrets());
        outcome.warnings.splice(0..0, warnings);
        Ok(outcome)
    }

    /// Goes on with a kept pipeline; once it is finished, nothing of it is kept.
    async fn go_on(
        &self,
        inputs: &Inputs,
        sentry: &mut Sentry<'_>,
        task: &Task,
        waiting: &Waiting,
        fields: Fields,
    ) -> Result<Outcome, Failure> {
        let site = sentry.site().await;
        let report = Report { task, site: &site };
        sentry.take_up(waiting).await?;
        let decision = waiting.integration_id.map_or(Decision::Run(Why::Absent), Decision::Reauth);
        let walked = driver::go_on(sentry, task, fields).await?;
        if let (Walked::Finished(_), Some(path)) = (&walked, &inputs.resume_file) {
            let key = self.resume_key(sentry);
            kept::change(path, |sealed| {
                sealed.remove(&key);
                Ok(())
            })?;
        }
        let mut outcome = self.reached(walked, inputs, sentry, &report, &decision)?;
        afterwards(&mut outcome, inputs, sentry).await;
        Ok(outcome)
    }

    /// How a person goes on after the page.
    fn then_on_sentry(&self, inputs: &Inputs, sentry: &Sentry<'_>) -> Vec<String> {
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
async fn lacking(
    inputs: &Inputs,
    sentry: &Sentry<'_>,
    decision: &Decision,
) -> Result<Links, Failure> {
    let wanted = Links::of(inputs);
    match decision.there() {
        Some(id) => Ok(wanted.lacking(&sentry.linked(id, &wanted).await?)),
        None => Ok(wanted),
    }
}

/// What is asked for once the integration is there.
async fn afterwards(outcome: &mut Outcome, inputs: &Inputs, sentry: &mut Sentry<'_>) {
    let integration = outcome.subject.as_ref().and_then(|subject| subject.integration.as_ref());
    let Some((id, _)) = integration else { return };
    let (mut after, deadline) = (After::default(), sentry.deadline());
    let work = async {
        sentry.set_links(*id, &Links::of(inputs), &mut after).await;
    };
    // The deadline of the whole run would hide the finished integration.
    if tokio::time::timeout_at(deadline, work).await.is_err() {
        let message = "the deadline passed before every repository and code mapping was set";
        after.warnings.push(Warning::new("deadline", message));
    }
    tell(outcome, after);
}

/// The token that walks pipelines.
pub(super) fn token(inputs: &Inputs) -> Result<Secret, Failure> {
    let token = inputs.pipeline_token.as_ref().or(inputs.auth_token.as_ref());
    token.cloned().ok_or_else(|| Failure::new(Code::NoToken, "there is no token for the pipeline"))
}

/// The pipeline that is meant: the only one of this server and organization, or the provider's, or
/// the entry's.
fn which(sealed: &Sealed, url: &Url, org: &OrgSlug, inputs: &Inputs) -> Result<String, Failure> {
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
        [] => Err(Failure::new(
            Code::WrongOauthState,
            "no pipeline of this organization waits in the resume file",
        )),
        _ => Err(Failure::new(
            Code::Ambiguous,
            format!("several pipelines wait: {}", found.join(", ")),
        )
        .hint("name the one you mean with `provider`, or by what stands last with `entry`")),
    }
}

/// The task of a kept pipeline; later steps take their fields from the inputs, as the first run did.
fn task(key: &str, org: &OrgSlug, waiting: &Waiting, inputs: &Inputs) -> Task {
    let name = key.split('/').nth(2).unwrap_or_default();
    let provider = provider::find(name).unwrap_or_else(|_| provider::unknown());
    let kind = waiting.integration_id.map_or(PipelineType::Install, |_| PipelineType::Reauth);
    let next = inputs.next.clone().or_else(|| waiting.next.clone());
    let mut task = Task::resumed(name, provider, org.clone(), next, kind);
    task.answers =
        provider::check(provider, &inputs.state, Strictness::AnySteps).unwrap_or_default();
    task
}

/// The callback's fields for the step that waits; a step that we do not know takes every parameter.
fn callback_fields(task: &Task, waiting: &Waiting, callback: &Callback) -> Result<Fields, Failure> {
    match task.provider.steps().iter().find(|step| step.id == waiting.step) {
        Some(step) => callback.fields(step),
        None => Ok(callback.all()),
    }
}
