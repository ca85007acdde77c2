//! Claude Code: one key.

use super::fields::step::Step;
use super::sentry_only::{SentryOnly, single_instance};
use super::{Field, FieldKind};

pub(super) static CLAUDE_CODE: SentryOnly = SentryOnly {
    features: &["coding-agent"],
    matches: single_instance,
    ..SentryOnly::new(
        "claude_code",
        "Claude Agent",
        "finishes at sentry.io with the key alone",
        "the key is checked by a part of Sentry that only sentry.io has",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form(
    "api_key_config",
    &[Field::required(
        "apiKey",
        FieldKind::Text(255),
        "an Anthropic API key",
        "${ANTHROPIC_API_KEY}",
    )
    .secret()],
)];
