//! GitLab CI/CD. All facts are variables; there is no payload.
//!
//! A merge request's pipeline may run on a merge commit that nobody pushed, or in the fork.

use super::reader::{self, JobEnv};
use super::{IdleEvent, Job};

/// Gathers the facts of a branch's, a tag's or a merge request's pipeline.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let branch = facts.text("CI_COMMIT_BRANCH");
    let tag = facts.text("CI_COMMIT_TAG");
    let of_request = facts.text("CI_MERGE_REQUEST_REF_PATH");
    let job = Job {
        repository: facts.repository("CI_PROJECT_PATH"),
        event: facts.text("CI_PIPELINE_SOURCE"),
        actor: facts.text("GITLAB_USER_LOGIN"),
        git_ref: of_request.or_else(|| reader::full_ref(branch.as_deref(), tag.as_deref())),
        branch: facts.text("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME").or(branch),
        tag,
        base_ref: facts.text("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        base_sha: base_sha(facts),
        pull_request: facts.number("CI_MERGE_REQUEST_IID"),
        is_fork: is_fork(facts),
        environment: facts.text("CI_ENVIRONMENT_NAME"),
        environment_url: facts.link("CI_ENVIRONMENT_URL"),
        run_url: facts.link("CI_JOB_URL"),
        run_url_without_attempt: facts.link("CI_PIPELINE_URL"),
        api_url: facts.link("CI_API_V4_URL"),
        workspace: facts.text("CI_PROJECT_DIR"),
        nothing_built: idle(facts),
        ..Job::default()
    };
    job.at(head(facts), facts.sha("CI_COMMIT_SHA"))
}

/// A job that takes an environment down deploys nothing.
/// <https://docs.gitlab.com/ci/yaml/#environmentaction>
fn idle(facts: &JobEnv<'_>) -> Option<IdleEvent> {
    let words = "the job stops its environment";
    facts.is("CI_ENVIRONMENT_ACTION", "stop").then(|| IdleEvent::new("not-deployed", words))
}

/// The pushed commit: the source branch's own tip where the pipeline runs on a merge commit.
fn head(facts: &JobEnv<'_>) -> Option<String> {
    // A detached pipeline runs on the pushed commit and leaves the variable for it empty.
    let is_merged = ["merged_result", "merge_train"]
        .into_iter()
        .any(|kind| facts.is("CI_MERGE_REQUEST_EVENT_TYPE", kind));
    let pushed = || facts.sha("CI_COMMIT_SHA").filter(|_| !is_merged);
    facts.sha("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(pushed)
}

/// The first that is told; the last one is zeros for anything but a second push of a branch.
fn base_sha(facts: &JobEnv<'_>) -> Option<String> {
    ["CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_COMMIT_BEFORE_SHA"]
        .into_iter()
        .find_map(|name| facts.sha(name))
}

/// Compares with the merge request's project: the job's own is the fork when it runs there.
fn is_fork(facts: &JobEnv<'_>) -> Option<bool> {
    let source = facts.text("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH")?;
    let target = facts.text("CI_MERGE_REQUEST_PROJECT_PATH");
    let target = target.or_else(|| facts.text("CI_PROJECT_PATH"))?;
    Some(!reader::same_repository(&source, &target))
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Job {
        Job::read(Host::Gitlab, &variables.iter().copied().collect(), None)
    }

    #[test]
    fn a_merge_trains_own_commit_is_not_taken_for_the_pushed_one() {
        let train = [
            ("CI_COMMIT_SHA", "cccccccc"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
        ];
        assert!(!job(&train).head_sha_known);
        let detached = job(&[&train[..2], &[("CI_MERGE_REQUEST_EVENT_TYPE", "detached")]].concat());
        assert_eq!((detached.sha.as_deref(), detached.checkout_sha), (Some("cccccccc"), None));
        assert!(detached.head_sha_known);
    }

    #[test]
    fn the_pipelines_page_stays_when_the_job_is_repeated() {
        let jobs = "https://gitlab.acme.test/a/b/-/jobs/500";
        let pipelines = "https://gitlab.acme.test/a/b/-/pipelines/400";
        let job = job(&[("CI_JOB_URL", jobs), ("CI_PIPELINE_URL", pipelines)]);
        assert_eq!(job.run_url.as_deref(), Some(jobs));
        assert_eq!(job.run_url_without_attempt.as_deref(), Some(pipelines));
    }
}
