//! What a token says about itself: its kind, and for an organization's own also where it belongs.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;
use url::Url;

/// The kinds of Sentry's tokens, as far as their text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `sntrys_…`: an organization's own, with the one scope `org:ci` and no user.
    Organization(TokenClaims),
    /// `sntryu_…`: a user's.
    User,
    /// `sntrya_…`, `sntryi_…`: an integration's.
    Integration,
    /// 64 hex digits: a user's or an integration's of earlier days.
    Legacy,
    /// Something else; the server decides.
    Opaque,
}

/// What an organization's token says about where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// The organization's slug.
    pub org: String,
    /// The server as a whole, where pipelines are; empty when the token does not say.
    pub url: String,
    /// The organization's region, where releases are.
    pub region_url: String,
}

/// Tells the kind of a token. A damaged organization token is opaque: the server will say so.
pub fn kind(token: &str) -> TokenKind {
    let of_hex =
        |text: &str| text.len() == 64 && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
    match token.split_once('_') {
        Some(("sntrys", _)) => claims(token).map_or(TokenKind::Opaque, TokenKind::Organization),
        Some(("sntryu", _)) => TokenKind::User,
        Some(("sntrya" | "sntryi", _)) => TokenKind::Integration,
        _ if of_hex(token) => TokenKind::Legacy,
        _ => TokenKind::Opaque,
    }
}

/// Reads `sntrys_`, a padded base64 of JSON, `_`, and 32 random bytes, as Sentry's own command
/// line does.
fn claims(token: &str) -> Option<TokenClaims> {
    let mut parts = token.strip_prefix("sntrys_")?.split('_');
    let (payload, secret) = (parts.next()?, parts.next()?);
    if parts.next().is_some() || STANDARD_NO_PAD.decode(secret).ok()?.len() != 32 {
        return None;
    }
    let payload: Value = serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    let text = |name: &str| payload[name].as_str().map(str::to_owned);
    let url = if payload["url"].is_null() { Some(String::new()) } else { text("url") };
    Some(TokenClaims { org: text("org")?, url: url?, region_url: text("region_url")? })
}

impl TokenClaims {
    /// How these claims contradict the server and organization that the inputs name.
    pub fn mismatch(&self, url: Option<&Url>, org: Option<&str>) -> Option<String> {
        if let Some(org) = org.filter(|org| *org != self.org) {
            return Some(format!(
                "the token belongs to organization {}, but `org` is {org}",
                self.org
            ));
        }
        let has_origin = |claimed: &str, url: &Url| {
            Url::parse(claimed).is_ok_and(|claimed| claimed.origin() == url.origin())
        };
        let url =
            url.filter(|url| !has_origin(&self.url, url) && !has_origin(&self.region_url, url))?;
        let home = if self.url.is_empty() { &self.region_url } else { &self.url };
        Some(format!("the token belongs to {home}, but `url` is {url}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/pipeline-vectors.json"));

    fn cases(group: &str) -> Vec<Value> {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        vectors[group].as_array().unwrap().clone()
    }

    #[test]
    fn organization_tokens_are_read_as_the_vectors_say() {
        for case in cases("org_auth_token") {
            let kind = kind(case["token"].as_str().unwrap());
            assert_eq!(matches!(kind, TokenKind::Organization(_)), case["valid"] == true, "{case}");
            if let TokenKind::Organization(claims) = kind {
                let payload = &case["payload"];
                assert_eq!(payload["org"], claims.org.as_str());
                assert_eq!(payload["url"], claims.url.as_str());
                assert_eq!(payload["region_url"], claims.region_url.as_str());
            }
        }
    }

    #[test]
    fn legacy_user_tokens_are_read_as_the_vectors_say() {
        for case in cases("user_auth_token") {
            let token = case["token"].as_str().unwrap();
            assert_eq!(kind(token) == TokenKind::Legacy, case["valid"] == true, "{token}");
        }
        assert_eq!(kind("sntryu_abc"), TokenKind::User);
        assert_eq!(kind("sntrya_abc"), TokenKind::Integration);
        assert_eq!(kind("whatever"), TokenKind::Opaque);
    }

    #[test]
    fn a_token_of_another_place_or_organization_is_a_contradiction() {
        let claims = TokenClaims {
            org: "acme".to_owned(),
            url: "https://sentry.io".to_owned(),
            region_url: "https://de.sentry.io".to_owned(),
        };
        let message = |url: &str, org| claims.mismatch(Url::parse(url).ok().as_ref(), Some(org));
        assert_eq!(message("https://sentry.io/", "acme"), None);
        assert_eq!(message("https://de.sentry.io/", "acme"), None);
        assert!(
            message("https://sentry.example.com", "acme").unwrap().contains("sentry.example.com")
        );
        assert!(message("https://sentry.io", "other").unwrap().contains("other"));
    }
}
