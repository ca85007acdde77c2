//! Releases of a Sentry, by the part of its API that an organization's token may use.

use super::client::permission::{self, Permission};
use super::client::response::field_errors;
use super::client::{SentryClient, SentryRequest, organization_path};
use super::release_json::{change_body, deploy_body, is_answer_to, rejection, repository};
use super::{ConnectOptions, preflight};
use crate::error::{Error, ErrorCode, Result};
use crate::http::retry::{LostRequest, RetryPolicy, SendError, jitter};
use crate::http::{self, HttpResponse};
use crate::model::{OrgSlug, RecordId};
use crate::release::{
    self, Commit, Deploy, DeployResult, ExistingDeploy, ExistingRelease, FieldRejection,
    KnownRepository, OwnDeploy, ReleaseBackend, ReleaseState, ReleaseUpdate, ReleaseVersion,
    UpdateResult,
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

/// The releases of one organization, of which one version is worked on.
pub struct SentryReleases {
    pub(super) client: SentryClient,
    org: OrgSlug,
    pub(super) version: ReleaseVersion,
    /// Tells this run from others: a release keeps the name of the program that made it.
    agent: String,
    /// The slugs and ids of the release's projects, as it was last seen.
    pub(super) projects: Vec<(String, RecordId)>,
    /// The deploy that was sent, as long as nobody knows what became of it.
    lost_deploy: Option<LostRequest>,
    /// By how many seconds our clock is ahead of the server's.
    clock_lead: Option<i64>,
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
        let client = SentryClient::new(options, &agent)?;
        let (projects, lost_deploy, clock_lead) = (Vec::new(), None, None);
        Ok(Self { client, org, version, agent, projects, lost_deploy, clock_lead })
    }

    /// The release with its projects, where it is there; one that is wanted by its id has that.
    pub async fn existing(&mut self, wanted: &[String]) -> Result<Option<ExistingRelease>> {
        let Some(state) = self.read().await? else { return Ok(None) };
        let name = |(slug, id): &(String, RecordId)| {
            let id = wanted.iter().find(|wanted| *wanted == id.as_str());
            id.unwrap_or(slug).clone()
        };
        Ok(Some(ExistingRelease { state, projects: self.projects.iter().map(name).collect() }))
    }

    /// The first request of the job, as it would be sent.
    pub fn first_request(&self, projects: &[String], change: &ReleaseUpdate) -> String {
        let body = self.create_body(projects, change);
        self.client.describe_post(&self.path("releases/"), &body)
    }

    /// The request that notes a deploy, as it would be sent.
    pub fn deploy_request(&self, projects: &[String], deploy: &Deploy) -> String {
        let body = deploy_body(self.named_projects(projects), deploy);
        self.client.describe_post(&self.release_path("deploys/"), &body)
    }

    /// The projects that a deploy names: none where it is one of every project of the release, since
    /// to name them takes a wider token than to make releases.
    fn named_projects<'p>(&self, projects: &'p [String]) -> &'p [String] {
        let is_requested = |(slug, _): &(String, RecordId)| projects.contains(slug);
        if self.projects.iter().all(is_requested) { &[] } else { projects }
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

    pub(super) fn path(&self, rest: &str) -> String {
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
            let is_not_ready = response.status == not_ready && response.is_from_sentry();
            if !is_not_ready || Instant::now() + pause >= self.client.deadline() {
                return Ok(response);
            }
            tracing::info!(status = response.status, "the server is not ready yet; retrying");
            tokio::time::sleep(pause).await;
            wait *= 2;
        }
        self.client.send(request).await
    }

    async fn send_release(
        &mut self,
        method: Method,
        path: String,
        projects: &[String],
        body: &Value,
    ) -> Result<UpdateResult> {
        let request =
            SentryRequest { method, ..SentryRequest::post(path, body, RetryPolicy::Safe) };
        let response = self.send(&request, 409).await?;
        self.clock_lead = response.clock_lead();
        match response.status {
            _ if response.is_success() => {
                let (body, standing) = (response.json(), self.standing(&response)?);
                self.check_answered_projects(projects, &response)?;
                // When the first response was lost, the agent shows who made the release.
                let made = response.status == 201 || body["userAgent"] == self.agent.as_str();
                Ok(UpdateResult::Stored { standing, made: made && request.method == Method::POST })
            }
            413 => Ok(UpdateResult::TooLarge),
            400 => {
                let rejection = self.rejected(projects, &response)?;
                Ok(UpdateResult::Rejected(self.with_wrong_projects(rejection, projects).await))
            }
            _ => Err(self.denied(&response)),
        }
    }

    /// Of projects that were rejected: which of them the token does not see, and what is near.
    async fn with_wrong_projects(
        &self,
        mut rejection: FieldRejection,
        slugs: &[String],
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

    /// The first field that the server rejects of a request for these projects.
    fn rejected(&self, projects: &[String], response: &HttpResponse) -> Result<FieldRejection> {
        let fields = field_errors(&response.json());
        let Some((field, reason)) = fields.into_iter().next() else {
            return Err(self.denied(response));
        };
        let is_of_others = reason.contains("permission to one of the projects");
        if field == "projects" && is_of_others {
            let failure = permission::others_project(&reason, response.status);
            return Ok(FieldRejection { field: "release".to_owned(), reason, failure });
        }
        if field == "projects" && reason.to_lowercase().contains("insufficient access") {
            let failure = permission::projects_unreadable(projects, &reason, response.status);
            return Ok(FieldRejection { field, reason, failure });
        }
        Ok(rejection(&self.org, field, reason, response.status))
    }

    /// Checks that a release was answered with that has these projects, where any are named.
    fn check_answered_projects(&self, projects: &[String], response: &HttpResponse) -> Result {
        let is_there = |wanted: &String| {
            self.projects.iter().any(|(slug, id)| slug == wanted || id.as_str() == wanted)
        };
        match projects.iter().find(|wanted| !self.projects.is_empty() && !is_there(wanted)) {
            Some(missing) => {
                let expected = format!("a release of the project {}", quote(missing));
                Err(self.client.unexpected(response, &expected))
            }
            None => Ok(()),
        }
    }

    fn standing(&mut self, response: &HttpResponse) -> Result<ReleaseState> {
        let body = response.json();
        if body["version"] != self.version.as_str() {
            let expected = match body["version"].is_string() {
                true => format!("release {}", self.version),
                false => "a release".to_owned(),
            };
            return Err(self.client.unexpected(response, &expected));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let projects = body["projects"].as_array().into_iter().flatten();
        let project = |item: &Value| Some((text(&item["slug"])?, RecordId::of_json(&item["id"])?));
        self.projects = projects.filter_map(project).collect();
        Ok(ReleaseState {
            date_released: body["dateReleased"].as_str().and_then(date::parse),
            r#ref: text(&body["ref"]),
            url: text(&body["url"]),
            last_commit: text(&body["lastCommit"]["id"]),
            last_repository: text(&body["lastCommit"]["repository"]["name"]),
            commit_count: body["commitCount"].as_u64().unwrap_or(0),
            deploy_count: body["deployCount"].as_u64().unwrap_or(0),
        })
    }

    pub(super) fn denied(&self, response: &HttpResponse) -> Error {
        self.client.denied(response, Permission::Releases, &self.org)
    }

    fn release_missing(&self, response: &HttpResponse) -> Error {
        let message =
            format!("release {} not found: deleted meanwhile, or not replicated yet", self.version);
        let failure = Error::new(ErrorCode::BackendError, message);
        Error { status: Some(response.status), ..failure }
    }

    pub(super) async fn list(
        &self,
        path: &str,
        retry: RetryPolicy,
        permission: Permission,
    ) -> Result<Vec<Value>> {
        let denied = |response: &HttpResponse| self.client.denied(response, permission, &self.org);
        self.client.get_all(&self.path(path), retry, denied).await
    }
}

impl ReleaseBackend for SentryReleases {
    fn fetches_commits(&self) -> bool {
        true
    }

    fn clock_lead(&self) -> Option<i64> {
        self.clock_lead
    }

    async fn ensure(
        &mut self,
        projects: &[String],
        change: &ReleaseUpdate,
    ) -> Result<UpdateResult> {
        let body = self.create_body(projects, change);
        self.send_release(Method::POST, self.path("releases/"), projects, &body).await
    }

    async fn change(&mut self, change: &ReleaseUpdate) -> Result<UpdateResult> {
        self.send_release(Method::PUT, self.release_path(""), &[], &change_body(change).into())
            .await
    }

    async fn read(&mut self) -> Result<Option<ReleaseState>> {
        let response = self.client.get(self.release_path("")).await?;
        self.clock_lead = response.clock_lead();
        match response.status {
            _ if response.is_success() => self.standing(&response).map(Some),
            404 if response.is_from_sentry() => Ok(None),
            _ => Err(self.denied(&response)),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<KnownRepository>> {
        let path = format!("repos/?status=active&per_page=100&query={}", segment(part));
        let items = self.list(&path, RetryPolicy::Optional, Permission::ListRepositories).await?;
        Ok(items.iter().filter_map(repository).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>> {
        let response = self.client.get(self.release_path("previous-with-commits/")).await?;
        if !response.is_success() || !response.json().is_object() {
            return Err(self.denied(&response));
        }
        Ok(response.json()["lastCommit"]["id"].as_str().map(str::to_owned))
    }

    async fn earlier(&mut self) -> Result<Option<String>> {
        self.earlier_head().await
    }

    async fn own_commits(&mut self) -> Result<Vec<Commit>> {
        self.listed_commits().await
    }

    async fn deploys(
        &mut self,
        projects: &[String],
        environment: &str,
    ) -> Result<Vec<ExistingDeploy>> {
        self.common_deploys(projects, environment).await
    }

    async fn find_deploy(
        &mut self,
        projects: &[String],
        deploy: &Deploy,
    ) -> Result<Option<RecordId>> {
        let this = &*self;
        let look = async || match this.common_deploys(projects, &deploy.environment).await {
            Ok(listed) => Ok(release::same_deploy(listed, deploy)),
            // A replica that does not have the release yet has no deploy of it either.
            Err(failure) if failure.status == Some(404) => Ok(None),
            Err(failure) => Err(failure),
        };
        this.client.look_for(look).await
    }

    async fn is_current(&mut self, projects: &[String], existing: &OwnDeploy<'_>) -> Result<bool> {
        for slug in projects {
            if !self.is_current_of(self.project_id(slug), existing).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<DeployResult> {
        let body = deploy_body(self.named_projects(projects), deploy);
        let request =
            SentryRequest::post(self.release_path("deploys/"), &body, RetryPolicy::Unsent);
        let response = match self.send(&request, 404).await {
            Ok(response) => response,
            Err(SendError::Indeterminate(lost)) => {
                let lost = lost.after(self.lost_deploy.take());
                let failure = lost.describe();
                self.lost_deploy = Some(lost);
                return Ok(DeployResult::Unknown(failure));
            }
            Err(SendError::NotSent(failure)) => return Err(failure),
        };
        self.lost_deploy = None;
        let body = response.json();
        match (response.status, RecordId::of_json(&body["id"])) {
            // What became of ours is not known.
            (_, Some(_)) if response.is_success() && !is_answer_to(&body, deploy) => {
                Ok(DeployResult::Unknown(
                    self.client.unexpected(&response, "the deploy that was sent"),
                ))
            }
            (_, Some(id)) if response.is_success() => Ok(DeployResult::There(id)),
            (400, _) => {
                let rejection = self.rejected(projects, &response)?;
                Ok(DeployResult::Rejected(self.with_wrong_projects(rejection, projects).await))
            }
            (404, _) if response.is_from_sentry() => Err(self.release_missing(&response)),
            _ if response.is_success() => Err(self.client.unexpected(&response, "a deploy")),
            _ => Err(self.denied(&response)),
        }
    }

    /// All its attempts and the looks in between count.
    fn lost_deploy(&mut self, failure: Error) -> Error {
        self.lost_deploy.take().map_or(failure, |lost| lost.describe())
    }
}
