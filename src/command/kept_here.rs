//! What a run on the embedded backend says besides: that it stays on this machine, and where a Sentry
//! seems to be meant.

use super::RunContext;
use crate::database::{path, rights};
use crate::error::Warning;
use crate::inputs::Inputs;
use crate::outcome::{Outcome, OutcomeStatus};
use std::path::Path;

/// The variables that other programs share and that stand for a Sentry.
const SENTRY_VARIABLES: [&str; 3] = ["SENTRY_ORG", "SENTRY_PROJECT", "SENTRY_URL"];

impl RunContext<'_> {
    /// The outcome with where everything is kept, said once also of a manifest.
    pub(crate) fn note_embedded(&self, inputs: &Inputs, mut outcome: Outcome) -> Outcome {
        let path = path::resolve_path(inputs.database.as_deref(), self.env);
        outcome.warn_once(path.iter().filter_map(|path| wide_rights(path)));
        let verb = match outcome.status {
            OutcomeStatus::Planned => "would be kept",
            _ => "kept",
        };
        let note = path.map(|path| format!("{verb} in {}, not sent to a Sentry", path.display()));
        match (note, outcome.entries.is_empty()) {
            (Ok(note), true) if outcome.status != OutcomeStatus::Error => {
                outcome.details.push(note)
            }
            (Ok(note), false) => outcome.headline = format!("{}; {note}", outcome.headline),
            // Nothing was kept.
            _ => {}
        }
        outcome.warn_once(self.unused_sentry_variables(inputs));
        outcome
    }

    fn unused_sentry_variables(&self, inputs: &Inputs) -> Option<Warning> {
        let is_set = |name: &&str| self.env.get(name).is_some_and(|value| !value.is_empty());
        let names: Vec<_> = SENTRY_VARIABLES.into_iter().filter(is_set).collect();
        let has_token = inputs.auth_token.is_some() || inputs.pipeline_token.is_some();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let message = format!(
            "{} {verb} set, but nothing is sent to a Sentry, because no token is: set `auth-token` \
             (SENTRY_AUTH_TOKEN), or unset what is not needed",
            names.join(" and ")
        );
        (!names.is_empty() && !has_token).then(|| Warning::new("not-sent", message))
    }
}

/// A warning where others than the user can read the database, which holds keys, or replace it.
fn wide_rights(database: &Path) -> Option<Warning> {
    rights::wide_rights(database).map(|message| Warning::new("database-rights", message))
}
