//! The deploys of a release at a Sentry, and what else was deployed since.

use super::client::permission::Permission;
use super::release::SentryReleases;
use super::release_json::deployed;
use crate::error::Result;
use crate::http::retry::RetryPolicy;
use crate::release::{ExistingDeploy, OwnDeploy};
use crate::text::segment;
use serde_json::Value;

/// Releases with a later deploy that are looked through for one of this environment and project.
const MAX_LATER_RELEASES: usize = 5;
/// How many releases a listing holds at most.
pub(super) const LISTED_RELEASES: usize = 100;

impl SentryReleases {
    /// The id of a project, for a query; Sentry's word for all where it is not known.
    pub(super) fn project_id(&self, slug: &str) -> &str {
        let known = self.projects.iter().find(|(known, _)| known == slug);
        known.map_or("-1", |(_, id)| id.as_str())
    }

    /// The deploys of a release in an environment. Before 2024 a Sentry lists those of every project.
    async fn deploys_of(
        &self,
        version: &str,
        project: &str,
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>> {
        let version = segment(version);
        let path = format!("releases/{version}/deploys/?per_page=100&project={project}");
        let items = self.list(&path, RetryPolicy::Safe, Permission::Releases).await?;
        let deploys = items.iter().filter_map(deployed);
        Ok(deploys.filter(|existing| existing.deploy.environment == environment).collect())
    }

    /// The deploys that all of these projects list.
    pub(super) async fn common_deploys(
        &self,
        projects: &[String],
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>> {
        let mut common: Option<Vec<ExistingDeploy>> = None;
        for slug in projects {
            let version = self.version.as_str();
            let listed = self.deploys_of(version, self.project_id(slug), environment).await?;
            let is_listed = |one: &ExistingDeploy| listed.iter().any(|other| other.id == one.id);
            common = Some(match common {
                Some(before) => before.into_iter().filter(is_listed).collect(),
                None => listed,
            });
        }
        Ok(common.unwrap_or_default())
    }

    /// Whether none of the other releases was deployed to the environment of this project since. A
    /// listing may lag behind the deploy that it lacks, so it is looked at again.
    pub(super) async fn is_current_of(
        &self,
        project: &str,
        existing: &OwnDeploy<'_>,
    ) -> Result<bool> {
        let look = async || {
            let listing = self.releases_since(project, existing).await?;
            Ok(Some(listing).filter(|one| one.has_own || one.is_full))
        };
        let listing = match (look().await?, self.projects.len()) {
            (Some(listing), _) => listing,
            // The deploy may be one of another project: before 2024 a Sentry does not say whose it is.
            (None, 2..) => return Ok(false),
            (None, _) => match self.client.look_for(look).await? {
                Some(listing) => listing,
                None => self.releases_since(project, existing).await?,
            },
        };
        if (listing.is_full && !listing.has_own) || listing.later.len() > MAX_LATER_RELEASES {
            return Ok(false);
        }
        for version in listing.later {
            let environment = &existing.deploy.deploy.environment;
            let deploys = self.deploys_of(&version, project, environment).await?;
            if deploys.iter().any(|one| existing.is_replaced_by(one)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The releases of a project and an environment. A listing has the last deploy of each only, which
    /// may have gone elsewhere: those few are looked at one by one.
    async fn releases_since(
        &self,
        project: &str,
        existing: &OwnDeploy<'_>,
    ) -> Result<ReleaseListing> {
        let environment = segment(&existing.deploy.deploy.environment);
        let query = format!(
            "releases/?project={project}&per_page={LISTED_RELEASES}&environment={environment}"
        );
        let response = self.client.get(self.path(&query)).await?;
        let items = match (response.status, response.json()) {
            // An environment that nothing was deployed to is not there.
            (404, _) if response.is_from_sentry() => Vec::new(),
            (_, Value::Array(items)) if response.is_success() => items,
            _ => return Err(self.denied(&response)),
        };
        let is_own = |item: &&Value| item["version"] == self.version.as_str();
        let (own, others): (Vec<_>, Vec<_>) = items.iter().partition(is_own);
        let is_later = |item: &&Value| {
            deployed(&item["lastDeploy"]).is_some_and(|last| existing.is_replaced_by(&last))
        };
        let later = others.into_iter().filter(is_later);
        let later = later.filter_map(|item| item["version"].as_str().map(str::to_owned)).collect();
        let is_full = items.len() >= LISTED_RELEASES;
        Ok(ReleaseListing { has_own: !own.is_empty(), is_full, later })
    }
}

/// What a listing of the releases in an environment says of one of them.
struct ReleaseListing {
    has_own: bool,
    is_full: bool,
    /// The others that were deployed later, maybe elsewhere.
    later: Vec<String>,
}
