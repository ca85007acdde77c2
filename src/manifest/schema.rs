//! The JSON Schema of the manifest, for editors: the same keys that the reader takes.

use super::keys::{ABSENT, CODE_MAPPING, INTEGRATION, MAPPING_PLACE, RELEASE, defaults, kind};
use crate::inputs::compat::aliases;
use crate::inputs::table::{InputSpec, KeyKind};
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
            "prune": {
                "description": "removes what this manifest managed once and names no longer",
                "type": "boolean",
            },
            "defaults": or_nothing(object(&defaults(), &[])),
            "integrations": list(integration()),
            "releases": list(object(RELEASE, &[])),
        },
    })
}

/// An entry of `integrations:`; links alone need no provider where the integration is named.
fn integration() -> Value {
    let mut entry = object(INTEGRATION, &[]);
    entry["anyOf"] = json!([{ "required": ["provider"] }, { "required": ["integration-id"] }]);
    entry
}

fn list(items: Value) -> Value {
    or_nothing(json!({ "type": "array", "items": items }))
}

/// A key without a value is as good as none.
fn or_nothing(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn object(keys: &[&'static str], required: &[&str]) -> Value {
    let spellings = |name: &'static str| std::iter::once(name).chain(aliases(name));
    let properties: Map<_, _> = keys
        .iter()
        .flat_map(|name| spellings(name).map(|key| (key.to_owned(), property(name))))
        .collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(name: &str) -> Value {
    let mut choices = match (name, kind(name)) {
        ("provider", _) => {
            let keys: Vec<_> = PROVIDERS.iter().map(|provider| provider.key()).collect();
            vec![json!({ "enum": keys }), json!({ "type": "string" })]
        }
        (_, KeyKind::Text) => vec![json!({ "type": "string" })],
        (_, KeyKind::Word(words)) => vec![json!({ "enum": words }), variable()],
        (_, KeyKind::Number) => vec![json!({ "type": "integer", "minimum": 1 }), variable()],
        (_, KeyKind::Boolean) => {
            vec![json!({ "type": "boolean" }), json!({ "enum": ["true", "false"] }), variable()]
        }
        (_, KeyKind::List) => {
            let text = json!({ "type": "string" });
            vec![json!({ "type": "array", "items": text }), text]
        }
        ("code-mappings-absent", _) => {
            vec![json!({ "type": "array", "items": texts(&MAPPING_PLACE, &["project"]) })]
        }
        (_, KeyKind::Mappings) => {
            let items = texts(&CODE_MAPPING, &["project", "repository"]);
            vec![json!({ "type": "array", "items": items })]
        }
        (_, KeyKind::State) => vec![json!({ "type": "object" }), json!({ "const": ABSENT })],
        (_, KeyKind::Secret) => vec![variable()],
    };
    choices.push(json!({ "type": "null" }));
    json!({ "description": InputSpec::find(name).map(|input| input.meaning), "anyOf": choices })
}

fn variable() -> Value {
    json!({ "type": "string", "pattern": VARIABLE })
}

/// A mapping of these keys to texts.
fn texts(keys: &[&str], required: &[&str]) -> Value {
    let text = json!({ "type": "string" });
    let properties: Map<_, _> = keys.iter().map(|key| ((*key).to_owned(), text.clone())).collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}
