//! Datadog by a personal access token. Sentry tells its name and no more.

use super::ProviderDescription;
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::sentry_only::SentryOnly;

pub(super) static DATADOG_PAT: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "Datadog (access token)",
    summary: "Sentry only: set the fields in `state` by the ids of the steps",
    sentry_only_reason: Some(
        "its fields are not published; to use two keys, set `provider: datadog`",
    ),
    evidence: ProviderEvidence {
        code: &["its key"],
        inferred: &[STEPS, FIELDS, STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("datadog_pat")
});
