//! How values stand in columns.

use crate::model::Object;
use crate::text::hex;
use rusqlite::Row;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A JSON object as it is stored.
pub(crate) fn text(object: &Object) -> String {
    Value::Object(object.clone()).to_string()
}

/// A stored JSON object; anything else, written by another hand, is an empty one.
pub(crate) fn object(text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_default()
}

/// The JSON object in a column.
pub(crate) fn read_object(row: &Row<'_>, column: &str) -> rusqlite::Result<Object> {
    Ok(object(&row.get::<_, String>(column)?))
}

/// The digest under which a secret is found.
pub(crate) fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}
