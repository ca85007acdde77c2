//! The deploy of a release: noted once, whatever becomes of an answer.

use super::ReleaseDriver;
use crate::error::Result;
use crate::model::RecordId;
use crate::release::backend::{
    CommitReader, Deploy, DeployResult, FieldRejection, OwnDeploy, ReleaseBackend, ReleaseState,
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
        let mut deploy = Deploy { finished, ..planned.clone() };
        // The same page was refused of the release, and an earlier attempt went without it, too.
        if self.warned("url-left-out") && deploy.url == self.task.url {
            deploy.url = None;
        }
        // To a release or project that this run made, no earlier attempt has deployed.
        let may_be_there =
            self.task.attempts && standing.deploy_count > 0 && !self.progress.created;
        if may_be_there && let Some(id) = self.earlier_deploy(&deploy).await? {
            self.progress.deploy = Some((id, false));
            return Ok(());
        }
        self.progress.deploy = Some(self.create_deploy(&mut deploy).await?);
        Ok(())
    }

    /// The deploy of an earlier attempt, as long as its release is what runs there: environment,
    /// projects, name and page are equal.
    async fn earlier_deploy(&mut self, deploy: &Deploy) -> Result<Option<RecordId>> {
        let projects = &self.task.projects;
        let existing = self.backend.deploys(projects, &deploy.environment).await?;
        let is_same = |one: &Deploy| one.name == deploy.name && one.url == deploy.url;
        let Some(same) = existing.into_iter().find(|one| is_same(&one.deploy)) else {
            return Ok(None);
        };
        let run_page = deploy.url.as_deref().filter(|_| deploy.url == self.task.url);
        let own = OwnDeploy { deploy: &same, run_page };
        let is_current = self.backend.is_current(projects, &own).await?;
        Ok(is_current.then_some(same.id))
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
