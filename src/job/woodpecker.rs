//! Woodpecker CI. It has GitLab-like names with meanings of its own.

use super::Job;
use super::reader::JobEnv;

/// Gathers the facts of a branch's, a tag's or a pull request's pipeline.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let tag = facts.text("CI_COMMIT_TAG");
    // For a pull request `CI_COMMIT_BRANCH` is the branch that it leads to.
    let number = facts.number("CI_COMMIT_PULL_REQUEST");
    let plain = || facts.text("CI_COMMIT_BRANCH").filter(|_| number.is_none() && tag.is_none());
    let job = Job {
        repository: facts.repository("CI_REPO"),
        event: facts.text("CI_PIPELINE_EVENT"),
        actor: facts.text("CI_PIPELINE_AUTHOR"),
        git_ref: facts.text("CI_COMMIT_REF"),
        branch: facts.text("CI_COMMIT_SOURCE_BRANCH").or_else(plain),
        base_ref: facts.text("CI_COMMIT_TARGET_BRANCH"),
        pull_request: number,
        environment: facts.text("CI_PIPELINE_DEPLOY_TARGET"),
        run_url: facts.link("CI_PIPELINE_URL"),
        run_url_without_attempt: facts.link("CI_PIPELINE_URL"),
        tag,
        ..Job::default()
    };
    job.at(facts.sha("CI_COMMIT_SHA"), None)
}
