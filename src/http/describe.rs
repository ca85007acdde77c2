//! What a response is, in words, where it is not what was asked for. Its texts are hostile.

use super::HttpResponse;
use crate::text::{html, one_line};
use reqwest::header::CONTENT_TYPE;
use url::Url;

/// What is shown of a body, in characters, and of a content type.
const MAX_QUOTE: usize = 120;
/// How many characters of a body are looked at for them.
const MAX_LOOK: usize = 64 * 1024;

impl HttpResponse {
    /// Its status, its content type, and its title or else its first words, on one line.
    pub(crate) fn describe(&self) -> String {
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let named = if content_type.is_empty() { "" } else { ", " };
        let end = self.body.char_indices().nth(MAX_LOOK).map_or(self.body.len(), |(at, _)| at);
        let body = &self.body[..end];
        let is_html = content_type.contains("html") || body.trim_start().starts_with('<');
        let title = if is_html { html::title(body) } else { String::new() };
        let words = if is_html { html::words(body) } else { body.trim().to_owned() };
        let quoted = match (title.is_empty(), words.is_empty()) {
            (false, _) => format!(", titled \"{}\"", short(&title)),
            (true, false) => format!(": \"{}\"", short(&words)),
            (true, true) => ", an empty body".to_owned(),
        };
        format!("HTTP {}{named}{}{quoted}", self.status, short(content_type))
    }

    /// Where it redirects to, without the query, which may be full of secrets.
    pub(crate) fn redirect_target(&self) -> Option<String> {
        let location = self.redirect()?;
        let Ok(mut url) = Url::parse(location) else {
            return Some(short(location.split(['?', '#']).next().unwrap_or_default()));
        };
        url.set_query(None);
        url.set_fragment(None);
        let is_anonymous = url.set_username("").is_ok() && url.set_password(None).is_ok();
        is_anonymous.then(|| short(url.as_str()))
    }
}

/// The beginning, on one line.
fn short(text: &str) -> String {
    let line = one_line(text);
    let more = if line.chars().nth(MAX_QUOTE).is_some() { "…" } else { "" };
    line.chars().take(MAX_QUOTE).collect::<String>() + more
}
