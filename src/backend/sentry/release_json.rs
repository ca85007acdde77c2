//! Releases, commits and deploys as Sentry's JSON has them.

use crate::error::{Error, ErrorCode};
use crate::model::{OrgSlug, RecordId};
use crate::release::{
    Commit, Deploy, ExistingDeploy, FieldRejection, FileChange, KnownRepository, ReleaseUpdate,
};
use crate::text::date;
use serde_json::{Map, Value, json};

/// The body of a change.
pub(super) fn change_body(change: &ReleaseUpdate) -> Map<String, Value> {
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
    put("dateReleased", json!(change.date_released.map(date::iso)), change.date_released.is_some());
    put("refs", json!(refs), !refs.is_empty());
    put("commits", json!(commits), !commits.is_empty());
    body
}

/// A commit; what is not known of it is not said, so that it stays as the server has it.
fn commit_body(commit: &Commit, repository: Option<&str>) -> Value {
    let mut body = json!({ "id": commit.id });
    let texts = [
        ("repository", repository),
        ("message", commit.message.as_deref()),
        ("author_name", commit.author_name.as_deref()),
        ("author_email", commit.author_email.as_deref()),
    ];
    for (name, text) in texts {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        body[name] = text.into();
    }
    if let Some(time) = commit.time {
        body["timestamp"] = date::iso(time).into();
    }
    if !commit.changes.is_empty() {
        let file =
            |change: &FileChange| json!({ "path": change.path, "type": change.kind.letter() });
        body["patch_set"] = commit.changes.iter().map(file).collect();
    }
    body
}

pub(super) fn deploy_body(projects: &[String], deploy: &Deploy) -> Value {
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
        body["dateStarted"] = date::iso(started).into();
    }
    body["dateFinished"] = date::iso(deploy.finished).into();
    body
}

pub(super) fn deployed(item: &Value) -> Option<ExistingDeploy> {
    let text = |name: &str| item[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time = |name: &str| item[name].as_str().and_then(date::parse);
    Some(ExistingDeploy {
        id: RecordId::of_json(&item["id"])?,
        deploy: Deploy {
            environment: text("environment")?,
            name: text("name"),
            url: text("url"),
            started: time("dateStarted"),
            finished: time("dateFinished")?,
        },
    })
}

/// Whether the answer is about this deploy: what it names of it is equal.
pub(super) fn is_answer_to(answer: &Value, deploy: &Deploy) -> bool {
    let is_equal = |name: &str, sent: Option<&str>| {
        answer[name].as_str().zip(sent).is_none_or(|(answered, sent)| answered == sent)
    };
    is_equal("environment", Some(&deploy.environment))
        && is_equal("name", deploy.name.as_deref())
        && is_equal("url", deploy.url.as_deref())
}

pub(super) fn repository(item: &Value) -> Option<KnownRepository> {
    let text = |name: &str| item[name].as_str().map(str::to_owned);
    // A repository that a commit only named has a provider called so, or none.
    let provider = item["provider"]["id"].as_str();
    let is_linked = provider.is_some_and(|id| !id.is_empty() && id != "unknown");
    let (name, url, slug) = (text("name")?, text("url"), text("externalSlug"));
    // Behind this one is no third party.
    let is_fetched = is_linked && provider != Some("integrations:custom_scm");
    Some(KnownRepository { name, url, slug, is_linked, is_fetched })
}

/// A commit of a release by its hash and time.
pub(super) fn bare_commit(item: &Value) -> Option<Commit> {
    let time = item["dateCreated"].as_str().and_then(date::parse);
    Some(Commit { id: item["id"].as_str()?.to_owned(), time, ..Commit::default() })
}

/// A field that Sentry rejected, in its own words.
pub(super) fn rejection(
    org: &OrgSlug,
    field: String,
    reason: String,
    status: u16,
) -> FieldRejection {
    let code = if field == "version" { ErrorCode::BadRelease } else { ErrorCode::BadField };
    let failure = Error::new(code, format!("Sentry rejected `{field}`: {reason}"));
    let failure = match field.as_str() {
        "projects" => failure.with_hint(format!(
            "check `projects`: each must be the slug of a project in {org} that the token can access"
        )),
        "environment" => failure.with_hint("check `environment`"),
        _ => failure,
    };
    FieldRejection { field, reason, failure: Error { status: Some(status), ..failure } }
}
