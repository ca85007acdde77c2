//! The CI systems that we know, and which of them this process runs on.
//!
//! Detection compares with the exact value that a host documents, the most special marker first.

use crate::env::Env;

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

/// A CI system, or the lack of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// Forgejo Actions.
    Forgejo,
    /// Gitea Actions.
    Gitea,
    /// GitHub Actions, Enterprise Server included.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Azure Pipelines.
    Azure,
    /// CircleCI.
    Circleci,
    /// Buildkite.
    Buildkite,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Woodpecker CI.
    Woodpecker,
    /// Jenkins.
    Jenkins,
    /// Some CI system that only says that it is one.
    UnknownCi,
    /// No CI system: a person's own machine.
    #[default]
    Local,
}

impl Host {
    /// Every host, in the order of detection.
    pub const ALL: [Self; 12] = [
        Self::Forgejo,
        Self::Gitea,
        Self::Github,
        Self::Gitlab,
        Self::Azure,
        Self::Circleci,
        Self::Buildkite,
        Self::Bitbucket,
        Self::Woodpecker,
        Self::Jenkins,
        Self::UnknownCi,
        Self::Local,
    ];

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
            None | Some("false" | "0") => Self::Local,
            Some(_) => Self::UnknownCi,
        }
    }

    /// Finds the host that has exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|host| host.name() == name)
    }

    /// The name in inputs, outputs and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forgejo => "forgejo",
            Self::Gitea => "gitea",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Azure => "azure",
            Self::Circleci => "circleci",
            Self::Buildkite => "buildkite",
            Self::Bitbucket => "bitbucket",
            Self::Woodpecker => "woodpecker",
            Self::Jenkins => "jenkins",
            Self::UnknownCi => "ci",
            Self::Local => "local",
        }
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
