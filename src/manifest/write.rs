//! From what an organization has to a manifest of it. Pure: what a backend lists goes in, and a
//! text comes out.
//!
//! What it lists is others' text: a manifest would read a file by `@`, or a variable by `${`, so
//! nothing that looks like one is written as it is.

use crate::integration::RequestedLinks;
use crate::model::{ListedIntegration, OrgSlug};
use crate::provider::{self, PROVIDERS, Provider, RecoveredField};
use crate::text::case::snake_case;
use serde_json::{Map, Value, json};

/// An integration as a backend has it.
pub struct ExistingIntegration {
    /// The provider's key in storage.
    pub integration_key: String,
    /// The integration.
    pub listed: ListedIntegration,
    /// What is linked through it.
    pub links: RequestedLinks,
}

/// A manifest that was written.
pub struct GeneratedManifest {
    /// Its text.
    pub text: String,
    /// How many integrations it has.
    pub count: usize,
    /// What it does not hold, and why; for a person.
    pub left_out: Vec<String>,
}

/// Writes the manifest of an organization, at this address when one is needed.
pub fn write(
    org: &OrgSlug,
    url: Option<&str>,
    existing: &[ExistingIntegration],
) -> GeneratedManifest {
    let mut left_out = Vec::new();
    let entries: Vec<_> = existing.iter().filter_map(|one| entry(one, &mut left_out)).collect();
    let mut defaults = json!({ "org": org.as_str() });
    if let Some(url) = url {
        defaults["url"] = url.into();
    }
    let count = entries.len();
    let manifest = json!({ "version": 1, "defaults": defaults, "integrations": entries });
    let text = serde_yaml::to_string(&manifest).expect("what is JSON is YAML too");
    GeneratedManifest { text, count, left_out }
}

fn entry(existing: &ExistingIntegration, left_out: &mut Vec<String>) -> Option<Value> {
    let (listed, key) = (&existing.listed, provider_key(&existing.integration_key));
    let why_not = match listed.active {
        false => Some("it is not active"),
        true if key.is_empty() => Some("its provider key is invalid"),
        true => None,
    };
    if let Some(why) = why_not {
        left_out.push(format!("skipped integration {}: {why}", listed.id));
        return None;
    }
    let provider = provider::find(key).unwrap_or_else(|_| provider::undescribed());
    let (state, is_enough) = state(provider, key, listed);
    let mut entry = json!({ "provider": key });
    if !is_enough {
        entry["integration-id"] = listed.id.into();
    }
    if !state.is_empty() {
        entry["state"] = Value::Object(state);
    }
    let repositories = repositories(existing, left_out);
    if !repositories.is_empty() {
        entry["repositories"] = repositories.into();
    }
    let mappings = code_mappings(existing, left_out);
    if !mappings.is_empty() {
        entry["code-mappings"] = mappings.into();
    }
    Some(entry)
}

/// The provider's key in a manifest; empty where what the backend tells is none.
fn provider_key(integration_key: &str) -> &str {
    let known = PROVIDERS.iter().find(|provider| provider.integration_key() == integration_key);
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match known {
        Some(provider) => provider.key(),
        None if integration_key.chars().all(fits) => integration_key,
        None => "",
    }
}

/// The fields of `state`, and whether they tell which integration is meant.
fn state(
    provider: &dyn Provider,
    key: &str,
    listed: &ListedIntegration,
) -> (Map<String, Value>, bool) {
    let recovered = provider::recover_state(provider, listed);
    let mut is_enough = recovered.is_enough;
    let mut state = Map::new();
    for RecoveredField { name, value } in recovered.fields {
        let had_value = value.is_some();
        let value = value.filter(|value| value.as_str().is_none_or(is_literal));
        is_enough &= had_value == value.is_some();
        let value = value.unwrap_or_else(|| variable(key, listed.id, name).into());
        state.insert(name.to_owned(), value);
    }
    (state, is_enough)
}

/// The variable of a field: `${OPSGENIE_3_API_KEY}`.
fn variable(key: &str, id: i64, field: &str) -> String {
    let name = format!("{key}_{id}_{}", snake_case(field));
    format!("${{{}}}", name.replace('-', "_").to_ascii_uppercase())
}

fn repositories(existing: &ExistingIntegration, left_out: &mut Vec<String>) -> Vec<String> {
    let mut take = |name: &&String| {
        let is_taken = is_literal(name) && !name.contains(',');
        if !is_taken {
            let id = existing.listed.id;
            left_out.push(format!(
                "skipped a repository of integration {id}: its name cannot be written in a manifest"
            ));
        }
        is_taken
    };
    existing.links.repositories.iter().filter(|name| take(name)).cloned().collect()
}

fn code_mappings(existing: &ExistingIntegration, left_out: &mut Vec<String>) -> Vec<Value> {
    let mut mappings = Vec::new();
    for mapping in &existing.links.code_mappings {
        let value = serde_json::to_value(mapping).expect("a code mapping is JSON");
        let mut texts =
            value.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_str);
        if texts.all(is_literal) {
            mappings.push(value);
        } else {
            let id = existing.listed.id;
            left_out.push(format!("skipped a code mapping of integration {id}: it has a value that cannot be written in a manifest"));
        }
    }
    mappings
}

/// Whether a manifest takes the text as it is.
fn is_literal(text: &str) -> bool {
    !text.starts_with(['@', '$']) && !text.contains("${") && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(external_id: &str) -> ListedIntegration {
        let (external_id, name) = (external_id.to_owned(), external_id.to_owned());
        ListedIntegration {
            id: 7,
            external_id,
            name,
            domain_name: None,
            active: true,
            stored: None,
        }
    }

    fn existing(key: &str, external_id: &str) -> ExistingIntegration {
        let integration_key = key.to_owned();
        ExistingIntegration {
            integration_key,
            listed: listed(external_id),
            links: RequestedLinks::default(),
        }
    }

    fn written(existing: ExistingIntegration) -> GeneratedManifest {
        write(&OrgSlug::parse("acme").unwrap(), None, &[existing])
    }

    #[test]
    fn a_secret_becomes_a_variable_and_what_is_told_does_not() {
        let text = written(existing("opsgenie", "acme-ops")).text;
        assert!(text.contains("provider: acme-ops"), "{text}");
        assert!(text.contains("apiKey: ${OPSGENIE_7_API_KEY}"), "{text}");
        assert!(!text.contains("integration-id"), "{text}");
    }

    #[test]
    fn what_does_not_tell_itself_is_named_by_its_id() {
        for key in ["slack", "vercel", "nobody-knows-it", "bitbucket"] {
            let text = written(existing(key, "T1")).text;
            assert!(text.contains("integration-id: 7"), "{text}");
        }
    }

    #[test]
    fn a_name_that_would_read_a_variable_or_a_file_is_not_written() {
        for hostile in ["${SECRET}", "@/etc/passwd", "$HOME", "a${B}"] {
            let mut one = existing("example", hostile);
            one.links.repositories = vec![hostile.to_owned(), "acme/web".to_owned()];
            let GeneratedManifest { text, left_out, .. } = written(one);
            assert!(!text.contains(hostile), "{text}");
            assert!(text.contains("name: ${EXAMPLE_7_NAME}") && text.contains("- acme/web"));
            assert!(text.contains("integration-id: 7"), "{text}");
            assert_eq!(left_out.len(), 1);
        }
    }

    #[test]
    fn what_is_not_active_is_left_out() {
        let mut one = existing("example", "demo");
        one.listed.active = false;
        let GeneratedManifest { text, count, left_out } = written(one);
        assert_eq!((count, left_out.len()), (0, 1), "{text}");
    }
}
