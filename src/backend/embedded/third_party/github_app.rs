//! What a GitHub app proves itself by: a JWT that ring signs.

use crate::model::Refusal;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

/// How long a JWT is good, in seconds; GitHub takes ten minutes, and a clock may go wrong by one.
const JWT_LIFETIME: i64 = 540;
const CLOCK_SKEW: i64 = 60;

/// The JWT that proves an app (RS256), good from a minute ago on.
pub(crate) fn jwt(app_id: &str, private_key: &Secret, now: i64) -> Result<Secret, Refusal> {
    let unfit =
        || Refusal::failure("the `privateKey` of the GitHub App is not an RSA key in PEM format");
    let key = match PrivateKeyDer::from_pem_slice(private_key.expose().as_bytes()) {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(unfit()),
    };
    let key = key.map_err(|_| unfit())?;
    let claims = json!({ "iat": now - CLOCK_SKEW, "exp": now + JWT_LIFETIME, "iss": app_id });
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| unfit())?;
    Ok(Secret::from(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
