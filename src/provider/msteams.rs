//! Microsoft Teams: what Sentry's own bot signed when it was added to a team.

use super::sentry_only::SentryOnly;
use super::{Field, ProviderDescription, Step};

pub(super) static MSTEAMS: SentryOnly = SentryOnly::new(ProviderDescription {
    name: "Microsoft Teams",
    summary: "finishes at a Sentry with what its bot signed when it was added to the team",
    sentry_only_reason: Some(
        "the team is told by Sentry's own bot, and what it tells is signed with Sentry's key",
    ),
    initial: Some(&Step::initial(&[Field::text(
        "signedParams",
        16_384,
        "what the bot's welcome card links to, behind `signed_params=`; good for a day",
        "${MSTEAMS_SIGNED_PARAMS}",
    )
    .by_link("signed_params")
    .secret()])),
    features: &["alert-rule", "chat-unfurl"],
    steps: &[Step::form("msteams_install", &[Field::echoed("state")])],
    ..ProviderDescription::new("msteams")
});
