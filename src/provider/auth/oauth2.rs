//! The OAuth 2 step that many providers share: the page to approve on, the check of the callback,
//! and the exchange of its code, with PKCE or without.

use super::app::AppSettings;
use crate::error::ErrorCode;
use crate::model::{Fields, ListedIntegration, Object, Refusal, State, StoredSecrets, object};
use crate::provider::fields::recover;
use crate::provider::request::{Credentials, RequestBody, VendorRequest, VendorResponse};
use crate::provider::{Field, FreshValues, Result, Step};
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

/// The name of the exchange, under which its tokens are bound.
pub(crate) const OAUTH_DATA: &str = "oauth_data";
/// The name under which the random value of the callback is bound.
pub(crate) const OAUTH_STATE: &str = "oauth_state";
const VERIFIER: &str = "pkce_code_verifier";
const REDIRECT_URI: &str = "redirect_uri";
const CODE: &str = "oauth_code";
/// The digest of the code that the tokens are of.
const CODE_DIGEST: &str = "oauth_code_taken";

/// The shared step as Sentry's API has it.
pub(crate) const STEP: Step = Step::page("oauth_login", "oauthUrl", &[CODE_FIELD, STATE_FIELD]);

/// What the third party puts into the callback.
pub(crate) const CODE_FIELD: Field =
    Field::from_callback("code", "the code in the third party's callback");
/// What proves that the callback belongs to the pipeline.
pub(crate) const STATE_FIELD: Field =
    Field::from_callback("state", "the random value that the callback must return");

/// The third party's OAuth 2 application.
pub(crate) struct OAuth2 {
    /// Where a person approves.
    pub authorize_url: String,
    /// Where the code is exchanged.
    pub token_url: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Secret,
    /// The scopes, separated by spaces.
    pub scope: &'static str,
    /// Whether the exchange proves itself with a verifier (S256).
    pub pkce: bool,
    /// Whether the third party's certificate must be valid.
    pub verify_tls: bool,
}

impl OAuth2 {
    /// An application at `base_url`, with the paths to approve on and to exchange the code at.
    pub(crate) fn new(
        base_url: &str,
        [authorize_path, token_path]: [&str; 2],
        client_id: &str,
        client_secret: Secret,
        scope: &'static str,
    ) -> Self {
        Self {
            authorize_url: format!("{base_url}{authorize_path}"),
            token_url: format!("{base_url}{token_path}"),
            client_id: client_id.to_owned(),
            client_secret,
            scope,
            pkce: false,
            verify_tls: true,
        }
    }

    /// The application that `apps` names.
    pub(crate) fn of_app(
        state: &State,
        base_url: &str,
        paths: [&str; 2],
        scope: &'static str,
    ) -> Self {
        let app = AppSettings::of(state);
        Self::new(base_url, paths, app.text("clientId"), app.secret("clientSecret"), scope)
    }

    /// The step's data: the address to approve on. Fresh values are bound the first time only, so
    /// the address stays the same.
    pub(crate) fn step_data(&self, state: &mut State, fresh: &FreshValues) -> Object {
        bind_once(state, OAUTH_STATE, &fresh.nonce);
        bind_once(state, REDIRECT_URI, &fresh.redirect_uri);
        if self.pkce {
            bind_once(state, VERIFIER, &fresh.verifier);
        }
        let bound = |name| state.text(name).unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("client_id", &self.client_id).append_pair("response_type", "code");
        if !self.scope.is_empty() {
            query.append_pair("scope", self.scope);
        }
        query
            .append_pair("state", bound(OAUTH_STATE))
            .append_pair("redirect_uri", bound(REDIRECT_URI));
        if self.pkce {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(bound(VERIFIER)));
            query
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
        }
        let url = format!("{}?{}", self.authorize_url, query.finish());
        object(json!({ "oauthUrl": url }))
    }

    /// The exchange of the code for tokens; `None` once it is done. With PKCE, a step that was
    /// never shown has no verifier, and is refused.
    pub(crate) fn exchange(&self, state: &State) -> Result<Option<VendorRequest>> {
        if !state.lacks(OAUTH_DATA) {
            return Ok(None);
        }
        let bound = |name| Secret::from(state.text(name).unwrap_or_default());
        let mut form = vec![
            ("grant_type", Secret::from("authorization_code")),
            ("code", bound(CODE)),
            ("redirect_uri", bound(REDIRECT_URI)),
            ("client_id", Secret::from(self.client_id.as_str())),
        ];
        let mut credentials = Credentials::None;
        let secret = self.client_secret.clone();
        if self.pkce {
            let missing = || Refusal::failure("the pipeline has no code_verifier: start again");
            form.push(("code_verifier", state.text(VERIFIER).ok_or_else(missing)?.into()));
            if !secret.expose().is_empty() {
                credentials = Credentials::Basic(self.client_id.clone(), secret);
            }
        } else {
            form.push(("client_secret", secret));
        }
        let (url, body) = (self.token_url.as_str(), RequestBody::Form(form));
        let request = VendorRequest::post(OAUTH_DATA, url, credentials, body);
        Ok(Some(VendorRequest { verify_tls: self.verify_tls, ..request }))
    }
}

