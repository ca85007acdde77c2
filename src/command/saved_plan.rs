//! A saved plan is carried out only if the plan that is made now is the same.

use super::manifest::PreparedEntry;
use super::prune_scope::PruneScope;
use super::{Command, RunContext};
use crate::database::path;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::{BackendName, Inputs};
use crate::manifest::EMBEDDED;
use crate::outcome::saved_plan::SavedPlan;
use crate::outcome::{EntryOutcome, Outcome};
use crate::text::quote;
use tokio::time::Instant;
use url::Url;

/// The largest plan that is read: that of a manifest of 1 MiB is far smaller.
const MAX_PLAN: u64 = 256 << 20;

impl RunContext<'_> {
    /// A saved plan is for `run` alone, where it would be passed over elsewhere.
    pub(super) fn check_plan_command(&self, inputs: &Inputs) -> Result {
        let is_taken = inputs.plan.is_none() || self.command == Command::Run;
        let message = "`plan` is for `finishline run`, which carries out the plan in that file";
        is_taken.then_some(()).ok_or_else(|| Error::new(ErrorCode::Usage, message))
    }

    /// Why a single run does not carry out its saved plan, if there is one. It only reads.
    pub(super) async fn plan_refusal(&self, inputs: &Inputs, deadline: Instant) -> Option<Outcome> {
        let saved = match self.saved_plan(inputs, std::iter::once(""))? {
            Ok(saved) => saved,
            Err(failure) => return Some(Outcome::failed(failure)),
        };
        let planned = Inputs { dry_run: true, ..inputs.clone() };
        // What the inputs lack is said by the run itself.
        let jobs = self.requested(&planned, deadline).ok()?;
        let now = Box::pin(self.run_requested(&planned, jobs, deadline)).await;
        saved.check("", &now).err().map(Outcome::failed)
    }

    /// The same of the entries of a manifest: all of them are planned before any begins.
    pub(super) async fn plan_refusal_of_entries(
        &self,
        base: &Inputs,
        (entries, prune): (&[PreparedEntry], Option<&PruneScope>),
        deadline: Instant,
    ) -> Option<Outcome> {
        let keys = entries.iter().map(PreparedEntry::key);
        let saved = match self.saved_plan(base, keys)? {
            Ok(saved) => saved,
            Err(failure) => return Some(Outcome::failed(failure)),
        };
        let mut planned = self.run_entries(base, entries, deadline, true).await;
        if let Some(scope) = prune {
            self.plan_prune(base, scope, entries, &mut planned, deadline).await;
        }
        let check = |one: &EntryOutcome| {
            let refused = saved.check(&one.key, &one.outcome).err()?;
            let message = format!("{}: {}", one.title, refused.message);
            Some(Error { message, ..refused })
        };
        let keys = planned.iter().map(|one| one.key.as_str());
        let mistakes = planned.iter().filter_map(check).chain(saved.check_pruned(keys).err());
        Error::combine(mistakes.collect()).map(Outcome::failed)
    }

    /// The plan with the backend that it is of, which is a part of what was reviewed.
    pub(super) fn with_planned_backend(&self, inputs: &Inputs, mut outcome: Outcome) -> Outcome {
        if let Some(plan) = &mut outcome.plan {
            plan.backend = self.backend_place(inputs);
        }
        outcome
    }

    /// Where the backend is: the server's address, or the file of the embedded one.
    pub(super) fn backend_place(&self, inputs: &Inputs) -> String {
        match inputs.backend(self.job) {
            Ok(BackendName::Embedded) => {
                let path = path::resolve_path(inputs.database.as_deref(), self.env);
                let path = path.map(|path| path.to_string_lossy().into_owned());
                format!("{EMBEDDED}{}", path.unwrap_or_default())
            }
            _ => without_credentials(inputs.page_url()),
        }
    }

    fn saved_plan<'k>(
        &self,
        inputs: &Inputs,
        keys: impl Iterator<Item = &'k str>,
    ) -> Option<Result<SavedPlan>> {
        let path = inputs.plan.as_ref()?;
        let read = || {
            let text = self.sinks.read_within(path, MAX_PLAN).map_err(|error| {
                let message = format!("cannot read the plan {}: {error}", quote(path));
                Error::new(ErrorCode::BadPlan, message)
            })?;
            let saved = SavedPlan::read(&text)?;
            saved.check_entries(keys)?;
            Ok(saved)
        };
        Some(read())
    }
}

/// An address without the name and the password that may stand in it.
fn without_credentials(mut url: Url) -> String {
    // An address that can have none has none.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.into()
}
