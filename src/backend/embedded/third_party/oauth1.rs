//! OAuth 1.0a with RSA-SHA1 (RFC 5849, 3.4): the `Authorization` header of one request.

use crate::model::Refusal;
use crate::provider::request::OAuth1;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer};
use sha1::Sha1;
use url::Url;

/// What stands for itself (RFC 5849, 3.6).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The header that proves a request without a form.
pub(crate) fn header(
    oauth: &OAuth1,
    method: &str,
    url: &str,
    nonce: &str,
    timestamp: i64,
) -> Result<String, Refusal> {
    let key = key(oauth.private_key.expose())?;
    let timestamp = timestamp.to_string();
    let mut parameters = vec![
        ("oauth_consumer_key", oauth.consumer_key.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "RSA-SHA1"),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    parameters.extend(oauth.token.as_ref().map(|token| ("oauth_token", token.expose())));
    parameters.extend(oauth.verifier.as_ref().map(|brought| ("oauth_verifier", brought.expose())));
    let signed = SigningKey::<Sha1>::new(key).try_sign(base(method, url, &parameters).as_bytes());
    let signature = signed.map_err(|_| unfit())?.to_bytes();
    let signature = STANDARD.encode(signature);
    parameters.push(("oauth_signature", &signature));
    let pairs = parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value)));
    Ok(format!("OAuth {}", pairs.collect::<Vec<_>>().join(", ")))
}

/// What is signed: method, address and every parameter, each encoded once more.
fn base(method: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    let (url, query) = match Url::parse(url) {
        Ok(mut parsed) => {
            let query: Vec<_> = parsed.query_pairs().into_owned().collect();
            parsed.set_query(None);
            (parsed.to_string(), query)
        }
        Err(_) => (url.to_owned(), Vec::new()),
    };
    let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = parameters.iter().copied().chain(query);
    let mut all: Vec<_> = all.map(|(name, value)| (encoded(name), encoded(value))).collect();
    all.sort();
    let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    [method, &url, &all.join("&")].map(encoded).join("&")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A key in either of the forms that openssl writes.
fn key(pem: &str) -> Result<PrivateKey, Refusal> {
    let pem = pem.trim();
    PrivateKey::from_pkcs8_pem(pem)
        .or_else(|_| PrivateKey::from_pkcs1_pem(pem))
        .map_err(|_| unfit())
}

fn unfit() -> Refusal {
    Refusal::failure("`privateKey` is not an RSA private key in PEM format that can sign")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_text_is_that_of_the_rfc() {
        // RFC 5849, 3.4.1.1, without what its request has in a form.
        let parameters = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        let url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b";
        assert_eq!(
            base("POST", url, &parameters),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
             %26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a\
             %26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201\
             %26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        let oauth = OAuth1 {
            consumer_key: "k".to_owned(),
            private_key: "-----BEGIN s3cr3t".into(),
            token: None,
            verifier: None,
        };
        let refusal = header(&oauth, "POST", "https://x.example/", "n", 1).unwrap_err();
        assert!(!refusal.message.contains("s3cr3t"));
    }
}
