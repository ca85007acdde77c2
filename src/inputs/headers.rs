//! The headers that a Sentry behind another server asks for, such as those of an identity proxy.

use crate::secret::Secret;

/// One header. Its value may be all that keeps strangers out.
#[derive(Clone, Debug)]
pub struct RequestHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

/// The headers that requests have of their own.
const OWN: [&str; 12] = [
    "authorization",
    "connection",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// What the names of others begin with: they say how a body is written, or which answer is wanted.
const OWN_PREFIXES: [&str; 3] = ["accept", "content-", "if-"];

/// Reads a header from each line; the error is a clause for a person, which quotes no value.
pub(super) fn parse(text: &str) -> Result<Vec<RequestHeader>, String> {
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    lines
        .map(|(at, line)| header(line).map_err(|wrong| format!("line {}: {wrong}", at + 1)))
        .collect()
}

fn header(line: &str) -> Result<RequestHeader, String> {
    let (name, value) = line.split_once(':').ok_or("expected `Name: value`")?;
    let value = value.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("expected `Name: value`, with a name of letters, digits and `-`".to_owned());
    }
    let lower = name.to_ascii_lowercase();
    if OWN.contains(&lower.as_str()) || OWN_PREFIXES.iter().any(|own| lower.starts_with(own)) {
        return Err(format!("`{name}` cannot be set, because each request has its own"));
    }
    let is_text =
        !value.is_empty() && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !is_text {
        return Err(format!("expected a value of ASCII characters for `{name}`"));
    }
    Ok(RequestHeader { name: name.to_owned(), value: Secret::from(value) })
}

impl RequestHeader {
    /// What must be seen nowhere: the value, and what follows a word such as `Bearer` in it.
    pub fn secrets(&self) -> impl Iterator<Item = String> {
        let value = self.value.expose().to_owned();
        let credentials = value.split_once(' ').map(|(_, rest)| rest.trim().to_owned());
        [value].into_iter().chain(credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_header_and_a_mistake_quotes_no_value() {
        let read = parse("X-Access: a b\r\n\nProxy-Authorization:Bearer t0ken\n").unwrap();
        let shown: Vec<_> =
            read.iter().map(|one| (one.name.as_str(), one.value.expose())).collect();
        assert_eq!(shown, [("X-Access", "a b"), ("Proxy-Authorization", "Bearer t0ken")]);
        assert!(read[1].secrets().any(|secret| secret == "t0ken"));
        for bad in [
            "s3cr3t",
            "X-Access: ok\ns3cr3t",
            "X Access: s3cr3t",
            ": s3cr3t",
            "X-Access: s3cr3t\u{1}",
            "X-Access: s3cr3té",
            "X-Access:",
            "authorization: s3cr3t",
            "Cookie: s3cr3t",
            "Content-Encoding: s3cr3t",
            "Accept-Encoding: s3cr3t",
            "Expect: s3cr3t",
            "If-None-Match: s3cr3t",
        ] {
            let wrong = parse(bad).unwrap_err();
            assert!(!wrong.contains("s3cr3t") && wrong.starts_with("line "), "{wrong}");
        }
    }
}
