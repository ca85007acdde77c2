//! What stands around every page: its head, the way through the site, and the headers that keep
//! it in no cache and running nothing but its own.

use super::{FORM_KEY, components, urls};
use crate::server::auth::sessions::BrowserSession;
use crate::server::http::ApiError;
use crate::server::http::response::with_body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the guard leaves to pages: nothing of them is cached, and they bring what they run.
const HEADERS: [(HeaderName, &str); 2] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
];

/// The program's sign: a square of a finish line's flag.
pub(super) const LOGO: PreEscaped<&str> = PreEscaped(include_str!("finishline.svg"));

/// Where a page of an organization stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PageTab {
    Integrations,
    Releases,
}

/// What stands around the content of a page.
pub(super) struct PageHead<'a> {
    pub(super) title: &'a str,
    pub(super) org: Option<(&'a str, PageTab)>,
    /// That of the session, when the reader is signed in.
    pub(super) form_key: Option<&'a str>,
}

/// A whole page around its content.
pub(super) fn page(status: StatusCode, head: &PageHead<'_>, content: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) " | finishline" }
                link rel="icon" href="/static/finishline.svg";
                link rel="stylesheet" href="/static/finishline.css";
                script src="/static/finishline.js" defer {}
            }
            body {
                a.skip href="#content" { "Skip to content" }
                (top(head))
                main #content { (content) }
            }
        }
    };
    with_headers(with_body(status, "text/html; charset=utf-8", page.into_string()))
}

fn top(head: &PageHead<'_>) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (LOGO) "finishline" }
            @if let Some((org, tab)) = head.org {
                nav aria-label=(org) {
                    span.org { (org) }
                    (tab_link(&urls::integrations(org), "Integrations", tab == PageTab::Integrations))
                    (tab_link(&urls::releases(org), "Releases", tab == PageTab::Releases))
                }
            }
            @match head.form_key {
                Some(form_key) => form.who action="/auth/logout/" method="post" {
                    (form_key_field(form_key))
                    button.plain type="submit" { "Sign out" }
                },
                None => a.who href="/auth/login/" { "Sign in" },
            }
        }
    }
}

fn tab_link(href: &str, name: &str, here: bool) -> Markup {
    html! { a href=(href) aria-current=[here.then_some("true")] { (name) } }
}

/// The field that proves where a form came from.
pub(super) fn form_key_field(form_key: &str) -> Markup {
    html! { input type="hidden" name=(FORM_KEY) value=(form_key); }
}

/// The page of an error.
pub(super) fn error(error: &ApiError, session: Option<&BrowserSession>) -> Response {
    let form_key = session.map(|session| session.form_key.as_str());
    let (title, way_out) = match error.status() {
        StatusCode::NOT_FOUND => ("Page Not Found", "This page does not exist."),
        StatusCode::FORBIDDEN => ("Not Permitted", error.detail_text()),
        _ => ("Something Went Wrong", error.detail_text()),
    };
    let content = html! {
        section.narrow.said {
            (components::drawing(components::EMPTY))
            h1 { (title) }
            p { (way_out) }
            @if let Some(id) = error.error_id() { p.quiet { "errorId: " code { (id) } } }
            p { a.button href="/" { "All organizations" } }
        }
    };
    let mut page = page(error.status(), &PageHead { title, org: None, form_key }, content);
    page.extensions_mut().insert(error.log_note());
    page
}

/// A redirect, as 302.
pub(super) fn redirect(location: &str) -> Response {
    let mut response = with_body(StatusCode::FOUND, "text/html; charset=utf-8", String::new());
    // What cannot stand in a header leads nowhere; an address of ours always can.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    with_headers(response)
}

fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
