//! A server that people run themselves, with an application link of OAuth 1.0a: what Bitbucket
//! Server and Jira Server have in common.

use super::oauth2::OAUTH_STATE;
use super::self_hosted::VERIFY_SSL;
use crate::model::state::{Fields, State};
use crate::model::{
    IntegrationData, ListedIntegration, Object, Refusal, RefusalKind, UserIdentity,
};
use crate::provider::fields::{PEM, recover};
use crate::provider::request::{Credentials, OAuth1, RequestBody, VendorRequest, VendorResponse};
use crate::provider::{Answers, Field, FieldKind, IntegrationMatch, Step};
use crate::secret::Secret;
use crate::text::url;
use ::url::form_urlencoded;
use serde_json::{Value, json};

/// The form's answer, as Sentry binds it.
const INSTALLATION: &str = "installation_data";
pub(crate) const REQUEST_TOKEN: &str = "request_token";
pub(crate) const ACCESS_TOKEN: &str = "access_token";
const VERIFIER: &str = "oauth_verifier";

pub(crate) static STEPS: [Step; 2] = [
    Step::form(
        "installation_config",
        &[
            Field::required(
                "url",
                FieldKind::Url,
                "the address of the server",
                "https://git.example.com",
            ),
            Field::required("consumerKey", FieldKind::Text(200), "the consumer's key", "sentry"),
            Field::required("privateKey", PEM, "its private key", "@sentry.pem").secret(),
            VERIFY_SSL,
        ],
    ),
    Step::page(
        "oauth_callback",
        "oauthUrl",
        &[Field::required("oauthToken", FieldKind::Text(4096), "the token that was approved", "")
            .by_callback("oauth_token")
            .secret()],
    ),
];

/// What the callback's step shows: the page to approve on.
pub(crate) fn view(step: &Step, state: &State) -> Object {
    if step.id == STEPS[0].id {
        return Object::new();
    }
    let token = state.fetch(REQUEST_TOKEN).and_then(|token| token["oauth_token"].as_str());
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("oauth_token", token.unwrap_or_default())
        .finish();
    let url = format!("{}/plugins/servlet/oauth/authorize?{query}", text(state, "url"));
    [("oauthUrl".to_owned(), json!(url))].into_iter().collect()
}

/// Binds an answer; the provider has `learned` more after it, which another answer forgets.
pub(crate) fn bind_answer(step: &Step, fields: &Fields, state: &mut State, learned: &[&str]) {
    if step.id == STEPS[0].id {
        let data = json!({
            "url": fields.text("url").trim_end_matches('/'),
            "consumer_key": fields.text("consumerKey"),
            "private_key": fields.text("privateKey"),
            "verify_ssl": fields.flag("verifySsl", true),
        });
        state.bind(INSTALLATION, data);
        state.unbind(REQUEST_TOKEN);
    } else {
        state.bind(VERIFIER, fields.text("oauthToken"));
        learned.iter().chain(&[ACCESS_TOKEN]).for_each(|name| state.unbind(name));
    }
}

/// The tokens that the step lacks.
pub(crate) fn next_request(step: &Step, state: &State) -> Option<VendorRequest> {
    let (name, path, token, verifier) = if step.id == STEPS[0].id {
        (REQUEST_TOKEN, "request-token", None, None)
    } else {
        let token = state.fetch(REQUEST_TOKEN).and_then(|token| token["oauth_token"].as_str());
        (ACCESS_TOKEN, "access-token", token, state.text(VERIFIER))
    };
    let path = format!("/plugins/servlet/oauth/{path}");
    let post = || request(state, name, &path, token, verifier, RequestBody::Form(Vec::new()));
    state.fetch(name).is_none().then(post)
}