/// Checks the callback against the value that the step handed out, and binds its code. Another
/// code than before may be another account's: what the earlier one brought is unbound, and so are
/// the responses that the provider bound with it.
pub(crate) fn bind_callback(fields: &Fields, state: &mut State, responses: &[&str]) -> Result {
    verify(fields, state)?;
    let code = fields.text("code");
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(code));
    if state.text(CODE_DIGEST) != Some(&digest) {
        responses.iter().chain(&[OAUTH_DATA]).for_each(|name| state.unbind(name));
        state.bind(CODE_DIGEST, digest);
    }
    state.bind(CODE, code);
    Ok(())
}

/// Checks that an answer brings back the value that the step handed out; the comparison takes the
/// same time wherever the values differ.
pub(crate) fn verify(fields: &Fields, state: &State) -> Result {
    let handed_out = state.text(OAUTH_STATE).unwrap_or_default();
    let same = handed_out.as_bytes().ct_eq(fields.text("state").as_bytes());
    if handed_out.is_empty() || !bool::from(same) {
        let message = "the callback's `state` does not match the one issued by this pipeline";
        return Err(Refusal::new(ErrorCode::WrongOauthState, message));
    }
    Ok(())
}

/// The data of a step that only wants back what it shows.
pub(crate) fn nonce_data(state: &mut State, fresh: &FreshValues) -> Object {
    bind_once(state, OAUTH_STATE, &fresh.nonce);
    let shown = state.text(OAUTH_STATE).unwrap_or_default();
    object(json!({ "state": shown }))
}

/// Binds the tokens of the exchange; the code, which is used up, goes.
pub(crate) fn bind_tokens(response: &VendorResponse, state: &mut State) -> Result {
    let tokens = response.json("an access token")?;
    if tokens["access_token"].as_str().is_none_or(str::is_empty) {
        let reason = response.reason();
        let message = format!("the token response contains no access token{reason}");
        return Err(Refusal::failure(message));
    }
    state.bind(OAUTH_DATA, tokens);
    state.unbind(CODE);
    Ok(())
}

/// The access token of the exchange.
pub(crate) fn credentials(state: &State) -> Credentials {
    let token = state.fetch(OAUTH_DATA).and_then(|data| data["access_token"].as_str());
    Credentials::Bearer(Secret::from(token.unwrap_or_default()))
}

/// What Sentry keeps of the tokens, to be the data of an identity.
pub(crate) fn identity_data(state: &State) -> Object {
    let names = ["access_token", "refresh_token", "token_type", "created_at", "expires_in"];
    let tokens = state.fetch(OAUTH_DATA).unwrap_or(&Value::Null);
    let present = names.into_iter().filter(|name| !tokens[*name].is_null());
    present.map(|name| (name.to_owned(), tokens[name].clone())).collect()
}

/// Whether the application, its secret and the way to its server are stored as a form says.
pub(crate) fn is_stored(form: &Fields, stored: &StoredSecrets) -> bool {
    let identity = |name| stored.identity.as_ref()?.get(name)?.as_str();
    let metadata = |name| stored.metadata.get(name);
    identity("client_id") == Some(form.text("clientId"))
        && identity("client_secret") == Some(form.text("clientSecret"))
        && metadata("base_url") == Some(&json!(form.text("url").trim_end_matches('/')))
        && metadata("verify_ssl") == Some(&json!(form.flag("verifySsl", true)))
}

