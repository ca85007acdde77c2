//! The variables that decide about a call of sentry-cli.

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
