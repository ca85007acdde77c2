//! What a form or a callback answers a step with.

use super::step_form::is_typed;
use crate::model::{Fields, Object};
use crate::provider::{Field, FieldKind, FieldSource, Step};
use crate::text::case::snake_case;
use serde_json::Value;

/// Whether the parameters answer the step at all.
pub(super) fn is_answered_by(step: &Step, parameters: &Object) -> bool {
    let named =
        |name: &str| parameters.contains_key(name) || parameters.contains_key(&snake_case(name));
    let is_sent = |field: &&Field| named(field.callback().unwrap_or(field.name));
    let mut fields =
        step.fields.iter().filter(|field| field.source != FieldSource::Echoed).peekable();
    if step.needs_browser() {
        let lacking = step.fields.iter().filter(|field| field.required);
        return fields.any(|field| is_sent(&field)) && lacking.into_iter().all(|f| is_sent(&f));
    }
    // A step that only wants back what it shows is answered by nothing more.
    fields.peek().is_none() || fields.any(|field| is_sent(&field))
}

/// The step's fields out of a form: a checkbox is there or not, an empty text is none, and blanks around what
/// was typed are nobody's.
pub(super) fn fields(step: &Step, parameters: &Object) -> Fields {
    let mut fields = Fields::default();
    for field in step.fields {
        let parameter = field.callback().unwrap_or(field.name);
        let value = parameters.get(parameter).or_else(|| parameters.get(&snake_case(parameter)));
        match (&field.kind, value.and_then(Value::as_str)) {
            (FieldKind::Flag(_), value) => {
                let on = value.is_some_and(|value| !matches!(value, "" | "false" | "off" | "0"));
                fields.set(field.name, on);
            }
            (_, Some(text)) if is_typed(field) => set_text(&mut fields, field, text.trim()),
            (_, Some(text)) => set_text(&mut fields, field, text),
            (_, None) => {}
        }
    }
    fields
}

/// A browser ends each line of a text with two characters.
fn set_text(fields: &mut Fields, field: &Field, text: &str) {
    if !text.is_empty() {
        fields.set(field.name, text.replace("\r\n", "\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn step() -> &'static Step {
        &provider::find("gitlab").unwrap().steps()[0]
    }

    fn parameters(pairs: &[(&str, &str)]) -> Object {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }

    #[test]
    fn a_checkbox_that_is_not_there_is_off() {
        let fields =
            fields(step(), &parameters(&[("client_id", "c"), ("include_subgroups", "on")]));
        assert!(fields.flag("includeSubgroups", false) && !fields.flag("verifySsl", true));
        assert_eq!((fields.text("clientId"), fields.get("group")), ("c", None));
    }

    #[test]
    fn blanks_around_what_was_typed_go() {
        let typed = [("client_id", " c\r\n"), ("group", " \t"), ("url", "https://a.b ")];
        let fields = fields(step(), &parameters(&typed));
        assert_eq!((fields.text("clientId"), fields.get("group")), ("c", None));
        assert_eq!(fields.text("url"), "https://a.b");
    }

    #[test]
    fn only_what_a_step_asks_for_answers_it() {
        assert!(!is_answered_by(step(), &parameters(&[("completed_installation_guide", "")])));
        assert!(is_answered_by(step(), &parameters(&[("url", "")])));
        let oauth = &provider::find("gitlab").unwrap().steps()[1];
        assert!(!is_answered_by(oauth, &parameters(&[("code", "c")])));
        assert!(is_answered_by(oauth, &parameters(&[("code", "c"), ("state", "s")])));
    }
}
