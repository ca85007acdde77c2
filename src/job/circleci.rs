//! CircleCI. It names no event and no base branch.

use super::Job;
use super::reader::{self, JobEnv};

/// Gathers the facts of a branch's, a tag's or a pull request's job.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let branch = facts.text("CIRCLE_BRANCH");
    let tag = facts.text("CIRCLE_TAG");
    // Only a fork's pull request has this one; without it nothing is known.
    let forked = facts.number("CIRCLE_PR_NUMBER");
    // A fork's branch is called `pull/N` here, which no repository has.
    let branch = branch.filter(|branch| !is_numbered(branch));
    let job = Job {
        repository: repository(facts),
        actor: facts.text("CIRCLE_USERNAME"),
        git_ref: reader::full_ref(branch.as_deref(), tag.as_deref()),
        pull_request: linked_number(facts).or(forked),
        is_fork: forked.map(|_| true),
        run_url: facts.link("CIRCLE_BUILD_URL"),
        run_url_without_attempt: facts.link("CIRCLE_BUILD_URL"),
        branch,
        tag,
        ..Job::default()
    };
    job.at(facts.sha("CIRCLE_SHA1"), None)
}

fn is_numbered(branch: &str) -> bool {
    branch.strip_prefix("pull/").and_then(reader::number).is_some()
}

/// Takes the number off the pull request's link, which is all that is told without a fork.
fn linked_number(facts: &JobEnv<'_>) -> Option<u64> {
    facts.link("CIRCLE_PULL_REQUEST")?.rsplit('/').next().and_then(reader::number)
}

fn repository(facts: &JobEnv<'_>) -> Option<String> {
    let owner = facts.text("CIRCLE_PROJECT_USERNAME");
    let name = facts.text("CIRCLE_PROJECT_REPONAME");
    let named =
        owner.zip(name).and_then(|(owner, name)| reader::repository(&format!("{owner}/{name}")));
    named.or_else(|| facts.repository_of_url("CIRCLE_REPOSITORY_URL"))
}

#[cfg(test)]
mod tests {
    use super::super::Host;
    use super::*;

    #[test]
    fn a_forks_branch_has_no_name_but_the_number() {
        let variables = [("CIRCLE_PR_NUMBER", "8"), ("CIRCLE_BRANCH", "pull/8")];
        let job = Job::read(Host::Circleci, &variables.into_iter().collect(), None);
        assert_eq!((job.pull_request, job.branch, job.is_fork), (Some(8), None, Some(true)));
    }
}
