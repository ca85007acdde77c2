//! Addresses of pages that a person is sent to.

use super::neutral::{break_folds, is_break, is_invisible};
use super::url::is_http_url;
use std::fmt;
use url::{Position, Url};

/// The longest address that browsers and hosts take, in bytes.
const MAX_BYTES: usize = 8_192;

/// The address of a page: http or https, nobody's password in it, and nothing that a host, a shell
/// or a page of Markdown would read as anything but an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageUrl(String);

impl PageUrl {
    /// Checks an address; the error is a clause for a person: `is not a URL`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // The URL standard would leave line ends out without a word.
        if text.contains(|c| is_break(c) || is_invisible(c)) {
            return Err("contains a line break or an invisible character");
        }
        let url = Url::parse(text).map_err(|_| "is not a URL")?;
        if !is_http_url(&url) {
            return Err("is not an http or https URL");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("contains a user name or password");
        }
        Ok(Self(escaped(&url)))
    }

    /// Checks an address that somebody else made, which is no longer than a browser takes.
    pub fn parse_foreign(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("is longer than 8,192 bytes");
        }
        Self::parse(text)
    }

    /// The address, for what takes secrets out of it.
    pub(crate) fn text_mut(&mut self) -> &mut String {
        &mut self.0
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address with an escape for each character that means something elsewhere.
fn escaped(url: &Url) -> String {
    let mut text = url[..Position::BeforePath].to_owned();
    for (part, mark) in [
        (url[Position::BeforePath..Position::AfterPath].to_owned(), ""),
        (url.query().unwrap_or_default().to_owned(), "?"),
        (url.fragment().unwrap_or_default().to_owned(), "#"),
    ] {
        if !part.is_empty() {
            text.push_str(mark);
        }
        for c in part.chars() {
            let is_escaped = match c {
                ':' => text.ends_with(':'),
                '"' | '#' | '$' | '<' | '>' | '[' | '\\' | ']' | '^' | '`' | '{' | '|' | '}' => {
                    true
                }
                _ => false,
            };
            match is_escaped {
                true => text.push_str(&format!("%{:02X}", u32::from(c))),
                false => text.push(c),
            }
        }
    }
    break_folds(text, "%3A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::one_line;

    #[test]
    fn only_a_page_is_a_page() {
        for (text, wrong) in [
            ("javascript:alert(1)", "is not an http or https URL"),
            ("data:text/html,x", "is not an http or https URL"),
            (
                "https://a.example/\n::stop-commands::x",
                "contains a line break or an invisible character",
            ),
            ("https://a.example/\u{202e}x", "contains a line break or an invisible character"),
            ("https://me:pw@a.example/", "contains a user name or password"),
            ("https://me@a.example/", "contains a user name or password"),
            ("//a.example", "is not a URL"),
            ("https://", "is not a URL"),
            ("", "is not a URL"),
        ] {
            assert_eq!(PageUrl::parse(text), Err(wrong), "{text}");
        }
        let long = format!("https://a.example/{}", "x".repeat(MAX_BYTES));
        assert_eq!(PageUrl::parse_foreign(&long), Err("is longer than 8,192 bytes"));
    }

    #[test]
    fn a_page_says_nothing_to_a_host() {
        for (text, page) in [
            ("https://[::1]:8080/a?b=c%20d&e=f+g#h", "https://[::1]:8080/a?b=c%20d&e=f+g#h"),
            ("HTTPS://a.example", "https://a.example/"),
            ("https://a.example/##vso[x]y", "https://a.example/#%23vso%5Bx%5Dy"),
            ("https://a.example/?::error::x", "https://a.example/?:%3Aerror:%3Ax"),
            ("https://a.example/?$(id)|`x`", "https://a.example/?%24(id)%7C%60x%60"),
            ("https://a.example/section_start:1", "https://a.example/section_start%3A1"),
        ] {
            let parsed = PageUrl::parse(text).unwrap();
            assert_eq!(parsed.as_str(), page);
            assert_eq!(one_line(page), page);
            assert_eq!(PageUrl::parse(page).unwrap(), parsed);
        }
    }
}
