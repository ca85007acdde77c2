//! A server that people run themselves, with an application link of OAuth 1.0a: what Bitbucket
//! Server and Jira Server have in common.

use super::oauth2::OAUTH_STATE;
use super::self_hosted::{INSTALLATION_DATA, VERIFY_SSL, form_text, verify_ssl};
use crate::model::{
    Fields, IntegrationData, ListedIntegration, Object, Refusal, State, UserIdentity, object,
};
use crate::provider::fields::recover;
use crate::provider::request::{Credentials, OAuth1, RequestBody, VendorRequest, VendorResponse};
use crate::provider::{Answers, Field, IntegrationMatch, ListingFilter, Result, Step};
use crate::secret::Secret;
use crate::text::url;
use ::url::form_urlencoded;
use serde_json::{Value, json};

pub(crate) const REQUEST_TOKEN: &str = "request_token";
pub(crate) const ACCESS_TOKEN: &str = "access_token";
const VERIFIER: &str = "oauth_verifier";

pub(crate) static STEPS: [Step; 2] = [
    Step::form(
        "installation_config",
        &[
            Field::url("url").help("the URL of the server", "https://git.example.com"),
            Field::text("consumerKey", 200).help("the consumer key", "sentry"),
            Field::private_key("privateKey").help("its private key", "@sentry.pem"),
            VERIFY_SSL,
        ],
    ),
    Step::page(
        "oauth_callback",
        "oauthUrl",
        &[Field::text("oauthToken", 4096)
            .help("the approved token", "")
            .by_callback("oauth_token")
            .secret()],
    ),
];

/// What the callback's step shows: the page to approve on.
pub(crate) fn step_data(step: &Step, state: &State) -> Object {
    if step.id == STEPS[0].id {
        return Object::new();
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("oauth_token", token(state, REQUEST_TOKEN).unwrap_or_default())
        .finish();
    let url = format!("{}/plugins/servlet/oauth/authorize?{query}", form_text(state, "url"));
    object(json!({ "oauthUrl": url }))
}

/// Binds an answer. Another one unbinds the tokens, and the responses that the provider bound with
/// them.
pub(crate) fn bind_answer(step: &Step, fields: &Fields, state: &mut State, responses: &[&str]) {
    if step.id == STEPS[0].id {
        state.bind(
            INSTALLATION_DATA,
            json!({
                "url": fields.text("url").trim_end_matches('/'),
                "consumer_key": fields.text("consumerKey"),
                "private_key": fields.text("privateKey"),
                "verify_ssl": fields.flag("verifySsl", true),
            }),
        );
        state.unbind(REQUEST_TOKEN);
    } else {
        state.bind(VERIFIER, fields.text("oauthToken"));
        responses.iter().chain(&[ACCESS_TOKEN]).for_each(|name| state.unbind(name));
    }
}

/// The request for the step's tokens, where the state lacks them.
pub(crate) fn next_request(step: &Step, state: &State) -> Option<VendorRequest> {
    let name = if step.id == STEPS[0].id { REQUEST_TOKEN } else { ACCESS_TOKEN };
    let path = format!("/plugins/servlet/oauth/{}", name.replace('_', "-"));
    state.lacks(name).then(|| request(state, name, &path, RequestBody::Form(Vec::new())))
}

/// A request that is signed with the consumer's key and the token that there is by then.
pub(crate) fn request(
    state: &State,
    name: &'static str,
    path: &str,
    body: RequestBody,
) -> VendorRequest {
    let (token, verifier) = match name {
        REQUEST_TOKEN => (None, None),
        ACCESS_TOKEN => (token(state, REQUEST_TOKEN), state.text(VERIFIER)),
        _ => (token(state, ACCESS_TOKEN), None),
    };
    let oauth1 = OAuth1 {
        consumer_key: form_text(state, "consumer_key").to_owned(),
        private_key: Secret::from(form_text(state, "private_key")),
        token: token.map(Secret::from),
        verifier: verifier.map(Secret::from),
    };
    let url = format!("{}{path}", form_text(state, "url"));
    let request = VendorRequest::post(name, url, Credentials::OAuth1(Box::new(oauth1)), body);
    VendorRequest { verify_tls: verify_ssl(state), ..request }
}

/// The token that came back under this name.
pub(crate) fn token<'a>(state: &'a State, name: &str) -> Option<&'a str> {
    state.fetch(name)?["oauth_token"].as_str()
}

