//! What the agent of Buildkite is called with: meta-data of the build, and an annotation.
//!
//! Turns data into command lines and calls nothing.

use super::{WriteOp, summary, table};
use crate::outcome::{Outcome, OutcomeStatus};

/// The agent's program.
pub(crate) const AGENT: &str = "buildkite-agent";

/// Sets one value of the build; `None` for a blank one, which the agent refuses.
pub fn set_meta_data(key: &str, value: &str) -> Option<Vec<String>> {
    let is_fit = !value.trim().is_empty();
    is_fit.then(|| [AGENT, "meta-data", "set", key, value].map(str::to_owned).to_vec())
}

/// Shows the Markdown on standard input on the build's page, in place of what the context had.
pub fn annotate(style: &str, context: &str) -> Vec<String> {
    [AGENT, "annotate", "--style", style, "--context", context].map(str::to_owned).to_vec()
}

/// Everything that the agent is called with: each output that has a value as meta-data of the
/// build, and the summary on its page, apart from the one of another provider.
pub(crate) fn calls(outcome: &Outcome) -> Vec<WriteOp> {
    let values = table::values(outcome);
    let set = |(name, value)| set_meta_data(&format!("finishline-{name}"), value);
    let set = table::fitting(&values).filter_map(set);
    let mut calls: Vec<_> = set.map(|argv| WriteOp::Call(argv, String::new())).collect();
    let provider = outcome.subject.as_ref().map(|subject| format!("-{}", subject.provider));
    let context = format!("finishline{}", provider.unwrap_or_default());
    calls.push(WriteOp::Call(annotate(style(outcome), &context), summary::markdown(outcome)));
    calls
}

/// The style that fits an end.
fn style(outcome: &Outcome) -> &'static str {
    match outcome.status {
        OutcomeStatus::Complete => "success",
        OutcomeStatus::Planned | OutcomeStatus::Skipped => "info",
        OutcomeStatus::ActionRequired => "warning",
        OutcomeStatus::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_value_is_not_set() {
        assert_eq!([set_meta_data("k", ""), set_meta_data("k", " \n")], [None, None]);
    }
}
