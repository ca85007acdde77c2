//! Linking one repository: what the third party calls it, and how Sentry takes it.

use super::SentryBackend;
use super::client::SentryRequest;
use super::client::permission::Permission;
use super::links::{self, names};
use crate::backend::refused;
use crate::error::{Error, Result};
use crate::http::HttpResponse;
use crate::http::retry::RetryPolicy;
use crate::integration::{ExistingLinks, LinkedRepository};
use crate::text::{date, quote, segment};
use reqwest::Method;
use serde_json::{Value, json};

/// Git's id of no commit.
const NULL_COMMIT: &str = "0000000000000000000000000000000000000000";

/// The seconds within which a server makes a repository and answers.
const LONGEST_ANSWER: u64 = 120;

impl SentryBackend<'_> {
    /// Links a repository; `None` where another run did so meanwhile.
    pub(super) async fn link_repository(
        &self,
        integration: i64,
        name: &str,
        rows: &ExistingLinks,
    ) -> Result<Option<LinkedRepository>> {
        if self.task.provider.has_manual_repositories() {
            return self.link_manually(integration, name).await;
        }
        let mut failure = refused(format!("no repository {} was found", quote(name)));
        for identifier in self.identifiers(integration, name).await? {
            match self.post_repository(integration, name, &identifier).await {
                Ok(Some((other, was_there))) if is_another(&other, name, &identifier) => {
                    let is_listed = rows.repositories.iter().any(|one| one.id == other.id);
                    let left = match was_there || is_listed {
                        // With it would go the commits that it has.
                        true => ", which was in Sentry before and stays",
                        false => self.unlink(&other).await,
                    };
                    let (name, other) = (quote(name), quote(&other.names.join(", ")));
                    failure = refused(format!("a search for {name} found only {other}{left}"));
                }
                Ok(linked) => return Ok(linked.map(|(linked, _)| linked)),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// Links what the third party calls so, and says whether it was there before. An older server answers
    /// HTTP 500 when it is linked already, so the list has the last word.
    async fn post_repository(
        &self,
        integration: i64,
        name: &str,
        identifier: &str,
    ) -> Result<Option<(LinkedRepository, bool)>> {
        let body = json!({
            "provider": format!("integrations:{}", self.task.provider_key()),
            "installation": integration.to_string(),
            "identifier": identifier,
        });
        let look = async || {
            let repositories = self.repositories(integration).await?;
            let linked = ExistingLinks { repositories, ..ExistingLinks::default() };
            let found = linked.repository(name).map(|found| (found.clone(), false));
            let is_taken = !linked.has(name) && self.holder(name, integration).await.is_some();
            Ok((found.is_some() || is_taken).then_some(found))
        };
        let request = SentryRequest::post(self.path("repos/"), &body, RetryPolicy::Unsent);
        match self.client.send_or_find(&request, look).await? {
            Ok(response) if response.is_success() && response.json().is_object() => {
                let body = response.json();
                let was_there = is_older(&body, response.server_time());
                Ok(Some((links::repository(&body), was_there)))
            }
            Ok(response) if exists(&response.json()) => Ok(None),
            Ok(response) => Err(self.link_error(&response, Permission::Repositories)),
            Err(found) => Ok(found),
        }
    }

    /// What the third party may call a repository, most likely first. Some take a number only and
    /// find it by the last part of its path: GitLab's names are no paths.
    async fn identifiers(&self, integration: i64, name: &str) -> Result<Vec<String>> {
        let mut found = self.search(integration, name).await;
        if let Some(identifier) = found.exact(name) {
            return Ok(vec![identifier]);
        }
        if found.has(name) {
            return Err(refused("several are called so: name it by its path"));
        }
        let (_, last) = name.rsplit_once('/').unwrap_or(("", name));
        if last != name && found.searchable {
            found = self.search(integration, last).await;
        }
        if let Some(identifier) = found.exact(name) {
            return Ok(vec![identifier]);
        }
        // GitLab takes an encoded path in the place of the number.
        let path = match self.task.provider.has_numbered_repositories() {
            true => segment(name),
            false => name.to_owned(),
        };
        Ok(found.likely(name).into_iter().chain([path]).collect())
    }

    /// What the third party finds for some text.
    async fn search(&self, integration: i64, text: &str) -> FoundRepositories {
        let path = format!("integrations/{integration}/repos/?search={}", segment(text));
        let response = self.client.get_optional(self.path(&path)).await.ok();
        let body = response.filter(HttpResponse::is_success).map(|response| response.json());
        let body = body.unwrap_or_default();
        FoundRepositories {
            repositories: body["repos"].as_array().cloned().unwrap_or_default(),
            searchable: body["searchable"] != false,
        }
    }

    /// Links a repository that Sentry knows by its name only, made where there is none. One that an
    /// integration had which is gone, or goes, is given to this one.
    async fn link_manually(
        &self,
        integration: i64,
        name: &str,
    ) -> Result<Option<LinkedRepository>> {
        if let Some(id) = self.search(integration, name).await.exact(name) {
            // A run that ended too early may have made it.
            self.delete_maker(name).await?;
            let linked = self.post_repository(integration, name, &id).await?;
            return Ok(linked.map(|(linked, _)| linked));
        }
        let path = self.path(&format!("repos/?query={}", segment(name)));
        let known = self.optional_pages(&path).await?;
        let known = known.iter().filter(|one| one["name"] == name).map(links::repository);
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            let leaving = self.leaving().await;
            let is_left =
                |one: &&LinkedRepository| one.integration.is_none_or(|id| leaving.contains(&id));
            let left = known.iter().find(is_left);
            let holder = known.iter().find_map(|one| one.integration).unwrap_or_default();
            let left = left.ok_or_else(|| refused(links::held_by(holder)))?;
            return self.relink(integration, left).await.map(Some);
        }
        self.make_repository(name).await?;
        let made = self.search(integration, name).await.exact(name);
        let made = made.ok_or_else(|| refused("Sentry did not make the repository"))?;
        let linked = self.post_repository(integration, name, &made).await?;
        Ok(linked.map(|(linked, _)| linked))
    }

    /// The provider's integrations that are being deleted, as far as they are listed.
    async fn leaving(&self) -> Vec<i64> {
        let listed = self.list().await.unwrap_or_default();
        listed.iter().filter(|one| one.deletion.is_some()).map(|one| one.id).collect()
    }

    /// Gives a repository that no integration keeps to this one.
    async fn relink(&self, integration: i64, left: &LinkedRepository) -> Result<LinkedRepository> {
        let path = self.path(&format!("repos/{}/", segment(&left.id)));
        let body = json!({ "integrationId": integration.to_string() });
        let post = SentryRequest::post(path, &body, RetryPolicy::Optional);
        let request = SentryRequest { method: Method::PUT, ..post };
        let response = self.client.send(&request).await?;
        let linked = links::repository(&response.json());
        match response.is_success() && linked.integration == Some(integration) {
            true => Ok(linked),
            false => Err(self.link_error(&response, Permission::Repositories)),
        }
    }

    /// Makes a repository as Sentry makes those of no third party: by a commit that names it. The
    /// release that brings the commit is deleted again, also where its answer was lost.
    async fn make_repository(&self, name: &str) -> Result {
        let projects = self.path("projects/?per_page=1");
        let projects = self.client.get_optional(projects).await?;
        let project = projects.json()[0]["slug"].as_str().map(str::to_owned);
        let project = project.ok_or_else(|| match projects.is_success() {
            true => refused("to make the repository, the token must see a project"),
            false => self.link_error(&projects, Permission::Repositories),
        })?;
        let commit = json!({ "id": NULL_COMMIT, "repository": name });
        let version = maker(name);
        let body = json!({ "version": version, "projects": [project], "commits": [commit] });
        let made = self.send("releases/", &body, RetryPolicy::Optional).await;
        let deleted = self.delete_maker(name).await;
        let made = made?;
        match made.is_success() {
            true => deleted,
            false => {
                let why = self.link_error(&made, Permission::Releases);
                Err(Error { message: format!("it cannot be made: {why}"), ..why })
            }
        }
    }

    /// Deletes the release that makes a repository, if it is there. Nothing is linked before that is
    /// known, so that the next run comes here again; a server that refuses it is no reason to stop.
    async fn delete_maker(&self, name: &str) -> Result {
        let version = maker(name);
        let path = self.path(&format!("releases/{}/", segment(&version)));
        let delete = SentryRequest { takes_back: true, ..SentryRequest::delete(path) };
        let mut deleted = self.client.send(&delete).await;
        if !deleted.as_ref().is_ok_and(|response| matches!(response.status, 204 | 403 | 404)) {
            // Somebody between may have answered.
            deleted = self.client.send(&delete).await;
        }
        let deleted = deleted?;
        match deleted.status {
            204 | 404 => Ok(()),
            403 => {
                tracing::warn!(
                    release = version,
                    "the release that made the repository is left: delete it"
                );
                Ok(())
            }
            _ => Err(self.link_error(&deleted, Permission::Releases)),
        }
    }

    /// Takes back the link of a repository that turned out to be another one; what is left of it.
    async fn unlink(&self, other: &LinkedRepository) -> &'static str {
        let path = self.path(&format!("repos/{}/", segment(&other.id)));
        let delete = SentryRequest { takes_back: true, ..SentryRequest::delete(path) };
        let is_deleted = |response: HttpResponse| matches!(response.status, 200..=204);
        let is_left = !self.client.send(&delete).await.is_ok_and(is_deleted);
        if is_left { ", which is linked now: remove it in Sentry" } else { "" }
    }
}

