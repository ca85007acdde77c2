//! GitHub Actions, and Gitea and Forgejo, which use its names.
//!
//! The variables tell what is checked out; what a person did stands in the event's payload, of
//! which every field may be missing.

use serde_json::Value;

use super::reader::{EventPayload, JobEnv};
use super::{Host, IdleEvent, Job, reader};
use crate::text::quote;

/// Events that strangers can start and that run with the repository's secrets.
const PRIVILEGED: [&str; 9] = [
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "issues",
    "discussion",
    "discussion_comment",
    "fork",
    "gollum",
    "watch",
];

/// Events that get Dependabot's own secrets, not those of the repository, when it starts them.
/// <https://docs.github.com/en/code-security/dependabot/troubleshooting-dependabot/troubleshooting-dependabot-on-github-actions>
const DEPENDABOT: [&str; 7] = [
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "push",
    "create",
    "deployment",
    "deployment_status",
];

/// Gathers the facts of one event.
pub(super) fn read(host: Host, facts: &JobEnv<'_>, payload: &EventPayload<'_>) -> Job {
    let job = Job { nothing_built: idle(facts, payload), ..base_job(host, facts) };
    let sha = facts.sha("GITHUB_SHA");
    let event = job.event.clone().unwrap_or_default();
    match event.as_str() {
        "delete" => deletion(job, payload, sha),
        "push" if is_deletion(payload) => deletion(job, payload, sha),
        // Not `after`: for an annotated tag that is the tag object, no commit.
        "push" => Job { base_sha: payload.sha("/before"), ..job }.at(sha, None),
        "release" => release(job, payload).at(sha, None),
        "deployment" | "deployment_status" => {
            let head = payload.sha("/deployment/sha").or_else(|| sha.clone());
            deployment(job, payload).at(head, sha)
        }
        "merge_group" => {
            let head = payload.sha("/merge_group/head_sha").or_else(|| sha.clone());
            merge_group(job, payload).at(head, sha)
        }
        "workflow_run" => workflow_run(job, payload).at(payload.sha("/workflow_run/head_sha"), sha),
        "issue_comment" if payload.at("/issue/pull_request").is_some_and(Value::is_object) => {
            Job { pull_request: payload.number("/issue/number"), branch: None, ..job }.at(None, sha)
        }
        event if event.starts_with("pull_request") => pull_request(job, facts, payload, sha),
        _ => job.at(sha, None),
    }
}

/// Says why nothing was built or deployed at this event. What the payload leaves out is no reason.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
fn idle(facts: &JobEnv<'_>, payload: &EventPayload<'_>) -> Option<IdleEvent> {
    let event = facts.text("GITHUB_EVENT_NAME")?;
    let action = payload.text("/action").unwrap_or_default();
    match event.as_str() {
        "deployment_status" => {
            let state = payload.text("/deployment_status/state").filter(|is| is != "success")?;
            let words = format!("the deployment has the status {}, not `success`", quote(&state));
            Some(IdleEvent::new("not-deployed", words))
        }
        "release" if matches!(action.as_str(), "edited" | "deleted" | "unpublished") => {
            let words = format!("the release on the CI host was {action}, not published");
            Some(IdleEvent::new("not-published", words))
        }
        "workflow_run" => {
            let ended = payload.text("/workflow_run/conclusion")?;
            let is_good = matches!(ended.as_str(), "success" | "neutral");
            let words = format!("the workflow run ended as {}", quote(&ended));
            (!is_good).then(|| IdleEvent::new("workflow-failed", words))
        }
        "pull_request" | "pull_request_target" if action == "closed" => {
            let merged = payload.at("/pull_request/merged").and_then(Value::as_bool);
            let words = "the pull request was closed without being merged";
            (merged == Some(false)).then(|| IdleEvent::new("not-merged", words))
        }
        _ => None,
    }
}

/// Says why the job has no secrets.
pub(super) fn withheld(job: &Job) -> Option<&'static str> {
    let event = job.event.as_deref()?;
    // What runs for the base branch has the secrets, whoever opened the pull request.
    let is_for_head = event.starts_with("pull_request") && event != "pull_request_target";
    if is_for_head && job.is_fork == Some(true) {
        return Some("fork");
    }
    let is_dependabot = job.actor.as_deref() == Some("dependabot[bot]");
    (is_dependabot && DEPENDABOT.contains(&event)).then_some("dependabot")
}

/// Reads what the variables tell alike for every event.
fn base_job(host: Host, facts: &JobEnv<'_>) -> Job {
    let event = facts.text("GITHUB_EVENT_NAME");
    let git_ref = facts.text("GITHUB_REF");
    // Gitea and Forgejo number their run pages in ways that differ by version.
    let run = if host == Host::Github { run_url(facts) } else { None };
    let attempt = facts.number("GITHUB_RUN_ATTEMPT");
    let with_attempt = |run: &String| match attempt {
        Some(attempt) => format!("{run}/attempts/{attempt}"),
        None => run.clone(),
    };
    let job = Job {
        // The runners of the other two are made from act and may set its variable too.
        emulator: (host == Host::Github && facts.is("ACT", "true")).then_some("act"),
        repository: facts.repository("GITHUB_REPOSITORY"),
        actor: facts.text("GITHUB_ACTOR"),
        privileged: event.as_deref().is_some_and(|event| PRIVILEGED.contains(&event)),
        event,
        run_url: run.as_ref().map(with_attempt),
        run_url_without_attempt: run,
        api_url: facts.link("GITHUB_API_URL"),
        workspace: facts.text("GITHUB_WORKSPACE"),
        ..Job::default()
    };
    with_ref(job, git_ref)
}

