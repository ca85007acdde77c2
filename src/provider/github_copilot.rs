//! GitHub Copilot: nothing to fill in; it is switched on for the organization.

use super::Step;
use super::described::{Described, only_one};

pub(super) static GITHUB_COPILOT: Described = Described {
    features: &["coding-agent"],
    directly: true,
    matches: only_one,
    ..Described::new(
        "github_copilot",
        "GitHub Copilot",
        "is switched on at a Sentry of 2026 or later, which asks for nothing",
        "Copilot works for Sentry's own GitHub app",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form("direct_enable", &[])];