/// What the identity has of the OAuth application's secret, where it is stored.
pub(crate) fn stored_secret(field: &str, listed: &ListedIntegration) -> Option<String> {
    let stored = listed.stored.as_ref().filter(|_| field == "clientSecret")?;
    let secret = stored.identity.as_ref().and_then(|identity| identity.get("client_secret"));
    Some(secret.and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// The id of the OAuth application, where the identity is stored.
pub(crate) fn recover_fields(listed: &ListedIntegration) -> Object {
    let identity = listed.stored.as_ref().and_then(|stored| stored.identity.as_ref());
    let client = identity.and_then(|identity| identity.get("client_id")).and_then(Value::as_str);
    recover::text_fields([("clientId", client.unwrap_or_default())])
}

/// Binds a fresh value the first time only.
pub(crate) fn bind_once(state: &mut State, name: &str, value: &str) {
    if state.lacks(name) {
        state.bind(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(pkce: bool) -> OAuth2 {
        OAuth2 {
            authorize_url: "https://x.example/authorize".to_owned(),
            token_url: "https://x.example/token".to_owned(),
            client_id: "the id".to_owned(),
            client_secret: Secret::from("s3cr3t"),
            scope: "a b",
            pkce,
            verify_tls: true,
        }
    }

    fn fresh(nonce: &str) -> FreshValues {
        FreshValues {
            nonce: nonce.to_owned(),
            // The example of RFC 7636, appendix B.
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(),
            redirect_uri: "http://127.0.0.1:9797/extensions/x/setup/".to_owned(),
        }
    }

    fn form(request: &VendorRequest) -> Vec<(&str, &str)> {
        let RequestBody::Form(form) = &request.body else { panic!("it is a form") };
        form.iter().map(|(name, value)| (*name, value.expose())).collect()
    }

    #[test]
    fn a_second_look_shows_the_same_address() {
        let mut state = State::default();
        let first = app(false).step_data(&mut state, &fresh("one"));
        assert_eq!(first, app(false).step_data(&mut state, &fresh("two")));
        let url = first["oauthUrl"].as_str().unwrap();
        assert_eq!(
            url,
            "https://x.example/authorize?client_id=the+id&response_type=code&scope=a+b&state=one\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A9797%2Fextensions%2Fx%2Fsetup%2F"
        );
    }

    #[test]
    fn without_pkce_the_secret_is_in_the_form() {
        let mut state = State::default();
        app(false).step_data(&mut state, &fresh("one"));
        let request = app(false).exchange(&state).unwrap().unwrap();
        assert!(form(&request).contains(&("client_secret", "s3cr3t")));
        assert!(matches!(request.credentials, Credentials::None));
        assert!(!format!("{request:?}").contains("s3cr3t"));
    }

    #[test]
    fn with_pkce_the_verifier_is_in_the_form_and_the_secret_is_not() {
        let mut state = State::default();
        let data = app(true).step_data(&mut state, &fresh("one"));
        let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(data["oauthUrl"].as_str().unwrap().contains(challenge));
        let request = app(true).exchange(&state).unwrap().unwrap();
        assert!(form(&request).iter().all(|(name, _)| *name != "client_secret"));
        assert!(form(&request).contains(&("code_verifier", fresh("one").verifier.as_str())));
        assert!(matches!(request.credentials, Credentials::Basic(..)));
    }

    #[test]
    fn with_pkce_a_step_that_was_never_looked_at_cannot_exchange() {
        let refusal = app(true).exchange(&State::default()).unwrap_err();
        assert!(refusal.message.contains("code_verifier"));
    }

    #[test]
    fn only_the_state_that_was_handed_out_is_taken() {
        let mut fields = Fields::default();
        fields.set("state", "");
        fields.set("code", "c");
        let mut state = State::default();
        assert!(bind_callback(&fields, &mut state, &[]).is_err(), "nothing was handed out");
        app(false).step_data(&mut state, &fresh("one"));
        assert_eq!(
            bind_callback(&fields, &mut state, &[]).unwrap_err().code,
            ErrorCode::WrongOauthState
        );
        fields.set("state", "one");
        assert!(bind_callback(&fields, &mut state, &[]).is_ok());
    }

    #[test]
    fn every_bad_exchange_has_its_words() {
        let answered =
            |status, body: &str| VendorResponse::Received { status, body: body.to_owned() };
        for (response, words, status) in [
            (VendorResponse::Unreached("cannot connect to a.example:443".into()), ":443", None),
            (answered(200, "<html>s3cr3t"), "JSON", None),
            (answered(401, "s3cr3t"), "401", Some(401)),
            (answered(200, "{}"), "no access token", None),
            (
                answered(200, r#"{"error":"incorrect_client_credentials"}"#),
                "no access token: incorrect_client_credentials",
                None,
            ),
            (
                answered(400, "error=bad_verification_code"),
                "HTTP 400: bad_verification_code",
                Some(400),
            ),
        ] {
            let refusal = bind_tokens(&response, &mut State::default()).unwrap_err();
            assert!(refusal.message.contains(words), "{}", refusal.message);
            assert!(!refusal.message.contains("s3cr3t"));
            assert_eq!(refusal.status, status);
        }
    }
}
