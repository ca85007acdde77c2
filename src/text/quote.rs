//! Other people's texts in our messages: quoted, on one line, without credentials.

/// A given text between backticks: at most 80 characters, control characters made visible, the
/// credentials of an address left out.
pub fn quote(text: &str) -> String {
    let text = redact_credentials(text);
    let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(80).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

/// What stands between the scheme, which a mistyped address may lack, and the `@` is not shown.
pub fn redact_credentials(text: &str) -> String {
    let Some((before, after)) = text.rsplit_once('@').filter(|(before, _)| before.contains(':'))
    else {
        return text.to_owned();
    };
    let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
    format!("{scheme}***@{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_short_and_on_one_line() {
        assert_eq!(quote("a\r\nb"), "`a\\r\\nb`");
        assert_eq!(quote(&"x".repeat(100_000)).chars().count(), 83);
        assert_eq!(quote("https://me:s3cr3t@x/"), "`https://***@x/`");
        assert_eq!(quote("me:s3cr3t@x"), "`***@x`");
        assert_eq!(quote("/home/me@work/x"), "`/home/me@work/x`");
    }
}
