//! The deploy of a release: noted once, whatever becomes of an answer.

use super::ReleaseDriver;
use crate::error::Result;
use crate::model::RecordId;
use crate::release::ReleaseTask;
use crate::release::backend::{
    CommitReader, Deploy, DeployResult, ExistingRelease, FieldRejection, OwnDeploy, ReleaseBackend,
    ReleaseState,
};
use crate::text::quote;

/// How often a deploy is sent whose answer was lost, or is a failure that may have come after the
/// effect. Each time it is looked for before anything else is done.
const TRIES: usize = 2;

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// Notes the deploy, unless an earlier attempt of this run has.
    pub(crate) async fn deploy(&mut self, standing: &ReleaseState) -> Result {
        let Some(planned) = &self.task.deploy else { return Ok(()) };
        let finished = self.task.finished_at.unwrap_or(self.now);
        // Two clocks may differ a little: none begins after its end.
        let started = planned.started.map(|started| started.min(finished));
        let mut deploy = Deploy { started, finished, ..planned.clone() };
        // The same page was refused of the release: then no deploy shows whose it is.
        if self.warned("url-left-out") && deploy.url == self.task.url {
            deploy.url = None;
        }
        // To a release or project that this run made, no earlier attempt has deployed.
        let may_be_there = !self.progress.created && deploy.url.is_some();
        if may_be_there
            && let Some(id) = earlier_deploy(self.backend, self.task, &deploy, standing).await?
        {
            self.progress.deploy = Some((id, false));
            return Ok(());
        }
        self.progress.deploy = Some(self.create_deploy(&mut deploy).await?);
        Ok(())
    }

    /// Notes a deploy once: after a lost answer it is looked for by its time, which is ours. With its
    /// id, whether this run noted it.
    async fn create_deploy(&mut self, deploy: &mut Deploy) -> Result<(RecordId, bool)> {
        let projects = &self.task.projects;
        let mut tries = 0;
        loop {
            let lost = match self.backend.deploy(projects, deploy).await? {
                DeployResult::There(id) => return Ok((id, true)),
                DeployResult::Existing(id) => return Ok((id, false)),
                DeployResult::Rejected(one) if one.field == "url" && deploy.url.is_some() => {
                    let url = quote(&deploy.url.take().unwrap_or_default());
                    let message =
                        format!("the deploy is sent without its URL {url}: {}", one.reason);
                    self.progress.warn("url-left-out", message);
                    continue;
                }
                DeployResult::Rejected(FieldRejection { failure, .. }) => return Err(failure),
                DeployResult::Unknown(failure) => failure,
            };
            if let Some(id) = self.backend.find_deploy(projects, deploy).await? {
                return Ok((id, true));
            }
            tries += 1;
            if tries == TRIES {
                return Err(self.backend.lost_deploy(lost));
            }
        }
    }
}

/// The deploy of an earlier attempt, as long as its release is what runs there: environment, projects,
/// name and page are equal.
async fn earlier_deploy(
    backend: &mut impl ReleaseBackend,
    task: &ReleaseTask,
    deploy: &Deploy,
    standing: &ReleaseState,
) -> Result<Option<RecordId>> {
    if !task.attempts || standing.deploy_count == 0 {
        return Ok(None);
    }
    let existing = backend.deploys(&task.projects, &deploy.environment).await?;
    // An end that is named tells one deploy from another; else each attempt has its own.
    let has_end =
        |one: &Deploy| task.finished_at.is_none_or(|end| end / 1000 == one.finished / 1000);
    let is_same = |one: &Deploy| one.name == deploy.name && one.url == deploy.url && has_end(one);
    let Some(same) = existing.into_iter().find(|one| is_same(&one.deploy)) else {
        return Ok(None);
    };
    let run_page = deploy.url.as_deref().filter(|_| deploy.url == task.url);
    let own = OwnDeploy { deploy: &same, run_page };
    let is_current = backend.is_current(&task.projects, &own).await?;
    Ok(is_current.then_some(same.id))
}

/// The deploy of an earlier attempt that a run would find, so that it notes none. It only reads.
pub async fn planned_earlier_deploy(
    backend: &mut impl ReleaseBackend,
    task: &ReleaseTask,
    existing: Option<&ExistingRelease>,
) -> Result<Option<RecordId>> {
    let (Some(deploy), Some(existing)) = (&task.deploy, existing) else { return Ok(None) };
    // To a project that a run would add, nothing is deployed yet. Where a server tells none, it has all.
    let has_all = task.projects.iter().all(|slug| existing.projects.contains(slug));
    match has_all || existing.projects.is_empty() {
        true => earlier_deploy(backend, task, deploy, &existing.state).await,
        false => Ok(None),
    }
}
