//! The way back: what the fields of `state` were, as far as a listed integration shows them.

use crate::model::{Fields, ListedIntegration, Object};
use crate::provider::{Answers, Field, FieldSource, IntegrationMatch, Provider};
use crate::text::url;
use serde_json::{Value, json};

/// Stands for an unknown value while the answers are compared.
const PLACEHOLDER: &str = "untold";

/// A field of `state` that has to be given again.
pub struct RecoveredField {
    /// Its name.
    pub name: &'static str,
    /// What it was; `None` where that is a secret, or unknown.
    pub value: Option<Value>,
}

/// The `state` of a listed integration, as far as it is known.
pub struct RecoveredState {
    /// The fields, in the order of the steps.
    pub fields: Vec<RecoveredField>,
    /// Whether they identify the integration; otherwise its id has to.
    pub is_enough: bool,
}

/// The `state` that describes a listed integration, as far as it is known.
pub fn recover_state(provider: &dyn Provider, listed: &ListedIntegration) -> RecoveredState {
    let known = provider.recover_fields(listed);
    let (mut fields, mut answers) = (Vec::new(), Answers::default());
    for step in provider.all_steps() {
        let mut answer = Fields::default();
        for field in step.fields.iter().filter(|field| is_in_state(field, &known)) {
            let field = recover_field(field, &known);
            answer.set(field.name, field.value.clone().unwrap_or_else(|| PLACEHOLDER.into()));
            fields.push(field);
        }
        answers.fill(step, &answer);
    }
    let found = provider.matches(&answers, listed);
    let is_enough = matches!(found, IntegrationMatch::Same | IntegrationMatch::Differs);
    RecoveredState { fields, is_enough }
}

fn is_in_state(field: &Field, known: &Object) -> bool {
    let is_needed = field.required && field.comes_from_state();
    field.source != FieldSource::Echoed && (is_needed || known.contains_key(field.name))
}

fn recover_field(field: &Field, known: &Object) -> RecoveredField {
    let value = known.get(field.name).filter(|value| !field.secret && !value.is_null());
    RecoveredField { name: field.name, value: value.cloned() }
}

/// What stands in the integration's metadata, where the backend shows it.
pub(crate) fn metadata<'a>(listed: &'a ListedIntegration, name: &str) -> Option<&'a Value> {
    listed.stored.as_ref()?.metadata.get(name)
}

/// A server of one's own: its address, out of the metadata or of its host, whether its certificate
/// is checked, and the fields with these texts.
pub(crate) fn server_fields<const N: usize>(
    listed: &ListedIntegration,
    host: &str,
    texts: [(&str, &str); N],
) -> Object {
    let stored = metadata(listed, "base_url").filter(|url| url.is_string()).cloned();
    let url = stored.unwrap_or_else(|| json!(format!("https://{host}")));
    // An address that does not lead to the host is another one's.
    let url = Some(url).filter(|url| url::host(url.as_str().unwrap_or_default()) == host);
    let verify = metadata(listed, "verify_ssl").filter(|verify| **verify == json!(false)).cloned();
    let server = [("url", url), ("verifySsl", verify)];
    let server = server.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    server.chain(text_fields(texts)).collect()
}

/// The fields with these texts.
pub(crate) fn text_fields<const N: usize>(texts: [(&str, &str); N]) -> Object {
    let present = texts.into_iter().filter(|(_, text)| !text.is_empty());
    present.map(|(name, text)| (name.to_owned(), text.into())).collect()
}
