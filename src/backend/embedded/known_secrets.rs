//! The secrets that a pipeline and what comes of it hold: nothing that a third party answers may show
//! them, whoever gave them.

use crate::model::{Fields, IntegrationData, Object, State};
use crate::provider::Step;
use crate::text::scrubber::SecretScrubber;
use serde_json::Value;

/// What a name in the state has in it whose value is a secret.
const SECRET_NAMES: [&str; 8] =
    ["secret", "token", "key", "password", "code", "verifier", "state", "jwt"];
/// Names with such a word that a person may read.
const PUBLIC_NAMES: [&str; 4] = ["consumer_key", "clientKey", "key", "token_type"];

/// The values of an object that are secrets by their names, at any depth.
pub(super) fn secrets_in(object: &Object) -> Vec<String> {
    let mut secrets = Vec::new();
    collect_secrets(object, &mut secrets);
    secrets
}

fn collect_secrets(object: &Object, secrets: &mut Vec<String>) {
    let is_secret = |name: &str| {
        let lower = name.to_lowercase();
        // `apiKeyName` is what a person calls a key.
        let is_shown = PUBLIC_NAMES.contains(&name) || lower.ends_with("name");
        SECRET_NAMES.iter().any(|word| lower.contains(word)) && !is_shown
    };
    for (name, value) in object {
        match value {
            Value::String(text) if is_secret(name) => secrets.push(text.clone()),
            Value::Object(inner) => collect_secrets(inner, secrets),
            _ => {}
        }
    }
}

/// The name of the plain texts in the state.
const PLAIN_TEXTS: &str = "plain_texts";

/// Notes what a step's answer has in fields that are no secrets: a name that repeats it shows nothing.
pub(super) fn note_plain_texts(step: &Step, fields: &Fields, state: &mut State) {
    let plain = step.fields.iter().filter(|field| !field.secret);
    let given = plain.map(|field| fields.text(field.name)).filter(|text| !text.is_empty());
    let given: Vec<_> = plain_texts(state).into_iter().chain(given.map(str::to_owned)).collect();
    if !given.is_empty() {
        state.bind(PLAIN_TEXTS, given);
    }
}

fn plain_texts(state: &State) -> Vec<String> {
    let noted = state.fetch(PLAIN_TEXTS).and_then(Value::as_array);
    noted.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What of the metadata everybody sees who sees the integration.
const SHOWN_METADATA: [&str; 2] = ["domain_name", "icon"];

/// The name of an integration as people see it, without what it repeats of a secret, and likewise what
/// is shown of its metadata.
pub(super) fn shown(name: &str, state: &State, data: &IntegrationData) -> (String, Object) {
    let tokens = data.user_identity.as_ref().map(|identity| secrets_in(&identity.data));
    let known = [secrets_in(state.data()), secrets_in(&data.metadata), tokens.unwrap_or_default()];
    let scrubber = SecretScrubber::default();
    scrubber.learn(&known.concat(), &plain_texts(state));
    let (mut name, mut metadata) = (name.to_owned(), data.metadata.clone());
    scrubber.scrub([&mut name]);
    for field in SHOWN_METADATA {
        if let Some(Value::String(text)) = metadata.get_mut(field) {
            // A key may have the name of the service in it, which its address shows.
            let mut path = text.split_off(host_length(text));
            scrubber.scrub([&mut path]);
            text.push_str(&path);
        }
    }
    (name, metadata)
}

/// How long an address is up to its path.
fn host_length(address: &str) -> usize {
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    address[host..].find('/').map_or(address.len(), |length| host + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserIdentity;
    use serde_json::json;

    #[test]
    fn a_name_shows_no_secret_of_the_pipeline_the_integration_or_the_account() {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let state = State::from(object(json!({ "oauth": { "access_token": "t0ken-of-state" } })));
        let identity = UserIdentity {
            data: object(json!({ "refresh_token": "t0ken-to-renew" })),
            ..UserIdentity::default()
        };
        let data = IntegrationData {
            metadata: object(
                json!({ "webhook_secret": "s3cret-of-hooks", "domain_name": "gitlab.com/t0ken-of-state" }),
            ),
            user_identity: Some(identity),
            ..IntegrationData::default()
        };
        let name = "A t0ken-of-state s3cret-of-hooks t0ken-to-renew at acme.dev";
        let (name, metadata) = shown(name, &state, &data);
        assert_eq!(name, "A *** *** *** at acme.dev");
        assert_eq!(metadata["domain_name"], "gitlab.com/***");
        assert_eq!(metadata["webhook_secret"], "s3cret-of-hooks");
    }

    #[test]
    fn what_a_person_calls_a_key_is_no_secret() {
        let answer =
            json!({ "verify": { "apiKeyName": "my laptop", "api_key": "k3y-of-the-app" } });
        let state = State::from(answer.as_object().cloned().unwrap_or_default());
        let (name, _) = shown("a/my laptop k3y-of-the-app", &state, &IntegrationData::default());
        assert_eq!(name, "a/my laptop ***");
    }
}
