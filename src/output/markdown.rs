//! Text of others in Markdown: it stays text on every host.
//!
//! GitHub, GitLab, Azure, Bitbucket and Buildkite make links of much more than links: of addresses,
//! names, numbers, hashes. None looks into code, so all that is no plain word is code; and there it
//! is broken as where a host shows texts as they are.

use crate::text::neutral::without_links;

/// What may stand before a word.
const OPENING: [char; 4] = ['(', '"', '\'', '“'];
/// What may stand behind one.
const CLOSING: [char; 10] = [',', '.', ';', ':', '!', '?', ')', '"', '\'', '”'];
/// What may stand alone.
const SIGNS: [&str; 7] = ["–", "—", "…", "→", "·", "✓", "✗"];
/// A word of fewer digits of hex is no commit.
const SHORTEST_HASH: usize = 7;

/// Text of others as text: no link, no HTML, no heading, one line.
pub(crate) fn escape(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = without_links(&line).replace("](", "] (");
    let (mut parts, mut rest) = (MarkdownParts::default(), line.as_str());
    // What is between backticks is code already, whoever wrote them.
    while let Some((before, code, after)) = split_code(rest) {
        parts.push_words(before);
        parts.push(true, code);
        rest = after;
    }
    parts.push_words(rest);
    parts
        .0
        .into_iter()
        .map(|(is_code, text)| if is_code { code_span(&text) } else { text })
        .collect()
}

/// The same in a table, whose cells end at a bar.
pub(crate) fn cell(text: &str) -> String {
    escape(text).replace('|', "\\|")
}

/// The text before the first code between backticks, the code, and the text behind it.
fn split_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((before, code, after))
}

fn code_span(text: &str) -> String {
    let mut code = String::new();
    for c in text.trim().chars() {
        if code.ends_with('<') && !c.is_whitespace() {
            code.push(' ');
        }
        code.push(c);
    }
    if code.is_empty() { String::new() } else { format!("`{code}`") }
}

/// Words and code in turn.
#[derive(Default)]
struct MarkdownParts(Vec<(bool, String)>);

impl MarkdownParts {
    /// Adds a part; code and code are one.
    fn push(&mut self, is_code: bool, text: &str) {
        match self.0.as_mut_slice() {
            [.., (last, before)] if *last == is_code => before.push_str(text),
            [.., (true, _), (false, blank)] if is_code && blank == " " => {
                self.0.pop();
                self.push(true, " ");
                self.push(true, text);
            }
            _ if text.is_empty() => {}
            _ => self.0.push((is_code, text.to_owned())),
        }
    }

    fn push_words(&mut self, text: &str) {
        let text = text.replace('`', "'");
        for (at, word) in text.split(' ').enumerate() {
            if at > 0 {
                self.push(false, " ");
            }
            let opened = word.trim_start_matches(OPENING);
            let core = opened.trim_end_matches(CLOSING);
            self.push(false, &word[..word.len() - opened.len()]);
            self.push(!is_plain(core), core);
            self.push(false, &opened[core.len()..]);
        }
    }
}

/// Whether no host makes anything of the word: letters, or a small number.
fn is_plain(word: &str) -> bool {
    let is_letters = || {
        let is_inner = |c: char| c.is_alphabetic() || matches!(c, '-' | '\'' | '’');
        word.starts_with(char::is_alphabetic)
            && word.ends_with(char::is_alphabetic)
            && word.chars().all(is_inner)
    };
    let is_hash = word.len() >= SHORTEST_HASH && word.chars().all(|c| c.is_ascii_hexdigit());
    let is_number = || word.chars().all(|c| c.is_ascii_digit());
    word.is_empty() || SIGNS.contains(&word) || (!is_hash && (is_letters() || is_number()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        for text in [
            "no such account: it's gone (404), or \"moved\" — see the well-known 12 …",
            "set `auth-token` to a valid token, or `org`",
            "Zürich 東京, ok",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn what_a_host_would_make_something_of_is_code() {
        for word in [
            "@team",
            "#123",
            "GH-1",
            "acme/web#1",
            "!12",
            "~bug",
            "%v1",
            "&3",
            "^alert",
            "JIRA-7",
            "0123456",
            "deadbeef",
            "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            ":smile",
            "$x$",
            "*b*",
            "_i_",
            "~~s~~",
            "[^1]",
            "|",
            "1.2",
            "evil.example",
            "{{x}}",
            "+1",
            "---",
            "#",
            "##",
            ">",
            "<!--",
            "\\x",
            "AB#1",
            "==x==",
            "[[x]]",
            "-",
        ] {
            assert_eq!(escape(&format!("see {word}, now")), format!("see `{}`, now", code(word)));
        }
    }

    fn code(word: &str) -> String {
        word.replace("<!", "< !")
    }

    #[test]
    fn no_link_is_left_in_code_either() {
        for (text, shown) in [
            ("at https://evil.example/x", "at https: `//evil.example/x`"),
            ("www.evil.example", "www `.evil.example`"),
            ("mailto:a@evil.example", "mailto `:a @evil.example`"),
            ("<img src=x>", "`< img src=x>`"),
            ("a | b `c|d", "a `|` b '`c|d`"),
            ("`a``b` `c`", "`ab c`"),
            ("x` https://evil.example `y", "x`https: //evil.example`y"),
            ("`` ` ```", ""),
        ] {
            assert_eq!(escape(text).trim(), shown.trim(), "{text}");
        }
        assert_eq!(cell("a|b"), "`a\\|b`");
    }
}
