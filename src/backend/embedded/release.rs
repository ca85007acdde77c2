//! The release job on our engine: what `serve` does for a request, without a request.

use crate::database::commits::{NewCommit, NewRef};
use crate::database::deploys::NewDeploy;
use crate::database::organizations::PageQuery;
use crate::database::releases::{NewRelease, ReleaseChange, StoredRelease, find};
use crate::database::repositories::RepositoryFilter;
use crate::database::{Database, DatabaseError};
use crate::error::{Error, ErrorCode, Result};
use crate::http;
use crate::inputs::release::Ref;
use crate::model::OrgSlug;
use crate::release::backend::{
    Deploy, DeployResult, ExistingDeploy, FieldRejection, KnownRepository, ReleaseBackend,
    ReleaseState, ReleaseUpdate, UpdateResult,
};
use crate::release::{Commit, ReleaseVersion};
use std::path::Path;

/// The releases of one organization, of which one version is worked on.
pub struct EmbeddedReleases {
    database: Database,
    org: i64,
    version: ReleaseVersion,
    /// Organization and projects that came into being, for the run to say so.
    pub made: Vec<String>,
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
        let (org, made) = database.create_projects(slug, projects).await?;
        Ok(Self { database, org, version: version.clone(), made })
    }

    async fn row(&mut self) -> Result<StoredRelease> {
        let found = self.database.release(self.org, self.version.as_str()).await?;
        found.ok_or_else(|| {
            Error::new(ErrorCode::Database, format!("release {} is gone meanwhile", self.version))
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
    async fn fill(
        &mut self,
        release: i64,
        change: &ReleaseUpdate,
        made: bool,
    ) -> Result<UpdateResult> {
        if !change.commits.is_empty() {
            let repository = change.repository.as_deref();
            let commits: Vec<_> =
                change.commits.iter().map(|one| new_commit(one, repository)).collect();
            self.database.set_commits(self.org, release, &commits).await?;
        }
        let refs: Vec<_> = change.refs.iter().map(new_ref).collect();
        let unknown = self.database.set_refs(self.org, release, &refs).await?;
        if !unknown.is_empty() {
            let reason = format!("Invalid repository names: {}", unknown.join(","));
            let failure = Error::new(ErrorCode::BadField, reason.clone());
            return Ok(UpdateResult::Rejected(FieldRejection {
                field: "refs".to_owned(),
                reason,
                failure,
            }));
        }
        Ok(UpdateResult::Stored { standing: self.standing().await?, made })
    }

    async fn standing(&mut self) -> Result<ReleaseState> {
        let row = self.row().await?;
        let first = PageQuery { offset: 0, rows: 1 };
        let last = self.database.release_commits(row.id, first).await?.into_iter().next();
        let projects = self.database.release_projects(row.id).await?;
        let projects = projects.into_iter().map(|(_, slug)| slug).collect();
        Ok(ReleaseState { last_commit: last.map(|last| last.key), projects, ..standing(&row) })
    }
}

/// The release in a file that is only read; `None` when it is not there, or the file is not.
pub async fn read_release(
    path: &Path,
    slug: &OrgSlug,
    version: &ReleaseVersion,
) -> Result<Option<ReleaseState>> {
    let Some(mut store) = Database::open_to_read(path).await? else { return Ok(None) };
    let found = store
        .try_read(|connection| {
            let sql = "SELECT id FROM organization WHERE slug = ?1";
            let org = connection.query_row(sql, [slug.as_str()], |row| row.get(0));
            match org {
                Ok(org) => find(connection, org, version.as_str()),
                Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await;
    Ok(found.map_err(DatabaseError::from)?.as_ref().map(standing))
}

fn standing(row: &StoredRelease) -> ReleaseState {
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    ReleaseState {
        date_released: row.date_released,
        r#ref: row.r#ref.clone(),
        url: row.url.clone(),
        commit_count: count(row.commit_count),
        deploy_count: count(row.deploy_count),
        ..ReleaseState::default()
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
        change: &ReleaseUpdate,
    ) -> Result<UpdateResult> {
        let new = NewRelease {
            version: self.version.as_str().to_owned(),
            projects: self.ids(projects).await?,
            user_agent: Some(http::USER_AGENT.to_owned()),
            change: release_change(change),
        };
        let (release, made) = self.database.ensure_release(self.org, &new).await?;
        self.fill(release.id, change, made).await
    }

    async fn change(&mut self, change: &ReleaseUpdate) -> Result<UpdateResult> {
        let release = self.row().await?.id;
        self.database.change_release(release, &release_change(change)).await?;
        self.fill(release, change, false).await
    }

    async fn read(&mut self) -> Result<Option<ReleaseState>> {
        match self.database.release(self.org, self.version.as_str()).await? {
            Some(_) => self.standing().await.map(Some),
            None => Ok(None),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>> {
        let query = Some(part.to_owned());
        let filter = RepositoryFilter { query, ..RepositoryFilter::default() };
        let found = self.database.repositories(self.org, &filter, PageQuery::ALL).await?;
        let known = |one: crate::database::repositories::StoredRepository| KnownRepository {
            is_linked: one.provider.is_some(),
            name: one.name,
            url: one.url,
            slug: None,
        };
        Ok(found.into_iter().map(known).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>> {
        let row = self.row().await?;
        let Some(found) = self.database.previous_with_commits(self.org, &row).await? else {
            return Ok(None);
        };
        let first = PageQuery { offset: 0, rows: 1 };
        let last = self.database.release_commits(found.id, first).await?.into_iter().next();
        Ok(last.map(|last| last.key))
    }

    async fn deploys(
        &mut self,
        environment: &str,
    ) -> Result<(Vec<ExistingDeploy>, Option<String>)> {
        let release = self.row().await?.id;
        let own = self.database.deploys(release, PageQuery::ALL).await?;
        let own = own.into_iter().filter(|one| one.environment == environment).map(deployed);
        let newest = self.database.newest_deploy(self.org, environment).await?;
        Ok((own.collect(), newest.map(|one| one.id.to_string())))
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let release = self.row().await?.id;
        let new = NewDeploy {
            environment: deploy.environment.clone(),
            name: deploy.name.clone(),
            url: deploy.url.clone(),
            date_started: deploy.started,
            date_finished: Some(deploy.finished),
            projects: self.ids(projects).await?,
        };
        let noted = self.database.deploy(release, &new).await?;
        Ok(DeployResult::There(noted.id.to_string()))
    }
}

fn release_change(change: &ReleaseUpdate) -> ReleaseChange {
    ReleaseChange {
        r#ref: change.r#ref.clone(),
        url: change.url.clone(),
        date_released: change.date_released,
        status: None,
    }
}

fn new_ref(one: &Ref) -> NewRef {
    NewRef {
        repository: one.repository.clone(),
        commit: one.commit.clone(),
        previous: one.previous.clone(),
    }
}

fn new_commit(commit: &Commit, repository: Option<&str>) -> NewCommit {
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let file = |one: &crate::release::FileChange| (one.path.clone(), one.kind.letter().to_owned());
    NewCommit {
        key: commit.id.clone(),
        repository: repository.map(str::to_owned),
        message: said(&commit.message),
        author_name: said(&commit.author_name),
        author_email: said(&commit.author_email),
        timestamp: commit.time.map(|seconds| seconds.saturating_mul(1000)),
        files: commit.changes.iter().map(file).collect(),
    }
}

fn deployed(one: crate::database::deploys::StoredDeploy) -> ExistingDeploy {
    ExistingDeploy {
        id: one.id.to_string(),
        deploy: Deploy {
            environment: one.environment,
            name: one.name,
            url: one.url,
            started: one.date_started,
            finished: one.date_finished,
        },
    }
}