/// The version of the release that makes a repository.
fn maker(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    format!("finishline-makes-{}", name.chars().map(fits).collect::<String>())
}

/// What a third party finds.
#[derive(Default)]
struct FoundRepositories {
    repositories: Vec<Value>,
    /// Whether the third party looked for the text at all.
    searchable: bool,
}

impl FoundRepositories {
    /// The identifiers of those with this name.
    fn named(&self, name: &str) -> impl Iterator<Item = String> {
        let is_named =
            move |item: &&Value| names(item).iter().any(|known| known.eq_ignore_ascii_case(name));
        self.repositories.iter().filter(is_named).filter_map(identifier)
    }

    /// Whether one has this name.
    fn has(&self, name: &str) -> bool {
        self.named(name).next().is_some()
    }

    /// The identifier of the only one with this name: GitLab shows two by one name.
    fn exact(&self, name: &str) -> Option<String> {
        let mut named = self.named(name);
        let first = named.next()?;
        named.all(|other| other == first).then_some(first)
    }

    /// The number of the only one that may be meant.
    fn likely(&self, name: &str) -> Option<String> {
        let number = |item: &Value| {
            let number = identifier(item)?;
            number.bytes().all(|byte| byte.is_ascii_digit()).then_some(number)
        };
        let numbers = |are_alike: bool| {
            let fits = |item: &&Value| !are_alike || is_alike(&item["name"], name);
            self.repositories.iter().filter(fits).filter_map(number).collect::<Vec<_>>()
        };
        let (all, alike) = (numbers(false), numbers(true));
        match (all.as_slice(), alike.as_slice()) {
            ([only], _) | (_, [only]) if self.searchable => Some(only.clone()),
            _ => None,
        }
    }
}

