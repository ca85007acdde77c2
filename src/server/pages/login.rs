//! Signing in, by the link that `serve` prints or by a token, and out.

use super::{PageRequest, layout};
use crate::database::organizations::Principal;
use crate::server::auth;
use crate::server::auth::sessions::may_sign_in;
use crate::server::http::response::ApiResult;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use url::form_urlencoded::Serializer;

/// `/auth/login/`: takes the key of the link, or asks for a token.
pub(super) async fn show(look: PageRequest) -> ApiResult {
    let key = look.asked.query("key");
    if key.is_some_and(|key| look.server.sign_ins.redeem_login_link(key)) {
        let local = look.server.local().clone();
        return Ok(signed_in(&look, local, "/"));
    }
    let said = key.map(|_| "This link was used already, or is of an earlier start of serve.");
    let next = look.asked.query("next").unwrap_or_default();
    Ok(login_page(&look, StatusCode::OK, next, said))
}

/// The form's token, which must be of somebody who sets things up.
pub(super) async fn sign_in(mut look: PageRequest) -> ApiResult {
    let token = look.asked.form("token").unwrap_or_default();
    let next = look.asked.form("next").unwrap_or_default();
    let bearer =
        match auth::authenticate_token(look.server.own_token(), &mut look.database, token.trim())
            .await
        {
            Ok(bearer) => bearer,
            Err(error) if error.status() == StatusCode::UNAUTHORIZED => {
                let said = "Nobody has this token.";
                return Ok(login_page(&look, StatusCode::FORBIDDEN, &next, Some(said)));
            }
            Err(error) => return Err(error),
        };
    if !may_sign_in(&bearer) {
        let said = "This token sets nothing up: it takes a user's with org:integrations, \
                    org:write or org:admin.";
        return Ok(login_page(&look, StatusCode::FORBIDDEN, &next, Some(said)));
    }
    Ok(signed_in(&look, bearer, &next))
}

/// `/auth/logout/`.
pub(super) async fn sign_out(look: PageRequest) -> ApiResult {
    let cookie = look.server.sign_ins.end(&look.asked.headers);
    Ok(with_cookie(layout::redirect("/"), &cookie))
}

/// Sends a reader to sign in, and back to this path afterwards.
pub(super) fn redirect_to_login(path: &str) -> Response {
    let next = Serializer::new(String::new()).append_pair("next", path).finish();
    layout::redirect(&format!("/auth/login/?{next}"))
}

fn signed_in(look: &PageRequest, bearer: Principal, next: &str) -> Response {
    let cookie = look.server.sign_ins.begin(bearer);
    with_cookie(layout::redirect(&local_path(next)), &cookie)
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

fn login_page(look: &PageRequest, status: StatusCode, next: &str, said: Option<&str>) -> Response {
    let head = layout::PageHead { title: "Sign In", org: None, form_key: look.form_key() };
    layout::page(status, &head, form(look, next, said))
}

fn form(look: &PageRequest, next: &str, said: Option<&str>) -> Markup {
    html! {
        section.narrow {
            h1 { "Sign in" }
            @if let Some(said) = said { p.wrong role="alert" { (said) } }
            p { "To set up integrations, open the link that " code { "finishline serve" }
                " printed when it started, or give a user's token." }
            form.fields action="/auth/login/" method="post" {
                @if let Some(form_key) = look.form_key() { (layout::form_key_field(form_key)) }
                input type="hidden" name="next" value=(next);
                div.field {
                    label for="token" { "Token" }
                    input #token type="password" name="token" autocomplete="off" required
                        aria-describedby="token-help" autofocus;
                    p.help #token-help { "The server's " code { "SENTRY_AUTH_TOKEN" }
                        ", or the one under " code { "user" }
                        " in the file of tokens beside the database." }
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
