//! A commit status on GitHub that links the page of what was done.

use super::RunContext;
use super::commits::github;
use crate::error::{Error, ErrorCode, ExitCode, Result, Warning};
use crate::github::{CommitState, CommitStatus};
use crate::inputs::Inputs;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::text::page::PageUrl;
use crate::text::quote;
use tokio::time::Instant;

impl RunContext<'_> {
    /// Sets the commit status that is asked for; a failure to set it is a warning of the outcome.
    pub(crate) async fn with_status(
        &self,
        inputs: &Inputs,
        outcome: Outcome,
        deadline: Instant,
    ) -> Outcome {
        let Some(context) = inputs.release.github_status.as_deref() else { return outcome };
        if inputs.dry_run {
            let mut outcome = outcome;
            outcome.details.push(format!("then sets the commit status {}", quote(context)));
            return outcome;
        }
        let shown = self.sinks.shown_outcome(&outcome);
        let work = self.set_status(inputs, context, &shown, deadline);
        let ended = tokio::select! {
            biased;
            () = self.cancellation.requested() => Err(ErrorCode::Cancelled),
            ended = self.cancellation.within(deadline, work) => ended,
        };
        let reason = match ended {
            Ok(Ok(())) => return outcome,
            Ok(Err(failure)) => format!("{failure} ({})", failure.hint),
            Err(ErrorCode::Cancelled) => return cancelled(outcome),
            Err(_) => "the deadline passed".to_owned(),
        };
        let message = format!("the commit status was not set: {reason}");
        outcome.with_warning(Some(Warning::new("github-status-not-set", message)))
    }

    async fn set_status(
        &self,
        inputs: &Inputs,
        context: &str,
        outcome: &Outcome,
        deadline: Instant,
    ) -> Result {
        let job = self.job;
        let github_like = job.host.is_github_like();
        let (true, Some(repository), Some(sha)) = (github_like, &job.repository, &job.sha) else {
            return Err(Error::new(
                ErrorCode::Usage,
                "this CI host provides no repository and commit on GitHub",
            )
            .with_hint("use `github-status` in GitHub Actions"));
        };
        if inputs.release.github_token.is_none() {
            return Err(Error::new(ErrorCode::NoToken, "no token for GitHub is set")
                .with_hint("set `github-token`; in GitHub Actions, use `github.token`"));
        }
        let subject = outcome.subject.as_ref().and_then(|subject| subject.redirect_url.as_ref());
        let target = subject.or(outcome.release.as_ref().and_then(|release| release.url.as_ref()));
        let state = match outcome.status {
            OutcomeStatus::Complete | OutcomeStatus::Planned | OutcomeStatus::Skipped => {
                CommitState::Success
            }
            OutcomeStatus::ActionRequired => CommitState::Pending,
            OutcomeStatus::Error => CommitState::Failure,
        };
        let target = target.map(PageUrl::as_str).or(job.run_url.as_deref()).unwrap_or_default();
        let status = CommitStatus { state, target, description: &outcome.headline, context };
        github(inputs, job, deadline)?.set_status(repository, sha, &status).await
    }
}

/// The end of a run that a signal came to behind all else that it did.
fn cancelled(outcome: Outcome) -> Outcome {
    let message = "the commit status is not set: the run was cancelled by a signal";
    let cancelled = Error::new(ErrorCode::Cancelled, message);
    // The exit of many entries is the worst of theirs.
    let is_done = outcome.exit() == ExitCode::Done;
    let exit_override = is_done.then(|| cancelled.code.exit()).or(outcome.exit_override);
    let failure = outcome.failure.or(Some(cancelled));
    Outcome { status: OutcomeStatus::Error, failure, exit_override, ..outcome }
}
