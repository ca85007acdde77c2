//! From what an organization has to a manifest of it. Pure: what a backend lists goes in, and a
//! text comes out.
//!
//! What it lists is others' text: a manifest would read a file by `@`, or a variable by `${`, so
//! nothing that looks like one is written as it is, and nothing that has a part of a secret.

use crate::inputs::CodeMapping;
use crate::integration::ExistingLinks;
use crate::model::{ListedIntegration, OrgSlug};
use crate::provider::{self, FieldKind, PROVIDERS, Provider, RecoveredField};
use crate::text::case::snake_case;
use crate::text::yaml_writer::{self, YamlComment, YamlComments};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An integration as a backend has it.
pub struct ExistingIntegration {
    /// The provider's key in storage.
    pub integration_key: String,
    /// The integration.
    pub listed: ListedIntegration,
    /// What is linked through it.
    pub links: ExistingLinks,
}

/// What an organization has at a backend.
#[derive(Default)]
pub struct OrganizationInventory {
    /// Its integrations.
    pub integrations: Vec<ExistingIntegration>,
    /// What belongs to none of them; for a person.
    pub left_out: Vec<String>,
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

/// Writes the manifest of an organization, at this address when one is needed. No text goes in that
/// `hides` a part of a secret.
pub fn write(
    org: &OrgSlug,
    url: Option<&str>,
    existing: OrganizationInventory,
    hides: &dyn Fn(&str) -> bool,
) -> GeneratedManifest {
    let OrganizationInventory { integrations, left_out } = existing;
    let mut writer = EntryWriter { hides, comments: YamlComments::new(), left_out };
    let entry = |one: &ExistingIntegration| Some((one.listed.id, writer.entry(one)?));
    let entries = told_apart(integrations.iter().filter_map(entry).collect());
    let mut defaults = json!({ "org": org.as_str() });
    if let Some(url) = url {
        defaults["url"] = url.into();
    }
    let count = entries.len();
    let manifest = json!({ "version": 1, "defaults": defaults, "integrations": entries });
    let text = yaml_writer::write(&manifest, &writer.comments);
    GeneratedManifest { text, count, left_out: writer.left_out }
}

/// The entries, with the ids of those that their fields alone do not tell apart.
fn told_apart(mut entries: Vec<(i64, Value)>) -> Vec<Value> {
    let account = |entry: &Value| format!("{}{}", entry["provider"], entry["state"]);
    let mut counts = BTreeMap::new();
    for (_, entry) in &entries {
        *counts.entry(account(entry)).or_insert(0) += 1;
    }
    for (id, entry) in &mut entries {
        if counts[&account(entry)] > 1 {
            entry["integration-id"] = (*id).into();
        }
    }
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// Makes the entries, and keeps what they do not hold.
struct EntryWriter<'a> {
    hides: &'a dyn Fn(&str) -> bool,
    /// What is said beside each variable.
    comments: YamlComments,
    left_out: Vec<String>,
}

impl EntryWriter<'_> {
    fn entry(&mut self, existing: &ExistingIntegration) -> Option<Value> {
        let (listed, key) = (&existing.listed, provider_key(&existing.integration_key));
        let is_known = PROVIDERS.iter().any(|provider| provider.key() == key);
        let why_not = match listed.active {
            false => Some("it is not active"),
            true if key.is_empty() => Some("its provider key is invalid"),
            true if !is_known && (self.hides)(key) => {
                Some("its provider key contains a part of a secret")
            }
            true => None,
        };
        if let Some(why) = why_not {
            self.left_out.push(format!("skipped integration {}: {why}", listed.id));
            return None;
        }
        let provider = provider::find(key).unwrap_or_else(|_| provider::undescribed());
        let (state, is_enough) = self.state(provider, key, listed);
        let mut entry = json!({ "provider": key });
        if !is_enough {
            entry["integration-id"] = listed.id.into();
        }
        let (repositories, mappings) = (self.repositories(existing), self.code_mappings(existing));
        let fields = [
            ("state", Value::Object(state)),
            ("repositories", repositories.into()),
            ("code-mappings", mappings.into()),
        ];
        let is_empty = |value: &Value| *value == json!({}) || *value == json!([]);
        for (name, value) in fields.into_iter().filter(|(_, value)| !is_empty(value)) {
            entry[name] = value;
        }
        Some(entry)
    }

