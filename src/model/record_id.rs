//! The id of a record, as a server names it.

use serde_json::Value;
use std::fmt;

/// The longest id, in characters.
const MAX_LENGTH: usize = 64;

/// An id: 1 to 64 letters, digits, `-` and `_`, so that it is one wherever it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordId(String);

impl RecordId {
    /// Checks an id; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_LENGTH).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        fits.then(|| Self(text.to_owned()))
    }

    /// Reads an id of JSON: Sentry's are texts here and numbers there.
    pub fn of_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            _ => value.as_i64().map(Self::from),
        }
    }

    /// The id as a number, where it is one.
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i64> for RecordId {
    fn from(id: i64) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_short_and_plain() {
        let id = |value: &Value| RecordId::of_json(value).map(|id| id.to_string());
        for (value, read) in [(json!("12"), "12"), (json!(-1), "-1"), (json!("a-B_9"), "a-B_9")] {
            assert_eq!(id(&value).as_deref(), Some(read));
        }
        for bad in ["", "1\n2", "1&x=2", "../1", "a b", "é", &"1".repeat(65)] {
            assert_eq!(id(&json!(bad)), None, "{bad:?}");
        }
        assert_eq!(id(&json!(1.5)), None);
    }
}
