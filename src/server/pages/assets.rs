//! What pages are dressed in: one style sheet, one script, one drawing, all in the program.

use crate::server::http::response::with_body;
use crate::server::state::ServerState;
use axum::Router;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::routing::get;
use std::sync::Arc;

/// Where each is, its type, and its text.
pub(super) const ASSETS: [(&str, &str, &str); 3] = [
    ("/static/finishline.css", "text/css; charset=utf-8", include_str!("finishline.css")),
    ("/static/finishline.js", "text/javascript; charset=utf-8", include_str!("finishline.js")),
    ("/static/finishline.svg", "image/svg+xml", include_str!("finishline.svg")),
];

/// Puts them into the router.
pub(super) fn mount(router: Router<Arc<ServerState>>) -> Router<Arc<ServerState>> {
    let put = |router: Router<Arc<ServerState>>,
               (path, kind, text): (&'static str, _, &'static str)| {
        let answer = move || async move {
            let mut response = with_body(StatusCode::OK, kind, text.to_owned());
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        };
        router.route(path, get(answer))
    };
    ASSETS.into_iter().fold(router, put)
}
