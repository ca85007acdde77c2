//! The secrets that a pipeline and what comes of it hold: nothing that a third party answers may show
//! them, whoever gave them.

use crate::model::{IntegrationData, Object, State};
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
        SECRET_NAMES.iter().any(|word| lower.contains(word)) && !PUBLIC_NAMES.contains(&name)
    };
    for (name, value) in object {
        match value {
            Value::String(text) if is_secret(name) => secrets.push(text.clone()),
            Value::Object(inner) => collect_secrets(inner, secrets),
            _ => {}
        }
    }
}

/// The name of an integration as people see it, without what it repeats of a secret.
pub(super) fn shown_name(name: &str, state: &State, data: &IntegrationData) -> String {
    let tokens = data.user_identity.as_ref().map(|identity| secrets_in(&identity.data));
    let known = [secrets_in(state.data()), secrets_in(&data.metadata), tokens.unwrap_or_default()];
    let scrubber = SecretScrubber::default();
    scrubber.learn(&known.concat(), &[]);
    let mut name = name.to_owned();
    scrubber.scrub([&mut name]);
    name
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
            metadata: object(json!({ "webhook_secret": "s3cret-of-hooks", "domain": "acme.dev" })),
            user_identity: Some(identity),
            ..IntegrationData::default()
        };
        let name = "A t0ken-of-state s3cret-of-hooks t0ken-to-renew at acme.dev";
        assert_eq!(shown_name(name, &state, &data), "A *** *** *** at acme.dev");
    }
}
