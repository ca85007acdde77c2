//! What the steps of a pipeline have settled so far, and the fields that settle it.
//!
//! Both may hold secrets, so neither prints its values.

use super::Object;
use md5::{Digest, Md5};
use serde_json::Value;
use std::fmt;

/// The data that the steps have bound, by name.
#[derive(Clone, Default, PartialEq)]
pub struct State(Object);

impl State {
    /// Puts `value` under `name`, over what was there.
    pub fn bind(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes away what stands under `name`.
    pub fn unbind(&mut self, name: &str) {
        self.0.shift_remove(name);
    }

    /// What stands under `name`.
    pub fn fetch(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether nothing stands under `name`.
    pub fn lacks(&self, name: &str) -> bool {
        self.fetch(name).is_none()
    }

    /// The text that stands under `name`; another kind of value is none.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fetch(name)?.as_str()
    }

    /// The whole of it, to be stored.
    pub fn data(&self) -> &Object {
        &self.0
    }
}

impl From<Object> for State {
    fn from(data: Object) -> Self {
        Self(data)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The fields with which one step is answered, by their camelCase names.
#[derive(Clone, Default, PartialEq)]
pub struct Fields(Object);

impl Fields {
    /// Sets one field.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes one field away.
    pub fn remove(&mut self, name: &str) {
        self.0.shift_remove(name);
    }

    /// The field's value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The field's text; empty when it is absent or no text.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The field's boolean, or the default when it is absent.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(default)
    }

    /// The fields as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// The fields with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }
}

impl From<Object> for Fields {
    fn from(fields: Object) -> Self {
        Self(fields)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The hash of a pipeline's step ids, as hex. A kept state with another signature is discarded:
/// its provider's steps have changed meanwhile.
///
/// The bytes are hashed one id after another without a separator, as in Sentry.
pub fn signature<'a>(step_ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Md5::new();
    step_ids.into_iter().for_each(|id| hash.update(id.as_bytes()));
    crate::text::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_state_nor_fields_print_their_values() {
        let (mut state, mut fields) = (State::default(), Fields::default());
        state.bind("api_key", "s3cr3t");
        fields.set("apiKey", "s3cr3t");
        assert_eq!(format!("{state:?} {fields:?}"), r#"["api_key"] ["apiKey"]"#);
    }
}
