//! Slack, by the app that Sentry's developers try things out with.

use super::ProviderDescription;
use super::auth::oauth2;
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::sentry_only::SentryOnly;

pub(super) static SLACK_STAGING: SentryOnly = SentryOnly::new(ProviderDescription {
    name: "Slack (Staging)",
    guide: "notification-incidents/slack/",
    summary: "Sentry only: needs a person to approve once in a browser",
    sentry_only_reason: Some(
        "the staging app is Sentry's own; to use your own app, set `provider: slack`",
    ),
    features: &["alert-rule", "chat-unfurl"],
    steps: &[oauth2::STEP],
    evidence: ProviderEvidence {
        tests: &[STEPS, FIELDS],
        inferred: &[STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("slack_staging")
});
