//! The secrets among what was given, to be masked whether it fits or not.

use super::answers::{app_entries, find, is_undescribed, json_value};
use super::step::Step;
use super::step_answers::texts;
use crate::inputs::state::{FieldEntry, FieldInput, RawValue};
use crate::model::Fields;
use crate::provider::Provider;

/// The texts that were given for secret fields, whether they fit or not, and those of steps that nobody
/// describes.
pub fn given_secrets(
    provider: &dyn Provider,
    state: &FieldInput,
    apps: &FieldInput,
) -> Vec<String> {
    let of_step = |step: &Step| {
        let mut fields = Fields::default();
        for field in step.fields {
            match find(state, step, field).map(|entry| &entry.value) {
                Some(RawValue::Text(text)) => fields.set(field.name, text.expose()),
                Some(value @ RawValue::Mapping(_)) => {
                    fields.set(field.name, json_value(value).to_string());
                }
                _ => {}
            }
        }
        provider.secrets(step, &fields)
    };
    let is_secret = |entry: &&FieldEntry| {
        let secrets = provider.app().iter().filter(|field| field.secret);
        secrets.into_iter().any(|field| field.name == entry.field_name())
    };
    let of_app = app_entries(provider, apps).iter().filter(is_secret);
    let undescribed = state.entries.iter().filter(|entry| is_undescribed(provider, entry));
    let plain = of_app.chain(undescribed).flat_map(|entry| texts(&json_value(&entry.value)));
    provider.all_steps().flat_map(of_step).chain(plain).collect()
}
