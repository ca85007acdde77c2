//! Releases of a Sentry, by the part of its API that an organization's token may use.

use super::access::{self, Need};
use super::client::{Call, Client, Repeat, Silence};
use super::reply::{Reply, field_errors};
use super::{Access, preflight, segment};
use crate::dates;
use crate::failure::{Code, Failure};
use crate::http;
use crate::model::OrgSlug;
use crate::release::seam::{
    Change, Deploy, Deployed, Noted, Rejection, Releases, Repository, Said, Standing,
};
use crate::release::{Commit, Version};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// How often a server is asked again that says it is not ready: a release's commits are being
/// processed, or a replica does not have the release yet.
const PATIENCE: u32 = 5;
/// The first wait for it; each later one is twice as long.
const UNREADY: Duration = Duration::from_millis(200);
/// Releases that are looked through for a later deploy to another environment and to this one.
const MOST_DEPLOYED: usize = 5;

/// The releases of one organization, of which one version is worked on.
pub struct SentryReleases {
    client: Client,
    org: OrgSlug,
    version: Version,
    /// Tells this run from others: a release keeps the name of the program that made it.
    agent: String,
}

impl SentryReleases {
    /// Makes ready; nothing is sent yet. `mark` is fresh and random.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be built.
    pub fn new(
        access: Access,
        org: OrgSlug,
        version: Version,
        mark: &str,
    ) -> Result<Self, Failure> {
        let agent = format!("{} ({mark})", http::AGENT);
        let client = Client::new(access, Vec::new(), &agent)?;
        Ok(Self { client, org, version, agent })
    }

    /// The first request of the job, as it would be sent.
    pub fn first_request(&self, projects: &[String], change: &Change) -> String {
        let base = self.client.base().as_str().trim_end_matches('/');
        format!("POST {base}{} {}", self.path("releases/"), self.creation(projects, change))
    }

    /// The request that notes a deploy, as it would be sent.
    pub fn deploy_request(&self, deploy: &Deploy) -> String {
        let base = self.client.base().as_str().trim_end_matches('/');
        format!("POST {base}{} {}", self.release_path("deploys/"), deploy_body(&[], deploy))
    }

    /// Looks at the projects of a release that is not there yet, as far as the token may.
    ///
    /// # Errors
    ///
    /// One of them is not there, or the organization is not.
    pub async fn look_at(&self, projects: &[String]) -> Result<(), Failure> {
        for slug in projects {
            preflight::project(&self.client, &self.org, slug).await?;
        }
        Ok(())
    }

