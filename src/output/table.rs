//! Names and values for the host: the step outputs, and the whole result as versioned JSON.

use super::json::{bounded_result, pipeline_type, slugs};
use crate::outcome::Outcome;
use crate::text::one_line;

/// One output.
pub struct OutputSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is, as the docs have it.
    pub description: &'static str,
}

/// Every output, the most important first: GitLab's small file drops from the end.
#[rustfmt::skip]
pub const OUTPUTS: &[OutputSpec] = &[
    output("status", "`complete`, `action_required`, `skipped`, `planned` or `error`"),
    output("redirect-url",
        "the integration's settings page, with `next`; for `action_required`, the page to open in a browser; else empty"),
    output("error-code", "the slug of the error, as in docs/errors.md"),
    output("integration-id", "the integration's id"),
    output("changed", "`true` if anything in the backend was changed, else `false`"),
    output("error-status", "the HTTP status of the refusal, if there was one"),
    output("error-message", "the error message in one line, at most 500 characters"),
    output("release", "the version of the release, once it exists"),
    output("version", "the same as `release`"),
    output("release-url", "the URL of the release"),
    output("deploy-id", "the id of the deploy"),
    output("commit-count",
        "the number of commits in the release; empty while the backend fetches them, unless `wait-for-commits` is set"),
    output("sourcemap-count", "how many scripts have a source map that leads to their sources"),
    output("sourcemap-bundle-id", "the id of the uploaded bundle of scripts and source maps"),
    output("provider", "the provider key"),
    output("pipeline-type", "`install` or `reauth`"),
    output("skipped-reason", "why nothing was done: `fork` or `dependabot` (the job has no secrets), `no-token` (with `without-token: skip`), `not-deployed`, `not-published`, `workflow-failed` or `not-merged` (the event leaves nothing to release)"),
    output("warnings", "the slugs of the warnings, separated by commas"),
    output("result",
        "the whole result as JSON, `\"schema\":1`, at most 64 KiB, else with `\"truncated\":true`; on GitHub, Gitea and Forgejo only"),
];

const fn output(name: &'static str, description: &'static str) -> OutputSpec {
    OutputSpec { name, description }
}

const LONGEST_MESSAGE: usize = 500;

/// The name of an output where outputs are variables; no input is read from it.
pub fn env_name(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", name.replace('-', "_").to_uppercase())
}

/// The outputs that are fit for variables, which hold one short line each: all but `result`.
pub fn fitting<'a>(
    values: &'a [(&'static str, String)],
) -> impl Iterator<Item = (&'static str, &'a str)> {
    let short = values.iter().filter(|(name, _)| *name != "result");
    short.map(|(name, value)| (*name, value.as_str()))
}

/// The value of every output, in the order of [`OUTPUTS`]; an output without a value is empty.
pub fn values(outcome: &Outcome) -> Vec<(&'static str, String)> {
    OUTPUTS.iter().map(|output| (output.name, value(output.name, outcome))).collect()
}

fn value(name: &str, outcome: &Outcome) -> String {
    let (subject, failure) = (outcome.subject.as_ref(), outcome.failure.as_ref());
    let integration = subject.and_then(|subject| subject.integration.as_ref());
    let (release, sourcemaps) = (outcome.release.as_ref(), outcome.sourcemaps.as_ref());
    let text = match name {
        "status" => Some(outcome.status.as_str().to_owned()),
        "changed" => Some(outcome.changed.to_string()),
        "redirect-url" => {
            subject.and_then(|subject| Some(subject.redirect_url.as_ref()?.to_string()))
        }
        "error-code" => failure.map(|failure| failure.code.slug().to_owned()),
        "error-status" => failure.and_then(|failure| failure.status).map(|code| code.to_string()),
        "error-message" => failure.map(|failure| message(&failure.message)),
        "provider" => subject.map(|subject| subject.provider.clone()),
        "pipeline-type" => pipeline_type(outcome).map(str::to_owned),
        "integration-id" => integration.map(|(id, _)| id.to_string()),
        "release" | "version" => release.map(|release| release.version.clone()),
        "release-url" => release.and_then(|release| Some(release.url.as_ref()?.to_string())),
        "deploy-id" => release.and_then(|release| Some(release.deploy_id.as_ref()?.to_string())),
        "commit-count" => release.and_then(|release| Some(release.commit_count?.to_string())),
        "sourcemap-count" => sourcemaps.map(|sourcemaps| sourcemaps.count.to_string()),
        "sourcemap-bundle-id" => sourcemaps.and_then(|sourcemaps| sourcemaps.bundle_id.clone()),
        "skipped-reason" => outcome.skipped_reason.map(str::to_owned),
        "warnings" => Some(slugs(outcome).join(",")),
        "result" => Some(bounded_result(outcome)),
        _ => None,
    };
    text.unwrap_or_default()
}

/// One line of at most 500 characters. In some shells `echo` makes a line end of `\n`, so there is
/// no backslash in it.
fn message(text: &str) -> String {
    let line = one_line(text).replace('\\', "∖");
    if line.chars().count() <= LONGEST_MESSAGE {
        return line;
    }
    line.chars().take(LONGEST_MESSAGE - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorCode};
    use serde_json::{Value, json};

    fn outcome(message: String) -> Outcome {
        Outcome::failed(Error::new(ErrorCode::Refused, message))
    }

    #[test]
    fn every_output_has_a_value_of_its_own() {
        let outcome = outcome("no\nsuch\raccount".to_owned());
        let values = values(&outcome);
        assert_eq!(values.len(), OUTPUTS.len());
        assert!(values.contains(&("error-message", "no such account".to_owned())));
        assert!(values.contains(&("error-code", "refused".to_owned())));
    }

    #[test]
    fn a_long_message_is_cut_and_a_large_result_says_so() {
        let outcome = outcome("é".repeat(100_000));
        assert_eq!(value("error-message", &outcome).chars().count(), 500);
        let result: Value = serde_json::from_str(&value("result", &outcome)).unwrap();
        assert_eq!((&result["truncated"], &result["status"]), (&json!(true), &json!("error")));
    }
}
