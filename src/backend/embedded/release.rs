//! The release job on our engine: what `serve` does for a request, without a request.

use crate::database::{
    Database, NewRelease, PageQuery, RepositoryFilter, StoredCommit, StoredRelease,
    StoredRepository, TransactionEnd,
};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::model::OrgSlug;
use crate::release::{
    Commit, Deploy, DeployResult, ExistingDeploy, ExistingRelease, FieldRejection, KnownRepository,
    OwnDeploy, ReleaseBackend, ReleaseState, ReleaseUpdate, ReleaseVersion, UpdateResult,
};
use std::path::Path;

/// The releases of one organization, of which one version is worked on.
pub struct EmbeddedReleases {
    database: Database,
    slug: OrgSlug,
    /// The organization's id; 0, which none has, until it is there.
    org: i64,
    version: ReleaseVersion,
    /// The newest deploy of before this run.
    newest_deploy: i64,
    /// Organization and projects that came into being, for the run to say so.
    pub created: Vec<String>,
}

impl EmbeddedReleases {
    /// Opens the file. Organization and projects come into being with the release.
    pub async fn open(path: &Path, slug: &OrgSlug, version: &ReleaseVersion) -> Result<Self> {
        let mut database = Database::open(path).await?;
        let org = organization(&mut database, slug).await?.unwrap_or_default();
        let newest_deploy = database.newest_deploy_id().await?;
        let (slug, version, created) = (slug.clone(), version.clone(), Vec::new());
        Ok(Self { database, slug, org, version, newest_deploy, created })
    }

    /// Opens a file that is only read; `None` when it, or the organization in it, is not there.
    pub async fn open_to_read(
        path: &Path,
        slug: &OrgSlug,
        version: &ReleaseVersion,
    ) -> Result<Option<Self>> {
        let Some(mut database) = Database::open_to_read(path).await? else { return Ok(None) };
        let Some(org) = organization(&mut database, slug).await? else { return Ok(None) };
        let (slug, version, created) = (slug.clone(), version.clone(), Vec::new());
        Ok(Some(Self { database, slug, org, version, newest_deploy: 0, created }))
    }

    /// The release with its projects, where it is there.
    pub async fn existing(&mut self) -> Result<Option<ExistingRelease>> {
        let stored = self.database.release(self.org, self.version.as_str()).await?;
        let Some(stored) = stored else { return Ok(None) };
        let newest = self.database.newest_commit(stored.id).await?;
        let projects = self.database.release_projects(stored.id).await?;
        let projects = projects.into_iter().map(|(_, slug)| slug).collect();
        Ok(Some(ExistingRelease { state: with_newest(stored.into(), newest), projects }))
    }

    async fn stored(&mut self) -> Result<StoredRelease> {
        let stored = self.database.release(self.org, self.version.as_str()).await?;
        stored.ok_or_else(|| {
            Error::new(ErrorCode::Database, format!("release {} no longer exists", self.version))
        })
    }

    /// The newest commit of the release before, which is this one where it has commits and is not left out.
    async fn newest_before(&mut self, leaves_out_itself: bool) -> Result<Option<String>> {
        let stored = self.stored().await?;
        let (org, database) = (self.org, &mut self.database);
        match database.previous_with_commits(org, &stored, leaves_out_itself).await? {
            Some(previous) => {
                let newest = database.newest_commit(previous.id).await?;
                Ok(newest.map(|commit| commit.key))
            }
            None => Ok(None),
        }
    }

    async fn ids(&mut self, projects: &[String]) -> Result<Vec<i64>> {
        let mut ids = Vec::new();
        for slug in projects {
            ids.extend(self.database.project(self.org, slug).await?.map(|project| project.id));
        }
        Ok(ids)
    }

    /// Commits and heads of a release that is there.
    async fn set_commits_and_refs(
        &mut self,
        release: i64,
        update: &ReleaseUpdate,
        made: bool,
    ) -> Result<UpdateResult> {
        let ReleaseUpdate { commits, refs, repository, .. } = update;
        if !commits.is_empty() {
            let commits: Vec<_> =
                commits.iter().map(|commit| (repository.as_deref(), commit)).collect();
            self.database.set_commits(self.org, release, &commits).await?;
        }
        let unknown = self.database.set_refs(self.org, release, refs).await?;
        if !unknown.is_empty() {
            let (field, reason) =
                ("refs".to_owned(), format!("Invalid repository names: {}", unknown.join(",")));
            let failure = Error::new(ErrorCode::BadField, reason.clone());
            return Ok(UpdateResult::Rejected(FieldRejection { field, reason, failure }));
        }
        Ok(UpdateResult::Stored { standing: self.state().await?, made })
    }

    /// Makes the release with all that belongs to it; what came into being for it.
    async fn make(
        &mut self,
        projects: &[String],
        update: &ReleaseUpdate,
    ) -> Result<(UpdateResult, Vec<String>)> {
        let (org, created) = self.database.create_projects(&self.slug, projects).await?;
        self.org = org;
        let projects = self.ids(projects).await?;
        let new = NewRelease {
            version: self.version.as_str(),
            projects: &projects,
            user_agent: Some(http::USER_AGENT),
            status: None,
            update,
        };
        let (release, is_new) = self.database.ensure_release(org, new).await?;
        Ok((self.set_commits_and_refs(release.id, update, is_new).await?, created))
    }

    async fn change_stored(&mut self, update: &ReleaseUpdate) -> Result<UpdateResult> {
        let release = self.stored().await?.id;
        self.database.change_release(release, update, None).await?;
        self.set_commits_and_refs(release, update, false).await
    }

