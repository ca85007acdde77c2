//! The release job on our engine: what `serve` does for a request, without a request.

use crate::database::{
    Database, NewRelease, PageQuery, RepositoryFilter, StoredCommit, StoredRelease,
    StoredRepository,
};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::model::OrgSlug;
use crate::release::{
    Deploy, DeployResult, ExistingDeploy, FieldRejection, KnownRepository, ReleaseBackend,
    ReleaseState, ReleaseUpdate, ReleaseVersion, UpdateResult,
};
use std::path::Path;

/// The releases of one organization, of which one version is worked on.
pub struct EmbeddedReleases {
    database: Database,
    org: i64,
    version: ReleaseVersion,
    /// Organization and projects that came into being, for the run to say so.
    pub created: Vec<String>,
}

impl EmbeddedReleases {
    /// Opens the file; organization and projects come into being at first use.
    pub async fn open(
        path: &Path,
        slug: &OrgSlug,
        version: &ReleaseVersion,
        projects: &[String],
    ) -> Result<Self> {
        let mut database = Database::open(path).await?;
        let (org, created) = database.create_projects(slug, projects).await?;
        Ok(Self { database, org, version: version.clone(), created })
    }

    async fn stored(&mut self) -> Result<StoredRelease> {
        let stored = self.database.release(self.org, self.version.as_str()).await?;
        stored.ok_or_else(|| {
            Error::new(ErrorCode::Database, format!("release {} no longer exists", self.version))
        })
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

    async fn state(&mut self) -> Result<ReleaseState> {
        let stored = self.stored().await?;
        let newest = self.database.newest_commit(stored.id).await?;
        Ok(with_newest(stored.into(), newest))
    }
}

/// The release in a file that is only read; `None` when it is not there, or the file is not.
pub async fn read_release(
    path: &Path,
    slug: &OrgSlug,
    version: &ReleaseVersion,
) -> Result<Option<ReleaseState>> {
    let Some(mut database) = Database::open_to_read(path).await? else { return Ok(None) };
    let org = database.organization(slug.as_str()).await?;
    let Some(org) = org.filter(|org| org.slug == slug.as_str()) else { return Ok(None) };
    let Some(stored) = database.release(org.id, version.as_str()).await? else { return Ok(None) };
    let newest = database.newest_commit(stored.id).await?;
    Ok(Some(with_newest(stored.into(), newest)))
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
        Self { name, url, slug: None, is_linked: provider.is_some() }
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
        let projects = self.ids(projects).await?;
        let new = NewRelease {
            version: self.version.as_str(),
            projects: &projects,
            user_agent: Some(http::USER_AGENT),
            status: None,
            update,
        };
        let (release, is_new) = self.database.ensure_release(self.org, new).await?;
        self.set_commits_and_refs(release.id, update, is_new).await
    }

    async fn change(&mut self, update: &ReleaseUpdate) -> Result<UpdateResult> {
        let release = self.stored().await?.id;
        self.database.change_release(release, update, None).await?;
        self.set_commits_and_refs(release, update, false).await
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
        let stored = self.stored().await?;
        match self.database.previous_with_commits(self.org, &stored).await? {
            Some(previous) => {
                let newest = self.database.newest_commit(previous.id).await?;
                Ok(newest.map(|commit| commit.key))
            }
            None => Ok(None),
        }
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

    async fn is_current(&mut self, projects: &[String], existing: &ExistingDeploy) -> Result<bool> {
        let release = self.stored().await?.id;
        let projects = self.ids(projects).await?;
        self.database.is_latest_release(self.org, release, &projects, &existing.deploy).await
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let release = self.stored().await?.id;
        let projects = self.ids(projects).await?;
        let stored = self.database.deploy(release, &projects, deploy).await?;
        Ok(DeployResult::There(stored.id))
    }
}
