//! How an integration fares, in words: each problem with what to do about it.

use crate::error::{Error, ErrorCode};
use crate::model::ListedIntegration;

/// What keeps an integration from working, or will; nothing, as far as its backend tells.
pub fn problems(one: &ListedIntegration) -> Vec<Error> {
    let which = format!("integration {} ({})", one.id, one.name);
    let mut problems: Vec<_> =
        one.health.statuses().into_iter().map(|status| of_status(&which, status)).collect();
    if let Some(end) = &one.health.grace_period_end {
        problems.push(unhealthy(
            format!("{which} is in a grace period, after which Sentry switches it off: {end}"),
            "check the organization's plan in Sentry: the plan no longer includes this integration",
        ));
    }
    if one.health.is_outdated {
        problems.push(unhealthy(
            format!("{which} is out of date: Sentry needs a newer app or more permissions"),
            "update it on its settings page in Sentry, and accept the new permissions at the third party",
        ));
    }
    problems
}

fn of_status(which: &str, status: &str) -> Error {
    match status {
        "disabled" => unhealthy(
            format!("{which} is disabled"),
            "run `finishline run` to install it again; at a Sentry, its settings page says why it was switched off",
        ),
        "pending_deletion" => unhealthy(
            format!("{which} is pending deletion"),
            "run `finishline run` to install it again, or remove it from the inputs or the manifest",
        ),
        "deletion_in_progress" => unhealthy(
            format!("{which} is being deleted"),
            "wait until it is deleted, then run `finishline run`, or remove it from the inputs or the manifest",
        ),
        other => unhealthy(
            format!("{which} has the status `{other}`"),
            "see its settings page in Sentry",
        ),
    }
}

fn unhealthy(message: String, hint: &str) -> Error {
    Error::new(ErrorCode::Unhealthy, message).with_hint(hint)
}
