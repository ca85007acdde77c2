//! What a request must say of itself once, so that nobody before this server reads it otherwise
//! (RFC 9112, 3.2). One with two lengths is hyper's to end the connection after.

use axum::extract::Request;
use axum::http::Version;
use axum::http::header::HOST;
use axum::http::uri::Authority;

/// Why a request cannot be taken as it stands, if it cannot.
pub(super) fn framing_error(request: &Request) -> Option<&'static str> {
    let headers = request.headers();
    let mut hosts = headers.get_all(HOST).iter();
    let (host, second) = (hosts.next(), hosts.next());
    let is_named = host.is_some() || request.version() < Version::HTTP_11;
    if !is_named || second.is_some() {
        return Some("A request needs exactly one Host header.");
    }
    let is_authority = |text: &str| !text.contains('@') && Authority::try_from(text).is_ok();
    let is_host = |text: &str| text.is_empty() || is_authority(text);
    let is_bad = host.is_some_and(|host| !host.to_str().is_ok_and(is_host));
    is_bad.then_some("The Host header is not a host.")
}