/// A request that is signed with what is known so far.
pub(crate) fn request(
    state: &State,
    name: &'static str,
    path: &str,
    token: Option<&str>,
    verifier: Option<&str>,
    body: RequestBody,
) -> VendorRequest {
    let with = OAuth1 {
        consumer_key: text(state, "consumer_key").to_owned(),
        private_key: Secret::from(text(state, "private_key")),
        token: token.map(Secret::from),
        verifier: verifier.map(Secret::from),
    };
    let url = format!("{}{path}", text(state, "url"));
    let ask = VendorRequest::post(name, url, Credentials::OAuth1(Box::new(with)), body);
    VendorRequest { verify_tls: installation(state)["verify_ssl"] != false, ..ask }
}

/// The access token of the exchange.
pub(crate) fn access_token(state: &State) -> Option<&str> {
    state.fetch(ACCESS_TOKEN)?["oauth_token"].as_str()
}

/// Binds the tokens that came back, as a form.
pub(crate) fn bind_tokens(
    name: &'static str,
    whose: &str,
    reply: &VendorResponse,
    state: &mut State,
) -> Result<(), Refusal> {
    let wanted = format!("{whose}'s {}", name.replace('_', " "));
    let form = reply.text(&wanted, RefusalKind::Failure)?;
    let pairs: Object = form_urlencoded::parse(form.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::from(value)))
        .collect();
    for needed in ["oauth_token", "oauth_token_secret"] {
        if pairs.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::failure(format!("Missing {needed}")));
        }
    }
    if name == REQUEST_TOKEN {
        // The callback brings it back, and is found by it.
        state.bind(OAUTH_STATE, pairs["oauth_token"].clone());
    }
    state.bind(name, Value::Object(pairs));
    Ok(())
}

/// How long Sentry's id for it is at most.
const LONGEST_ID: usize = 64;

/// Sentry's id for it: host and consumer, cut.
fn external_id(url: &str, consumer_key: &str) -> String {
    format!("{}:{consumer_key}", url::host(url)).chars().take(LONGEST_ID).collect()
}

/// What a listed integration tells: an id that was cut does not tell the whole key.
pub(crate) fn recover_fields(listed: &ListedIntegration) -> Object {
    let (host, key) = listed.external_id.rsplit_once(':').unwrap_or_default();
    let key = if listed.external_id.chars().count() < LONGEST_ID { key } else { "" };
    let mut told = recover::server_fields(listed, host);
    told.extend(recover::text_fields([("consumerKey", key)]));
    told
}

pub(crate) fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    let id = external_id(answers.text("url").trim_end_matches('/'), answers.text("consumerKey"));
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
pub(crate) fn build(
    kind: &'static str,
    more: Object,
    state: &State,
) -> Result<IntegrationData, Refusal> {
    let lacks = || Refusal::failure("the access token is missing");
    let tokens = state.fetch(ACCESS_TOKEN).filter(|tokens| tokens.is_object()).ok_or_else(lacks)?;
    let (url, key) = (text(state, "url"), text(state, "consumer_key"));
    let id = external_id(url, key);
    let metadata = json!({
        "base_url": url,
        "domain_name": url::host(url),
        "verify_ssl": installation(state)["verify_ssl"] != false,
    });
    let mut metadata = metadata.as_object().cloned().unwrap_or_default();
    metadata.extend(more);
    let data = json!({
        "consumer_key": key,
        "private_key": text(state, "private_key"),
        "access_token": tokens["oauth_token"],
        "access_token_secret": tokens["oauth_token_secret"],
    });
    let identity = UserIdentity {
        kind,
        external_id: id.clone(),
        scopes: Vec::new(),
        data: data.as_object().cloned().unwrap_or_default(),
    };
    Ok(IntegrationData {
        name: Some(key.to_owned()),
        metadata,
        user_identity: Some(identity),
        ..IntegrationData::new(id)
    })
}

fn installation(state: &State) -> &Value {
    state.fetch(INSTALLATION).unwrap_or(&Value::Null)
}

fn text<'a>(state: &'a State, name: &str) -> &'a str {
    installation(state)[name].as_str().unwrap_or_default()
}
