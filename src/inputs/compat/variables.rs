//! The variables that action-release and sentry-cli read for this job, and what each is here.

use super::version_file;
use crate::env::Env;
use crate::inputs::types::ReadFile;
use VariableUse::{Input, NotNeeded, System, Version};

/// What a variable of theirs is here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum VariableUse {
    /// It gives the input of this name.
    Input(&'static str),
    /// It is read as they read it.
    System(&'static str),
    /// It names the version of a release that has no other, and whose variable it is.
    Version(&'static str),
    /// It is not read, and why.
    NotNeeded(&'static str),
}

/// Every variable, in the order of the docs; those that name a version in the order of sentry-cli.
pub const VARIABLES: &[(&str, VariableUse)] = &[
    ("SENTRY_AUTH_TOKEN", Input("auth-token")),
    ("SENTRY_ORG", Input("org")),
    ("SENTRY_PROJECT", Input("projects")),
    ("SENTRY_URL", Input("url")),
    ("SENTRY_RELEASE", Input("release")),
    ("SENTRY_ENVIRONMENT", Input("environment")),
    ("SENTRY_VCS_REMOTE", Input("remote")),
    ("SENTRY_LOG_LEVEL", Input("log-level")),
    ("SENTRY_ALLOW_FAILURE", Input("tolerate")),
    ("CUSTOM_HEADER", Input("headers")),
    ("SENTRY_PROPERTIES", System("names a file of defaults")),
    (
        "http_proxy",
        System("the proxy, with `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`"),
    ),
    ("SSL_CERT_FILE", System("certificates to trust, with `SSL_CERT_DIR`")),
    ("SOURCE_VERSION", Version("Heroku")),
    ("HEROKU_SLUG_COMMIT", Version("Heroku")),
    ("CODEBUILD_RESOLVED_SOURCE_VERSION", Version("AWS CodeBuild")),
    ("CF_PAGES_COMMIT_SHA", Version("Cloudflare Pages")),
    ("GAE_DEPLOYMENT_ID", Version("App Engine")),
    ("CIRCLE_SHA1", System("the commit of the job, as `CI_COMMIT_SHA` and others of their hosts")),
    ("SENTRY_DIST", Input("dist")),
    ("SENTRY_HTTP_MAX_RETRIES", NotNeeded("an outage is waited out until `timeout`")),
    ("SENTRY_NO_PROGRESS_BAR", System("a person at a terminal sees no progress")),
    ("SENTRY_DISABLE_UPDATE_CHECK", NotNeeded("no update is looked for")),
    ("SENTRY_PIPELINE", NotNeeded("it only names the caller to the server")),
    ("SENTRY_LOAD_DOTENV", System("with `0` no `.env` is read")),
    ("SENTRY_DOTENV_PATH", System("the `.env` that is read")),
    ("SENTRY_API_KEY", NotNeeded("Sentry has no such keys any more: use a token")),
    ("SENTRY_DSN", NotNeeded("no event is sent")),
];

/// The version that a service or Gradle names where nothing else does, and what names it.
pub fn version(env: &Env, read: ReadFile<'_>) -> Option<(String, &'static str)> {
    let last = "GAE_DEPLOYMENT_ID";
    let named = |name: &'static str| Some((env.get(name)?.to_owned(), name));
    let is_version = |kind: &VariableUse| matches!(kind, Version(_));
    let first = VARIABLES.iter().filter(|(name, kind)| is_version(kind) && *name != last);
    let gradle = || Some((version_file::gradle(read)?, "app/build.gradle"));
    first.map(|(name, _)| *name).find_map(named).or_else(gradle).or_else(|| named(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::table::InputSpec;

    #[test]
    fn each_variable_of_an_input_is_in_the_table_of_inputs() {
        for (variable, kind) in VARIABLES {
            let Input(name) = kind else { continue };
            let input = InputSpec::find(name).expect("the table has this input");
            assert!(input.variables.contains(variable), "{variable}");
        }
    }

    #[test]
    fn the_version_is_that_of_the_first_service() {
        let none = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        let env =
            |names: &[&str]| names.iter().map(|name| (*name, name.to_lowercase())).collect::<Env>();
        let of = |names: &[&str]| version(&env(names), &none).map(|(_, name)| name);
        assert_eq!(of(&["GAE_DEPLOYMENT_ID", "HEROKU_SLUG_COMMIT"]), Some("HEROKU_SLUG_COMMIT"));
        assert_eq!(of(&["GAE_DEPLOYMENT_ID"]), Some("GAE_DEPLOYMENT_ID"));
        assert_eq!(of(&["CIRCLE_SHA1"]), None);
    }
}
