//! What third parties sign: the JWTs of Atlassian Connect, and links as Sentry itself signs them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The claims of a JWT that was signed with this secret (HS256) and whose time is not over;
/// `None` says no more, for a forger should not learn more.
pub(crate) fn jwt(token: &str, secret: &str, now: i64) -> Option<Value> {
    let (signed, signature) = token.trim().rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &decode(signature)?).ok()?;
    let header: Value = serde_json::from_slice(&decode(header)?).ok()?;
    let claims: Value = serde_json::from_slice(&decode(claims)?).ok()?;
    let is_timely = claims["exp"].as_i64().is_some_and(|exp| exp > now);
    (!secret.is_empty() && header["alg"] == "HS256" && is_timely).then_some(claims)
}

/// Why a signed link is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// It was not signed with this key.
    Forged,
    /// It is older than it may be.
    Expired,
}

/// What stands in a link that Sentry signed with this key: base64url of the JSON, the time and
/// Django's signature of both, with colons between them.
pub(crate) fn signed_params(
    text: &str,
    key: &str,
    now: i64,
    life: i64,
) -> Result<Value, SignatureError> {
    let forged = || SignatureError::Forged;
    let (signed, signature) = link_parts(text).ok_or_else(forged)?;
    let (json, time) = signed.rsplit_once(':').ok_or_else(forged)?;
    let salted =
        Sha256::new().chain_update(SALT).chain_update("signer").chain_update(key).finalize();
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let signature = decode(&signature).ok_or_else(forged)?;
    hmac::verify(&hmac_key, signed.as_bytes(), &signature).map_err(|_| forged())?;
    if key.is_empty() {
        return Err(forged());
    }
    match base62(time) {
        Some(time) if now - time <= life => serde_json::from_str(json).map_err(|_| forged()),
        _ => Err(SignatureError::Expired),
    }
}

/// The same, whoever signed it.
pub(crate) fn unverified_params(text: &str) -> Option<Value> {
    serde_json::from_str(link_parts(text)?.0.rsplit_once(':')?.0).ok()
}

/// What a link signs, and the signature.
fn link_parts(text: &str) -> Option<(String, String)> {
    let text = String::from_utf8(decode(text.trim().trim_end_matches('='))?).ok()?;
    text.rsplit_once(':').map(|(signed, signature)| (signed.to_owned(), signature.to_owned()))
}

/// The salt of Sentry's links.
const SALT: &str = "sentry-generic-signing";

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Django's numbers: digits, then large and small letters.
fn base62(text: &str) -> Option<i64> {
    text.bytes().try_fold(0_i64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by PyJWT's rules: `{"iss": "connect:1", "exp": 2000}` with the secret `s3cr3t`.
    const JWT: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiAiY29ubmVjdDoxIiwgImV4cCI6IDIwMDB9.12uB1s1RHxUETZfD_8kY3dxdqEVUsBsqo0vly0bwaQY";

    #[test]
    fn a_jwt_is_good_with_its_secret_and_in_its_time() {
        assert_eq!(jwt(JWT, "s3cr3t", 1999).unwrap()["iss"], "connect:1");
        assert_eq!(jwt(JWT, "s3cr3t", 2000), None);
        assert_eq!(jwt(JWT, "other", 1999), None);
        let (signed, _) = JWT.rsplit_once('.').unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for forged in ["", "a.b.c", signed, &format!("{none}.{claims}.")] {
            assert_eq!(jwt(forged, "s3cr3t", 1999), None, "{forged}");
        }
    }

    /// Made by Django's rules at the time 1000 with the key `k3y`: `{"external_id": "jira:1"}`.
    const LINK: &str = "eyJleHRlcm5hbF9pZCI6ICJqaXJhOjEifTpHODpPTzBWYm1kR0NuWW4yQ3dNVVA0eUxiX09ya1lpYTVuLWVUbWJkWEhNSWhJ";

    #[test]
    fn a_link_is_good_with_its_key_and_for_its_life() {
        assert_eq!(signed_params(LINK, "k3y", 1100, 100).unwrap()["external_id"], "jira:1");
        assert_eq!(signed_params(LINK, "k3y", 1101, 100), Err(SignatureError::Expired));
        assert_eq!(signed_params(LINK, "other", 1100, 100), Err(SignatureError::Forged));
        for forged in ["", "x", &LINK[1..], &URL_SAFE_NO_PAD.encode("{}:1:x")] {
            assert_eq!(
                signed_params(forged, "k3y", 1100, 100),
                Err(SignatureError::Forged),
                "{forged}"
            );
        }
    }
}
