//! The part of the preflight about what is installed: whether it still works, as far as its backend
//! tells. The listing is read once for each organization and provider.

use super::RunContext;
use super::check::CheckResult;
use crate::backend::embedded;
use crate::backend::sentry::{CheckVerdict, SentryBackend};
use crate::database::path;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::Inputs;
use crate::inputs::types::{BackendName, Mode};
use crate::integration::{Decision, IntegrationTask, Removal, RequestedLinks};
use crate::model::ListedIntegration;
use crate::outcome::health;
use std::rc::Rc;
use tokio::time::Instant;

impl RunContext<'_> {
    /// The lines about the integration that these inputs mean. What is wrong with the inputs or the
    /// token has a line of its own.
    pub(super) async fn check_health(
        &self,
        inputs: &Inputs,
        is_entry: bool,
        deadline: Instant,
        rows: &mut Vec<CheckResult>,
    ) {
        let Ok(backend) = inputs.backend(self.job) else { return };
        let Some(key) = &inputs.provider else { return };
        let Ok(task) = IntegrationTask::new(inputs, backend) else { return };
        let name = format!("{}: integration of {key}", task.org);
        let listed = match backend {
            BackendName::Embedded => self.listed_in_file(inputs, &task).await,
            BackendName::Sentry => self.listed_at_sentry(inputs, &task, deadline).await,
        };
        match listed {
            Ok(listed) if inputs.mode == Mode::Remove => {
                rows.push((name, removal_verdict(&task, &listed)));
            }
            Ok(listed) if inputs.mode == Mode::Link => {
                let needs_one = RequestedLinks::from_inputs(inputs).needs_user();
                let may_be_several = backend == BackendName::Sentry && !needs_one;
                rows.extend(link_verdicts(&task, &listed, &name, may_be_several));
            }
            Ok(listed) => rows.extend(verdicts(&task, &listed, &name, is_entry)),
            // Code mappings alone are set without a list.
            Err(failure) if is_unread_list(inputs, &failure) => {
                rows.push((name, Ok(CheckVerdict::NotChecked(failure.message))));
            }
            Err(failure) if is_said(rows, &failure) => {}
            Err(failure) => rows.push((name, Err(failure))),
        }
    }

    async fn listed_in_file(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
    ) -> Result<Rc<[ListedIntegration]>> {
        let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
        Ok(embedded::list_read_only(&path, task).await?.into())
    }

    async fn listed_at_sentry(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        deadline: Instant,
    ) -> Result<Rc<[ListedIntegration]>> {
        let options = self.pipeline_server(inputs, deadline)?;
        let backend = SentryBackend::new(options, task, inputs.dialect)?;
        self.cache.integrations(&backend).await
    }
}

/// What is said of each integration that is meant.
fn verdicts(
    task: &IntegrationTask,
    listed: &[ListedIntegration],
    name: &str,
    is_entry: bool,
) -> Vec<CheckResult> {
    let decision = match task.decide(listed) {
        Ok(decision) => decision,
        Err(failure) => return vec![(name.to_owned(), Err(failure))],
    };
    let is_meant = |one: &&ListedIntegration| match &decision {
        Decision::UpToDate { .. } | Decision::Reauth(_) => Some(one.id) == decision.existing_id(),
        Decision::Install(_) => task.existing(listed).any(|meant| meant.id == one.id),
    };
    let meant: Vec<_> = listed.iter().filter(is_meant).collect();
    if meant.is_empty() && is_entry {
        let why = "there is none yet: `finishline run` would install it".to_owned();
        return vec![(name.to_owned(), Ok(CheckVerdict::NotChecked(why)))];
    }
    meant.into_iter().flat_map(|one| verdict(one, name)).collect()
}

/// What is said of the integration that is to go.
fn removal_verdict(task: &IntegrationTask, listed: &[ListedIntegration]) -> Result<CheckVerdict> {
    Ok(CheckVerdict::Passed(match task.removal(listed)? {
        Removal::Remove(there) => format!("{} ({}) would be removed", there.id, there.name),
        Removal::Leaving { id, name, .. } => format!("{id} ({name}) is being removed"),
        Removal::Missing => "not installed, so there is nothing to remove".to_owned(),
    }))
}

/// What is said of the integrations that links are set through; there may be several where Sentry finds
/// that of each link.
fn link_verdicts(
    task: &IntegrationTask,
    listed: &[ListedIntegration],
    name: &str,
    may_be_several: bool,
) -> Vec<CheckResult> {
    let named = |id| listed.iter().find(|one| one.id == id).ok_or_else(|| task.nothing_to_link());
    let only = task.named_id().map_or_else(|| task.only_linkable(listed), named);
    let meant = match only {
        Ok(one) => vec![one],
        Err(failure) if failure.code == ErrorCode::Ambiguous && may_be_several => {
            listed.iter().filter(|one| one.deletion.is_none()).collect()
        }
        Err(failure) => return vec![(name.to_owned(), Err(failure))],
    };
    meant.into_iter().flat_map(|one| verdict(one, name)).collect()
}

fn verdict(one: &ListedIntegration, name: &str) -> Vec<CheckResult> {
    let name = format!("{name}: {} ({})", one.id, one.name);
    let problems = health::problems(one);
    if problems.is_empty() {
        let words = "active, as far as the backend tells".to_owned();
        return vec![(name, Ok(CheckVerdict::Passed(words)))];
    }
    problems.into_iter().map(|problem| (name.clone(), Err(problem))).collect()
}

/// Whether all that a failure means is that the token, which will do, may not list integrations.
fn is_unread_list(inputs: &Inputs, failure: &Error) -> bool {
    let is_refused = matches!(failure.code, ErrorCode::MissingScope | ErrorCode::OrgToken);
    let is_link = inputs.mode == Mode::Link;
    is_link && is_refused && !RequestedLinks::from_inputs(inputs).needs_user()
}

fn is_said(rows: &[CheckResult], failure: &Error) -> bool {
    rows.iter().any(|(_, result)| result.as_ref().is_err_and(|said| said.code == failure.code))
}