    fn creation(&self, projects: &[String], change: &Change) -> Value {
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
    async fn send(&self, call: &Call<'_>, not_yet: u16) -> Result<Reply, Silence> {
        let mut wait = UNREADY;
        for _ in 0..PATIENCE {
            let reply = self.client.call(call).await?;
            let pause = http::jitter(wait);
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
        self.client.call(call).await
    }

    async fn say(&self, method: Method, path: String, body: &Value) -> Result<Said, Failure> {
        let call = Call { method, path, json: Some(body), form: None, repeat: Repeat::Safe };
        let reply = self.send(&call, 409).await?;
        match reply.status {
            200..=299 => {
                let told = reply.json();
                // An answer that was lost is known again by who made the release.
                let made = reply.status == 201 || told["userAgent"] == self.agent.as_str();
                let standing = self.standing(&told)?;
                Ok(Said::There { standing, made: made && call.method == Method::POST })
            }
            413 => Ok(Said::TooLarge),
            400 => self.rejected(&reply).map(Said::Rejected),
            _ => Err(self.denied(&reply)),
        }
    }

    /// The first field that the server rejects.
    fn rejected(&self, reply: &Reply) -> Result<Rejection, Failure> {
        let fields = field_errors(&reply.json());
        let Some((field, reason)) = fields.into_iter().next() else {
            return Err(self.denied(reply));
        };
        let (org, code) =
            (&self.org, if field == "version" { Code::BadRelease } else { Code::BadField });
        let failure = Failure::new(code, format!("Sentry does not take `{field}`: {reason}"));
        let failure = match field.as_str() {
            "projects" => failure.hint(format!(
                "check `projects`: each must be the slug of a project in {org} that the token may use"
            )),
            "environment" => failure.hint("check `environment`"),
            _ => failure,
        };
        let failure = Failure { status: Some(reply.status), ..failure };
        Ok(Rejection { field, reason, failure })
    }

    fn standing(&self, told: &Value) -> Result<Standing, Failure> {
        if !told["version"].is_string() {
            let host = self.client.base();
            let message = format!("{host} answered with something that is no release");
            return Err(Failure::new(Code::BackendError, message).hint("check `url`"));
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let projects = told["projects"].as_array().into_iter().flatten();
        Ok(Standing {
            date_released: told["dateReleased"].as_str().and_then(dates::parse),
            r#ref: text(&told["ref"]),
            url: text(&told["url"]),
            last_commit: text(&told["lastCommit"]["id"]),
            commit_count: told["commitCount"].as_u64().unwrap_or(0),
            deploy_count: told["deployCount"].as_u64().unwrap_or(0),
            projects: projects.filter_map(|project| text(&project["slug"])).collect(),
        })
    }

    fn denied(&self, reply: &Reply) -> Failure {
        self.denied_to(reply, Need::Releases)
    }

    fn denied_to(&self, reply: &Reply, need: Need) -> Failure {
        access::denied(&self.client, reply, need, &self.org)
    }

    async fn get(&self, path: String) -> Result<Reply, Failure> {
        Ok(self.client.call(&Call::get(path)).await?)
    }

    async fn list(&self, path: &str, need: Need) -> Result<Vec<Value>, Failure> {
        self.client.pages(&self.path(path), |reply| self.denied_to(reply, need)).await
    }

    async fn deploys_of(&self, version: &str, environment: &str) -> Result<Vec<Deployed>, Failure> {
        let path = format!("releases/{}/deploys/?per_page=100", segment(version));
        let items = self.list(&path, Need::Releases).await?;
        let there = items.iter().filter_map(deployed);
        Ok(there.filter(|one| one.deploy.environment == environment).collect())
    }

    /// The newest deploy to an environment, of any release. A listing tells the last deploy of
    /// each release only, which may have gone elsewhere: those few are looked at one by one.
    async fn newest(&self, environment: &str) -> Result<Option<Deployed>, Failure> {
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

impl Releases for SentryReleases {
    fn fetches_commits(&self) -> bool {
        true
    }

    async fn ensure(&mut self, projects: &[String], change: &Change) -> Result<Said, Failure> {
        self.say(Method::POST, self.path("releases/"), &self.creation(projects, change)).await
    }

    async fn change(&mut self, change: &Change) -> Result<Said, Failure> {
        self.say(Method::PUT, self.release_path(""), &change_body(change).into()).await
    }

    async fn read(&mut self) -> Result<Option<Standing>, Failure> {
        let reply = self.get(self.release_path("")).await?;
        match reply.status {
            200..=299 => self.standing(&reply.json()).map(Some),
            404 if reply.json()["detail"].is_string() => Ok(None),
            _ => Err(self.denied(&reply)),
        }
    }

    async fn repositories(&mut self, part: &str) -> Result<Vec<Repository>, Failure> {
        let path = format!("repos/?status=active&per_page=100&query={}", segment(part));
        let items = self.list(&path, Need::ListRepositories).await?;
        Ok(items.iter().filter_map(repository).collect())
    }

    async fn previous(&mut self) -> Result<Option<String>, Failure> {
        let reply = self.get(self.release_path("previous-with-commits/")).await?;
        if !reply.is_good() {
            return Err(self.denied(&reply));
        }
        Ok(reply.json()["lastCommit"]["id"].as_str().map(str::to_owned))
    }

    async fn deploys(
        &mut self,
        environment: &str,
    ) -> Result<(Vec<Deployed>, Option<String>), Failure> {
        let own = self.deploys_of(self.version.as_str(), environment);
        let (there, newest) = tokio::try_join!(own, self.newest(environment))?;
        Ok((there, newest.map(|one| one.id)))
    }

    async fn deploy(&mut self, projects: &[String], deploy: &Deploy) -> Result<Noted, Failure> {
        let (method, path) = (Method::POST, self.release_path("deploys/"));
        let body = deploy_body(projects, deploy);
        let call = Call { method, path, json: Some(&body), form: None, repeat: Repeat::Unsent };
        let reply = match self.send(&call, 404).await {
            Ok(reply) => reply,
            Err(Silence::Unknown(failure)) => return Ok(Noted::Unknown(failure)),
            Err(Silence::Unsent(failure)) => return Err(failure),
        };
        match (reply.status, id(&reply.json()["id"])) {
            (200..=299, Some(id)) => Ok(Noted::There(id)),
            (400, _) => self.rejected(&reply).map(Noted::Rejected),
            (404, _) => Err(self.vanished(&reply)),
            _ => Err(self.denied(&reply)),
        }
    }
}

impl SentryReleases {
    fn vanished(&self, reply: &Reply) -> Failure {
        let message = format!("Sentry has no release {} any more, or not yet", self.version);
        let failure = Failure::new(Code::BackendError, message);
        Failure { status: Some(reply.status), ..failure }
    }
}

/// What a change says, in Sentry's words.
fn change_body(change: &Change) -> Map<String, Value> {
    let refs = change.refs.iter().map(|one| {
        let mut head = json!({ "repository": one.repository, "commit": one.commit });
        if let Some(previous) = &one.previous {
            head["previousCommit"] = previous.as_str().into();
        }
        head
    });
    let refs: Vec<_> = refs.collect();
    let repository = change.repository.as_deref();
    let commits: Vec<_> = change.commits.iter().map(|one| commit_body(one, repository)).collect();
    let mut body = Map::new();
    let mut put = |name: &str, value: Value, is_said: bool| {
        if is_said {
            body.insert(name.to_owned(), value);
        }
    };
    put("ref", json!(change.r#ref), change.r#ref.is_some());
    put("url", json!(change.url), change.url.is_some());
    put(
        "dateReleased",
        json!(change.date_released.map(dates::iso)),
        change.date_released.is_some(),
    );
    put("refs", json!(refs), !refs.is_empty());
    put("commits", json!(commits), !commits.is_empty());
    body
}

/// A commit; what is not known of it is not said, so that it stays as the server has it.
fn commit_body(commit: &Commit, repository: Option<&str>) -> Value {
    let mut body = json!({ "id": commit.id });
    let texts = [
        ("repository", repository.unwrap_or_default()),
        ("message", &commit.message),
        ("author_name", &commit.author_name),
        ("author_email", &commit.author_email),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        body[name] = text.into();
    }
    if let Some(time) = commit.time {
        body["timestamp"] = dates::iso(time.saturating_mul(1000)).into();
    }
    if !commit.changes.is_empty() {
        let file = |change: &crate::release::Change| json!({ "path": change.path, "type": change.kind.letter() });
        body["patch_set"] = commit.changes.iter().map(file).collect();
    }
    body
}

fn deploy_body(projects: &[String], deploy: &Deploy) -> Value {
    let mut body = json!({ "environment": deploy.environment });
    if !projects.is_empty() {
        body["projects"] = json!(projects);
    }
    if let Some(name) = &deploy.name {
        body["name"] = name.as_str().into();
    }
    if let Some(url) = &deploy.url {
        body["url"] = url.as_str().into();
    }
    if let Some(started) = deploy.started {
        body["dateStarted"] = dates::iso(started).into();
    }
    body["dateFinished"] = dates::iso(deploy.finished).into();
    body
}

fn deployed(item: &Value) -> Option<Deployed> {
    let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time = |name: &str| item[name].as_str().and_then(dates::parse);
    Some(Deployed {
        id: id(&item["id"])?,
        deploy: Deploy {
            environment: text("environment")?,
            name: text("name"),
            url: text("url"),
            started: time("dateStarted"),
            finished: time("dateFinished")?,
        },
    })
}

fn finished(one: &Deployed) -> i64 {
    one.deploy.finished
}

fn repository(item: &Value) -> Option<Repository> {
    let text = |name: &str| item[name].as_str().map(str::to_owned);
    // A repository that a commit only named has a provider called so, or none.
    let provider = item["provider"]["id"].as_str();
    let is_linked = provider.is_some_and(|id| !id.is_empty() && id != "unknown");
    let (name, url, slug) = (text("name")?, text("url"), text("externalSlug"));
    Some(Repository { name, url, slug, is_linked })
}

/// Sentry's ids are texts here and numbers there.
fn id(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|id| id.to_string()))
}
