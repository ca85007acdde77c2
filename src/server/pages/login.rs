//! Signing in, by the link that `serve` prints or by a token, and out.

use super::{PageRequest, layout};
use crate::database::Principal;
use crate::server::auth;
use crate::server::auth::sessions::may_sign_in;
use crate::server::http::ApiResult;
use crate::server::http::access_log::LogNote;
use crate::server::http::security::is_own_navigation;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// `/auth/login/`: the form that takes the key of the link, or one that asks for a token.
pub(super) async fn show(request: PageRequest) -> ApiResult {
    let key = request.raw.query("key");
    if let Some(key) = key.filter(|key| request.server.sessions.is_login_link(key)) {
        let is_wanted = is_own_navigation(&request.raw.headers);
        return Ok(request.page("Sign In", link_form(&request, key, is_wanted)));
    }
    let notice = key.map(|_| USED_LINK);
    let next = request.raw.query("next").unwrap_or_default();
    Ok(login_page(&request, StatusCode::OK, next, notice))
}

/// What is said of a link that signs nobody in.
const USED_LINK: &str = "This link was already used, or belongs to an earlier start of serve.";

/// The form's key of the link, or its token, which must be of somebody who sets things up.
pub(super) async fn sign_in(mut request: PageRequest) -> ApiResult {
    if let Some(key) = request.raw.form("key") {
        return Ok(if request.server.sessions.redeem_login_link(&key) {
            start_session(&request, (request.server.local().clone(), None), "/", "link")
        } else {
            login_page(&request, StatusCode::FORBIDDEN, "", Some(USED_LINK))
        });
    }
    let token = request.raw.form("token").unwrap_or_default();
    let next = request.raw.form("next").unwrap_or_default();
    let own = request.server.own_token();
    let signed_in = auth::sign_in(own, &mut request.database, token.trim()).await;
    let (principal, token) = match signed_in {
        Err(error) if error.status() == StatusCode::UNAUTHORIZED => {
            let notice = "This token is not valid.";
            return Ok(login_page(&request, StatusCode::FORBIDDEN, &next, Some(notice)));
        }
        signed_in => signed_in?,
    };
    if !may_sign_in(&principal) {
        let notice = "This token cannot set up integrations: use a user's token with \
                      org:integrations, org:write or org:admin.";
        return Ok(login_page(&request, StatusCode::FORBIDDEN, &next, Some(notice)));
    }
    Ok(start_session(&request, (principal, token), &next, "token"))
}

/// `/auth/logout/`.
pub(super) async fn sign_out(request: PageRequest) -> ApiResult {
    let cookie = request.server.sessions.end(&request.raw.headers);
    Ok(with_cookie(layout::redirect("/"), &cookie))
}

/// Sends a reader to sign in, and back to this path afterwards.
pub(super) fn redirect_to_login(path: &str) -> Response {
    let next = Serializer::new(String::new()).append_pair("next", path).finish();
    layout::redirect(&format!("/auth/login/?{next}"))
}

fn start_session(
    request: &PageRequest,
    (principal, token): (Principal, Option<String>),
    next: &str,
    by: &'static str,
) -> Response {
    let note = LogNote::SignIn(principal.user.unwrap_or_default(), by);
    let cookie = request.server.sessions.start(principal, token);
    let mut response = with_cookie(layout::redirect(&local_path(next)), &cookie);
    response.extensions_mut().insert(note);
    response
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie).expect("a cookie of ours is of hex digits");
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// A path of ours; whatever could leave this server becomes the first page.
fn local_path(path: &str) -> String {
    let leaves =
        !path.starts_with('/') || path.starts_with("//") || path.contains(['\\', '\n', '\r', '\t']);
    if leaves { "/".to_owned() } else { path.to_owned() }
}

fn login_page(
    request: &PageRequest,
    status: StatusCode,
    next: &str,
    notice: Option<&str>,
) -> Response {
    let head = layout::PageHead { title: "Sign In", org: None, form_key: request.form_key() };
    let mut page = layout::page(status, &head, form(request, next, notice));
    let reason = notice.unwrap_or_default().to_owned();
    page.extensions_mut().insert(LogNote::Refusal(reason));
    page
}

/// What uses the link up. Whoever opened it by themselves has asked for that, and a script submits
/// it; a program that only looks at links does not.
fn link_form(request: &PageRequest, key: &str, is_wanted: bool) -> Markup {
    html! {
        section.narrow {
            h1 { "Sign in" }
            p { "This link signs this browser in, once." }
            form.fields action="/auth/login/" method="post" data-submit[is_wanted] {
                @if let Some(form_key) = request.form_key() { (layout::form_key_field(form_key)) }
                input type="hidden" name="key" value=(key);
                p { button type="submit" { "Sign in" } }
            }
        }
    }
}

fn form(request: &PageRequest, next: &str, notice: Option<&str>) -> Markup {
    html! {
        section.narrow {
            h1 { "Sign in" }
            @if let Some(notice) = notice { p.wrong role="alert" { (notice) } }
            p { "To set up integrations, open the link that " code { "finishline serve" }
                " printed when it started, or enter a user's access token." }
            form.fields action="/auth/login/" method="post" {
                @if let Some(form_key) = request.form_key() { (layout::form_key_field(form_key)) }
                input type="hidden" name="next" value=(next);
                div.field {
                    label for="token" { "Token" }
                    input #token type="password" name="token" autocomplete="off" required
                        aria-describedby="token-help" autofocus;
                    p.help #token-help { "The server's " code { "SENTRY_AUTH_TOKEN" }
                        ", or the one under " code { "user" }
                        " in the token file next to the database." }
                }
                p { button type="submit" { "Sign in" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        for path in
            ["https://evil.test/", "//evil.test/", "/\\evil.test/", "", "x", "/\t/evil.test"]
        {
            assert_eq!(local_path(path), "/", "{path}");
        }
        assert_eq!(local_path("/settings/acme/?a=b"), "/settings/acme/?a=b");
    }
}
