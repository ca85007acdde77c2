//! Claude Code: one key.

use super::described::{Described, only_one};
use super::{Field, Kind, Step};

pub(super) static CLAUDE_CODE: Described = Described {
    features: &["coding-agent"],
    matches: only_one,
    ..Described::new(
        "claude_code",
        "Claude Agent",
        "finishes at sentry.io with the key alone",
        "the key is checked by a part of Sentry that only sentry.io has",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form(
    "api_key_config",
    &[Field::required("apiKey", Kind::Text(255), "an Anthropic API key", "${ANTHROPIC_API_KEY}")
        .secret()],
)];
