//! The pieces of an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// What may stand in a path segment as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whether the scheme is `http` or `https`.
pub(crate) fn is_http_url(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// [`is_http_url`], and neither a user nor a password in it.
pub(crate) fn is_plain_http(url: &Url) -> bool {
    is_http_url(url) && url.username().is_empty() && url.password().is_none()
}

/// The host with its port, where the address names one: what Sentry calls the instance.
pub(crate) fn host(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The base address of the Sentry whose page, or API, this is; `None` when it is a base itself.
pub(crate) fn site_base(url: &Url) -> Option<Url> {
    let segments: Vec<_> = url.path_segments()?.collect();
    let is_page = |rest: &[&str]| {
        matches!(rest, ["api", "0", ..] | ["auth", "login", ..])
            || matches!(rest, ["organizations" | "settings", ..] | ["api"] | ["api", ""])
    };
    let at = (0..segments.len()).find(|at| is_page(&segments[*at..]))?;
    let mut base = url.clone();
    base.set_path(&segments[..at].iter().map(|one| format!("{one}/")).collect::<String>());
    base.set_query(None);
    base.set_fragment(None);
    Some(base)
}

/// The path of an address as people write it, if it has one.
pub(crate) fn decoded_path(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let path = percent_decode_str(url.path().trim_matches('/')).decode_utf8_lossy().into_owned();
    Some(path).filter(|path| !path.is_empty())
}

/// A text as one path segment, which it cannot leave.
pub(crate) fn segment(text: &str) -> String {
    // Alone, dots are steps in the path.
    let escaped = if matches!(text, "." | "..") { NON_ALPHANUMERIC } else { SEGMENT };
    utf8_percent_encode(text, escaped).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_port_and_nothing_else() {
        assert_eq!(host("https://gitlab.example.com:8443/a?b#c"), "gitlab.example.com:8443");
        assert_eq!(host("https://gitlab.example.com"), "gitlab.example.com");
        assert_eq!(host("no address"), "");
    }

    #[test]
    fn a_segment_cannot_be_left() {
        assert_eq!(segment("a/b c?#é"), "a%2Fb%20c%3F%23%C3%A9");
        assert_eq!(segment("../a b"), "..%2Fa%20b");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
