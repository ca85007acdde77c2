//! Where the values of a manifest's keys come from: what a variable fills in may be another one in another run.

use serde_yaml::Value;
use std::collections::BTreeSet;

/// The keys of all entries and of `defaults:`, by where their values come from.
#[derive(Default)]
pub struct KeySources {
    variable: BTreeSet<&'static str>,
    literal: BTreeSet<&'static str>,
}

impl KeySources {
    /// Notes a key with its value.
    pub(super) fn note(&mut self, key: &'static str, value: &Value) {
        let keys = if has_variable(value) { &mut self.variable } else { &mut self.literal };
        keys.insert(key);
    }

    /// Whether a variable fills it in somewhere.
    pub fn is_variable(&self, key: &str) -> bool {
        self.variable.contains(key)
    }

    /// Whether a variable fills it in somewhere, and the file itself elsewhere.
    pub fn is_mixed(&self, key: &str) -> bool {
        self.is_variable(key) && self.literal.contains(key)
    }
}

/// Whether a variable stands in a value, or in a part of it.
fn has_variable(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Sequence(items) => items.iter().any(has_variable),
        Value::Mapping(fields) => fields.values().any(has_variable),
        _ => false,
    }
}
