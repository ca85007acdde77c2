//! What `providers` prints: which there are, and for one its steps, fields and an example.

use super::step::Step;
use crate::provider::{Field, FieldSource, PROVIDERS, Provider};
use serde_json::{Value, json};

/// Sentry's own page about integrations; those of the providers are below it.
const GUIDES: &str = "https://docs.sentry.io/organization/integrations/";

/// What a provider takes, as `providers` groups them.
const GROUPS: [&str; 3] = [
    "Set the fields in `state`, and the integration is installed:",
    "A person approves once in a browser:",
    "Only a Sentry server can install these:",
];

/// Every provider under what it takes: how it finishes, and where to read about it.
pub fn list() -> String {
    let width = PROVIDERS.iter().map(|provider| provider.key().len()).max().unwrap_or(0);
    let lines = |provider: &&dyn Provider| {
        let (key, summary, guide) = (provider.key(), provider.summary(), provider.guide());
        format!("  {key:width$}  {summary}\n  {:width$}  {GUIDES}{guide}\n", "")
    };
    let group = |(index, title)| {
        let members = PROVIDERS.iter().filter(|provider| group_of(**provider) == index);
        format!("{title}\n\n{}\n", members.map(lines).collect::<String>())
    };
    let groups: String = GROUPS.into_iter().enumerate().map(group).collect();
    format!("{groups}Run `finishline providers KEY` for the fields of one, with an example.\n")
}

/// The group of a provider, as a place in [`GROUPS`].
fn group_of(provider: &dyn Provider) -> usize {
    let has_callback = |step: &Step| step.fields.iter().any(|field| field.callback().is_some());
    match provider.sentry_only_reason() {
        Some(_) => 2,
        None => usize::from(provider.all_steps().any(has_callback)),
    }
}

/// Every provider as JSON.
pub fn list_json() -> Value {
    PROVIDERS.iter().map(|provider| provider_json(*provider)).collect()
}

/// One provider for a person.
pub fn provider_text(provider: &dyn Provider) -> String {
    let initial: String = provider.initial().into_iter().map(step).collect();
    let steps: String = provider.steps().iter().map(step).collect();
    let (name, key, about) = (provider.name(), provider.key(), provider.summary());
    let (embedded, example) = (embedded(provider), example(provider));
    let (known, guide) = (provider.evidence().text(), provider.guide());
    format!(
        "{name} (`{key}`): {about}\n{GUIDES}{guide}\n\n{initial}{steps}{embedded}\n{known}\n\
         example:\n\n{example}"
    )
}

/// What our engine needs beside the fields, or why it cannot finish the provider.
fn embedded(provider: &dyn Provider) -> String {
    if let Some(why) = provider.sentry_only_reason() {
        return format!("\nonly a Sentry server can install it: {why}\n");
    }
    if provider.app().is_empty() {
        return String::new();
    }
    let key = provider.key();
    let fields: String = provider.app().iter().map(field).collect();
    format!("\non the embedded backend also set `apps`, with your own app under `{key}`:\n{fields}")
}

/// One provider as JSON.
pub fn provider_json(provider: &dyn Provider) -> Value {
    let field = |field: &Field| {
        json!({
            "name": field.name,
            "required": field.required,
            "secret": field.secret,
            "callback": field.callback(),
            "takes": field.kind.expected(),
            "help": field.help,
            "example": field.example,
        })
    };
    let step = |step: &Step| json!({ "id": step.id, "fields": step.fields.iter().map(field).collect::<Vec<_>>() });
    json!({
        "key": provider.key(),
        "name": provider.name(),
        "about": provider.summary(),
        "guide": format!("{GUIDES}{}", provider.guide()),
        "needsSentry": provider.sentry_only_reason(),
        "evidence": provider.evidence().json(),
        "initialData": provider.initial().map(|step| step.fields.iter().map(field).collect::<Vec<_>>()),
        "app": provider.app().iter().map(field).collect::<Vec<_>>(),
        "steps": provider.steps().iter().map(step).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> String {
    let fields: String = step.fields.iter().map(field).collect();
    format!("step {}\n{fields}", step.id)
}

fn field(field: &Field) -> String {
    let whose = match field.source {
        FieldSource::State | FieldSource::Link(_) => None,
        FieldSource::Callback(_) => Some("from the browser's callback"),
        FieldSource::Echoed => Some("filled in automatically"),
    };
    if let Some(whose) = whose {
        return format!("  {} ({whose}): {}\n", field.name, field.help);
    }
    let need = if field.required { "required" } else { "optional" };
    let secret = if field.secret { ", secret" } else { "" };
    format!("  {} ({need}{secret}): {}; {}\n", field.name, field.help, field.kind.expected())
}

/// The provider's inputs as YAML that can be pasted.
fn example(provider: &dyn Provider) -> String {
    let key = provider.key();
    let fields = provider.all_steps().flat_map(|step| step.fields);
    let state: String =
        fields.filter(|field| field.comes_from_state()).map(|one| line(one, 2)).collect();
    let app = provider.app().iter().filter(|field| field.required);
    let app: String = app.map(|one| line(one, 4)).collect();
    let state = if state.is_empty() { state } else { format!("state: |\n{state}") };
    let apps = if app.is_empty() { app } else { format!("apps: |\n  {key}:\n{app}") };
    format!("provider: {key}\n{state}{apps}")
}

fn line(field: &Field, indent: usize) -> String {
    let value = field.example;
    let bare = value.starts_with('\'') || value.starts_with("${");
    let quoted = if bare { value.to_owned() } else { format!("\"{value}\"") };
    format!("{:indent$}{}: {quoted}\n", "", field.name)
}
