//! The events of GitHub and GitLab as these hosts document them: variables and payload.
//!
//! GitHub: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>
//! and <https://docs.github.com/en/webhooks/webhook-events-and-payloads>; GitLab:
//! <https://docs.gitlab.com/ci/variables/predefined_variables/>.

use super::story::StoryCommits;
use serde_json::{Value, json};

/// One event: its variables, and its payload.
pub(super) type EventFacts = (Vec<(&'static str, String)>, Value);

/// The events of the table, in the order of its columns.
pub(super) const EVENTS: [&str; 16] = [
    "push",
    "push of a tag",
    "schedule",
    "workflow_dispatch",
    "repository_dispatch",
    "release",
    "deployment_status",
    "pull_request",
    "pull_request merged",
    "pull_request_target",
    "pull_request_target of a fork",
    "workflow_run",
    "workflow_run of a fork",
    "gitlab push",
    "gitlab tag",
    "gitlab merge request",
];

pub(super) fn github(event: &str, git_ref: &str, sha: &str, payload: Value) -> EventFacts {
    let variables = vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_EVENT_NAME", event.to_owned()),
        ("GITHUB_REF", git_ref.to_owned()),
        ("GITHUB_SHA", sha.to_owned()),
        ("GITHUB_REPOSITORY", "acme/web".to_owned()),
    ];
    (variables, payload)
}

pub(super) fn pull_request(commits: &StoryCommits, owner: &str, merged: bool) -> Value {
    json!({
        "action": if merged { "closed" } else { "synchronize" },
        "number": 7,
        "repository": {"full_name": "acme/web"},
        "pull_request": {
            "number": 7,
            "merged": merged,
            "merge_commit_sha": commits.merge,
            "head": {"ref": "feature", "sha": commits.pushed,
                     "repo": {"full_name": format!("{owner}/web")}},
            "base": {"ref": "main", "sha": commits.base, "repo": {"full_name": "acme/web"}},
        },
    })
}

pub(super) fn workflow_run(commits: &StoryCommits, owner: &str, conclusion: &str) -> Value {
    json!({
        "action": "completed",
        "repository": {"full_name": "acme/web"},
        "workflow_run": {
            "head_sha": commits.pushed,
            "head_branch": "feature",
            "head_repository": {"full_name": format!("{owner}/web")},
            "conclusion": conclusion,
        },
    })
}

pub(super) fn deployment_status(commits: &StoryCommits, state: &str) -> Value {
    let deployment = json!({"sha": commits.pushed, "ref": "feature", "environment": "production"});
    json!({"deployment": deployment, "deployment_status": {"state": state}})
}

pub(super) fn release(action: &str) -> Value {
    let release = json!({"tag_name": "v2", "target_commitish": "main", "draft": false});
    json!({"action": action, "release": release})
}

fn gitlab(sha: &str, source: &str, more: &[(&'static str, &str)]) -> EventFacts {
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_PATH", "acme/web"),
        ("CI_PIPELINE_SOURCE", source),
        ("CI_COMMIT_SHA", sha),
    ];
    let variables = variables.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned()));
    (variables.collect(), Value::Null)
}

pub(super) fn event(name: &str, commits: &StoryCommits) -> EventFacts {
    let StoryCommits { base, pushed, merge, .. } = commits;
    let (main, tag) = ("refs/heads/main", "refs/tags/v2");
    match name {
        "push" | "schedule" | "workflow_dispatch" | "repository_dispatch" => {
            github(name, main, pushed, json!({}))
        }
        "push of a tag" => github("push", tag, pushed, json!({})),
        "release" => github(name, tag, pushed, release("published")),
        "deployment_status" => github(name, main, pushed, deployment_status(commits, "success")),
        "pull_request" => {
            github(name, "refs/pull/7/merge", merge, pull_request(commits, "acme", false))
        }
        "pull_request merged" => {
            github("pull_request", main, merge, pull_request(commits, "acme", true))
        }
        "pull_request_target" => github(name, main, base, pull_request(commits, "acme", false)),
        "pull_request_target of a fork" => {
            let payload = pull_request(commits, "stranger", false);
            github("pull_request_target", main, base, payload)
        }
        "workflow_run" => github(name, main, base, workflow_run(commits, "acme", "success")),
        "workflow_run of a fork" => {
            github("workflow_run", main, base, workflow_run(commits, "stranger", "success"))
        }
        "gitlab push" => gitlab(pushed, "push", &[("CI_COMMIT_BRANCH", "feature")]),
        "gitlab tag" => gitlab(pushed, "push", &[("CI_COMMIT_TAG", "v2")]),
        "gitlab merge request" => {
            let request = [
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", pushed.as_str()),
            ];
            gitlab(merge, "merge_request_event", &request)
        }
        _ => unreachable!("{name} is no event of the table"),
    }
}
