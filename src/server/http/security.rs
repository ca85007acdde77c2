//! What every request passes on its way in and every answer on its way out, whoever answers: no
//! other site's page may post here, and no browser may guess at what it was sent, frame it, run
//! what was not served as a script, or tell another site where it was.

use super::response::ApiError;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};

/// What a browser says about where a request comes from (Fetch Metadata Request Headers, 2.4).
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What every answer carries. Pages allow themselves what they need in a policy of their own.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The address of a callback holds a code, which goes to no other site. Without a referrer at all, a
/// browser would send `Origin: null` with our own forms.
const HEADERS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "deny"),
];

/// The router behind the guard.
pub(crate) fn protect(router: Router) -> Router {
    router.layer(from_fn(check_origin))
}

async fn check_origin(request: Request, next: Next) -> Response {
    let mut response = if is_of_another_site(request.method(), request.headers()) {
        let text = "Requests from pages of other sites are refused.";
        ApiError::detail(StatusCode::FORBIDDEN, text).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// Whether a browser sends this for a page of another site, and it may change something.
///
/// What says nothing about where it comes from is no browser's: those name at least the origin
/// with every such method (Fetch, 3.2).
fn is_of_another_site(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return false;
    }
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("null"));
    match (text(SITE), text(ORIGIN)) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_none() || authority != text(HOST)
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_of_another_site(&method, &headers.iter().map(pair).collect())
    }

    #[test]
    fn only_what_may_change_something_is_refused_to_other_sites() {
        let cross = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert!(refused(Method::POST, &cross) && refused(Method::DELETE, &cross));
        assert!(refused(Method::from_bytes(b"NEW").unwrap(), &cross));
        assert!(!refused(Method::GET, &cross) && !refused(Method::HEAD, &cross));
    }

    #[test]
    fn our_own_forms_and_programs_pass() {
        for headers in [
            &[][..],
            &[("host", "127.0.0.1:9797")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "none")],
            &[("host", "127.0.0.1:9797"), ("origin", "http://127.0.0.1:9797")],
        ] {
            assert!(!refused(Method::POST, headers), "{headers:?}");
        }
    }

    #[test]
    fn an_origin_that_is_not_ours_or_hidden_is_refused_where_it_alone_speaks() {
        for origin in [
            "null",
            "",
            "http://127.0.0.1:9798",
            "http://evil.example",
            "http://127.0.0.1:9797.evil.example",
            "http://evil.example/127.0.0.1:9797",
        ] {
            let headers = [("host", "127.0.0.1:9797"), ("origin", origin)];
            assert!(refused(Method::POST, &headers), "{origin}");
        }
        assert!(refused(Method::POST, &[("sec-fetch-site", "same-site")]));
    }
}
