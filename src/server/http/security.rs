//! What every request passes on its way in and every answer on its way out, whoever answers: here
//! alone is decided which requests may change anything, and no browser may guess at what it was
//! sent, frame it, run what was not served as a script, or tell another site where it was.

use super::access_log::log_request;
use super::framing::framing_error;
use super::response::ApiError;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
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

/// What a request may do. A database that was leased for one that only reads takes no write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RequestAccess {
    /// It changes nothing: whatever a browser follows, fetches ahead or opens for another site.
    #[default]
    ReadOnly,
    /// A program's GET, by its token. It changes nothing either, except on the set-up pages, which
    /// Sentry's own clients walk by GET.
    ProgramGet,
    /// It may change what its sender may change.
    MayChange,
}

/// The router behind the guard, and behind the log.
pub(crate) fn protect(router: Router) -> Router {
    router.layer(from_fn(guard)).layer(from_fn(log_request))
}

async fn guard(mut request: Request, next: Next) -> Response {
    let access = request_access(request.method(), request.headers());
    let mut response = match (framing_error(&request), access) {
        (Some(text), _) => {
            let mut response = ApiError::bad_request(text).into_response();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
        (None, Some(access)) => {
            request.extensions_mut().insert(access);
            next.run(request).await
        }
        (None, None) => {
            let text = "Requests from pages of other sites are refused.";
            ApiError::detail(StatusCode::FORBIDDEN, text).into_response()
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Whatever says nothing else may have somebody's names, addresses and keys in it.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    response
}

/// What a request may do; `None` for one that a browser sends for a page of another site although
/// it could change something.
fn request_access(method: &Method, headers: &HeaderMap) -> Option<RequestAccess> {
    let origin = single(headers, &ORIGIN);
    let site = single(headers, &SITE);
    if method.is_safe() {
        let is_program = site.is_none() && origin.is_none() && headers.contains_key(AUTHORIZATION);
        let may_walk = is_program && method == Method::GET;
        return Some(if may_walk { RequestAccess::ProgramGet } else { RequestAccess::ReadOnly });
    }
    let is_own = match (site, origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == single(headers, &HOST)
        }
        // What says nothing about where it comes from is no browser's: those name at least the
        // origin with every such method (Fetch, 3.2).
        (None, None) => true,
    };
    is_own.then_some(RequestAccess::MayChange)
}

/// Whether a person came by a page of ours, or by typing or opening the address: not by a link of
/// another site, and not by what does not say.
pub(crate) fn is_own_navigation(headers: &HeaderMap) -> bool {
    matches!(single(headers, &SITE), Some("same-origin" | "none"))
}

/// A header's value; one that is there twice, or is no text, is nobody's.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().unwrap_or("null");
    Some(if values.next().is_some() { "null" } else { first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        request_access(&method, &headers.iter().map(pair).collect()).is_none()
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
