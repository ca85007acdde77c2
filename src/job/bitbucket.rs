//! Bitbucket Pipelines. It documents no page for a run and no variable that tells a fork.

use super::Job;
use super::reader::{self, JobEnv};

/// Gathers the facts of a branch's, a tag's or a pull request's run.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let branch = facts.text("BITBUCKET_BRANCH");
    let tag = facts.text("BITBUCKET_TAG");
    let job = Job {
        repository: facts.repository("BITBUCKET_REPO_FULL_NAME"),
        git_ref: reader::full_ref(branch.as_deref(), tag.as_deref()),
        base_ref: facts.text("BITBUCKET_PR_DESTINATION_BRANCH"),
        base_sha: facts.sha("BITBUCKET_PR_DESTINATION_COMMIT"),
        pull_request: facts.number("BITBUCKET_PR_ID"),
        environment: facts.text("BITBUCKET_DEPLOYMENT_ENVIRONMENT"),
        branch,
        tag,
        ..Job::default()
    };
    job.at(facts.sha("BITBUCKET_COMMIT"), None)
}
