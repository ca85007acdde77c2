//! The parts of a `multipart/form-data` body (RFC 7578), which lies in memory whole and bounded.

use super::response::ApiError;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// The longest head of a part.
const MAX_PART_HEAD: usize = 4096;

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FormPart<'a> {
    /// The name of its field.
    pub(crate) name: String,
    /// The name of its file; empty for none.
    pub(crate) filename: String,
    /// What is in it.
    pub(crate) contents: &'a [u8],
}

/// The parts of a body, no more than this many; nothing for an empty one.
pub(crate) fn parts<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    most: usize,
) -> Result<Vec<FormPart<'a>>, ApiError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let invalid = |what| ApiError::bad_request(format!("Multipart form parse error - {what}"));
    let boundary = boundary(kind).ok_or_else(|| invalid("Invalid boundary"))?;
    read(body, &boundary, most).ok_or_else(|| invalid("Invalid part"))
}

/// The text that parts are separated by.
fn boundary(kind: &str) -> Option<String> {
    let (essence, parameters) = kind.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

fn read<'a>(body: &'a [u8], boundary: &str, most: usize) -> Option<Vec<FormPart<'a>>> {
    let mark = format!("\r\n--{boundary}");
    // What is before the first boundary belongs to nothing.
    let mut rest = match body.strip_prefix(&mark.as_bytes()[2..]) {
        Some(rest) => rest,
        None => &body[find(body, mark.as_bytes())? + mark.len()..],
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, mark.as_bytes())?;
        parts.push(parse(&part[..end])?);
        if parts.len() > most {
            return Some(parts);
        }
        rest = &part[end + mark.len()..];
    }
    Some(parts)
}

fn parse(part: &[u8]) -> Option<FormPart<'_>> {
    let head_size = find(&part[..part.len().min(MAX_PART_HEAD)], b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..head_size]).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (_, parameters) = disposition.split_once(';')?;
    Some(FormPart {
        name: parameter(parameters, "name")?,
        filename: parameter(parameters, "filename").unwrap_or_default(),
        contents: &part[head_size + 4..],
    })
}

/// A parameter's value, quoted or not. Names that we look for hold no quotes and no semicolons.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let is_wanted = key.trim().eq_ignore_ascii_case(name);
        is_wanted.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let (first, others) = wanted.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        if text[from + at + 1..].starts_with(others) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_names(body: &str) -> Option<Vec<(String, String, String)>> {
        let parts = read(body.as_bytes(), "x", 3)?;
        let text = |part: FormPart<'_>| {
            (part.name, part.filename, String::from_utf8_lossy(part.contents).into_owned())
        };
        Some(parts.into_iter().map(text).collect())
    }

    #[test]
    fn parts_are_what_stands_between_the_boundaries() {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"ab\"\r\n\r\n";
        let found = |contents: &str| ("file".to_owned(), "ab".to_owned(), contents.to_owned());
        for (body, expected) in [
            (format!("--x\r\n{head}1\r\n--x--\r\n"), vec![found("1")]),
            (format!("--x\r\n{head}\r\n--y\r\n\r\n--x--"), vec![found("\r\n--y\r\n")]),
            (
                format!("before\r\n--x\r\n{head}1\r\n--x\r\nA: b\r\n{head}\r\n--x--"),
                vec![found("1"), found("")],
            ),
            ("--x--".to_owned(), vec![]),
        ] {
            assert_eq!(read_names(&body), Some(expected), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in ["--x", "--x\r\n", "--x\r\nA: b\r\n\r\n1\r\n--x--", "--x\r\n\r\n\r\n--x--", "y"]
        {
            assert_eq!(read_names(body), None, "{body:?}");
        }
        let kinds =
            ["multipart/form-data", "multipart/form-data; boundary=", "text/plain; boundary=x"];
        assert!(kinds.iter().all(|kind| boundary(kind).is_none()));
        let quoted = "Multipart/Form-Data; charset=utf-8; boundary=\"a b\"";
        assert_eq!(boundary(quoted).as_deref(), Some("a b"));
    }
}