fn identifier(item: &Value) -> Option<String> {
    match &item["identifier"] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a name like `Acme Inc / My Web` may be that of the path `acme/my-web`.
fn is_alike(display_name: &Value, path: &str) -> bool {
    let parts: Vec<_> = display_name.as_str().unwrap_or_default().split(" / ").collect();
    let letters = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    let last = |text: Option<&str>| text.map(letters);
    parts.len() == path.split('/').count()
        && last(parts.last().copied()) == last(path.rsplit('/').next())
}

/// Whether a search brought another repository than the one of this path.
fn is_another(linked: &LinkedRepository, name: &str, identifier: &str) -> bool {
    let is_guess = !identifier.eq_ignore_ascii_case(name);
    let paths: Vec<_> = linked.names.iter().filter(|known| is_path(known)).collect();
    is_guess && !paths.is_empty() && !paths.iter().any(|path| path.eq_ignore_ascii_case(name))
}

/// Whether a row came into being before the server answered a request with it.
fn is_older(row: &Value, answered: u64) -> bool {
    let created = row["dateCreated"].as_str().and_then(date::parse).unwrap_or(i64::MAX);
    let created = u64::try_from(created / 1000).unwrap_or_default();
    created.saturating_add(LONGEST_ANSWER) < answered
}

fn is_path(name: &str) -> bool {
    name.contains('/') && !name.contains(' ')
}

fn exists(body: &Value) -> bool {
    [&body["detail"]["code"], &body["code"]].iter().any(|code| **code == "repo_exists")
}
