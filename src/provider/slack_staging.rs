//! Slack, by the app that Sentry's developers try things out with.

use super::auth::oauth2;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;

pub(super) static SLACK_STAGING: SentryOnly = SentryOnly {
    features: &["alert-rule", "chat-unfurl"],
    ..SentryOnly::new(
        "slack_staging",
        "Slack (Staging)",
        "waits at a Sentry once for a person who approves in a browser",
        "the staging app is Sentry's own; with an app of yours the provider is `slack`",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [oauth2::STEP];
