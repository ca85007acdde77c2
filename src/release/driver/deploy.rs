//! The deploy of a release: noted once, whatever becomes of an answer.

use super::ReleaseDriver;
use crate::error::Result;
use crate::release::backend::{
    CommitReader, Deploy, DeployResult, ExistingDeploy, FieldRejection, ReleaseBackend,
    ReleaseState,
};
use crate::text::quote;

/// How often a deploy is sent whose answer was lost.
const TRIES: usize = 3;

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// Notes the deploy, unless an earlier attempt of this run has.
    pub(crate) async fn deploy(&mut self, standing: &ReleaseState) -> Result {
        let Some(planned) = &self.task.deploy else { return Ok(()) };
        let mut deploy = Deploy { finished: self.now, ..planned.clone() };
        // The same page was refused of the release, and an earlier attempt went without it, too.
        if self.warned("url-left-out") && deploy.url == self.task.url {
            deploy.url = None;
        }
        if self.task.attempts && standing.deploy_count > 0 {
            let (existing, newest) = self.backend.deploys(&deploy.environment).await?;
            let is_same = |one: &Deploy| one.name == deploy.name && one.url == deploy.url;
            let is_newest = |one: &ExistingDeploy| Some(&one.id) == newest.as_ref();
            let mut existing = existing.into_iter();
            if let Some(same) = existing.find(|one| is_same(&one.deploy) && is_newest(one)) {
                self.progress.deploy = Some((same.id, false));
                return Ok(());
            }
        }
        let id = self.create_deploy(&mut deploy, standing).await?;
        self.progress.deploy = Some((id, true));
        Ok(())
    }

    /// Notes a deploy once: after a lost answer it is looked for by its time, which is ours.
    async fn create_deploy(
        &mut self,
        deploy: &mut Deploy,
        standing: &ReleaseState,
    ) -> Result<String> {
        // To name projects takes a wider token than to make releases, so only some of them are named.
        let is_ours = |slug: &String| self.task.projects.contains(slug);
        let projects = match standing.projects.iter().all(is_ours) {
            true => &[],
            false => self.task.projects.as_slice(),
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let lost = match self.backend.deploy(projects, deploy).await? {
                DeployResult::There(id) => return Ok(id),
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
            let (existing, _) = self.backend.deploys(&deploy.environment).await?;
            if let Some(ours) = existing.into_iter().find(|one| one.deploy == *deploy) {
                return Ok(ours.id);
            }
            if tries == TRIES {
                return Err(lost);
            }
        }
    }
}