/// Binds the tokens that came back, as a form.
pub(crate) fn bind_tokens(
    name: &str,
    server: &str,
    response: &VendorResponse,
    state: &mut State,
) -> Result {
    let form = response.text(&format!("the {} from {server}", name.replace('_', " ")))?;
    let pairs: Object = form_urlencoded::parse(form.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::from(value)))
        .collect();
    for needed in ["oauth_token", "oauth_token_secret"] {
        if pairs.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::failure(format!("Missing {needed}{}", response.reason())));
        }
    }
    if name == REQUEST_TOKEN {
        // The callback brings it back, and is found by it.
        state.bind(OAUTH_STATE, pairs["oauth_token"].clone());
    }
    state.bind(name, pairs);
    Ok(())
}

/// How many characters Sentry's id for it has at most.
const MAX_ID_CHARS: usize = 64;

/// Sentry's id for it: host and consumer, cut.
fn external_id(url: &str, consumer_key: &str) -> String {
    format!("{}:{consumer_key}", url::host(url)).chars().take(MAX_ID_CHARS).collect()
}

/// The fields as far as a listed integration shows them: an id that was cut lacks a part of the key.
pub(crate) fn recover_fields(listed: &ListedIntegration) -> Object {
    let key = listed.external_id.rsplit_once(':').map_or("", |(_, key)| key);
    let key = if listed.external_id.chars().count() < MAX_ID_CHARS { key } else { "" };
    recover::server_fields(listed, [("consumerKey", key)])
}

/// Which integrations these answers may describe.
pub(crate) fn candidates(answers: &Answers) -> ListingFilter {
    ListingFilter::ExternalId(account_id(answers))
}

fn account_id(answers: &Answers) -> String {
    external_id(answers.text("url").trim_end_matches('/'), answers.text("consumerKey"))
}

/// The private key, where the identity is stored.
pub(crate) fn stored_secret(field: &str, listed: &ListedIntegration) -> Option<String> {
    let identity = listed.stored.as_ref()?.identity.as_ref().filter(|_| field == "privateKey")?;
    Some(identity.get("private_key").and_then(Value::as_str).unwrap_or_default().to_owned())
}

pub(crate) fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    let id = account_id(answers);
    if listed.external_id != id {
        return IntegrationMatch::Other;
    }
    let Some(identity) = listed.stored.as_ref().and_then(|stored| stored.identity.as_ref()) else {
        return IntegrationMatch::Same;
    };
    let stored = identity.get("private_key").and_then(Value::as_str).unwrap_or_default();
    IntegrationMatch::same_or_differs(stored.trim() == answers.text("privateKey").trim())
}

/// What both build; `more` is the provider's own part of the metadata.
pub(crate) fn build(kind: &'static str, more: Object, state: &State) -> Result<IntegrationData> {
    let missing = || Refusal::failure("the access token is missing");
    let tokens = state.fetch(ACCESS_TOKEN).filter(|tokens| tokens.is_object());
    let tokens = tokens.ok_or_else(missing)?;
    let (url, key) = (form_text(state, "url"), form_text(state, "consumer_key"));
    let external_id = external_id(url, key);
    let mut metadata = object(json!({
        "base_url": url,
        "domain_name": url::host(url),
        "verify_ssl": verify_ssl(state),
    }));
    metadata.extend(more);
    let data = object(json!({
        "consumer_key": key,
        "private_key": form_text(state, "private_key"),
        "access_token": tokens["oauth_token"],
        "access_token_secret": tokens["oauth_token_secret"],
    }));
    let identity =
        UserIdentity { kind, external_id: external_id.clone(), scopes: Vec::new(), data };
    Ok(IntegrationData {
        name: Some(key.to_owned()),
        metadata,
        user_identity: Some(identity),
        ..IntegrationData::new(external_id)
    })
}
