//! Releases of a Sentry, by the part of its API that an organization's token may use.

use super::client::permission::Permission;
use super::client::response::field_errors;
use super::client::{SentryClient, SentryRequest, organization_path};
use super::release_json::{change_body, deploy_body, deployed, finished, id, repository};
use super::{ConnectOptions, preflight};
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{RetryPolicy, SendError, jitter};
use crate::http::{self, HttpResponse};
use crate::model::OrgSlug;
use crate::release::{
    Deploy, DeployResult, ExistingDeploy, FieldRejection, KnownRepository, ReleaseBackend,
    ReleaseState, ReleaseUpdate, ReleaseVersion, UpdateResult,
};
use crate::text::{date, quote, segment};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How often a request is repeated that the server is not ready for: a release's commits are being
/// processed, or a replica does not have the release yet.
const NOT_READY_RETRIES: u32 = 5;
/// The first wait for it; each later one is twice as long.
const NOT_READY_WAIT: Duration = Duration::from_millis(200);
/// Releases that are looked through for a later deploy to another environment and to this one.
const MAX_OTHER_DEPLOYS: usize = 5;

/// The releases of one organization, of which one version is worked on.
pub struct SentryReleases {
    client: SentryClient,
    org: OrgSlug,
    version: ReleaseVersion,
    /// Tells this run from others: a release keeps the name of the program that made it.
    agent: String,
}

impl SentryReleases {
    /// Prepares the client; nothing is sent yet. `mark` is fresh and random.
    pub fn new(
        options: ConnectOptions,
        org: OrgSlug,
        version: ReleaseVersion,
        mark: &str,
    ) -> Result<Self> {
        let agent = format!("{} ({mark})", http::USER_AGENT);
        let client = SentryClient::new(options, Vec::new(), &agent)?;
        Ok(Self { client, org, version, agent })
    }

    /// The first request of the job, as it would be sent.
    pub fn first_request(&self, projects: &[String], change: &ReleaseUpdate) -> String {
        let body = self.create_body(projects, change);
        self.client.describe_post(&self.path("releases/"), &body)
    }

    /// The request that notes a deploy, as it would be sent.
    pub fn deploy_request(&self, deploy: &Deploy) -> String {
        self.client.describe_post(&self.release_path("deploys/"), &deploy_body(&[], deploy))
    }

    /// Looks at the projects of a release that is not there yet, as far as the token may.
    pub async fn check_projects(&self, projects: &[String]) -> Result {
        for slug in projects {
            preflight::project(&self.client, &self.org, slug).await?;
        }
        Ok(())
    }

    fn create_body(&self, projects: &[String], change: &ReleaseUpdate) -> Value {
        let mut body = Map::new();
        body.insert("version".to_owned(), self.version.as_str().into());
        body.insert("projects".to_owned(), json!(projects));
        body.extend(change_body(change));
        body.into()
    }

    fn path(&self, rest: &str) -> String {
        organization_path(&self.org, rest)
    }

    fn release_path(&self, rest: &str) -> String {
        self.path(&format!("releases/{}/{rest}", segment(self.version.as_str())))
    }

