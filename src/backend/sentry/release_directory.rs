//! The releases of an organization at a Sentry as they are listed, put away and deleted.

use super::ConnectOptions;
use super::client::permission::Permission;
use super::client::{SentryClient, SentryRequest, organization_path};
use super::preflight::project;
use super::release_json::deployed;
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::RetryPolicy;
use crate::http::{self, HttpResponse};
use crate::model::OrgSlug;
use crate::release::{ExistingDeploy, ReleaseVersion};
use crate::text::{date, segment};
use reqwest::Method;
use serde_json::{Value, json};

/// A release of a listing.
#[derive(Clone, Debug)]
pub struct ListedRelease {
    /// Its version.
    pub version: String,
    /// When it came out, in milliseconds since 1970.
    pub date_released: Option<i64>,
    /// The slugs of its projects.
    pub projects: Vec<String>,
}

/// A repository of a listing.
#[derive(Clone, Debug)]
pub struct ListedRepository {
    /// Its name.
    pub name: String,
    /// The third party that has it.
    pub provider: String,
    /// Its page.
    pub url: Option<String>,
}

/// The releases of one organization.
pub struct ReleaseDirectory {
    client: SentryClient,
    org: OrgSlug,
}

impl ReleaseDirectory {
    /// Makes ready; nothing is sent yet.
    pub fn new(options: ConnectOptions, org: OrgSlug) -> Result<Self> {
        Ok(Self { client: SentryClient::new(options, http::USER_AGENT)?, org })
    }

    /// The newest releases, at most 100: those of a project, or of the organization.
    pub async fn releases(&self, project: Option<&str>) -> Result<Vec<ListedRelease>> {
        let path = match project {
            Some(slug) => {
                let org = segment(self.org.as_str());
                format!("/api/0/projects/{org}/{}/releases/?per_page=100", segment(slug))
            }
            None => self.path("releases/?per_page=100"),
        };
        let response = self.client.get(path).await?;
        match response.json() {
            Value::Array(items) if response.is_success() => {
                Ok(items.iter().filter_map(listed_release).collect())
            }
            _ => Err(self.denied(&response, Permission::ReadReleases)),
        }
    }

    /// The deploys of a release; none where it is not there.
    pub async fn deploys(&self, version: &ReleaseVersion) -> Result<Option<Vec<ExistingDeploy>>> {
        let path = format!("{}deploys/?per_page=100", self.release_path(version));
        let denied = |response: &HttpResponse| self.denied(response, Permission::ReadReleases);
        match self.client.get_all(&path, RetryPolicy::Safe, denied).await {
            Ok(items) => Ok(Some(items.iter().filter_map(deployed).collect())),
            // The release is not there.
            Err(failure) if failure.code == ErrorCode::NotAMember => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// The repositories of the organization.
    pub async fn repositories(&self) -> Result<Vec<ListedRepository>> {
        let permission = Permission::ListRepositories;
        let denied = |response: &HttpResponse| self.client.denied(response, permission, &self.org);
        let path = self.path("repos/?status=active&per_page=100");
        let items = self.client.get_all(&path, RetryPolicy::Safe, denied).await?;
        Ok(items.iter().filter_map(listed_repository).collect())
    }

    /// Whether a release is there, and of one of these projects, if any are named.
    pub async fn has(&self, version: &ReleaseVersion, projects: &[String]) -> Result<bool> {
        let response = self.client.get(self.release_path(version)).await?;
        match response.status {
            _ if response.is_success() => {
                let own = listed_release(&response.json()).map(|one| one.projects);
                let own = own.unwrap_or_default();
                Ok(projects.is_empty() || projects.iter().any(|slug| own.contains(slug)))
            }
            404 if is_missing(&response) => Ok(false),
            _ => Err(self.denied(&response, Permission::ReadReleases)),
        }
    }

    /// Fails where one of these projects does not exist.
    pub async fn check_projects(&self, projects: &[String]) -> Result {
        for slug in projects {
            project(&self.client, &self.org, slug).await?;
        }
        Ok(())
    }

    /// Deletes a release; whether it was there.
    pub async fn delete(&self, version: &ReleaseVersion) -> Result<bool> {
        let path = self.release_path(version);
        let request = SentryRequest { retry: RetryPolicy::Safe, ..SentryRequest::delete(path) };
        let response = self.client.send(&request).await?;
        match response.status {
            200..=204 => Ok(true),
            404 if is_missing(&response) => Ok(false),
            _ => Err(self.denied(&response, Permission::DeleteReleases)),
        }
    }

    /// Puts a release away, or back; whether it is there.
    pub async fn set_status(&self, version: &ReleaseVersion, status: &str) -> Result<bool> {
        let body = json!({ "status": status });
        let request = SentryRequest::post(self.release_path(version), &body, RetryPolicy::Safe);
        let response = self.client.send(&SentryRequest { method: Method::PUT, ..request }).await?;
        match response.status {
            _ if response.is_success() && response.json()["version"].is_string() => Ok(true),
            404 if is_missing(&response) => Ok(false),
            _ => Err(self.denied(&response, Permission::ArchiveReleases)),
        }
    }

    fn denied(&self, response: &HttpResponse, permission: Permission) -> Error {
        self.client.denied(response, permission, &self.org)
    }

    fn path(&self, rest: &str) -> String {
        organization_path(&self.org, rest)
    }

    fn release_path(&self, version: &ReleaseVersion) -> String {
        self.path(&format!("releases/{}/", segment(version.as_str())))
    }
}

fn is_missing(response: &HttpResponse) -> bool {
    response.status == 404 && response.is_from_sentry()
}

fn listed_release(item: &Value) -> Option<ListedRelease> {
    let projects = item["projects"].as_array().into_iter().flatten();
    Some(ListedRelease {
        version: item["version"].as_str()?.to_owned(),
        date_released: item["dateReleased"].as_str().and_then(date::parse),
        projects: projects.filter_map(|one| one["slug"].as_str()).map(str::to_owned).collect(),
    })
}

fn listed_repository(item: &Value) -> Option<ListedRepository> {
    let provider = &item["provider"];
    Some(ListedRepository {
        name: item["name"].as_str()?.to_owned(),
        provider: provider["name"].as_str().or(provider["id"].as_str()).unwrap_or("-").to_owned(),
        url: item["url"].as_str().map(str::to_owned),
    })
}
