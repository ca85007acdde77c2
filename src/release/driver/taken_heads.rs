//! Heads that a backend took, though it may not fetch their commits: it can know a repository by its name
//! alone, which a tool that sends commits itself leaves behind.

use super::{ReleaseDriver, UpdateOperation};
use crate::error::Result;
use crate::inputs::release::Ref;
use crate::release::backend::{CommitReader, ReleaseBackend, ReleaseState, ReleaseUpdate};

impl<B: ReleaseBackend, H: CommitReader> ReleaseDriver<'_, B, H> {
    /// Asks whether the backend can fetch the commits of the heads that it took, and sends those that it
    /// cannot fetch. One that does not tell is believed.
    pub(crate) async fn check_heads(
        &mut self,
        standing: ReleaseState,
        taken: Vec<Ref>,
    ) -> Result<ReleaseState> {
        let has = |sha: &str| standing.last_commit.as_deref() == Some(sha);
        let is_sure = taken.iter().any(|one| has(&one.commit));
        if taken.is_empty() || is_sure {
            return Ok(standing);
        }
        let mut change = ReleaseUpdate { refs: taken.clone(), ..ReleaseUpdate::default() };
        self.resolve_repositories(None, &mut change).await?;
        let is_same = change.refs.iter().all(|one| taken.contains(one));
        if change.commits.is_empty() && is_same {
            return Ok(standing);
        }
        self.name_commits(&mut change).await;
        self.progress.updated = true;
        self.submit(&mut change, UpdateOperation::Change).await
    }
}
