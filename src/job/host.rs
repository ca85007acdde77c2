//! The CI systems that we know, and which of them this process runs on.
//!
//! Detection compares with the exact value that a host documents, the most special marker first.

use crate::env::Env;
use crate::text::words::word_enum;

/// Markers with one documented value, in the order in which they count.
///
/// Forgejo sets all of the first three and Gitea the latter two, so the order matters.
const MARKERS: [(&str, &str, Host); 7] = [
    ("FORGEJO_ACTIONS", "true", Host::Forgejo),
    ("GITEA_ACTIONS", "true", Host::Gitea),
    ("GITHUB_ACTIONS", "true", Host::Github),
    ("GITLAB_CI", "true", Host::Gitlab),
    ("TF_BUILD", "True", Host::Azure),
    ("CIRCLECI", "true", Host::Circleci),
    ("BUILDKITE", "true", Host::Buildkite),
];

/// What other build services set, of which nothing more is known; not all of them set `CI`.
const SERVICES: [&str; 12] = [
    "CODEBUILD_BUILD_ID",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "TEAMCITY_VERSION",
    "bamboo_planKey",
    "bamboo_buildNumber",
    "GO_PIPELINE_NAME",
    "BUILDER_OUTPUT",
    "CF_BUILD_ID",
    "CF_PAGES_COMMIT_SHA",
    "DYNO",
    "HEROKU_SLUG_COMMIT",
    "GAE_DEPLOYMENT_ID",
];

word_enum! {
    /// A CI system, or the lack of one, in the order of detection.
    #[derive(Default)]
    pub enum Host {
        /// Forgejo Actions.
        Forgejo = "forgejo",
        /// Gitea Actions.
        Gitea = "gitea",
        /// GitHub Actions, Enterprise Server included.
        Github = "github",
        /// GitLab CI/CD.
        Gitlab = "gitlab",
        /// Azure Pipelines.
        Azure = "azure",
        /// CircleCI.
        Circleci = "circleci",
        /// Buildkite.
        Buildkite = "buildkite",
        /// Bitbucket Pipelines.
        Bitbucket = "bitbucket",
        /// Woodpecker CI.
        Woodpecker = "woodpecker",
        /// Jenkins.
        Jenkins = "jenkins",
        /// Some CI system that only says that it is one.
        UnknownCi = "ci",
        /// No CI system: a person's own machine.
        #[default]
        Local = "local",
    }
}

impl Host {
    /// Finds the host by its markers; `Local` when there are none.
    ///
    /// A marker with another value than the documented one is no marker: `GITLAB_CI=false` is set
    /// by an emulator of GitLab.
    pub fn detect(env: &Env) -> Self {
        if let Some((.., host)) = MARKERS.iter().find(|(name, value, _)| env.is(name, value)) {
            return *host;
        }
        // Jenkins sets its URL only when an administrator has configured one.
        let is_jenkins = env.get("JENKINS_URL").is_some()
            || env.get("BUILD_TAG").is_some_and(|tag| tag.starts_with("jenkins-"));
        match env.get("CI") {
            _ if env.get("BITBUCKET_BUILD_NUMBER").is_some() => Self::Bitbucket,
            Some("woodpecker") => Self::Woodpecker,
            _ if is_jenkins => Self::Jenkins,
            Some("false" | "0") => Self::Local,
            None if SERVICES.iter().all(|name| env.get(name).is_none()) => Self::Local,
            None | Some(_) => Self::UnknownCi,
        }
    }

    /// The host of a run: where nothing tells it, the one that `ci` names. A container of a job may have
    /// none of the job's own variables.
    pub fn of_run(typed: Option<&String>, env: &Env) -> Self {
        let detected = Self::detect(env);
        let named = Self::named(typed, env).filter(|named| named.is_ci());
        match detected {
            Self::Local | Self::UnknownCi => named.unwrap_or(detected),
            _ => detected,
        }
    }

    /// The host that `ci` names.
    pub(super) fn named(typed: Option<&String>, env: &Env) -> Option<Self> {
        let word = typed.map(String::as_str).or_else(|| env.get("FINISHLINE_CI"))?;
        Self::parse(word.trim())
    }

    /// Whether this is a CI system at all.
    pub fn is_ci(self) -> bool {
        self != Self::Local
    }

    /// Whether the host speaks GitHub's protocols: workflow commands, output files, summaries.
    pub fn is_github_like(self) -> bool {
        matches!(self, Self::Forgejo | Self::Gitea | Self::Github)
    }
}
