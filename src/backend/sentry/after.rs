//! After the finish: repositories are linked and code mappings set, each as often as one likes.
//! Whatever fails here is a warning of its own and never hides the finished integration.

use super::access::Need;
use super::client::{Call, Repeat};
use super::reply::{Reply, reason};
use super::{Sentry, segment};
use crate::backend::After;
use crate::failure::Failure;
use crate::inputs::CodeMapping;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

/// What one request to the bulk endpoint may hold.
const MOST_MAPPINGS: usize = 300;

impl Sentry<'_> {
    /// Links repositories to the integration.
    pub async fn link_repositories(
        &mut self,
        integration: i64,
        wanted: &[String],
        after: &mut After,
    ) {
        if wanted.is_empty() {
            return;
        }
        let linked = match self.linked(integration).await {
            Ok(linked) => linked,
            Err(failure) => {
                return after.not_linked("repositories", &failure.message);
            }
        };
        let is_missing = |name: &&String| !linked.iter().any(|linked| is_called(linked, name));
        for name in wanted.iter().filter(is_missing) {
            match self.link_repository(integration, name).await {
                Ok(changed) => after.changed |= changed,
                Err(why) => after.not_linked(name, &why),
            }
        }
    }

    async fn linked(&self, integration: i64) -> Result<Vec<Value>, Failure> {
        let path = self.path(&format!("repos/?integration_id={integration}"));
        self.pages(&path, Need::Repositories).await
    }

    /// Links one, and says whether that changed anything. An older server answers HTTP 500 when
    /// it is linked already, so the list has the last word.
    async fn link_repository(&mut self, integration: i64, name: &str) -> Result<bool, String> {
        let body = json!({
            "provider": format!("integrations:{}", self.task.provider_key()),
            "installation": integration.to_string(),
            "identifier": self.identifier(integration, name).await,
        });
        self.client.without_pool().map_err(|failure| failure.message)?;
        let failure = match self.send("repos/", &body, Repeat::Unsent).await {
            Ok(reply) if reply.is_good() => return Ok(true),
            // Another run has linked it meanwhile.
            Ok(reply) if exists(&reply.json()) => return Ok(false),
            Ok(reply) => return Err(words(&reply)),
            Err(failure) => failure,
        };
        let linked = self.linked(integration).await.unwrap_or_default();
        if linked.iter().any(|linked| is_called(linked, name)) {
            Ok(true)
        } else {
            Err(failure.message)
        }
    }

    /// The third party's own name for a repository: some, like GitLab, take a number only.
    async fn identifier(&self, integration: i64, name: &str) -> String {
        let path = format!("integrations/{integration}/repos/?search={}", segment(name));
        let found = match self.client.call(&Call::get(self.path(&path))).await {
            Ok(reply) if reply.is_good() => reply.json(),
            _ => Value::Null,
        };
        let repositories = found["repos"].as_array().into_iter().flatten();
        let mut named = repositories.filter(|repository| is_called(repository, name));
        let identifier = named.next().map(|repository| &repository["identifier"]);
        match identifier {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => name.to_owned(),
        }
    }

    /// Sets code mappings by the bulk endpoint, which updates those that are there.
    pub async fn map_code(&self, mappings: &[CodeMapping], after: &mut After) {
        let mut rest: Vec<_> = mappings.iter().collect();
        while let Some(first) = rest.first().copied() {
            let same = |one: &&CodeMapping| {
                one.project == first.project
                    && one.repository == first.repository
                    && one.default_branch == first.default_branch
            };
            let (group, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(same);
            rest = others;
            for chunk in group.chunks(MOST_MAPPINGS) {
                self.map_group(first, chunk, after).await;
            }
        }
    }

    async fn map_group(&self, first: &CodeMapping, group: &[&CodeMapping], after: &mut After) {
        let roots = |one: &&CodeMapping| json!({ "stackRoot": one.stack_root, "sourceRoot": one.source_root });
        let mut body = json!({
            "project": first.project,
            "repository": first.repository,
            "provider": self.task.provider_key(),
            "mappings": group.iter().map(roots).collect::<Vec<_>>(),
        });
        if let Some(branch) = &first.default_branch {
            body["defaultBranch"] = branch.as_str().into();
        }
        match self.send("code-mappings/bulk/", &body, Repeat::Safe).await {
            Ok(reply) if reply.is_good() => {
                let said = reply.json();
                after.changed |= said["created"].as_i64().unwrap_or(0) > 0;
                let failed = said["mappings"].as_array().into_iter().flatten();
                let failed = failed.filter(|mapping| mapping["status"] == "error");
                for one in failed {
                    after.not_mapped(first, &reason(one).unwrap_or_default());
                }
            }
            Ok(reply) => after.not_mapped(first, &words(&reply)),
            Err(failure) => after.not_mapped(first, &failure.message),
        }
    }

    async fn send(&self, rest: &str, body: &Value, repeat: Repeat) -> Result<Reply, Failure> {
        let (method, path) = (Method::POST, self.path(rest));
        let call = Call { method, path, json: Some(body), form: None, repeat };
        Ok(self.client.call(&call).await?)
    }
}

/// Whether one of its names is this one; GitLab's tells the path in its address only.
fn is_called(repository: &Value, name: &str) -> bool {
    let address = repository["url"].as_str().and_then(|url| Url::parse(url).ok());
    if address.is_some_and(|url| url.path().trim_matches('/').eq_ignore_ascii_case(name)) {
        return true;
    }
    let texts = ["name", "identifier", "externalSlug"].map(|key| &repository[key]);
    texts.iter().any(|text| match text {
        Value::String(text) => text.eq_ignore_ascii_case(name),
        Value::Number(number) => number.to_string() == name,
        _ => false,
    })
}

fn exists(said: &Value) -> bool {
    [&said["detail"]["code"], &said["code"]].iter().any(|code| **code == "repo_exists")
}

fn words(reply: &Reply) -> String {
    let said = reason(&reply.json()).map(|said| format!(": {said}")).unwrap_or_default();
    format!("HTTP {}{said}", reply.status)
}
