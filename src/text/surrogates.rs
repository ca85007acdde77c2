//! The escapes in which JSON writes a character beyond the first 65,536: two halves, which no YAML
//! reader takes for one.

use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A text in which such characters stand themselves, if it is JSON: there a backslash is nowhere but in
/// a string.
pub(crate) fn join(text: &str) -> Cow<'_, str> {
    let has_half = text.contains("\\ud") || text.contains("\\uD");
    if !has_half || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Cow::Borrowed(text);
    }
    let (mut joined, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        joined.push_str(before);
        rest = if let Some(character) = pair(escape) {
            joined.push(character);
            &escape[12..]
        } else {
            // The backslash and what it escapes, which may be another one.
            let end = escape.char_indices().nth(2).map_or(escape.len(), |(end, _)| end);
            joined.push_str(&escape[..end]);
            &escape[end..]
        };
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// The character of the two escapes that a text begins with.
fn pair(text: &str) -> Option<char> {
    let half = |text: &str| {
        let digits = text.strip_prefix("\\u").filter(|digits| !digits.starts_with('+'))?;
        u16::from_str_radix(digits, 16).ok()
    };
    let units = [half(text.get(..6)?)?, half(text.get(6..12)?)?];
    let mut decoded = char::decode_utf16(units);
    decoded.next()?.ok().filter(|_| decoded.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_halves_of_a_character_in_json_are_joined() {
        for (text, expected) in [
            (r#"["\ud83d\ude00", "\uD83D\uDE00x"]"#, "[\"😀\", \"😀x\"]"),
            (
                r#"{"a\\ud83d\\ude00": "\u0041\ud83d\ude00é"}"#,
                r#"{"a\\ud83d\\ude00": "\u0041😀é"}"#,
            ),
            (r#"["\ude00\ud83d"]"#, r#"["\ude00\ud83d"]"#),
            (r"a: '\ud83d\ude00'", r"a: '\ud83d\ude00'"),
            (r#"["\ud83d", "é"]"#, r#"["\ud83d", "é"]"#),
            ("\\ud", "\\ud"),
        ] {
            assert_eq!(join(text), expected, "{text}");
        }
    }
}
