//! Buildkite. The commit may be the word `HEAD`, which only git can answer.

use super::Job;
use super::reader::{self, JobEnv};

/// Gathers the facts of a branch's, a tag's or a pull request's build.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let tag = facts.text("BUILDKITE_TAG");
    // A tag's build repeats the tag as its branch.
    let branch = facts.text("BUILDKITE_BRANCH").filter(|branch| tag.as_ref() != Some(branch));
    let branch = branch.and_then(without_owner);
    let number = facts.number("BUILDKITE_PULL_REQUEST");
    let job = Job {
        repository: facts.repository_of_url("BUILDKITE_REPO"),
        event: facts.text("BUILDKITE_SOURCE"),
        actor: facts.text("BUILDKITE_BUILD_CREATOR"),
        git_ref: reader::full_ref(branch.as_deref(), tag.as_deref()),
        base_ref: facts.text("BUILDKITE_PULL_REQUEST_BASE_BRANCH").filter(|_| number.is_some()),
        pull_request: number,
        is_fork: is_fork(facts).filter(|_| number.is_some()),
        run_url: facts.link("BUILDKITE_BUILD_URL"),
        run_url_without_attempt: facts.link("BUILDKITE_BUILD_URL"),
        branch,
        tag,
        ..Job::default()
    };
    job.at(facts.sha("BUILDKITE_COMMIT"), None)
}

/// Cuts off the `owner:` before a fork's branch; no branch name holds a colon.
fn without_owner(branch: String) -> Option<String> {
    branch.rsplit(':').next().and_then(reader::text)
}

fn is_fork(facts: &JobEnv<'_>) -> Option<bool> {
    let source = facts.repository_of_url("BUILDKITE_PULL_REQUEST_REPO")?;
    let own = facts.repository_of_url("BUILDKITE_REPO")?;
    Some(!reader::same_repository(&source, &own))
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::*;

    #[test]
    fn a_forks_branch_is_told_with_its_owner() {
        let variables = [
            ("BUILDKITE_PULL_REQUEST", "12"),
            ("BUILDKITE_BRANCH", "stranger:feature"),
            ("BUILDKITE_REPO", "git@github.com:acme/widget.git"),
            ("BUILDKITE_PULL_REQUEST_REPO", "git://github.com/stranger/widget.git"),
        ];
        let job = Job::read(Host::Buildkite, &variables.into_iter().collect(), None);
        assert_eq!((job.branch.as_deref(), job.is_fork), (Some("feature"), Some(true)));
        // An agent gets its secrets from wherever its owner keeps them, not from the host.
        assert_eq!(job.withheld_secrets(), None);
    }
}
