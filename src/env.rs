//! The environment as it was when the process began.
//!
//! `main` takes the snapshot; everything else reads from it, so a test states an environment
//! instead of changing the real one. It has no `Debug`: half of it may be secrets.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// A snapshot of the environment's variables.
#[derive(Clone, Default)]
pub struct Env {
    /// `None` marks a variable whose value is not UTF-8.
    variables: BTreeMap<String, Option<String>>,
}

impl Env {
    /// Takes the variables as the operating system hands them over.
    ///
    /// A variable whose *name* is not UTF-8 is none that we read, so it is left out.
    pub fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let readable = |(name, value): (OsString, OsString)| {
            name.into_string().ok().map(|name| (name, value.into_string().ok()))
        };
        Self { variables: variables.into_iter().filter_map(readable).collect() }
    }

    /// The same with another value of a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), Some(value.to_owned()));
        self
    }

    /// The same without a variable.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// The value of `name`; an empty variable is an absent one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.as_deref().filter(|value| !value.is_empty())
    }

    /// The names of all variables that have a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.variables.iter().filter(|(_, value)| value.as_deref() != Some(""));
        all.map(|(name, _)| name.as_str())
    }

    /// Whether `name` is set, and to nothing or to blanks alone, as a secret is that does not exist.
    pub fn is_blank(&self, name: &str) -> bool {
        let text = self.variables.get(name).and_then(Option::as_deref);
        text.is_some_and(|text| text.trim().is_empty())
    }

    /// Whether `name` has exactly this value, as hosts document their markers.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }

    /// Whether `name` is set to bytes that are not UTF-8.
    pub fn is_not_utf8(&self, name: &str) -> bool {
        matches!(self.variables.get(name), Some(None))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let owned = |(name, value): (K, V)| (name.into(), Some(value.into()));
        Self { variables: variables.into_iter().map(owned).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_an_absent_one() {
        let env: Env = [("A", ""), ("B", "x")].into_iter().collect();
        assert_eq!((env.get("A"), env.get("B"), env.get("C")), (None, Some("x"), None));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf8_is_known_but_has_no_text() {
        use std::os::unix::ffi::OsStringExt;
        let env = Env::from_os([("A".into(), OsString::from_vec(vec![0xff]))]);
        assert!(env.is_not_utf8("A") && env.get("A").is_none());
    }
}
