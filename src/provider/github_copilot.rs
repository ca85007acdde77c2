//! GitHub Copilot: nothing to fill in; it is switched on for the organization.

use super::ProviderDescription;
use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::fields::step::Step;
use super::sentry_only::SentryOnly;

pub(super) static GITHUB_COPILOT: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "GitHub Copilot",
    guide: "coding-agents/copilot/",
    summary: "Sentry of 2026 or later only: is enabled without any fields",
    sentry_only_reason: Some("Copilot works only with Sentry's own GitHub App"),
    features: &["coding-agent"],
    direct_enable: true,
    steps: &[Step::form("direct_enable", &[])],
    evidence: ProviderEvidence {
        code: &[STEPS, FIELDS, "the endpoint that enables it"],
        inferred: &[STORED],
        ..ProviderEvidence::NONE
    },
    ..ProviderDescription::new("github_copilot")
});
