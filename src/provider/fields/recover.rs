//! The way back: what the fields of `state` were, as far as a listed integration shows them.

use crate::model::{Fields, ListedIntegration, Object};
use crate::provider::{Answers, Field, FieldKind, FieldSource, IntegrationMatch, Provider};
use crate::text::url;
use serde_json::Value;

/// Stands for an unknown value while the answers are compared.
const PLACEHOLDER: &str = "untold";

/// A field of `state` that has to be given again.
pub struct RecoveredField {
    /// Which one.
    pub field: &'static Field,
    /// What it was; `None` where that is a secret, or not shown.
    pub value: Option<Value>,
    /// The host of an address of which nothing else is shown.
    pub host: Option<String>,
    /// Whether it may well not have been given: nothing shows that.
    pub is_doubtful: bool,
}

/// The `state` of a listed integration, as far as it is known.
pub struct RecoveredState {
    /// The fields, in the order of the steps.
    pub fields: Vec<RecoveredField>,
    /// Whether they identify the integration once they are given; otherwise its id has to.
    pub is_enough: bool,
}

/// The `state` that describes a listed integration, as far as it is known. Nothing in it is a guess.
pub fn recover_state(provider: &dyn Provider, listed: &ListedIntegration) -> RecoveredState {
    let known = provider.recover_fields(listed);
    let (mut fields, mut answers) = (Vec::new(), Answers::default());
    for step in provider.all_steps() {
        let recovered = step.fields.iter().filter_map(|field| recover_field(field, &known, listed));
        let mut answer = Fields::default();
        for one in recovered.filter(|one| !is_unset(one)) {
            if !one.is_doubtful {
                answer.set(one.field.name, to_compare(&one));
            }
            fields.push(one);
        }
        answers.fill(step, &answer);
    }
    let found = provider.matches(&answers, listed);
    let is_enough = matches!(found, IntegrationMatch::Same | IntegrationMatch::Differs);
    RecoveredState { fields, is_enough }
}

/// What is known of a field; `None` for one that nobody has to give.
fn recover_field(
    field: &'static Field,
    known: &Object,
    listed: &ListedIntegration,
) -> Option<RecoveredField> {
    let is_flag = matches!(field.kind, FieldKind::Flag(_));
    let is_needed = field.comes_from_state() && (field.required || is_flag);
    // A file has everything: what does not stand there was not given.
    let may_be = field.source == FieldSource::State && listed.stored.is_none();
    let is_known = known.contains_key(field.name);
    if field.source == FieldSource::Echoed || !(is_known || is_needed || may_be) {
        return None;
    }
    let value = known.get(field.name).filter(|value| !field.secret && !value.is_null()).cloned();
    let is_address = matches!(field.kind, FieldKind::Url) && field.required;
    let host = if is_address && value.is_none() { host(listed) } else { None };
    Some(RecoveredField { field, value, host, is_doubtful: !is_known && !is_needed })
}

/// Whether the field is known not to have been given.
fn is_unset(recovered: &RecoveredField) -> bool {
    recovered.value.as_ref().is_some_and(|value| value == "")
}

/// A value by which the integration is recognised as it will be by the one that is given.
fn to_compare(recovered: &RecoveredField) -> Value {
    match (&recovered.value, &recovered.host) {
        (Some(value), _) => value.clone(),
        (None, Some(host)) => format!("https://{host}").into(),
        (None, None) => PLACEHOLDER.into(),
    }
}

/// The host of a server of one's own, which begins the external id.
fn host(listed: &ListedIntegration) -> Option<String> {
    let (host, _) = listed.external_id.rsplit_once(':')?;
    (!host.is_empty() && url::host(&format!("https://{host}")) == host).then(|| host.to_owned())
}

/// What stands in the integration's metadata, where the backend shows it.
pub(crate) fn metadata<'a>(listed: &'a ListedIntegration, name: &str) -> Option<&'a Value> {
    listed.stored.as_ref()?.metadata.get(name)
}

/// A server of one's own: its address and whether its certificate is checked, where the metadata is
/// shown, and the fields with these texts.
pub(crate) fn server_fields<const N: usize>(
    listed: &ListedIntegration,
    texts: [(&str, &str); N],
) -> Object {
    let host = host(listed).unwrap_or_default();
    let url = metadata(listed, "base_url").filter(|url| url.is_string());
    // An address that does not lead to the host is another one's.
    let url = url.filter(|url| url::host(url.as_str().unwrap_or_default()) == host);
    let verify = metadata(listed, "verify_ssl").filter(|verify| verify.is_boolean());
    let server = [("url", url), ("verifySsl", verify)];
    let server =
        server.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
    server.chain(text_fields(texts)).collect()
}

/// The fields with these texts.
pub(crate) fn text_fields<const N: usize>(texts: [(&str, &str); N]) -> Object {
    let present = texts.into_iter().filter(|(_, text)| !text.is_empty());
    present.map(|(name, text)| (name.to_owned(), text.into())).collect()
}
