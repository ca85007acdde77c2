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
    // A server that has no address of its own writes `null`.
    let text = |value: &Value| match value {
        Value::Null => Some(String::new()),
        value => value.as_str().map(str::to_owned),
    };
    let (url, region_url) = (text(&payload["url"])?, text(payload.get("region_url")?)?);
    Some(TokenClaims { org: payload["org"].as_str()?.to_owned(), url, region_url })
}

impl TokenClaims {
    /// How these claims contradict the organization that the inputs name.
    pub fn organization_mismatch(&self, org: Option<&str>) -> Option<String> {
        let org = org.filter(|org| *org != self.org)?;
        Some(format!("the token belongs to organization {}, but `org` is {org}", self.org))
    }

    /// How these claims contradict the server that the inputs name. Where they name none they
    /// contradict none; a server may be named by the organization's own domain, and by https where
    /// the token says http.
    pub fn server_mismatch(&self, url: &Url) -> Option<String> {
        let claimed = [&self.url, &self.region_url].into_iter();
        let claimed: Vec<_> = claimed.filter_map(|text| Url::parse(text).ok()).collect();
        let home = claimed.first().filter(|_| !claimed.iter().any(|one| self.is_same(one, url)))?;
        let shown = home.as_str().trim_end_matches('/');
        Some(match claimed.iter().find(|one| one.host_str() == url.host_str()) {
            Some(one) => format!(
                "the token belongs to {one}, but `url` is {url}: the host is the same, but the \
                 scheme or port differs"
            ),
            None => format!("the token belongs to {shown}, but `url` is {url}"),
        })
    }

    /// Whether two addresses are of one server.
    fn is_same(&self, claimed: &Url, url: &Url) -> bool {
        let (Some(theirs), Some(ours)) = (claimed.host_str(), url.host_str()) else { return false };
        let is_region = self.url.is_empty() && theirs.ends_with(&format!(".{ours}"));
        let is_host = theirs == ours || ours == format!("{}.{theirs}", self.org) || is_region;
        let is_scheme = url.scheme() == claimed.scheme() || url.scheme() == "https";
        is_host && is_scheme && url.port() == claimed.port()
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
        let message = |url: &str| claims.server_mismatch(&Url::parse(url).unwrap());
        assert_eq!(message("https://sentry.io/"), None);
        assert_eq!(message("https://de.sentry.io/"), None);
        assert_eq!(message("https://acme.sentry.io/"), None);
        assert!(message("https://sentry.example.com").unwrap().contains("sentry.example.com"));
        assert!(claims.organization_mismatch(Some("other")).unwrap().contains("other"));
        assert_eq!(claims.organization_mismatch(Some("acme")), None);
    }
}
