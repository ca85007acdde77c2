//! What the CI host tells of the job that this step runs in.
//!
//! Pure: it reads the snapshot of the environment and the event's payload, and takes both for
//! hostile text. What is handed back to the host, and what git knows, is not answered here.

mod azure;
mod bitbucket;
mod buildkite;
mod circleci;
mod github;
mod gitlab;
mod host;
mod jenkins;
mod macros;
mod reader;
mod repository_address;
mod woodpecker;

use serde_json::Value;

use crate::env::Env;
pub use host::Host;
pub use macros::{MacroHosts, UnexpandedMacro};
use reader::{EventPayload, JobEnv};
pub use reader::{repository_of_url, same_repository, sha};

/// The facts about one job, each as far as its host tells it; what is not told is `None`.
///
/// Names and links are one line of text without control characters, a sha is 7 to 64 hex digits
/// and never all zeros, a link is `http` or `https` and carries no credentials. Branch names and
/// titles come from whoever opened the pull request: a writer escapes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// The CI system.
    pub host: Host,
    /// The program that plays the host on a laptop, e.g. `act`.
    pub emulator: Option<&'static str>,
    /// The repository as `owner/repo`, with nested groups where the host has them.
    ///
    /// Azure tells the name of its own repositories without an owner.
    pub repository: Option<String>,
    /// What started the job, in the host's own word: `push`, `merge_request_event`.
    pub event: Option<String>,
    /// Who started the job, as the host names people.
    pub actor: Option<String>,
    /// The commit that the job speaks about: the one that a person pushed.
    ///
    /// Where the host does not tell that one it is what is checked out, and `head_sha_known` is
    /// `false`. It is `None` when a branch was deleted and there is nothing to speak about.
    pub sha: Option<String>,
    /// The commit that is checked out, when it is or may be another than the pushed one.
    pub checkout_sha: Option<String>,
    /// Whether `sha` is there and is certain to be the commit that a person pushed.
    pub head_sha_known: bool,
    /// The full ref, `refs/…`, that the host runs the job for.
    pub git_ref: Option<String>,
    /// The branch that was pushed; for a pull request its source branch.
    pub branch: Option<String>,
    /// The tag that was pushed or released.
    pub tag: Option<String>,
    /// The branch that the pull request, or the merge queue, leads to.
    pub base_ref: Option<String>,
    /// The commit that the change starts from: the base of a pull request, or the tip before a push.
    pub base_sha: Option<String>,
    /// The number of the pull request or merge request.
    pub pull_request: Option<u64>,
    /// Whether the change comes from another repository than the one it leads to.
    pub is_fork: Option<bool>,
    /// Whether the pull request has been merged.
    pub merged: bool,
    /// What a merged pull request became on its base branch.
    pub merge_sha: Option<String>,
    /// Whether the job was started by the deletion of a branch or tag.
    pub deleted: bool,
    /// Whether strangers can start this event although the job sees the repository's secrets.
    pub privileged: bool,
    /// The title of the release that started the job.
    pub release_name: Option<String>,
    /// The environment that the job deploys to.
    pub environment: Option<String>,
    /// Where that environment can be seen.
    pub environment_url: Option<String>,
    /// The page of this very run or job.
    pub run_url: Option<String>,
    /// The page of the whole run, the same one when the job is run again where the host has that.
    pub run_url_without_attempt: Option<String>,
    /// The root of the host's API.
    pub api_url: Option<String>,
    /// The folder that the host made for the job, in which it checks out the code.
    pub workspace: Option<String>,
    /// Why the event leaves nothing to release.
    pub nothing_built: Option<IdleEvent>,
    /// Whether a person asked the host for a verbose run.
    pub debug: bool,
}

/// Something happened after which no code was built or deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleEvent {
    /// Its word in the output `skipped-reason`.
    pub slug: &'static str,
    /// What happened, for a person.
    pub words: String,
}

impl IdleEvent {
    fn new(slug: &'static str, words: impl Into<String>) -> Self {
        Self { slug, words: words.into() }
    }
}

impl Job {
    /// Gathers what `host` tells; `event` is the parsed payload of a GitHub-like host.
    ///
    /// The host is the caller's choice, so that a flag can overrule detection. A payload of any
    /// shape is accepted: a field that is not what it should be counts as absent.
    pub fn read(host: Host, env: &Env, event: Option<&Value>) -> Self {
        let facts = JobEnv::new(env);
        let job = match host {
            Host::Forgejo | Host::Gitea | Host::Github => {
                github::read(host, &facts, &EventPayload::new(event))
            }
            Host::Gitlab => gitlab::read(&facts),
            Host::Azure => azure::read(&facts),
            Host::Circleci => circleci::read(&facts),
            Host::Buildkite => buildkite::read(&facts),
            Host::Bitbucket => bitbucket::read(&facts),
            Host::Woodpecker => woodpecker::read(&facts),
            Host::Jenkins => jenkins::read(&facts),
            Host::UnknownCi | Host::Local => Self::default(),
        };
        let azure = env.get("SYSTEM_DEBUG").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let debug = env.is("RUNNER_DEBUG", "1") || env.is("CI_DEBUG_TRACE", "true") || azure;
        Self { host, debug, ..job }
    }

    /// Says why the host gave this job no secrets: `fork`, `dependabot`, or `None` for no reason.
    ///
    /// It explains a secret that is missing and is no proof that one is: a repository may be set
    /// to hand its secrets to forks. Only what a host documents is a reason.
    pub fn withheld_secrets(&self) -> Option<&'static str> {
        match self.host {
            Host::Forgejo | Host::Gitea | Host::Github => github::withheld(self),
            Host::Gitlab | Host::Azure | Host::Circleci => {
                (self.is_fork == Some(true)).then_some("fork")
            }
            _ => None,
        }
    }

    /// The commits that the host tells, whatever each is.
    pub fn commits(&self) -> impl Iterator<Item = &str> {
        let told = [&self.sha, &self.checkout_sha, &self.merge_sha, &self.base_sha];
        told.into_iter().flatten().map(String::as_str)
    }

    /// Settles the three facts about commits from the pushed one and the one checked out.
    fn at(self, head: Option<String>, checkout: Option<String>) -> Self {
        Self {
            head_sha_known: head.is_some(),
            checkout_sha: checkout.clone().filter(|_| head != checkout),
            sha: head.or(checkout),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verbose_run_is_asked_for_by_exact_values() {
        let debug = |name, value| {
            Job::read(Host::Local, &[(name, value)].into_iter().collect(), None).debug
        };
        assert!(debug("RUNNER_DEBUG", "1") && debug("CI_DEBUG_TRACE", "true"));
        assert!(debug("SYSTEM_DEBUG", "True") && !debug("SYSTEM_DEBUG", "False"));
        assert!(!debug("RUNNER_DEBUG", "true") && !debug("CI_DEBUG_TRACE", "1"));
    }
}
