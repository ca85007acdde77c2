//! Microsoft Teams: what Sentry's own bot signed when it was added to a team.

use super::evidence::ProviderEvidence;
use super::sentry_only::SentryOnly;
use super::{Field, ProviderDescription, Step};

pub(super) static MSTEAMS: SentryOnly = SentryOnly::new(ProviderDescription {
    name: "Microsoft Teams",
    guide: "notification-incidents/msteams/",
    summary: "Sentry only: needs what its bot signed when it was added to the team",
    sentry_only_reason: Some(
        "the bot in the team is Sentry's own, and its messages are signed with Sentry's key",
    ),
    initial: Some(&Step::initial(&[Field::text("signedParams", 16_384)
        .help(
            "the value of `signed_params=` in the link on the bot's welcome card; valid for a day",
            "${MSTEAMS_SIGNED_PARAMS}",
        )
        .by_link("signed_params")
        .secret()])),
    features: &["alert-rule", "chat-unfurl"],
    steps: &[Step::form("msteams_install", &[Field::echoed("state")])],
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("msteams")
});