/// Builds the run's page, on the server that the variables name.
fn run_url(facts: &JobEnv<'_>) -> Option<String> {
    let server = facts.link("GITHUB_SERVER_URL")?;
    let repository = facts.repository("GITHUB_REPOSITORY")?;
    let run = facts.number("GITHUB_RUN_ID")?;
    Some(format!("{}/{repository}/actions/runs/{run}", server.trim_end_matches('/')))
}

/// Sets the ref and the branch or tag that it names.
fn with_ref(job: Job, git_ref: Option<String>) -> Job {
    let named = |prefix| reader::ref_name(git_ref.as_deref(), prefix);
    Job { branch: named("refs/heads/"), tag: named("refs/tags/"), git_ref, ..job }
}

/// Whether a push removed its branch or tag; Gitea tells it by zeros alone.
fn is_deletion(payload: &EventPayload<'_>) -> bool {
    let zeros = |after: &str| !after.is_empty() && after.bytes().all(|byte| byte == b'0');
    payload.flag("/deleted") || payload.at("/after").and_then(Value::as_str).is_some_and(zeros)
}

/// Takes the ref from the payload: the variables speak of the default branch here.
fn deletion(job: Job, payload: &EventPayload<'_>, sha: Option<String>) -> Job {
    let kind = if payload.text("/ref_type").as_deref() == Some("tag") { "tags" } else { "heads" };
    let full = |name: String| match name.starts_with("refs/") {
        true => name,
        false => format!("refs/{kind}/{name}"),
    };
    let job = with_ref(job, payload.text("/ref").map(full)).at(None, sha);
    Job { sha: None, deleted: true, base_sha: payload.sha("/before"), ..job }
}

/// Adds the release; its `target_commitish` is no sha and is not read.
fn release(job: Job, payload: &EventPayload<'_>) -> Job {
    let tag = payload.text("/release/tag_name").or_else(|| job.tag.clone());
    Job { tag, branch: None, release_name: payload.text("/release/name"), ..job }
}

fn deployment(job: Job, payload: &EventPayload<'_>) -> Job {
    Job {
        environment: payload.text("/deployment/environment"),
        environment_url: payload.link("/deployment_status/environment_url"),
        ..job
    }
}

fn merge_group(job: Job, payload: &EventPayload<'_>) -> Job {
    Job {
        base_ref: payload.text("/merge_group/base_ref").and_then(reader::short_branch),
        base_sha: payload.sha("/merge_group/base_sha"),
        ..job
    }
}

/// Adds what the run that ended was about; the variables speak of the default branch.
fn workflow_run(job: Job, payload: &EventPayload<'_>) -> Job {
    let is_alone = payload.at("/workflow_run/pull_requests/1").is_none();
    let number = payload.number("/workflow_run/pull_requests/0/number");
    Job {
        branch: payload.text("/workflow_run/head_branch"),
        pull_request: number.filter(|_| is_alone),
        is_fork: is_fork(&job, payload, "/workflow_run/head_repository", "/repository/full_name"),
        ..job
    }
}

/// Adds the pull request, from the variables where the payload tells nothing.
fn pull_request(
    job: Job,
    facts: &JobEnv<'_>,
    payload: &EventPayload<'_>,
    sha: Option<String>,
) -> Job {
    let (numbered, is_head) = job.git_ref.as_deref().map_or((None, false), numbered_ref);
    let head = payload.sha("/pull_request/head/sha");
    let head = head.or_else(|| sha.clone().filter(|_| is_head));
    let number = payload.number("/pull_request/number").or_else(|| payload.number("/number"));
    let merged = payload.flag("/pull_request/merged");
    let either = |pointer, name| payload.text(pointer).or_else(|| facts.text(name));
    let job = Job {
        pull_request: number.or(numbered),
        is_fork: is_fork(
            &job,
            payload,
            "/pull_request/head/repo",
            "/pull_request/base/repo/full_name",
        ),
        branch: either("/pull_request/head/ref", "GITHUB_HEAD_REF"),
        base_ref: either("/pull_request/base/ref", "GITHUB_BASE_REF"),
        base_sha: payload.sha("/pull_request/base/sha"),
        merged,
        merge_sha: payload.sha("/pull_request/merge_commit_sha").filter(|_| merged),
        ..job
    };
    job.at(head, sha)
}

/// Splits `refs/pull/N/merge`, or `…/head`: Gitea and Forgejo check out the head itself.
fn numbered_ref(git_ref: &str) -> (Option<u64>, bool) {
    let parts = git_ref.strip_prefix("refs/pull/").and_then(|rest| rest.split_once('/'));
    parts.map_or((None, false), |(number, kind)| (reader::number(number), kind == "head"))
}

