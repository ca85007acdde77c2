//! What a run needs and was not given: the token first, each with the variable that gives it.
//!
//! What a provider's fields lack is said by the provider.

use super::raw::{RawInputs, TOKENS};
use super::token_origins::TokenOrigins;
use super::types::{CalledRelease, WithoutToken};
use super::{claims, parse, release};
use crate::error::{Error, ErrorCode};
use crate::job::{Host, Job};

/// No token was given; `variable` is the one that a manifest's entry takes it from.
pub(super) fn token(origins: &TokenOrigins, job: &Job, asks_integration: bool) -> Error {
    let variable = origins.unset.as_deref();
    if variable.is_none() && origins.is_blank {
        let message = "the access token for Sentry is missing: SENTRY_AUTH_TOKEN is set, but empty";
        return Error::new(ErrorCode::NoToken, message)
            .for_missing_input()
            .with_hint(empty_secret(job.host, asks_integration));
    }
    let name = variable.unwrap_or("SENTRY_AUTH_TOKEN");
    let message = format!("`auth-token` is missing: the access token for Sentry ({name})");
    let error = Error::new(ErrorCode::NoToken, message).for_missing_input();
    match variable {
        Some(name) => error.with_hint(format!("set {name} from a secret")),
        None => error,
    }
}

/// The same for raw inputs.
fn token_of(raw: &RawInputs, job: &Job) -> Error {
    token(&TokenOrigins::of(raw), job, raw.asks_integration())
}

/// Where a token is created that will do.
fn creation(asks_integration: bool) -> &'static str {
    match asks_integration {
        true => {
            "create a personal token with the scope org:integrations in Sentry (User settings › Personal Tokens)"
        }
        false => "create an organization token in Sentry (Settings › Organization Tokens)",
    }
}

/// What makes a secret empty on this host.
fn empty_secret(host: Host, asks_integration: bool) -> String {
    let create = creation(asks_integration);
    match host {
        host if host.is_github_like() => format!(
            "GitHub passes an empty value for a secret that does not exist, or that the job may not read. In the \
             workflow, find the line that sets `auth-token` or SENTRY_AUTH_TOKEN from `secrets.NAME`. (1) If another \
             workflow calls this one: pass NAME under `secrets:` in the calling job, or set `secrets: inherit` there; \
             if it is passed, go on with the secret that it is passed from. Look for NAME in the repository's \
             Settings › Secrets and variables › Actions. (2) The token is listed under another name: correct the \
             workflow. (3) NAME is listed under an environment: give the job `environment: ITS-NAME`, beside \
             `runs-on:`. (4) Not listed: if your GitHub organization has it, give this repository access to it; \
             otherwise {create}, and add it in GitHub as a repository secret called NAME. (5) Listed, and none of \
             these: save its value again. Then run the job again"
        ),
        Host::Gitlab => format!(
            "check SENTRY_AUTH_TOKEN in the project's or the group's Settings › CI/CD › Variables. Not there: \
             {create} and add it there. Protected: it exists on protected branches and tags only"
        ),
        _ => format!(
            "check the name of the secret that the job sets SENTRY_AUTH_TOKEN from. Not there: {create} and \
             store it under that name"
        ),
    }
}

/// No organization was given.
pub fn org() -> Error {
    let message = "`org` is missing: the organization slug (SENTRY_ORG)";
    let error = Error::new(ErrorCode::Usage, message).for_missing_input();
    error.with_hint("set `org` (FINISHLINE_ORG, SENTRY_ORG, --org)")
}

/// No project was given to a release.
pub fn projects() -> Error {
    let message = "`projects` is missing: the slugs of the release's projects (SENTRY_PROJECT)";
    let error = Error::new(ErrorCode::Usage, message).for_missing_input();
    error.with_hint("set `projects` (FINISHLINE_PROJECTS, SENTRY_PROJECT, --projects)")
}

/// Everything that is missing, for a run whose inputs have mistakes.
pub fn all(raw: &RawInputs, job: &Job) -> Vec<Error> {
    if !is_requested(raw) || raw.get("manifest").is_some() {
        return Vec::new();
    }
    let is_given = |name: &str| raw.is_given(name) || raw.file_default(name).is_some();
    let token_org = raw.get("auth-token").and_then(|input| claims(input.text.expose()));
    let token = lacks_token(raw, job).then(|| token_of(raw, job));
    let org = (!is_given("org") && token_org.is_none()).then(org);
    let needs_projects = release::is_requested(raw)
        && raw.called != CalledRelease::Existing
        && !is_given("projects");
    let projects = needs_projects.then(projects);
    [token, org, projects].into_iter().flatten().collect()
}

/// The missing token for which the run is to be skipped, as `without-token` says.
///
/// Asked before anything is checked: a job without secrets lacks the variables of `state` as well.
/// Of a manifest each entry is asked.
pub fn skipped_token(raw: &RawInputs, job: &Job) -> Option<Error> {
    let choice = raw.get("without-token");
    let choice = choice.and_then(|input| parse::without_token(input.text.expose()).ok());
    let is_skipped = choice == Some(WithoutToken::Skip)
        && raw.get("manifest").is_none()
        && lacks_token(raw, job);
    is_skipped.then(|| token_of(raw, job))
}

/// Why the host withheld the token that this run would need, if it did.
pub fn withheld_token_reason(raw: &RawInputs, job: &Job) -> Option<&'static str> {
    let is_withheld = is_requested(raw) && !raw.is_embedded() && !has_token(raw);
    if is_withheld { job.withheld_secrets() } else { None }
}

/// Whether the run is to reach a Sentry, and has no token for it.
fn lacks_token(raw: &RawInputs, job: &Job) -> bool {
    let names_sentry = ["backend", "url"].iter().any(|name| raw.get(name).is_some());
    let needs_one = job.host.is_ci() || names_sentry || raw.unset_token.is_some();
    is_requested(raw) && needs_one && !raw.is_embedded() && !has_token(raw)
}

fn is_requested(raw: &RawInputs) -> bool {
    let jobs = ["callback-url", "manifest"];
    jobs.iter().any(|name| raw.get(name).is_some())
        || raw.asks_integration()
        || release::is_requested(raw)
}

fn has_token(raw: &RawInputs) -> bool {
    TOKENS.iter().any(|name| raw.is_given(name))
}
