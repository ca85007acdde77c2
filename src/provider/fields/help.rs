//! What `providers` prints: which there are, and for one its steps, fields and an example.

use super::step::Step;
use crate::provider::{Field, FieldSource, PROVIDERS, Provider};
use serde_json::{Value, json};

/// Every provider with how it finishes, a line each.
pub fn list() -> String {
    let width = PROVIDERS.iter().map(|provider| provider.key().len()).max().unwrap_or(0);
    let line =
        |provider: &&dyn Provider| format!("{:width$}  {}\n", provider.key(), provider.summary());
    PROVIDERS.iter().map(line).collect()
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
    let known = provider.evidence().text();
    format!(
        "{name} (`{key}`): {about}\n\n{initial}{steps}{embedded}\n{known}\nexample:\n\n{example}"
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
