//! The way back: what the fields of `state` were, as far as a listed integration tells.

use crate::model::state::Fields;
use crate::model::{ListedIntegration, Object};
use crate::provider::{Answers, Field, FieldSource, IntegrationMatch, Provider};
use crate::text::url;
use serde_json::{Value, json};

/// Stands for what is not told while the answers are compared.
const PLACEHOLDER: &str = "untold";

/// A field of `state` that has to be given again.
pub struct RecoveredField {
    /// Its name.
    pub name: &'static str,
    /// What it was; `None` where that is a secret, or nobody tells.
    pub value: Option<Value>,
}

/// What a listed integration tells of its `state`.
pub struct RecoveredState {
    /// The fields, in the order of the steps.
    pub fields: Vec<RecoveredField>,
    /// Whether they tell which integration is meant; else its id has to.
    pub is_enough: bool,
}

/// What is told of the `state` that describes a listed integration.
pub fn recover_state(provider: &dyn Provider, listed: &ListedIntegration) -> RecoveredState {
    let told = provider.recover_fields(listed);
    let (mut fields, mut answers) = (Vec::new(), Answers::default());
    for step in provider.all_steps() {
        let of_state = step.fields.iter().filter(|field| is_given(field, &told));
        let of_step: Vec<_> = of_state.map(|field| recover_field(field, &told)).collect();
        let mut given = Fields::default();
        for one in &of_step {
            given.set(one.name, one.value.clone().unwrap_or_else(|| PLACEHOLDER.into()));
        }
        answers.fill(step, &given);
        fields.extend(of_step);
    }
    let verdict = provider.matches(&answers, listed);
    RecoveredState {
        fields,
        is_enough: matches!(verdict, IntegrationMatch::Same | IntegrationMatch::Differs),
    }
}

fn is_given(field: &Field, told: &Object) -> bool {
    let is_asked = field.required && field.comes_from_state();
    field.source != FieldSource::Echoed && (is_asked || told.contains_key(field.name))
}

fn recover_field(field: &Field, told: &Object) -> RecoveredField {
    let value = told.get(field.name).filter(|value| !field.secret && !value.is_null());
    RecoveredField { name: field.name, value: value.cloned() }
}

/// What stands in the integration's metadata, where the backend tells it.
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
    let told = texts.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(name, text)| (name.to_owned(), text.into())).collect()
}
