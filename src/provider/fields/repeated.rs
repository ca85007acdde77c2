//! A field that stands in `state` beside its step and within it.

use super::step::Step;
use crate::error::{Error, ErrorCode};
use crate::inputs::state::{FieldEntry, FieldInput, RawValue};
use crate::provider::{Field, Provider};
use crate::text::quote;

/// The fields that stand beside their step and in it, where only one of the two would count.
pub(super) fn given_twice(provider: &dyn Provider, state: &FieldInput) -> Vec<Error> {
    let beside: Vec<_> = state.entries.iter().filter(|entry| !entry.is_set_alone()).collect();
    let mistake = |step: &Step, field: &Field| {
        let of_field = |entry: &&&FieldEntry| entry.field_name() == field.name;
        let outer = beside.iter().find(of_field)?;
        let within = beside.iter().find_map(|entry| match &entry.value {
            RawValue::Mapping(inner) if entry.name == step.id => {
                inner.iter().find(|one| of_field(&one))
            }
            _ => None,
        })?;
        let (name, step) = (quote(field.name), quote(step.id));
        let (outer, within) = (&outer.place, &within.place);
        let message = format!("{name} is given twice: at {outer}, and at {within} in {step}");
        Some(Error::new(ErrorCode::BadField, message).with_hint("remove one of the two"))
    };
    let fields =
        provider.all_steps().flat_map(|step| step.fields.iter().map(move |field| (step, field)));
    fields.filter_map(|(step, field)| mistake(step, field)).collect()
}
