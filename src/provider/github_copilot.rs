//! GitHub Copilot: nothing to fill in; it is switched on for the organization.

use super::ProviderDescription;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;

pub(super) static GITHUB_COPILOT: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "GitHub Copilot",
    summary: "is switched on at a Sentry of 2026 or later, which asks for nothing",
    sentry_only_reason: Some("Copilot works for Sentry's own GitHub app"),
    features: &["coding-agent"],
    direct_enable: true,
    steps: &[Step::form("direct_enable", &[])],
    ..ProviderDescription::new("github_copilot")
});
