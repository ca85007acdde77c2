//! Plain pages, every foreign text escaped.

use super::errors::with_body;
use super::pipeline::snake_case;
use crate::provider::{Field, Kind, Step};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::Value;

/// What every page carries: it is in no frame, in no cache, and its address in no `Referer`, for
/// that of a callback holds a code.
const HEADERS: [(HeaderName, &str); 4] = [
    (X_FRAME_OPTIONS, "deny"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
];

/// A page with this title; `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let title = escape(title);
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <title>{title} | Sentry</title></head>\n<body>\n<h1>{title}</h1>\n\
         <div class=\"box-content\">\n{body}\n</div>\n</body>\n</html>\n"
    );
    dressed(with_body(status, "text/html; charset=utf-8", text))
}

/// A redirect, as 302.
pub(super) fn redirect(location: &str) -> Response {
    let mut response = with_body(StatusCode::FOUND, "text/html; charset=utf-8", String::new());
    // What cannot stand in a header leads nowhere; an address of ours always can.
    let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    dressed(response)
}

fn dressed(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A step's form, with what was wrong with the answer before.
pub(super) fn form(name: &str, step: &Step, wrong: &[(String, String)]) -> Response {
    let fields: String = step.fields.iter().map(|one| field(one, wrong)).collect();
    let body = format!(
        "<form action=\"\" method=\"post\">\n{fields}<p><input type=\"submit\" value=\"Continue\">\
         </p>\n</form>"
    );
    page(StatusCode::OK, &format!("{name} Setup"), &body)
}

fn field(field: &Field, wrong: &[(String, String)]) -> String {
    let (name, help) = (snake_case(field.name), escape(field.help));
    let required = if field.required { " required" } else { "" };
    let input = match &field.kind {
        Kind::Flag(default) => {
            let checked = if *default { " checked" } else { "" };
            format!("<input type=\"checkbox\" name=\"{name}\"{checked}>")
        }
        Kind::Choice(choices) => {
            let option = |choice: &&str| format!("<option>{}</option>", escape(choice));
            let options: String = choices.iter().map(option).collect();
            format!("<select name=\"{name}\"{required}>{options}</select>")
        }
        _ if field.secret => {
            format!("<input type=\"password\" name=\"{name}\" autocomplete=\"off\"{required}>")
        }
        _ => format!("<input type=\"text\" name=\"{name}\"{required}>"),
    };
    let why = wrong.iter().filter(|(of, _)| of == field.name).map(|(_, why)| {
        format!("<p id=\"error_1_id_{name}\"><strong>{}</strong></p>\n", escape(why))
    });
    format!("<p><label>{help} {input}</label></p>\n{}", why.collect::<String>())
}

/// A refusal; Sentry's is a 200 too.
pub(super) fn error(why: &str) -> Response {
    page(StatusCode::OK, "Setup Error", &format!("<p>{}</p>", escape(why)))
}

/// The last page: tells the window that opened it.
pub(super) fn finished(message: &Value) -> Response {
    let body = format!(
        "<script>if (window.opener) {{\n  window.opener.postMessage({}, document.origin);\n}}\n\
         window.close();</script>\n<p>You can safely close this window now.</p>",
        script(message)
    );
    page(StatusCode::OK, "Integration Setup Complete", &body)
}

/// The page that a vendor's callback ends at when a program walks the pipeline by the API: hands
/// the callback's parameters to the window that opened it.
pub(super) fn handed_over(parameters: &Value) -> Response {
    let body = format!(
        "<script>if (window.opener) {{\n  window.opener.postMessage({}, document.origin);\n\
           window.close();\n}}</script>\n<p>Go back to where you began. If a program waits for \
         it, give it the whole address of this page.</p>",
        script(parameters)
    );
    page(StatusCode::OK, "Integration Setup", &body)
}

/// JSON that cannot end the script it stands in.
fn script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// Text as text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_text_ends_its_element_or_its_script() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#x27;&quot;&#x27;&gt;&amp;");
        let json = json!({ "name": "</script><!--&" });
        let text = script(&json);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json);
    }
}