    /// Sends until the server is ready for it: the status `not_ready` is worth another attempt.
    async fn send(
        &self,
        request: &SentryRequest<'_>,
        not_ready: u16,
    ) -> Result<HttpResponse, SendError> {
        let mut wait = NOT_READY_WAIT;
        for _ in 0..NOT_READY_RETRIES {
            let response = self.client.send(request).await?;
            let pause = jitter(wait);
            if response.status != not_ready || Instant::now() + pause >= self.client.deadline() {
                return Ok(response);
            }
            tracing::info!(status = response.status, "the server is not ready yet; retrying");
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        self.client.send(request).await
    }

    async fn send_release(
        &self,
        method: Method,
        path: String,
        body: &Value,
    ) -> Result<UpdateResult> {
        let request =
            SentryRequest { method, ..SentryRequest::post(path, body, RetryPolicy::Safe) };
        let response = self.send(&request, 409).await?;
        match response.status {
            200..=299 => {
                let body = response.json();
                // When the first response was lost, the agent shows who made the release.
                let made = response.status == 201 || body["userAgent"] == self.agent.as_str();
                let standing = self.standing(&body)?;
                Ok(UpdateResult::Stored { standing, made: made && request.method == Method::POST })
            }
            413 => Ok(UpdateResult::TooLarge),
            400 => {
                let rejection = self.rejected(&response)?;
                let slugs = body["projects"].as_array().into_iter().flatten();
                let slugs: Vec<_> = slugs.filter_map(Value::as_str).collect();
                Ok(UpdateResult::Rejected(self.with_wrong_projects(rejection, &slugs).await))
            }
            _ => Err(self.denied(&response)),
        }
    }

    /// Of projects that were rejected: which of them the token does not see, and what is near.
    async fn with_wrong_projects(
        &self,
        mut rejection: FieldRejection,
        slugs: &[&str],
    ) -> FieldRejection {
        if rejection.field != "projects" {
            return rejection;
        }
        let (mut wrong, mut near) = (Vec::new(), Vec::new());
        for slug in slugs {
            let seen = preflight::project(&self.client, &self.org, slug).await;
            if seen.is_err_and(|failure| failure.code == ErrorCode::NotAMember) {
                wrong.push(quote(slug));
                near.extend(preflight::near_project(&self.client, &self.org, slug).await);
            }
        }
        let failure = &mut rejection.failure;
        if !wrong.is_empty() {
            failure.message = format!("{}: {}", failure.message, wrong.join(", "));
        }
        if !near.is_empty() {
            let near: Vec<_> = near.iter().map(|slug| quote(slug)).collect();
            failure.hint = format!("did you mean {}? {}", near.join(", "), failure.hint);
        }
        rejection
    }

    /// The first field that the server rejects.
    fn rejected(&self, response: &HttpResponse) -> Result<FieldRejection> {
        let fields = field_errors(&response.json());
        let Some((field, reason)) = fields.into_iter().next() else {
            return Err(self.denied(response));
        };
        let org = &self.org;
        let code = if field == "version" { ErrorCode::BadRelease } else { ErrorCode::BadField };
        let failure = Error::new(code, format!("Sentry rejected `{field}`: {reason}"));
        let failure = match field.as_str() {
            "projects" => failure.with_hint(format!(
                "check `projects`: each must be the slug of a project in {org} that the token can access"
            )),
            "environment" => failure.with_hint("check `environment`"),
            _ => failure,
        };
        let failure = Error { status: Some(response.status), ..failure };
        Ok(FieldRejection { field, reason, failure })
    }

    fn standing(&self, body: &Value) -> Result<ReleaseState> {
        if !body["version"].is_string() {
            let host = self.client.base();
            let message = format!("unexpected response from {host}: not a release");
            return Err(Error::new(ErrorCode::BackendError, message).with_hint("check `url`"));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let projects = body["projects"].as_array().into_iter().flatten();
        Ok(ReleaseState {
            date_released: body["dateReleased"].as_str().and_then(date::parse),
            r#ref: text(&body["ref"]),
            url: text(&body["url"]),
            last_commit: text(&body["lastCommit"]["id"]),
            commit_count: body["commitCount"].as_u64().unwrap_or(0),
            deploy_count: body["deployCount"].as_u64().unwrap_or(0),
            projects: projects.filter_map(|project| text(&project["slug"])).collect(),
        })
    }

    fn denied(&self, response: &HttpResponse) -> Error {
        self.client.denied(response, Permission::Releases, &self.org)
    }

    fn release_missing(&self, response: &HttpResponse) -> Error {
        let message =
            format!("release {} not found: deleted meanwhile, or not replicated yet", self.version);
        let failure = Error::new(ErrorCode::BackendError, message);
        Error { status: Some(response.status), ..failure }
    }

    async fn list(&self, path: &str, permission: Permission) -> Result<Vec<Value>> {
        let denied = |response: &HttpResponse| self.client.denied(response, permission, &self.org);
        self.client.get_all(&self.path(path), denied).await
    }

    async fn deploys_of(&self, version: &str, environment: &str) -> Result<Vec<ExistingDeploy>> {
        let path = format!("releases/{}/deploys/?per_page=100", segment(version));
        let items = self.list(&path, Permission::Releases).await?;
        let deploys = items.iter().filter_map(deployed);
        Ok(deploys.filter(|existing| existing.deploy.environment == environment).collect())
    }

    /// The newest deploy to an environment, of any release. A listing has the last deploy of
    /// each release only, which may have gone elsewhere: those few are looked at one by one.
    async fn newest(&self, environment: &str) -> Result<Option<ExistingDeploy>> {
        let query =
            format!("releases/?project=-1&per_page=100&environment={}", segment(environment));
        let response = self.client.get(self.path(&query)).await?;
        let items = match (response.status, response.json()) {
            // An environment that nothing was deployed to is not there.
            (404, _) => return Ok(None),
            (200..=299, Value::Array(items)) => items,
            _ => return Err(self.denied(&response)),
        };
        let last = |item: &Value| {
            Some((item["version"].as_str()?.to_owned(), deployed(&item["lastDeploy"])?))
        };
        let last = items.iter().filter_map(last);
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            last.partition(|(_, one)| one.deploy.environment == environment);
        let mut newest = here.into_iter().map(|(_, one)| one).max_by_key(finished);
        let since = newest.as_ref().map_or(0, finished);
        let later: Vec<_> =
            elsewhere.into_iter().filter(|(_, one)| finished(one) > since).collect();
        if later.len() > MAX_OTHER_DEPLOYS {
            return Ok(None);
        }
        for (version, _) in later {
            let deploys = self.deploys_of(&version, environment).await?;
            newest = newest.into_iter().chain(deploys).max_by_key(finished);
        }
        Ok(newest)
    }
}

impl ReleaseBackend for SentryReleases {
    fn fetches_commits(&self) -> bool {
        true
    }

    async fn ensure(
        &mut self,
        projects: &[String],
        change: &ReleaseUpdate,
    ) -> Result<UpdateResult> {
        self.send_release(Method::POST, self.path("releases/"), &self.create_body(projects, change))
            .await
    }

    async fn change(&mut self, change: &ReleaseUpdate) -> Result<UpdateResult> {
        self.send_release(Method::PUT, self.release_path(""), &change_body(change).into()).await
    }

    async fn read(&mut self) -> Result<Option<ReleaseState>> {
        let response = self.client.get(self.release_path("")).await?;
        match response.status {
            200..=299 => self.standing(&response.json()).map(Some),
            404 if response.json()["detail"].is_string() => Ok(None),
            _ => Err(self.denied(&response)),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>> {
        let path = format!("repos/?status=active&per_page=100&query={}", segment(part));
        let items = self.list(&path, Permission::ListRepositories).await?;
        Ok(items.iter().filter_map(repository).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>> {
        let response = self.client.get(self.release_path("previous-with-commits/")).await?;
        if !response.is_success() {
            return Err(self.denied(&response));
        }
        Ok(response.json()["lastCommit"]["id"].as_str().map(str::to_owned))
    }

    async fn deploys(
        &mut self,
        environment: &str,
    ) -> Result<(Vec<ExistingDeploy>, Option<String>)> {
        let own = self.deploys_of(self.version.as_str(), environment);
        let (own, newest) = tokio::try_join!(own, self.newest(environment))?;
        Ok((own, newest.map(|deploy| deploy.id)))
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let body = deploy_body(projects, deploy);
        let request =
            SentryRequest::post(self.release_path("deploys/"), &body, RetryPolicy::Unsent);
        let response = match self.send(&request, 404).await {
            Ok(response) => response,
            Err(SendError::Indeterminate(failure)) => return Ok(DeployResult::Unknown(failure)),
            Err(SendError::NotSent(failure)) => return Err(failure),
        };
        match (response.status, id(&response.json()["id"])) {
            (200..=299, Some(id)) => Ok(DeployResult::There(id)),
            (400, _) => {
                let slugs: Vec<_> = projects.iter().map(String::as_str).collect();
                let rejection = self.rejected(&response)?;
                Ok(DeployResult::Rejected(self.with_wrong_projects(rejection, &slugs).await))
            }
            (404, _) => Err(self.release_missing(&response)),
            _ => Err(self.denied(&response)),
        }
    }
}
