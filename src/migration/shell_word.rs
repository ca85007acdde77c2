//! A word of a shell script: where it ends, and what it is made of.

use super::shell_scan::{ansi_quote_end, dollar_end};
use crate::text::shell;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WordPiece {
    Text(String),
    /// `$NAME`, or `${NAME}`.
    Variable(String),
    /// `${NAME:-VALUE}`, with the parts of the value.
    Default(String, Vec<Self>),
    /// What the CI host puts in: `${{ … }}`, with its signs.
    Expression(String),
    /// `$(…)` or backticks: the command.
    Substitution(String),
    /// Any other expansion, as it is written.
    Other(String),
}

/// What a word is made of.
pub(super) fn pieces(raw: &str) -> Vec<WordPiece> {
    let mut pieces = WordPieces::default();
    let (mut at, mut is_quoted) = (0, false);
    while at < raw.len() {
        let rest = &raw[at..];
        let next = rest.chars().next().unwrap_or(' ');
        at += match next {
            '"' => {
                is_quoted = !is_quoted;
                1
            }
            '\'' if !is_quoted => {
                let close = rest[1..].find('\'').map_or(rest.len() - 1, |close| close);
                pieces.push_text(&rest[1..=close]);
                close + 2
            }
            '\\' => pieces.push_escaped(rest, is_quoted),
            '$' if !is_quoted && DOLLAR_QUOTES.iter().any(|sign| rest.starts_with(sign)) => {
                let length = dollar_quote_length(rest);
                pieces.push(WordPiece::Other(rest[..length].to_owned()));
                length
            }
            '`' => {
                let close = rest[1..].find('`').map_or(rest.len() - 1, |close| close);
                pieces.push(WordPiece::Substitution(rest[1..=close].to_owned()));
                close + 2
            }
            '$' => {
                let end = dollar_end(raw, at, raw.len());
                pieces.push(expansion(&raw[at..end]));
                end - at
            }
            other => {
                pieces.push_text(other.to_string());
                other.len_utf8()
            }
        };
    }
    pieces.0
}

/// What of a word stands in no quotes and no expansion, which the shell may make other words of.
pub(super) fn unquoted(raw: &str) -> String {
    let (mut text, mut at, mut is_quoted) = (String::new(), 0, false);
    while at < raw.len() {
        let rest = &raw[at..];
        let next = rest.chars().next().unwrap_or(' ');
        let close = |sign: char| rest[1..].find(sign).map_or(rest.len(), |close| close + 2);
        at += match next {
            '"' => {
                is_quoted = !is_quoted;
                1
            }
            '\'' if !is_quoted => close('\''),
            '`' => close('`'),
            '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '$' => dollar_end(raw, at, raw.len()) - at,
            other => {
                text.extend(Some(other).filter(|_| !is_quoted));
                other.len_utf8()
            }
        };
    }
    text
}

/// The expansions of a word that stand in no quotes.
pub(super) fn unquoted_expansions(raw: &str) -> Vec<String> {
    let (mut found, mut at, mut is_quoted) = (Vec::new(), 0, false);
    while at < raw.len() {
        let rest = &raw[at..];
        let next = rest.chars().next().unwrap_or(' ');
        let close = |sign: char| rest[1..].find(sign).map_or(rest.len(), |close| close + 2);
        let length = match next {
            '\'' if !is_quoted => close('\''),
            '`' => close('`'),
            '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '$' => dollar_end(raw, at, raw.len()) - at,
            other => other.len_utf8(),
        };
        is_quoted ^= next == '"';
        let end = (at + length).min(raw.len());
        if !is_quoted && matches!(next, '$' | '`') {
            found.push(raw[at..end].to_owned());
        }
        at = end;
    }
    found
}

/// Whether the shell makes something else of a word than a text: by braces, a home folder or, if they
/// count, the names of files.
pub(super) fn is_expanded(raw: &str, by_files: bool) -> bool {
    let text = unquoted(raw);
    let has_list = |text: &str| text.contains(',') || text.contains("..");
    let is_brace =
        text.split_once('{').is_some_and(|(_, rest)| rest.contains('}') && has_list(rest));
    is_brace
        || text.starts_with('~')
        || text.contains(":~")
        || by_files && text.contains(['*', '?', '['])
}

/// The signs of quotes that only some shells know.
const DOLLAR_QUOTES: [&str; 2] = ["$'", "$\""];

/// How long `$'…'` is, and the sign of `$"…"`, which Bash translates and other shells take for itself.
fn dollar_quote_length(text: &str) -> usize {
    if text.starts_with("$'") { ansi_quote_end(text, 0, text.len()) } else { 1 }
}

/// Whether a word has a quote that only some shells know: `$'…'` or `$"…"`.
pub(super) fn has_dollar_quote(raw: &str) -> bool {
    let is_quote = |piece: &WordPiece| match piece {
        WordPiece::Other(text) => text == "$" || text.starts_with("$'"),
        _ => false,
    };
    DOLLAR_QUOTES.iter().any(|sign| raw.contains(sign)) && pieces(raw).iter().any(is_quote)
}

#[derive(Default)]
struct WordPieces(Vec<WordPiece>);

