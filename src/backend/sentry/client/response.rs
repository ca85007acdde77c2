//! What a Sentry answers, in whichever of its shapes. Its texts are hostile until shown on one
//! short line.

use crate::http::HttpResponse;
use crate::text::one_line;
use serde_json::Value;
use std::time::Duration;

/// How long a limited client waits when the server does not say: its windows are of one second.
const WINDOW: Duration = Duration::from_secs(1);

impl HttpResponse {
    /// The body as JSON, whatever its content type says; `Null` when it is none.
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            // A limiter of 2023 sends its JSON as a JSON string.
            Ok(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            Ok(value) => value,
            Err(_) => Value::Null,
        }
    }

    /// How long to wait after a 429: as long as the server says, or until its window ends.
    pub(crate) fn rate_limit(&self) -> Duration {
        let reset = || self.time_until("x-sentry-rate-limit-reset");
        self.retry_after().or_else(reset).unwrap_or(WINDOW).max(WINDOW)
    }

    /// The cursor of the next page, when there is one; an error where the one that is said is none.
    pub(crate) fn next_cursor(&self) -> Result<Option<String>, ()> {
        self.header("link").map_or(Ok(None), next_cursor)
    }
}

/// Reads Sentry's `Link` header: a next link is always there, only `results="true"` means it. An error
/// where it means one and its cursor is none.
pub(crate) fn next_cursor(link: &str) -> Result<Option<String>, ()> {
    let next = link.split(", ").find(|part| part.contains("rel=\"next\""));
    let parameter = |name: &str| {
        let (_, rest) = next?.split_once(&format!("{name}=\""))?;
        rest.split('"').next()
    };
    if parameter("results") != Some("true") {
        return Ok(None);
    }
    // Mostly it is three whole numbers; some are fractions.
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-._".contains(c);
    let is_cursor = |cursor: &&str| !cursor.is_empty() && cursor.chars().all(fits);
    parameter("cursor").filter(is_cursor).map(|cursor| Some(cursor.to_owned())).ok_or(())
}

/// The reason in an error body of any of Sentry's shapes, as one short line.
pub(crate) fn error_text(body: &Value) -> Option<String> {
    let line = short_line(&find_reason(body, 4)?);
    (!line.is_empty()).then_some(line)
}

fn short_line(text: &str) -> String {
    one_line(text).trim().chars().take(300).collect()
}

fn find_reason(body: &Value, depth: u8) -> Option<String> {
    match body {
        _ if depth == 0 => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => items.iter().find_map(|item| find_reason(item, depth - 1)),
        Value::Object(fields) => {
            let known = ["detail", "message", "error", "data", "errors", "__all__", "info"];
            let said = known.iter().filter_map(|name| fields.get(*name));
            said.filter_map(|value| find_reason(value, depth - 1)).next().or_else(|| {
                let of_field = |(name, value): (&String, &Value)| {
                    Some(format!("{name}: {}", find_reason(value, depth - 1)?))
                };
                let words: Vec<_> = fields.iter().filter_map(of_field).collect();
                (!words.is_empty()).then(|| words.join("; "))
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// The fields that a body of validation errors names, each with its reason; none in other bodies.
pub(crate) fn field_errors(body: &Value) -> Vec<(String, String)> {
    let Value::Object(fields) = body else { return Vec::new() };
    // What is wrong with a field is a list; as a text it is the error of another API.
    let is_text = |name: &str| fields.get(name).is_some_and(Value::is_string);
    let is_other = ["error", "message"].into_iter().any(is_text);
    if is_other || fields.contains_key("detail") || fields.contains_key("status") {
        return Vec::new();
    }
    let is_list = |value: &&Value| value.is_array() || value.is_object();
    let named = |(name, value): (&String, &Value)| {
        Some((short_line(name), Some(value).filter(is_list).and_then(error_text)?))
    };
    fields.iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};
    use serde_json::json;

    const VECTORS: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/pipeline-vectors.json"));

    fn response(status: u16, body: &str, headers: &[(&'static str, &str)]) -> HttpResponse {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        let headers = headers.iter().map(header);
        let (body, headers) = (body.to_owned(), headers.collect());
        HttpResponse { status, body, headers, received: 1_000 }
    }

    #[test]
    fn only_a_next_link_with_results_is_followed() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        for case in vectors["link_header"].as_array().unwrap() {
            let cursor = next_cursor(case["header"].as_str().unwrap());
            let expected = case["next_cursor"].as_str().filter(|_| case["has_next"] == true);
            assert_eq!(cursor, Ok(expected.map(str::to_owned)));
        }
        for none in ["", "rel=\"next\"", "<x>; rel=\"next\"; results=\"false\"; cursor=\"a&b\""] {
            assert_eq!(next_cursor(none), Ok(None));
        }
        let next = "<x>; rel=\"next\"; results=\"true\"";
        for hostile in
            [next.to_owned(), format!("{next}; cursor=\"a&b\""), format!("{next}; cursor=\"\"")]
        {
            assert_eq!(next_cursor(&hostile), Err(()));
        }
    }

    #[test]
    fn a_limited_client_waits_for_the_window_to_end() {
        let (after, reset) = ("retry-after", "x-sentry-rate-limit-reset");
        for (headers, seconds) in [
            (&[(reset, "1003")][..], 3),
            (&[(reset, "1002.5")], 3),
            (&[(reset, "17")], 1),
            (&[(reset, "-5")], 1),
            (&[(reset, "never")], 1),
            (&[], 1),
            (&[(after, "1000000")], 1_000_000),
            (&[(after, "7"), (reset, "1003")], 7),
            (&[(after, "in a while"), (reset, "1003")], 3),
            (&[(after, "Thu, 01 Jan 1970 00:17:10 GMT")], 30),
            (&[(after, "Thu, 01 Jan 1970 00:00:00 GMT")], 1),
        ] {
            assert_eq!(response(429, "", headers).rate_limit(), Duration::from_secs(seconds));
        }
    }

    #[test]
    fn every_error_shape_gives_its_reason() {
        for (body, words) in [
            (json!({"detail": "no"}), Some("no")),
            (json!({"detail": {"code": "x", "message": "no\nway"}}), Some("no way")),
            (json!({"url": ["Enter a valid URL."]}), Some("url: Enter a valid URL.")),
            (json!({"nonFieldErrors": ["no"]}), Some("nonFieldErrors: no")),
            (json!({"status": "error", "data": {"detail": "no"}}), Some("no")),
            (json!({"error_type": "validation", "errors": {"__all__": "no"}}), Some("no")),
            (json!("no"), Some("no")),
            (json!([["no"]]), Some("no")),
            (json!([[[[["deep"]]]]]), None),
            (json!(null), None),
        ] {
            assert_eq!(error_text(&body).as_deref(), words, "{body}");
        }
    }

    #[test]
    fn a_json_string_of_json_is_read_through() {
        let body = "\"{\\\"detail\\\": \\\"slow down\\\"}\"";
        assert_eq!(error_text(&response(429, body, &[]).json()).as_deref(), Some("slow down"));
        assert_eq!(response(502, "<html>", &[]).json(), Value::Null);
    }

    #[test]
    fn field_errors_are_told_from_pipeline_errors() {
        let fields = field_errors(&json!({"code": ["This field is required."]}));
        assert_eq!(fields, [("code".to_owned(), "This field is required.".to_owned())]);
        assert!(field_errors(&json!({"status": "error", "data": {"detail": "x"}})).is_empty());
        assert!(field_errors(&json!({"detail": "x"})).is_empty());
    }
}
