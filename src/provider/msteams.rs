//! Microsoft Teams: what Sentry's own bot signed when it was added to a team.

use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Field, FieldKind};

pub(super) static MSTEAMS: SentryOnly = SentryOnly {
    initial: Some(&INITIAL),
    features: &["alert-rule", "chat-unfurl"],
    ..SentryOnly::new(
        "msteams",
        "Microsoft Teams",
        "finishes at a Sentry with what its bot signed when it was added to the team",
        "the team is told by Sentry's own bot, and what it tells is signed with Sentry's key",
        &STEPS,
    )
};

static INITIAL: Step = Step::initial(&[Field::required(
    "signedParams",
    FieldKind::Text(16_384),
    "what the bot's welcome card links to, behind `signed_params=`; good for a day",
    "${MSTEAMS_SIGNED_PARAMS}",
)
.by_link("signed_params")
.secret()]);

static STEPS: [Step; 1] = [Step::form("msteams_install", &[Field::echoed("state")])];
