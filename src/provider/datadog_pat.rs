//! Datadog by a personal access token. Sentry tells its name and no more.

use super::ProviderDescription;
use super::sentry_only::SentryOnly;

pub(super) static DATADOG_PAT: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "Datadog (access token)",
    summary: "finishes at a Sentry whose steps `state` names by their ids",
    sentry_only_reason: Some(
        "what it asks for is not published; with two keys the provider is `datadog`",
    ),
    ..ProviderDescription::new("datadog_pat")
});
