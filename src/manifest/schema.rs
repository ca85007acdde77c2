//! The JSON Schema of the manifest, for editors: the same keys that the reader takes.

use super::keys::{CODE_MAPPING, INTEGRATION, Key, KeyKind, RELEASE, defaults};
use crate::inputs::table::INPUTS;
use crate::provider::PROVIDERS;
use serde_json::{Map, Value, json};

/// A value that is wholly a variable.
const VARIABLE: &str = r"^\$\{[A-Za-z0-9_]+(:\?[^}]*)?\}$";

/// The schema, in the draft that editors take.
pub fn schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "finishline manifest",
        "description": "Integrations and releases of any number of organizations",
        "type": "object",
        "required": ["version"],
        "anyOf": [{ "required": ["integrations"] }, { "required": ["releases"] }],
        "additionalProperties": false,
        "properties": {
            "version": { "const": 1 },
            "defaults": or_nothing(object(&defaults(), &[])),
            "integrations": list(object(INTEGRATION, &["provider"])),
            "releases": list(object(RELEASE, &[])),
        },
    })
}

fn list(items: Value) -> Value {
    or_nothing(json!({ "type": "array", "items": items }))
}

/// A key without a value is as good as none.
fn or_nothing(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn object(keys: &[Key], required: &[&str]) -> Value {
    let property = |(name, kind): &Key| ((*name).to_owned(), property(name, *kind));
    let properties: Map<_, _> = keys.iter().map(property).collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(name: &str, kind: KeyKind) -> Value {
    let input = INPUTS.iter().find(|input| input.name == name);
    let takes = match (name, kind) {
        ("provider", _) => {
            let keys: Vec<_> = PROVIDERS.iter().map(|provider| provider.key()).collect();
            json!([{ "enum": keys }, { "type": "string" }])
        }
        (_, KeyKind::Text) => json!([{ "type": "string" }]),
        (_, KeyKind::Word(words)) => json!([{ "enum": words }, variable()]),
        (_, KeyKind::Number) => json!([{ "type": "integer", "minimum": 1 }, variable()]),
        (_, KeyKind::Flag) => {
            json!([{ "type": "boolean" }, { "enum": ["true", "false"] }, variable()])
        }
        (_, KeyKind::List) => {
            json!([{ "type": "array", "items": { "type": "string" } }, { "type": "string" }])
        }
        (_, KeyKind::Mappings) => json!([{ "type": "array", "items": code_mapping() }]),
        (_, KeyKind::State) => json!([{ "type": "object" }]),
        (_, KeyKind::Secret) => json!([variable()]),
    };
    let anything = takes.as_array().cloned().unwrap_or_default();
    let anything: Vec<_> = anything.into_iter().chain([json!({ "type": "null" })]).collect();
    json!({ "description": input.map(|input| input.meaning), "anyOf": anything })
}

fn variable() -> Value {
    json!({ "type": "string", "pattern": VARIABLE })
}

fn code_mapping() -> Value {
    let text = json!({ "type": "string" });
    let properties: Map<_, _> =
        CODE_MAPPING.iter().map(|key| ((*key).to_owned(), text.clone())).collect();
    json!({
        "type": "object",
        "required": ["project", "repository"],
        "additionalProperties": false,
        "properties": properties,
    })
}
