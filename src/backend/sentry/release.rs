//! Releases of a Sentry, by the part of its API that an organization's token may use.

use super::client::permission::Permission;
use super::client::response::field_errors;
use super::client::{SentryClient, SentryRequest, permission};
use super::release_json::{change_body, deploy_body, deployed, finished, id, repository};
use super::{ConnectOptions, preflight};
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{RetryPolicy, SendError, jitter};
use crate::http::{self, HttpResponse};
use crate::model::OrgSlug;
use crate::release::ReleaseVersion;
use crate::release::backend::{
    Deploy, DeployResult, ExistingDeploy, FieldRejection, KnownRepository, ReleaseBackend,
    ReleaseState, ReleaseUpdate, UpdateResult,
};
use crate::text::date;
use crate::text::url::segment;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How often a server is asked again that says it is not ready: a release's commits are being
/// processed, or a replica does not have the release yet.
const NOT_READY_RETRIES: u32 = 5;
/// The first wait for it; each later one is twice as long.
const NOT_READY_WAIT: Duration = Duration::from_millis(200);
/// Releases that are looked through for a later deploy to another environment and to this one.
const MOST_DEPLOYED: usize = 5;

/// The releases of one organization, of which one version is worked on.
pub struct SentryReleases {
    client: SentryClient,
    org: OrgSlug,
    version: ReleaseVersion,
    /// Tells this run from others: a release keeps the name of the program that made it.
    agent: String,
}

impl SentryReleases {
    /// Makes ready; nothing is sent yet. `mark` is fresh and random.
    pub fn new(
        access: ConnectOptions,
        org: OrgSlug,
        version: ReleaseVersion,
        mark: &str,
    ) -> Result<Self> {
        let agent = format!("{} ({mark})", http::USER_AGENT);
        let client = SentryClient::new(access, Vec::new(), &agent)?;
        Ok(Self { client, org, version, agent })
    }

    /// The first request of the job, as it would be sent.
    pub fn first_request(&self, projects: &[String], change: &ReleaseUpdate) -> String {
        let base = self.client.base().as_str().trim_end_matches('/');
        format!("POST {base}{} {}", self.path("releases/"), self.create_body(projects, change))
    }

    /// The request that notes a deploy, as it would be sent.
    pub fn deploy_request(&self, deploy: &Deploy) -> String {
        let base = self.client.base().as_str().trim_end_matches('/');
        format!("POST {base}{} {}", self.release_path("deploys/"), deploy_body(&[], deploy))
    }

    /// Looks at the projects of a release that is not there yet, as far as the token may.
    pub async fn check_projects(&self, projects: &[String]) -> Result<()> {
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
        format!("/api/0/organizations/{}/{rest}", segment(self.org.as_str()))
    }

    fn release_path(&self, rest: &str) -> String {
        self.path(&format!("releases/{}/{rest}", segment(self.version.as_str())))
    }

