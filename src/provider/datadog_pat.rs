//! Datadog by a personal access token. Sentry tells its name and no more.

use super::described::{Described, only_one};

pub(super) static DATADOG_PAT: Described = Described {
    matches: only_one,
    ..Described::new(
        "datadog_pat",
        "Datadog (access token)",
        "finishes at a Sentry whose steps `state` names by their ids",
        "what it asks for is not published; with two keys the provider is `datadog`",
        &[],
    )
};
