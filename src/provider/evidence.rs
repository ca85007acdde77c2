//! How what is described of a provider is known: the API that finishes it is documented nowhere.

use serde_json::{Value, json};

/// The ids and the order of its steps.
pub(super) const STEPS: &str = "steps";
/// The fields of each step.
pub(super) const FIELDS: &str = "fields";
/// The id, the name and the metadata of the integration that a finish stores.
pub(super) const STORED: &str = "stored integration";

/// The facts that every description states.
pub const FACTS: [&str; 3] = [STEPS, FIELDS, STORED];

/// Which facts were seen where; each stands once.
#[derive(Clone, Copy)]
pub struct ProviderEvidence {
    /// Seen in Sentry's code.
    pub code: &'static [&'static str],
    /// Seen in Sentry's own tests only.
    pub tests: &'static [&'static str],
    /// Inferred, and never seen.
    pub inferred: &'static [&'static str],
}

impl ProviderEvidence {
    /// Nothing is stated.
    pub(super) const NONE: Self = Self { code: &[], tests: &[], inferred: &[] };
    /// All was seen in Sentry's code.
    pub(super) const CODE: Self = Self { code: &FACTS, ..Self::NONE };
    /// All was seen in Sentry's own tests.
    pub(super) const TESTS: Self = Self { tests: &FACTS, ..Self::NONE };

    /// A line for each kind that there is.
    pub(super) fn text(&self) -> String {
        let kinds = [
            ("seen in Sentry's code", self.code),
            ("seen in Sentry's tests", self.tests),
            ("inferred", self.inferred),
        ];
        let kinds = kinds.into_iter().filter(|(_, facts)| !facts.is_empty());
        kinds.map(|(kind, facts)| format!("{kind}: {}\n", facts.join(", "))).collect()
    }

    /// The same for machines.
    pub(super) fn json(&self) -> Value {
        json!({ "code": self.code, "tests": self.tests, "inferred": self.inferred })
    }
}