    /// Sends until the server is ready for it: a status that says `not yet` is asked again.
    async fn send(
        &self,
        call: &SentryRequest<'_>,
        not_yet: u16,
    ) -> Result<HttpResponse, SendError> {
        let mut wait = NOT_READY_WAIT;
        for _ in 0..NOT_READY_RETRIES {
            let reply = self.client.send(call).await?;
            let pause = jitter(wait);
            if reply.status != not_yet || Instant::now() + pause >= self.client.deadline() {
                return Ok(reply);
            }
            tracing::info!(
                status = reply.status,
                "the server is not ready for it yet, asking again"
            );
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        self.client.send(call).await
    }

    async fn send_release(
        &self,
        method: Method,
        path: String,
        body: &Value,
    ) -> Result<UpdateResult> {
        let call = SentryRequest { method, ..SentryRequest::post(path, body, RetryPolicy::Safe) };
        let reply = self.send(&call, 409).await?;
        match reply.status {
            200..=299 => {
                let told = reply.json();
                // An answer that was lost is known again by who made the release.
                let made = reply.status == 201 || told["userAgent"] == self.agent.as_str();
                let standing = self.standing(&told)?;
                Ok(UpdateResult::Stored { standing, made: made && call.method == Method::POST })
            }
            413 => Ok(UpdateResult::TooLarge),
            400 => self.rejected(&reply).map(UpdateResult::Rejected),
            _ => Err(self.denied(&reply)),
        }
    }

    /// The first field that the server rejects.
    fn rejected(&self, reply: &HttpResponse) -> Result<FieldRejection> {
        let fields = field_errors(&reply.json());
        let Some((field, reason)) = fields.into_iter().next() else {
            return Err(self.denied(reply));
        };
        let (org, code) = (
            &self.org,
            if field == "version" { ErrorCode::BadRelease } else { ErrorCode::BadField },
        );
        let failure = Error::new(code, format!("Sentry does not take `{field}`: {reason}"));
        let failure = match field.as_str() {
            "projects" => failure.with_hint(format!(
                "check `projects`: each must be the slug of a project in {org} that the token may use"
            )),
            "environment" => failure.with_hint("check `environment`"),
            _ => failure,
        };
        let failure = Error { status: Some(reply.status), ..failure };
        Ok(FieldRejection { field, reason, failure })
    }

    fn standing(&self, told: &Value) -> Result<ReleaseState> {
        if !told["version"].is_string() {
            let host = self.client.base();
            let message = format!("{host} answered with something that is no release");
            return Err(Error::new(ErrorCode::BackendError, message).with_hint("check `url`"));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let projects = told["projects"].as_array().into_iter().flatten();
        Ok(ReleaseState {
            date_released: told["dateReleased"].as_str().and_then(date::parse),
            r#ref: text(&told["ref"]),
            url: text(&told["url"]),
            last_commit: text(&told["lastCommit"]["id"]),
            commit_count: told["commitCount"].as_u64().unwrap_or(0),
            deploy_count: told["deployCount"].as_u64().unwrap_or(0),
            projects: projects.filter_map(|project| text(&project["slug"])).collect(),
        })
    }

    fn denied(&self, reply: &HttpResponse) -> Error {
        self.denied_to(reply, Permission::Releases)
    }

    fn denied_to(&self, reply: &HttpResponse, need: Permission) -> Error {
        permission::denied(&self.client, reply, need, &self.org)
    }

    async fn get(&self, path: String) -> Result<HttpResponse> {
        Ok(self.client.send(&SentryRequest::get(path)).await?)
    }

    async fn list(&self, path: &str, need: Permission) -> Result<Vec<Value>> {
        self.client.get_all(&self.path(path), |reply| self.denied_to(reply, need)).await
    }

    async fn deploys_of(&self, version: &str, environment: &str) -> Result<Vec<ExistingDeploy>> {
        let path = format!("releases/{}/deploys/?per_page=100", segment(version));
        let items = self.list(&path, Permission::Releases).await?;
        let there = items.iter().filter_map(deployed);
        Ok(there.filter(|one| one.deploy.environment == environment).collect())
    }

    /// The newest deploy to an environment, of any release. A listing tells the last deploy of
    /// each release only, which may have gone elsewhere: those few are looked at one by one.
    async fn newest(&self, environment: &str) -> Result<Option<ExistingDeploy>> {
        let query =
            format!("releases/?project=-1&per_page=100&environment={}", segment(environment));
        let reply = self.get(self.path(&query)).await?;
        let items = match (reply.status, reply.json()) {
            // An environment that nothing was deployed to is not there.
            (404, _) => return Ok(None),
            (200..=299, Value::Array(items)) => items,
            _ => return Err(self.denied(&reply)),
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
        if later.len() > MOST_DEPLOYED {
            return Ok(None);
        }
        for (version, _) in later {
            let there = self.deploys_of(&version, environment).await?;
            newest = newest.into_iter().chain(there).max_by_key(finished);
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
        let reply = self.get(self.release_path("")).await?;
        match reply.status {
            200..=299 => self.standing(&reply.json()).map(Some),
            404 if reply.json()["detail"].is_string() => Ok(None),
            _ => Err(self.denied(&reply)),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>> {
        let path = format!("repos/?status=active&per_page=100&query={}", segment(part));
        let items = self.list(&path, Permission::ListRepositories).await?;
        Ok(items.iter().filter_map(repository).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>> {
        let reply = self.get(self.release_path("previous-with-commits/")).await?;
        if !reply.is_success() {
            return Err(self.denied(&reply));
        }
        Ok(reply.json()["lastCommit"]["id"].as_str().map(str::to_owned))
    }

    async fn deploys(
        &mut self,
        environment: &str,
    ) -> Result<(Vec<ExistingDeploy>, Option<String>)> {
        let own = self.deploys_of(self.version.as_str(), environment);
        let (there, newest) = tokio::try_join!(own, self.newest(environment))?;
        Ok((there, newest.map(|one| one.id)))
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let body = deploy_body(projects, deploy);
        let call = SentryRequest::post(self.release_path("deploys/"), &body, RetryPolicy::Unsent);
        let reply = match self.send(&call, 404).await {
            Ok(reply) => reply,
            Err(SendError::Indeterminate(failure)) => return Ok(DeployResult::Unknown(failure)),
            Err(SendError::NotSent(failure)) => return Err(failure),
        };
        match (reply.status, id(&reply.json()["id"])) {
            (200..=299, Some(id)) => Ok(DeployResult::There(id)),
            (400, _) => self.rejected(&reply).map(DeployResult::Rejected),
            (404, _) => Err(self.release_missing(&reply)),
            _ => Err(self.denied(&reply)),
        }
    }
}

impl SentryReleases {
    fn release_missing(&self, reply: &HttpResponse) -> Error {
        let message = format!("Sentry has no release {} any more, or not yet", self.version);
        let failure = Error::new(ErrorCode::BackendError, message);
        Error { status: Some(reply.status), ..failure }
    }
}
