//! Claude Code: one key.

use super::evidence::ProviderEvidence;
use super::sentry_only::SentryOnly;
use super::{Field, ProviderDescription, Step};

pub(super) static CLAUDE_CODE: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "Claude Agent",
    guide: "coding-agents/claude/",
    summary: "sentry.io only: needs only the key",
    sentry_only_reason: Some(
        "the key is checked by a part of Sentry that exists only on sentry.io",
    ),
    features: &["coding-agent"],
    steps: &[Step::form(
        "api_key_config",
        &[Field::text("apiKey", 255).help("an Anthropic API key", "${ANTHROPIC_API_KEY}").secret()],
    )],
    evidence: ProviderEvidence {
        inferred: &["which feature flag it needs"],
        ..ProviderEvidence::CODE
    },
    ..ProviderDescription::new("claude_code")
});