    /// The fields of `state`, and whether they tell which integration is meant.
    fn state(
        &mut self,
        provider: &dyn Provider,
        key: &str,
        listed: &ListedIntegration,
    ) -> (Map<String, Value>, bool) {
        let recovered = provider::recover_state(provider, listed);
        let mut is_enough = recovered.is_enough;
        let mut state = Map::new();
        for mut recovered in recovered.fields {
            let name = recovered.field.name;
            let variable = variable(key, listed.id, name);
            let why_not = recovered.value.as_ref().and_then(|value| self.why_unwritable(value));
            if let Some(why) = why_not {
                is_enough = false;
                let id = listed.id;
                self.left_out.push(format!(
                    "`{name}` of integration {id} is not written, set {variable}: its value {why}"
                ));
            }
            let value = recovered.value.take().filter(|_| why_not.is_none());
            let value = value.unwrap_or_else(|| self.reference(&variable, &recovered, why_not));
            state.insert(name.to_owned(), value);
        }
        (state, is_enough)
    }

    /// A variable in place of a value, with what it is for beside it.
    fn reference(
        &mut self,
        variable: &str,
        recovered: &RecoveredField,
        why_not: Option<&str>,
    ) -> Value {
        let reference = format!("${{{variable}}}");
        let host = recovered.host.as_deref().filter(|host| self.secret_in(host).is_none());
        let why = match (why_not, host) {
            (Some(why), _) => format!("its value {why}"),
            (None, Some(host)) => format!("only its host is shown ({host})"),
            (None, None) if recovered.field.secret => "secret".to_owned(),
            (None, None) => "not shown".to_owned(),
        };
        let text = format!("{why}: {}{}", recovered.field.help, what_is_optional(recovered));
        let comment = YamlComment { text, is_around: recovered.is_doubtful };
        self.comments.insert(reference.clone(), comment);
        reference.into()
    }

    fn repositories(&mut self, existing: &ExistingIntegration) -> Vec<Value> {
        let mut names = Vec::new();
        for repository in &existing.links.repositories {
            let name = repository.link_name();
            let value = Value::from(name);
            let comma = name.contains(',').then_some("contains a comma");
            match comma.or(self.why_unwritable(&value)) {
                None => names.push(value),
                Some(why) => self.skip("repository", existing, &format!("its name {why}")),
            }
        }
        names
    }

    fn code_mappings(&mut self, existing: &ExistingIntegration) -> Vec<Value> {
        let mut mappings = Vec::new();
        for known in &existing.links.code_mappings {
            let repository = existing.links.link_name_of(known).to_owned();
            let mapping = CodeMapping { repository, ..known.mapping.clone() };
            let value = serde_json::to_value(&mapping).expect("a code mapping is JSON");
            let is_whole = !mapping.project.is_empty() && !mapping.repository.is_empty();
            let not_whole = (!is_whole).then_some("is not shown");
            // Only variables are put into a mapping.
            let why = || self.why_broken(&value, &|text| text.contains("${"));
            match not_whole.or_else(why) {
                None => mappings.push(value),
                Some(why) => self.skip("code mapping", existing, &format!("a value of it {why}")),
            }
        }
        mappings
    }

    fn skip(&mut self, what: &str, existing: &ExistingIntegration, why: &str) {
        let id = existing.listed.id;
        self.left_out.push(format!("skipped a {what} of integration {id}: {why}"));
    }

    /// Why a value cannot be written as it is, if it cannot.
    fn why_unwritable(&self, value: &Value) -> Option<&'static str> {
        self.why_broken(value, &|text| text.starts_with(['@', '$']) || text.contains("${"))
    }

    /// The same of a value whose texts may stand for others.
    fn why_broken(&self, value: &Value, is_read: &dyn Fn(&str) -> bool) -> Option<&'static str> {
        match value {
            Value::Object(fields) => fields.values().find_map(|one| self.why_broken(one, is_read)),
            Value::Array(items) => items.iter().find_map(|one| self.why_broken(one, is_read)),
            Value::String(text) if text.contains(char::is_control) => {
                Some("contains a line break or a control character")
            }
            Value::String(text) if is_read(text) => Some("would be read as a variable or a file"),
            Value::String(text) => self.secret_in(text),
            other => self.secret_in(&other.to_string()),
        }
    }

    fn secret_in(&self, text: &str) -> Option<&'static str> {
        (self.hides)(text).then_some("contains a part of a secret")
    }
}

