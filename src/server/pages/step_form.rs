//! A step as a form: a label, an explanation and, where it was wrong, the reason for each field.

use super::layout::form_key_field;
use super::{FORM_ID, FORM_STEP, components};
use crate::integration::StepView;
use crate::model::{Fields, Object};
use crate::provider::{Field, FieldKind, FieldSource, Step};
use crate::text::case::snake_case;
use maud::{Markup, html};
use serde_json::Value;

/// Fields that take one of what the step shows: in which list, and there the value and its name.
const CHOICES: [(&str, &str, &str, &str); 2] = [
    ("account", "accounts", "accountId", "accountName"),
    ("chosenInstallationId", "installationInfo", "installationId", "githubAccount"),
];

/// What a form is made of.
pub(super) struct StepForm<'a> {
    pub(super) action: &'a str,
    pub(super) view: &'a StepView,
    /// What was typed before.
    pub(super) typed: &'a Fields,
    /// Its errors, by field.
    pub(super) errors: &'a [(String, String)],
    pub(super) form_key: Option<&'a str>,
    /// What identifies this form where its answer starts the pipeline.
    pub(super) start_id: Option<&'a str>,
}

impl StepForm<'_> {
    /// Whether a field of it has something to choose from.
    pub(super) fn offers(&self, step: &Step) -> bool {
        let is_offered = |(name, list, value, shown): &(&str, &str, &str, &str)| {
            step.fields.iter().any(|field| field.name == *name)
                && !listed(&self.view.data, list, value, shown).is_empty()
        };
        CHOICES.iter().any(is_offered)
    }

    /// The form; its button is the second one where another one comes first.
    pub(super) fn show(&self, step: &Step, is_first: bool) -> Markup {
        let fields: Vec<_> = step.fields.iter().filter(|field| is_typed(field)).collect();
        html! {
            (self.summary())
            // What is missing is said in place, by us and not by the browser.
            form.fields action=(self.action) method="post" novalidate {
                @if let Some(id) = self.start_id {
                    input type="hidden" name=(FORM_STEP) value=(step.id);
                    input type="hidden" name=(FORM_ID) value=(id);
                }
                @if let Some(form_key) = self.form_key { (form_key_field(form_key)) }
                @for field in fields { (self.field(field)) }
                p { button.button.second[!is_first] type="submit" { "Continue" } }
            }
        }
    }

    /// All that is wrong at once, with the way to each field.
    fn summary(&self) -> Markup {
        html! {
            @if !self.errors.is_empty() {
                div.wrong role="alert" {
                    p { strong { (count(self.errors.len())) } }
                    ul { @for (name, _) in self.errors {
                        li { a href=(format!("#{}", snake_case(name))) { (components::label(name)) } }
                    } }
                }
            }
        }
    }

    fn field(&self, field: &Field) -> Markup {
        let name = snake_case(field.name);
        let errors: Vec<_> = self.errors.iter().filter(|(name, _)| name == field.name).collect();
        html! {
            div class=(if errors.is_empty() { "field" } else { "field is-wrong" }) {
                @if matches!(field.kind, FieldKind::Flag(_)) {
                    (self.flag(field, &name))
                } @else {
                    label for=(name) { (components::label(field.name))
                        @if !field.required { " " span.quiet { "(optional)" } } }
                    (self.input(field, &name, !errors.is_empty()))
                }
                p.help id=(format!("{name}-help")) { (components::prose(&components::capitalize(field.help))) "." }
                @for (at, (_, reason)) in errors.iter().enumerate() {
                    p.why id=(format!("error_{}_id_{name}", at + 1)) { (components::prose(reason)) }
                }
            }
        }
    }

    fn flag(&self, field: &Field, name: &str) -> Markup {
        let default = matches!(field.kind, FieldKind::Flag(true));
        let on = self.typed.get(field.name).and_then(Value::as_bool).unwrap_or(default);
        html! {
            label.flag for=(name) {
                input id=(name) type="checkbox" name=(name) checked[on]
                    aria-describedby=(format!("{name}-help"));
                (components::label(field.name))
            }
        }
    }

    fn input(&self, field: &Field, name: &str, is_wrong: bool) -> Markup {
        let about = format!(
            "{name}-help{}",
            if is_wrong { format!(" error_1_id_{name}") } else { String::new() }
        );
        let invalid = is_wrong.then_some("true");
        let typed = if field.secret { "" } else { self.typed.text(field.name) };
        let offered = self.offered(field);
        html! {
            @if !offered.is_empty() {
                select id=(name) name=(name) required[field.required] aria-describedby=(about) aria-invalid=[invalid] {
                    @for (value, shown) in &offered { option value=(value) selected[value == typed] { (shown) } }
                }
            } @else if is_long(field) {
                textarea id=(name) name=(name) rows="6" required[field.required] spellcheck="false"
                    autocomplete="off" aria-describedby=(about) aria-invalid=[invalid] { (typed) }
            } @else {
                input id=(name) type=(kind(field)) name=(name) value=(typed) required[field.required]
                    placeholder=[placeholder(field)] autocomplete="off" spellcheck="false"
                    aria-describedby=(about) aria-invalid=[invalid];
            }
        }
    }

    /// What a field may be, each with the name that people know it by.
    fn offered(&self, field: &Field) -> Vec<(String, String)> {
        if let FieldKind::Choice(choices) = field.kind {
            return choices.iter().map(|one| ((*one).to_owned(), (*one).to_owned())).collect();
        }
        let found = CHOICES.iter().find(|(name, ..)| *name == field.name);
        found.map_or_else(Vec::new, |(_, list, value, shown)| {
            listed(&self.view.data, list, value, shown)
        })
    }
}

/// What a step shows under a name, as values and names.
fn listed(data: &Object, list: &str, value: &str, shown: &str) -> Vec<(String, String)> {
    let items = data.get(list).and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, name: &str| item[name].as_str().map(str::to_owned);
    items.filter_map(|item| Some((text(item, value)?, text(item, shown)?))).collect()
}

/// Whether a person types it: not what a callback brings, nor what the step shows.
pub(super) fn is_typed(field: &Field) -> bool {
    matches!(field.source, FieldSource::State | FieldSource::Link(_))
}

/// Whether anything of a step is typed.
pub(super) fn is_form(step: &Step) -> bool {
    step.fields.iter().any(is_typed)
}

/// Texts of many lines.
fn is_long(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Json | FieldKind::Rule(..)) && field.secret
}

fn kind(field: &Field) -> &'static str {
    match field.kind {
        _ if field.secret => "password",
        FieldKind::Url => "url",
        _ => "text",
    }
}

/// An example that a person could type.
fn placeholder(field: &Field) -> Option<&'static str> {
    Some(field.example)
        .filter(|example| !example.is_empty() && !example.starts_with(['$', '@', '\'']))
}

fn count(errors: usize) -> String {
    match errors {
        1 => "One field is invalid:".to_owned(),
        more => format!("{more} fields are invalid:"),
    }
}
