//! Secrets that stand where others can read them: on the command line, or in a manifest itself.

use super::step::Step;
use crate::error::{Error, ErrorCode};
use crate::inputs::state::{Exposure, FieldEntry, RawValue};
use crate::model::Fields;
use crate::provider::{Field, Provider};

/// A mistake for each secret that stands itself in the mapping of a secret field: by the provider's own
/// word for what is secret there.
pub(super) fn exposed_within<'a>(
    provider: &dyn Provider,
    step: &Step,
    fields: &Fields,
    entry: impl Fn(&Field) -> Option<&'a FieldEntry>,
) -> Vec<Error> {
    let secrets = provider.secrets(step, fields);
    let given = step.fields.iter().filter(|field| field.secret).filter_map(entry);
    let mut mistakes = Vec::new();
    for entry in given {
        exposed_in(&entry.value, &secrets, &mut mistakes);
    }
    mistakes
}

fn exposed_in(value: &RawValue, secrets: &[String], mistakes: &mut Vec<Error>) {
    match value {
        RawValue::List(items) => {
            items.iter().for_each(|item| exposed_in(item, secrets, mistakes));
        }
        RawValue::Mapping(entries) => {
            for entry in entries {
                match (&entry.value, entry.shown) {
                    (RawValue::Text(text), Some(shown))
                        if secrets.iter().any(|secret| secret == text.expose()) =>
                    {
                        mistakes.push(exposed_secret(&entry.name, entry, shown));
                    }
                    (value, _) => exposed_in(value, secrets, mistakes),
                }
            }
        }
        _ => {}
    }
}

/// A secret stands where others can read it.
pub(super) fn exposed_secret(name: &str, entry: &FieldEntry, shown: Exposure) -> Error {
    let place = &entry.place;
    let (message, hint) = match shown {
        Exposure::CommandLine => (
            format!(
                "`{name}` is a secret, and command-line arguments are visible to other processes"
            ),
            format!("use `--set {name}=env:NAME` or `--set {name}=@FILE`"),
        ),
        Exposure::Manifest => (
            format!("`{name}` at {place} is a secret, but is written in the file itself"),
            format!(
                "write `{name}: ${{NAME}}`, set the variable from a secret, and rotate this secret"
            ),
        ),
    };
    Error::new(ErrorCode::BadField, message).with_hint(hint)
}
