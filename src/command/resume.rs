//! `resume`: goes on with a pipeline that waited for a person.

use super::{RunContext, given_secrets};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::integration::callback::Callback;
use crate::outcome::Outcome;
use tokio::time::Instant;

impl RunContext<'_> {
    /// Goes on with a pipeline of the entry that is named, where a manifest is given, or of the inputs.
    pub(super) async fn resume_any(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        let Some(entry) = self.entry_to_resume(inputs, deadline)? else {
            return self.resume(inputs, deadline).await;
        };
        let outcome = self.resume(&entry, deadline).await?;
        Ok(match self.save_managed() {
            Err(failure) if outcome.failure.is_none() => outcome.failed_in_parts(failure, 1),
            _ => outcome,
        })
    }

    /// Goes on with the pipeline that the callback belongs to. Everything in the callback is masked
    /// before anything else is written.
    pub(crate) async fn resume(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        if inputs.dry_run {
            let message = "`resume` does not support `dry-run`: a callback can be used only once";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("remove `dry-run`"));
        }
        let address = inputs.callback_url.as_ref();
        // A step that lists a choice is answered by fields alone.
        if address.is_none() && inputs.state.entries.is_empty() {
            return Err(missing_callback());
        }
        let org = self.required_org(inputs)?;
        let callback = address.map(|address| Callback::parse(address.expose())).transpose()?;
        let callback = callback.as_ref();
        let mut secrets = callback.map(Callback::secrets).unwrap_or_default();
        secrets.extend(given_secrets(inputs));
        let backend = inputs.backend(self.job);
        let work = async {
            match backend? {
                BackendName::Embedded => {
                    self.resume_embedded(inputs, org, callback, deadline).await
                }
                BackendName::Sentry => self.resume_sentry(inputs, org, callback, deadline).await,
            }
        };
        Ok(self.with_masks(&secrets, &[org.to_string()], None, work, Outcome::failed).await)
    }
}

/// `callback-url` was given to another command.
pub(super) fn unexpected_callback() -> Error {
    let message = "`callback-url` can only be used with `finishline resume`";
    Error::new(ErrorCode::Usage, message)
        .with_hint("run `finishline resume`, or remove `callback-url`")
}

/// The step that waits needs what a person's browser ended at.
pub(super) fn missing_callback() -> Error {
    let message = "`callback-url` is missing: the complete URL from the browser's address bar";
    let hint = "set FINISHLINE_CALLBACK_URL from a secret, or pass --callback-url FILE (`-` is \
                standard input)";
    Error::new(ErrorCode::Usage, message).with_hint(hint)
}
