//! A third party's own words about what it refuses, and the field that they speak of.

use crate::text::one_line;
use serde_json::Value;
use url::form_urlencoded;

/// How many characters of it are shown.
const MAX_CHARS: usize = 300;

/// Where a refusal has its words, the code before the sentence: OAuth's names, and what the APIs of
/// the providers have.
const NAMES: [&str; 12] = [
    "error",
    "code",
    "oauth_problem",
    "error_description",
    "oauth_problem_advice",
    "oauth_parameters_absent",
    "oauth_acceptable_timestamps",
    "title",
    "message",
    "detail",
    "errorMessages",
    "errors",
];

/// Words that mean one field or setting, the most exact first, and what to do; `{asked}` stands for
/// who said them.
const ADVICE: [(&str, &str); 17] = [
    ("AADSTS7000215", "set `clientSecret` to the secret's value, not its id"),
    ("AADSTS7000222", "create a new client secret, for this one has expired: `clientSecret`"),
    (
        "AADSTS700016",
        "correct `clientId` in `state`: it is that of the application in the settings of {asked}",
    ),
    ("AADSTS50011", CORRECT_REDIRECT),
    ("AADSTS90002", "check the tenant of the application"),
    ("incorrect_client_credentials", CORRECT_CLIENT),
    (
        "bad_client_secret",
        "correct `clientSecret` in `state`: it is that of the application in the settings of {asked}",
    ),
    (
        "invalid_client_id",
        "correct `clientId` in `state`: it is that of the application in the settings of {asked}",
    ),
    ("invalid_client", CORRECT_CLIENT),
    ("redirect_uri_mismatch", CORRECT_REDIRECT),
    ("redirect uri", CORRECT_REDIRECT),
    ("bad_verification_code", "approve again: a code can be used once, and for minutes"),
    ("invalid_grant", "approve again: a code can be used once, and for minutes"),
    (
        "consumer_key_unknown",
        "correct `consumerKey` in `state`: it is that of the application link of {asked}",
    ),
    (
        "consumer_key_refused",
        "correct `consumerKey` in `state`: it is that of the application link of {asked}",
    ),
    (
        "signature_invalid",
        "correct `privateKey` in `state`: its public key is not that of the application link of {asked}",
    ),
    ("timestamp_refused", "check the clock of this machine"),
];

const CORRECT_CLIENT: &str = "`clientSecret` in the input `state` is probably wrong; `clientId` is probably right, for the approval in the \
     browser has used it. At {asked}, open Applications in the settings of the user or group that owns the OAuth \
     application, or in the admin area, then the one whose Application ID is your `clientId`. Store its secret in the \
     CI secret that `clientSecret` is read from; if nobody has it, renew it there (the old one stops working everywhere)";
const CORRECT_REDIRECT: &str = "the OAuth application in the settings of {asked} must have the `redirect_uri` that is in \
     `redirect-url`";

/// What to do about what a body says, if its words are known; `asked` is who said it.
pub(crate) fn advice(body: &str, asked: &str) -> Option<String> {
    let words = refusal_words(body)?.to_lowercase();
    let found = ADVICE.iter().find(|(word, _)| words.contains(&word.to_lowercase()));
    found.map(|(_, advice)| advice.replace("{asked}", asked))
}

/// What a body says about a refusal, as one line; `None` where it says nothing in a form that is
/// known. Never the body itself.
pub(crate) fn refusal_words(body: &str) -> Option<String> {
    let mut words = Vec::new();
    match serde_json::from_str(body) {
        Ok(json) => collect(&json, &mut words),
        Err(_) => collect(&read_form(body), &mut words),
    }
    let text: String = one_line(&words.join(": ")).chars().take(MAX_CHARS).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A form, as GitHub and OAuth 1 answer. Other texts, a page of HTML say, have no such names.
fn read_form(body: &str) -> Value {
    let pairs = form_urlencoded::parse(body.trim().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::from(value))).collect()
}

/// The texts under the known names, each once.
fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for value in NAMES.iter().filter_map(|name| fields.get(*name)) {
                match value {
                    // Fields with their reasons, as Jira and the serializers have them.
                    Value::Object(inner) if NAMES.iter().all(|name| !inner.contains_key(*name)) => {
                        inner.iter().for_each(|(field, why)| add_field(field, why, words));
                    }
                    value => collect_text(value, words),
                }
            }
        }
        value => collect_text(value, words),
    }
}

fn collect_text(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => add(text, words),
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(_) => collect(value, words),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn add_field(field: &str, why: &Value, words: &mut Vec<String>) {
    let mut own = Vec::new();
    collect_text(why, &mut own);
    own.iter().for_each(|why| add(&format!("{field}: {why}"), words));
}

fn add(text: &str, words: &mut Vec<String>) {
    let text = text.trim();
    if !text.is_empty() && !words.iter().any(|known| known == text) {
        words.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_third_party_has_its_own_way_to_say_why() {
        for (body, words) in [
            (
                r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
                "invalid_client: Client authentication failed",
            ),
            (
                r#"{"error":"incorrect_client_credentials","error_description":"no","error_uri":"u"}"#,
                "incorrect_client_credentials: no",
            ),
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid secret.\r\nTrace ID: 1","error_codes":[7000215]}"#,
                "invalid_client: AADSTS7000215: Invalid secret.  Trace ID: 1",
            ),
            (
                "oauth_problem=timestamp_refused&oauth_acceptable_timestamps=1-2",
                "timestamp_refused: 1-2",
            ),
            ("oauth_problem=consumer_key_unknown", "consumer_key_unknown"),
            ("error=bad_thing&error_description=a+b", "bad_thing: a b"),
            (
                r#"{"errorMessages":["one","two"],"errors":{"name":"three"}}"#,
                "one: two: name: three",
            ),
            (r#"{"errors":[{"context":null,"message":"gone"}]}"#, "gone"),
            (r#"{"errors":["Forbidden"]}"#, "Forbidden"),
            (r#"{"error":{"code":"forbidden","message":"Not yours"}}"#, "forbidden: Not yours"),
            (r#"{"message":"401: Unauthorized","code":0}"#, "401: Unauthorized"),
        ] {
            assert_eq!(refusal_words(body).as_deref(), Some(words), "{body}");
        }
        let long = format!(r#"{{"error":"{}"}}"#, "x".repeat(9000));
        assert_eq!(refusal_words(&long).map(|words| words.len()), Some(MAX_CHARS));
        for nothing in ["", "<html>error=1</html>", "{}", "[]", "7", r#"{"error":null}"#] {
            assert_eq!(refusal_words(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn words_that_mean_a_field_name_it_and_whose_settings_to_compare() {
        for (body, expected) in [
            (r#"{"error":"invalid_client"}"#, "whose Application ID is your `clientId`"),
            (r#"{"error":"invalid_client","error_description":"AADSTS7000215: no"}"#, "its id"),
            (
                "oauth_problem=consumer_key_unknown",
                "`consumerKey` in `state`: it is that of the application link of X",
            ),
            ("error=redirect_uri_mismatch", "`redirect_uri`"),
        ] {
            let found = advice(body, "X").unwrap();
            assert!(found.contains(expected) && !found.contains('{'), "{found}");
        }
        assert_eq!(advice("error=bad_thing", "X"), None);
    }
}
