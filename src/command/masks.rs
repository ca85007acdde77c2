//! What the host is told to mask, before anything else is written.

use super::hidden_texts::given_field_secrets;
use super::{Command, LogGroup, RunContext};
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::integration::IntegrationTask;
use crate::os::clock::unix_seconds;
use crate::outcome::{IntegrationOutcome, Outcome};
use crate::output::OutputSinks;
use crate::provider;

impl RunContext<'_> {
    /// Shows nothing of the secrets from here on, and has the host do the same. What runs or resumes
    /// masks its own, once its texts are known.
    pub(super) fn hide(&self, secrets: &[String], public: &[String]) {
        match self.command {
            Command::Run | Command::Resume => self.sinks.hide(secrets, public),
            _ => drop(OutputSinks::emit(self.sinks.masks(secrets, public).0)),
        }
    }

    /// Shows nothing of the secrets of steps that an earlier run answered. No later step of this job has
    /// them, and a mask would have to say them.
    pub(super) fn hide_earlier(&self, task: &IntegrationTask) {
        let secrets: Vec<_> = task.answers.earlier_secrets().collect();
        self.sinks.hide(&secrets, &[task.org.to_string()]);
    }

    /// Mistakes in what is asked for: the secrets that were given are masked all the same, since
    /// later steps of the job may print them.
    pub(super) fn input_error(&self, inputs: &Inputs, failure: Error) -> Outcome {
        let (masks, warnings) = self.sinks.masks(&given_field_secrets(inputs), &[]);
        drop(OutputSinks::emit(masks));
        // What is no key of a provider may be anything.
        let known = inputs.provider.as_ref().filter(|key| provider::find(key).is_ok());
        let subject = known.map(|key| IntegrationOutcome {
            provider: key.clone(),
            ..IntegrationOutcome::default()
        });
        Outcome { subject, warnings, ..Outcome::failed(failure) }
    }

    /// Masks the secrets before anything else is written, and folds what is logged by the work
    /// under its title, if there is one.
    pub(super) async fn with_masks(
        &self,
        secrets: &[String],
        visible_texts: &[String],
        title: Option<&str>,
        work: impl Future<Output = Result<Outcome>>,
        failed: impl FnOnce(Error) -> Outcome,
    ) -> Outcome {
        let (mut writes, warnings) = self.sinks.masks(secrets, visible_texts);
        let group = title.filter(|_| self.entry.is_none()).map(|title| {
            writes.extend(self.sinks.open_group(title, unix_seconds()));
            LogGroup(self.sinks)
        });
        let result = match OutputSinks::emit(writes) {
            Ok(()) => work.await,
            Err(failure) => Err(failure),
        };
        drop(group);
        let mut outcome = result.unwrap_or_else(failed);
        outcome.warnings.splice(0..0, warnings);
        outcome
    }
}
