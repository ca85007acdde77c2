//! Whether a request is signed as it should be: what a third party checks, apart from our own code.

use crate::support::http_server::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::signature::Verifier;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// By OAuth 1.0a with RSA-SHA1, this private key's, and this token; an empty one is none.
pub(crate) fn by_oauth1(request: &Request, token: &str, pem: &str) -> bool {
    let Some(header) = request.header("authorization").strip_prefix("OAuth ") else { return false };
    let pairs = header.split(", ").filter_map(|pair| pair.split_once('='));
    let decode =
        |text: &str| percent_decode_str(text.trim_matches('"')).decode_utf8_lossy().into_owned();
    let mut given: BTreeMap<_, _> =
        pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect();
    let Some(signature) = given.remove("oauth_signature") else { return false };
    if given.get("oauth_token").map_or("", String::as_str) != token {
        return false;
    }
    let all: Vec<_> =
        given.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let url = format!("http://{}{}", request.header("host"), request.path());
    let text = format!("{}&{}&{}", request.method, encoded(&url), encoded(&all.join("&")));
    let key = PrivateKey::from_pkcs1_pem(pem).unwrap();
    let key = VerifyingKey::<Sha1>::new(key.as_public_key().clone());
    let signature = STANDARD.decode(signature);
    let signature = signature.ok().and_then(|bytes| Signature::try_from(bytes.as_slice()).ok());
    signature.is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok())
}

/// By the JWT of a GitHub App with this private key, at this time.
pub(crate) fn by_github_app(request: &Request, app_id: &str, pem: &str) -> bool {
    let Some(jwt) = request.header("authorization").strip_prefix("Bearer ") else { return false };
    let Some((signed, signature)) = jwt.rsplit_once('.') else { return false };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |text| serde_json::from_slice::<Value>(&decode(text)).unwrap_or_default();
    let key = PrivateKey::from_pkcs1_pem(pem).unwrap();
    let key = VerifyingKey::<Sha256>::new(key.as_public_key().clone());
    let signature = Signature::try_from(decode(signature).as_slice());
    let is_signed = signature.is_ok_and(|one| key.verify(signed.as_bytes(), &one).is_ok());
    let (claims, now) = (json(claims), since_1970());
    let is_timely = claims["iat"].as_i64().is_some_and(|iat| iat <= now)
        && claims["exp"].as_i64().is_some_and(|exp| exp > now && exp <= now + 600);
    is_signed && is_timely && json(header)["alg"] == "RS256" && claims["iss"] == app_id
}

/// A JWT with these claims (HS256).
pub(crate) fn jwt(claims: &Value, secret: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"HS256"}"#), part(&claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A link as Sentry signs it, at this time.
pub(crate) fn link(json: &str, key: &str, time: i64) -> String {
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (mut time, mut text) = (usize::try_from(time).unwrap(), String::new());
    while time > 0 {
        text.insert(0, char::from(digits[time % 62]));
        time /= 62;
    }
    let signed = format!("{json}:{text}");
    let key = Sha256::digest(format!("sentry-generic-signingsigner{key}"));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    URL_SAFE_NO_PAD.encode(format!("{signed}:{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Seconds since 1970.
pub(crate) fn since_1970() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap()
}

fn encoded(text: &str) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, UNRESERVED).to_string()
}