/// What to do with a line that may not be needed.
fn what_is_optional(recovered: &RecoveredField) -> String {
    match recovered.field.kind {
        FieldKind::Flag(default) => format!(" (default: {default})"),
        _ if recovered.is_doubtful => " (optional: use the line if it was set)".to_owned(),
        _ if recovered.field.required => String::new(),
        _ => " (optional: remove the line if it was not set)".to_owned(),
    }
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

/// The variable of a field: `OPSGENIE_3_API_KEY`.
fn variable(key: &str, id: i64, field: &str) -> String {
    let name = format!("{key}_{id}_{}", snake_case(field));
    name.replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integration::{LinkedMapping, LinkedRepository};

    fn listed(external_id: &str) -> ListedIntegration {
        let (external_id, name) = (external_id.to_owned(), external_id.to_owned());
        ListedIntegration {
            id: 7,
            external_id,
            name,
            domain_name: None,
            active: true,
            deletion: None,
            health: Default::default(),
            config: None,
            stored: None,
        }
    }

    fn existing(key: &str, external_id: &str) -> ExistingIntegration {
        let integration_key = key.to_owned();
        ExistingIntegration {
            integration_key,
            listed: listed(external_id),
            links: ExistingLinks::default(),
        }
    }

    fn written(existing: ExistingIntegration) -> GeneratedManifest {
        write(&org(), None, only(existing), &|text| text.contains("hush"))
    }

    fn org() -> OrgSlug {
        OrgSlug::parse("acme").unwrap()
    }

    fn only(existing: ExistingIntegration) -> OrganizationInventory {
        OrganizationInventory { integrations: vec![existing], left_out: Vec::new() }
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
        for hostile in ["${SECRET}", "@/etc/passwd", "$HOME", "a${B}", "a-hush"] {
            let mut one = existing("example", hostile);
            let repository = |name: &str| LinkedRepository {
                names: vec![name.to_owned()],
                ..LinkedRepository::default()
            };
            one.links.repositories = [hostile, "acme/web"].map(repository).to_vec();
            let GeneratedManifest { text, left_out, .. } = written(one);
            assert!(!text.contains(hostile), "{text}");
            assert!(text.contains("name: ${EXAMPLE_7_NAME}") && text.contains("- acme/web"));
            assert!(text.contains("integration-id: 7"), "{text}");
            assert_eq!(left_out.len(), 2);
        }
    }

    /// GitLab shows two repositories by one name.
    #[test]
    fn a_mapping_names_its_repository_by_the_path() {
        let mut one = existing("gitlab", "gitlab.example.com:7");
        let repository = |id: &str, path: &str| LinkedRepository {
            id: id.to_owned(),
            names: ["Acme / Web", path].map(str::to_owned).to_vec(),
            paths: vec![path.to_owned()],
            ..LinkedRepository::default()
        };
        one.links.repositories = vec![repository("5", "acme/web"), repository("6", "other/web")];
        let mapping = CodeMapping {
            project: "web".to_owned(),
            repository: "Acme / Web".to_owned(),
            stack_root: String::new(),
            source_root: String::new(),
            default_branch: None,
        };
        let (id, repository_id) = ("7".to_owned(), Some("6".to_owned()));
        one.links.code_mappings = vec![LinkedMapping { id, repository_id, mapping }];
        let text = written(one).text;
        assert!(text.contains("repository: other/web") && !text.contains("Acme / Web"), "{text}");
    }

    #[test]
    fn a_provider_key_with_a_part_of_a_secret_is_left_out_and_one_of_ours_never_is() {
        let GeneratedManifest { text, left_out, .. } = written(existing("a-hush", "T1"));
        assert!(!text.contains("hush") && left_out[0].contains("provider key"), "{left_out:?}");
        let named = only(existing("opsgenie", "x"));
        let text = write(&org(), None, named, &|text| text == "opsgenie").text;
        assert!(text.contains("provider: opsgenie"), "{text}");
    }

    #[test]
    fn what_is_not_active_is_left_out() {
        let mut one = existing("example", "demo");
        one.listed.active = false;
        let GeneratedManifest { text, count, left_out } = written(one);
        assert_eq!((count, left_out.len()), (0, 1), "{text}");
    }
}