impl WordPieces {
    /// What a backslash quotes; how much of the text that is.
    fn push_escaped(&mut self, text: &str, is_quoted: bool) -> usize {
        let escaped = text.chars().nth(1);
        let is_dropped = !is_quoted || escaped.is_some_and(|c| "\"\\$`\n".contains(c));
        self.push_text(if is_dropped { "" } else { "\\" });
        self.push_text(escaped.filter(|c| *c != '\n').map(String::from).unwrap_or_default());
        1 + escaped.map_or(0, char::len_utf8)
    }

    fn push(&mut self, piece: WordPiece) {
        self.0.push(piece);
    }

    fn push_text(&mut self, text: impl AsRef<str>) {
        match self.0.last_mut() {
            Some(WordPiece::Text(last)) => last.push_str(text.as_ref()),
            _ if text.as_ref().is_empty() => {}
            _ => self.0.push(WordPiece::Text(text.as_ref().to_owned())),
        }
    }
}

/// What an expansion with its dollar is.
fn expansion(text: &str) -> WordPiece {
    let within = |open: &str, close: &str| text.strip_prefix(open)?.strip_suffix(close);
    if text.starts_with("${{") {
        return WordPiece::Expression(text.to_owned());
    }
    if let Some(command) = within("$(", ")").filter(|command| !command.starts_with('(')) {
        return WordPiece::Substitution(command.to_owned());
    }
    let name = within("${", "}").unwrap_or(&text[1..]);
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match name.split_once(":-") {
        Some((name, default)) if is_name(name) || name.bytes().all(|c| c.is_ascii_digit()) => {
            WordPiece::Default(name.to_owned(), pieces(default))
        }
        None if is_name(name) => WordPiece::Variable(name.to_owned()),
        _ if text == "$" => WordPiece::Text(text.to_owned()),
        _ => WordPiece::Other(text.to_owned()),
    }
}

/// The word in one form, so that `$V`, `"$V"` and `${V}` are equal: quoted where that is needed.
pub(super) fn canonical(raw: &str) -> String {
    let pieces = pieces(raw);
    let is_text = |piece: &WordPiece| matches!(piece, WordPiece::Text(_));
    if pieces.iter().all(is_text) {
        let text: String = pieces.iter().map(within_quotes_of_none).collect();
        let is_plain = text.strip_prefix("~/").is_some_and(|rest| shell::word(rest) == rest);
        // Without a shell's home folder in front, which nobody means.
        return if is_plain { format!("'{text}'") } else { shell::word(&text) };
    }
    let mut word = String::from("\"");
    for (index, piece) in pieces.iter().enumerate() {
        let is_joined = match pieces.get(index + 1) {
            Some(WordPiece::Text(text)) => {
                text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            }
            _ => false,
        };
        word.push_str(&within_quotes(piece, is_joined));
    }
    word + "\""
}

fn within_quotes_of_none(piece: &WordPiece) -> String {
    match piece {
        WordPiece::Text(text) => text.clone(),
        other => within_quotes(other, false),
    }
}

fn within_quotes(piece: &WordPiece, is_joined: bool) -> String {
    match piece {
        WordPiece::Text(text) => {
            let escaped =
                |c: char| if "\"\\$`".contains(c) { format!("\\{c}") } else { c.to_string() };
            text.chars().map(escaped).collect()
        }
        WordPiece::Variable(name) if is_joined => format!("${{{name}}}"),
        WordPiece::Variable(name) => format!("${name}"),
        WordPiece::Default(name, default) => {
            let default: String = default.iter().map(within_quotes_of_none).collect();
            format!("${{{name}:-{default}}}")
        }
        WordPiece::Expression(text) | WordPiece::Other(text) => text.clone(),
        WordPiece::Substitution(command) => format!("$({command})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expansion_without_quotes_is_told_from_one_within() {
        for (raw, expected) in [
            ("$V", vec!["$V"]),
            ("\"$V\"", vec![]),
            ("a-\"$V\"-${W}'$X'\\$Y", vec!["${W}"]),
            ("${{ github.sha }}x", vec!["${{ github.sha }}"]),
            ("`git x`\"`git y`\"", vec!["`git x`"]),
        ] {
            assert_eq!(unquoted_expansions(raw), expected, "{raw}");
        }
    }

    #[test]
    fn equal_words_have_one_form() {
        for (raw, expected) in [
            ("$V", "\"$V\""),
            ("\"${V}\"", "\"$V\""),
            ("web@${V}x", "\"web@${V}x\""),
            ("'a b'", "'a b'"),
            ("\"dev\"", "dev"),
            ("~/_next", "'~/_next'"),
            ("\"~/\"", "'~/'"),
            ("`git x`", "\"$(git x)\""),
            ("${1:-production}", "\"${1:-production}\""),
            ("${{ github.sha }}", "\"${{ github.sha }}\""),
            ("\"Acme / web@${S}\"", "\"Acme / web@$S\""),
            ("\"a,\"'b',$C", "\"a,b,$C\""),
        ] {
            assert_eq!(canonical(raw), expected, "{raw}");
        }
    }
}
