//! The variables that decide about a call of sentry-cli.

use crate::inputs::compat::variables::{VARIABLES as ALL_VARIABLES, VariableUse};

/// The variable that sentry-cli takes an input from where no flag gives it.
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("org", "SENTRY_ORG"),
    ("projects", "SENTRY_PROJECT"),
    ("url", "SENTRY_URL"),
    ("auth-token", "SENTRY_AUTH_TOKEN"),
    ("headers", "CUSTOM_HEADER"),
    ("release", "SENTRY_RELEASE"),
    ("dist", "SENTRY_DIST"),
];

/// Variables of sentry-cli that decide nothing of a call that a step does not say.
const HARMLESS: &[&str] = &[
    "SENTRY_LOG_LEVEL",
    "SENTRY_NO_PROGRESS_BAR",
    "SENTRY_DISABLE_UPDATE_CHECK",
    "SENTRY_PIPELINE",
    "SENTRY_DSN",
    "SENTRY_ENVIRONMENT",
    "SENTRY_LOAD_DOTENV",
    "SENTRY_HTTP_MAX_RETRIES",
];

/// Whether a variable decides about a call beside its inputs.
pub(super) fn decides(name: &str) -> bool {
    let of_client =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "PATH", "HOME", "BASH_ENV"];
    let is_of_client = of_client.contains(&name.to_uppercase().as_str())
        || ["SSL_CERT_", "GIT_", "SENTRY_", "FINISHLINE_"].iter().any(|of| name.starts_with(of));
    let is_input = VARIABLES.iter().any(|(_, variable)| *variable == name);
    is_of_client && !is_input && !HARMLESS.contains(&name)
}

/// Whether a script that changes a variable may do something else than its calls say.
pub(super) fn is_of_host(name: &str) -> bool {
    let starts = ["GITHUB_", "RUNNER_", "LD_"];
    ["CI", "ENV", "IFS"].contains(&name)
        || starts.iter().any(|start| name.starts_with(start))
        || names_version(name)
}

/// Variables that name the commit of a job at other hosts.
const COMMITS: &[&str] = &[
    "CIRCLE_SHA1",
    "CI_COMMIT_SHA",
    "GIT_COMMIT",
    "BITBUCKET_COMMIT",
    "BUILDKITE_COMMIT",
    "BUILD_SOURCEVERSION",
];

/// Whether a variable may name the release that is the checked-out commit otherwise.
pub(super) fn names_version(name: &str) -> bool {
    let is_version = |(variable, kind): &(&str, VariableUse)| {
        *variable == name && matches!(kind, VariableUse::Version(_) | VariableUse::Input("release"))
    };
    name.starts_with("FINISHLINE_")
        || COMMITS.contains(&name)
        || ALL_VARIABLES.iter().any(is_version)
}