    /// Ends the transaction of an update: of one that is rejected nothing is kept.
    fn end(&mut self, result: Result<UpdateResult>) -> Result<UpdateResult> {
        match result {
            Ok(UpdateResult::Stored { .. }) => self.database.end_with(result),
            Ok(_) => self.database.end(TransactionEnd::RollBack).and(result),
            Err(_) => self.database.end_with(result),
        }
    }

    /// Notes the deploy, unless another run has noted the same one since this run began.
    async fn note_deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let release = self.stored().await?.id;
        let projects = self.ids(projects).await?;
        let existing =
            self.database.deploys_of_exactly(release, &projects, &deploy.environment).await?;
        let same = existing.into_iter().find(|one| self.is_simultaneous(one, deploy));
        if let Some(same) = same {
            let own = OwnDeploy { deploy: &same, run_page: None };
            if self.database.is_latest_release(self.org, release, &projects, &own).await? {
                return Ok(DeployResult::Existing(same.id));
            }
        }
        Ok(DeployResult::There(self.database.deploy(release, &projects, deploy).await?.id))
    }

    /// Whether a deploy of the same projects to the same environment was noted since this run began,
    /// and differs by its time only.
    fn is_simultaneous(&self, existing: &ExistingDeploy, deploy: &Deploy) -> bool {
        let is_new = existing.id.as_str().parse().is_ok_and(|id: i64| id > self.newest_deploy);
        is_new && Deploy { finished: deploy.finished, ..existing.deploy.clone() } == *deploy
    }

    async fn state(&mut self) -> Result<ReleaseState> {
        let stored = self.stored().await?;
        let newest = self.database.newest_commit(stored.id).await?;
        Ok(with_newest(stored.into(), newest))
    }
}

/// The id of the organization, when it is there.
async fn organization(database: &mut Database, slug: &OrgSlug) -> Result<Option<i64>> {
    let org = database.organization(slug.as_str()).await?;
    Ok(org.filter(|org| org.slug == slug.as_str()).map(|org| org.id))
}

fn with_newest(state: ReleaseState, newest: Option<StoredCommit>) -> ReleaseState {
    let (last_commit, repository) =
        newest.map(|commit| (commit.key, commit.repository.name)).unzip();
    ReleaseState { last_commit, last_repository: repository, ..state }
}

/// What the release's own row says; commits are in others.
impl From<StoredRelease> for ReleaseState {
    fn from(stored: StoredRelease) -> Self {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        Self {
            date_released: stored.date_released,
            r#ref: stored.r#ref,
            url: stored.url,
            commit_count: count(stored.commit_count),
            deploy_count: count(stored.deploy_count),
            ..Self::default()
        }
    }
}

impl From<StoredRepository> for KnownRepository {
    fn from(StoredRepository { name, url, provider, .. }: StoredRepository) -> Self {
        Self { name, url, slug: None, is_linked: provider.is_some(), is_fetched: false }
    }
}

impl ReleaseBackend for EmbeddedReleases {
    /// Nothing is asked of third parties here.
    fn fetches_commits(&self) -> bool {
        false
    }

    async fn ensure(
        &mut self,
        projects: &[String],
        update: &ReleaseUpdate,
    ) -> Result<UpdateResult> {
        self.database.begin().await?;
        let made = self.make(projects, update).await;
        let (made, created) = match made {
            Ok((result, created)) => (Ok(result), created),
            Err(failure) => (Err(failure), Vec::new()),
        };
        let ended = self.end(made);
        if matches!(ended, Ok(UpdateResult::Stored { .. })) {
            self.created.extend(created);
        }
        ended
    }

    async fn change(&mut self, update: &ReleaseUpdate) -> Result<UpdateResult> {
        self.database.begin().await?;
        let changed = self.change_stored(update).await;
        self.end(changed)
    }

    async fn read(&mut self) -> Result<Option<ReleaseState>> {
        match self.database.release(self.org, self.version.as_str()).await? {
            Some(_) => self.state().await.map(Some),
            None => Ok(None),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>> {
        let query = Some(part.to_owned());
        let filter = RepositoryFilter { query, ..RepositoryFilter::default() };
        let stored = self.database.repositories(self.org, &filter, PageQuery::ALL).await?;
        Ok(stored.into_iter().map(Into::into).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>> {
        self.newest_before(false).await
    }

    async fn earlier(&mut self) -> Result<Option<String>> {
        self.newest_before(true).await
    }

    async fn own_commits(&mut self) -> Result<Vec<Commit>> {
        let release = self.stored().await?.id;
        let stored = self.database.release_commits(release, PageQuery::ALL).await?;
        let bare = |one: StoredCommit| Commit {
            id: one.key,
            time: Some(one.date_added),
            ..Commit::default()
        };
        Ok(stored.into_iter().map(bare).collect())
    }

    async fn deploys(
        &mut self,
        projects: &[String],
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>> {
        let release = self.stored().await?.id;
        let projects = self.ids(projects).await?;
        self.database.deploys_of_exactly(release, &projects, environment).await
    }

    async fn is_current(&mut self, projects: &[String], existing: &OwnDeploy<'_>) -> Result<bool> {
        let release = self.stored().await?.id;
        let projects = self.ids(projects).await?;
        self.database.is_latest_release(self.org, release, &projects, existing).await
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        self.database.begin().await?;
        let noted = self.note_deploy(projects, deploy).await;
        self.database.end_with(noted)
    }
}
