//! Datadog by a personal access token. Sentry tells its name and no more.

use super::sentry_only::{SentryOnly, single_instance};

pub(super) static DATADOG_PAT: SentryOnly = SentryOnly {
    matches: single_instance,
    ..SentryOnly::new(
        "datadog_pat",
        "Datadog (access token)",
        "finishes at a Sentry whose steps `state` names by their ids",
        "what it asks for is not published; with two keys the provider is `datadog`",
        &[],
    )
};