/// Compares the repository of the head with that of the base, else with the job's own.
///
/// Not the head's own `fork` flag: that one is also set where the base itself is a fork.
fn is_fork(job: &Job, payload: &EventPayload<'_>, head: &str, base: &str) -> Option<bool> {
    let head = payload.at(head)?;
    if head.is_null() {
        // A fork that has been deleted since.
        return Some(true);
    }
    let base = payload.text(base).or_else(|| job.repository.clone())?;
    Some(!reader::same_repository(head.get("full_name")?.as_str()?, &base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use serde_json::json;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

    fn job(host: Host, variables: &[(&str, &str)]) -> Job {
        Job::read(host, &variables.iter().copied().collect(), None)
    }

    fn github(event: &str, payload: &Value) -> Job {
        let variables = [
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
            ("GITHUB_SHA", C),
        ];
        let env: Env = variables.into_iter().collect();
        Job::read(Host::Github, &env, Some(payload))
    }

    #[test]
    fn a_workflow_run_speaks_of_the_commit_that_it_followed() {
        let mut payload = json!({
            "repository": {"full_name": "octo-org/octo-repo"},
            "workflow_run": {
                "head_sha": A,
                "head_branch": "feature/a",
                "head_repository": {"full_name": "stranger/octo-repo"},
                "pull_requests": [{"number": 42}],
            },
        });
        let job = github("workflow_run", &payload);
        assert_eq!((job.sha.as_deref(), job.checkout_sha.as_deref()), (Some(A), Some(C)));
        assert_eq!((job.branch.as_deref(), job.pull_request), (Some("feature/a"), Some(42)));
        assert_eq!((job.is_fork, job.withheld_secrets(), job.privileged), (Some(true), None, true));
        payload["workflow_run"]["pull_requests"] = json!([{"number": 42}, {"number": 43}]);
        assert_eq!(github("workflow_run", &payload).pull_request, None);
    }

    #[test]
    fn a_deployment_status_tells_where_the_environment_is() {
        let payload = json!({
            "deployment": {"sha": A, "environment": "production"},
            "deployment_status": {"state": "success", "environment_url": "https://e.example/"},
        });
        let job = github("deployment_status", &payload);
        assert_eq!(job.environment.as_deref(), Some("production"));
        assert_eq!(job.environment_url.as_deref(), Some("https://e.example/"));
        assert_eq!((job.sha.as_deref(), job.checkout_sha.as_deref()), (Some(A), Some(C)));
    }

    #[test]
    fn a_deleted_ref_has_no_commit_to_speak_of() {
        let zeros = "0".repeat(40);
        let deletions = [
            ("push", json!({"ref": "refs/tags/v1", "after": zeros}), None, Some("v1")),
            ("delete", json!({"ref": "v1", "ref_type": "tag"}), None, Some("v1")),
            ("delete", json!({"ref": "old", "ref_type": "branch"}), Some("old"), None),
        ];
        for (event, payload, branch, tag) in deletions {
            let job = github(event, &payload);
            assert_eq!((job.deleted, job.sha.as_deref(), job.head_sha_known), (true, None, false));
            assert_eq!((job.branch.as_deref(), job.tag.as_deref()), (branch, tag));
        }
    }

    #[test]
    fn a_merged_pull_request_tells_what_it_became() {
        let mut payload = json!({"pull_request": {"head": {"sha": A}}});
        payload["pull_request"]["merge_commit_sha"] = json!(C);
        assert_eq!(github("pull_request", &payload).merge_sha, None);
        payload["pull_request"]["merged"] = json!(true);
        assert_eq!(github("pull_request", &payload).merge_sha.as_deref(), Some(C));
    }

    #[test]
    fn gitea_checks_out_the_head_itself() {
        let gitea = job(
            Host::Gitea,
            &[
                ("GITHUB_EVENT_NAME", "pull_request"),
                ("GITHUB_REF", "refs/pull/42/head"),
                ("GITHUB_SHA", A),
                ("ACT", "true"),
            ],
        );
        assert_eq!((gitea.sha.as_deref(), gitea.checkout_sha.as_deref()), (Some(A), None));
        assert_eq!((gitea.pull_request, gitea.head_sha_known), (Some(42), true));
        assert_eq!(gitea.emulator, None);
    }

    #[test]
    fn the_page_without_the_attempt_stays_when_the_run_is_repeated() {
        let run = [
            ("GITHUB_SERVER_URL", "https://github.acme.test/"),
            ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
            ("GITHUB_RUN_ID", "777"),
        ];
        let page = "https://github.acme.test/octo-org/octo-repo/actions/runs/777";
        assert_eq!(job(Host::Github, &run).run_url.as_deref(), Some(page));
        let rerun = job(Host::Github, &[run.as_slice(), &[("GITHUB_RUN_ATTEMPT", "2")]].concat());
        assert_eq!(rerun.run_url, Some(format!("{page}/attempts/2")));
        assert_eq!(rerun.run_url_without_attempt.as_deref(), Some(page));
    }
}
