//! Jenkins. Most facts come from plugins: Git's, and the one for multibranch projects.

use super::Job;
use super::reader::{self, JobEnv};

/// Gathers the facts of a branch's, a tag's or a change request's build.
pub(super) fn read(facts: &JobEnv<'_>) -> Job {
    let is_change = facts.text("CHANGE_ID").is_some();
    let tag = facts.text("TAG_NAME");
    let branch = branch(facts, is_change).filter(|_| tag.is_none());
    let git_ref = reader::full_ref(branch.as_deref(), tag.as_deref());
    let job = Job {
        repository: facts.repository_of_url("GIT_URL"),
        actor: facts.text("CHANGE_AUTHOR"),
        // What a change request is fetched from is the forge's own affair.
        git_ref: git_ref.filter(|_| !is_change),
        branch,
        base_ref: facts.text("CHANGE_TARGET"),
        pull_request: facts.number("CHANGE_ID"),
        is_fork: facts.text("CHANGE_FORK").map(|_| true),
        run_url: facts.link("BUILD_URL"),
        run_url_without_attempt: facts.link("BUILD_URL"),
        tag,
        ..Job::default()
    };
    // A change request is built on a merge or on its head, as the project is set; nothing tells.
    let checkout = facts.sha("GIT_COMMIT");
    job.at(checkout.clone().filter(|_| !is_change), checkout)
}

/// Takes the first name that is a branch's own: a change request's build is called `PR-3`.
fn branch(facts: &JobEnv<'_>, is_change: bool) -> Option<String> {
    if is_change {
        return facts.text("CHANGE_BRANCH");
    }
    let remote =
        || facts.text("GIT_BRANCH").and_then(without_remote).filter(|name| name != "detached");
    facts.text("BRANCH_NAME").or_else(remote)
}

/// Cuts off git's default remote; another first part may be the branch's own.
fn without_remote(branch: String) -> Option<String> {
    let name = ["refs/remotes/origin/", "refs/heads/", "origin/"]
        .into_iter()
        .find_map(|prefix| branch.strip_prefix(prefix));
    reader::text(name.unwrap_or(&branch))
}
