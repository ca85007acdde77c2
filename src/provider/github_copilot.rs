//! GitHub Copilot: nothing to fill in; it is switched on for the organization.

use super::described::{Described, only_one};

pub(super) static GITHUB_COPILOT: Described = Described {
    features: &["coding-agent"],
    matches: only_one,
    ..Described::new(
        "github_copilot",
        "GitHub Copilot",
        "is switched on at a Sentry, which has no pipeline for it",
        "Copilot works for Sentry's own GitHub app",
        &[],
    )
};
