//! GitHub Copilot: nothing to fill in; it is switched on for the organization.

use super::fields::step::Step;
use super::sentry_only::{SentryOnly, single_instance};

pub(super) static GITHUB_COPILOT: SentryOnly = SentryOnly {
    features: &["coding-agent"],
    directly: true,
    matches: single_instance,
    ..SentryOnly::new(
        "github_copilot",
        "GitHub Copilot",
        "is switched on at a Sentry of 2026 or later, which asks for nothing",
        "Copilot works for Sentry's own GitHub app",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form("direct_enable", &[])];
