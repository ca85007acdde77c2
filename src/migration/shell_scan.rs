//! Where words, quotes and expansions of a shell script end, however deep they are nested.

/// How deep quotes and expansions may be nested; no script that anybody reads comes near it.
pub(super) const MAX_NESTING: usize = 100;

/// What is open at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ScanFrame {
    Word,
    Quote,
    Parenthesis,
    Brace,
}

impl ScanFrame {
    /// What opens and closes it once more within itself.
    fn edges(self) -> Option<(char, char)> {
        match self {
            Self::Word | Self::Quote => None,
            Self::Parenthesis => Some(('(', ')')),
            Self::Brace => Some(('{', '}')),
        }
    }
}

/// The end of what was looked at.
pub(super) struct ScanEnd {
    pub(super) at: usize,
    /// Whether it is nested too deep, and was not looked at to its end.
    pub(super) is_too_deep: bool,
}

/// Where the word ends that begins at a place.
pub(super) fn word_scan(text: &str, start: usize, end: usize) -> ScanEnd {
    scan(text, start, end, ScanFrame::Word)
}

/// The same, where the depth does not matter.
pub(super) fn word_end(text: &str, start: usize, end: usize) -> usize {
    word_scan(text, start, end).at
}

/// Where an expansion ends that begins with a dollar.
pub(super) fn dollar_end(text: &str, start: usize, end: usize) -> usize {
    match behind_dollar(text, start, end) {
        (at, Some(frame)) => scan(text, at, end, frame).at,
        (at, None) => at,
    }
}

/// Where `$'…'` ends, whose text has escapes.
pub(super) fn ansi_quote_end(text: &str, start: usize, end: usize) -> usize {
    let mut at = start + 2;
    while at < end {
        let next = text[at..end].chars().next().unwrap_or(' ');
        at = match next {
            '\'' => return at + 1,
            '\\' => escape_end(text, at, end),
            other => at + other.len_utf8(),
        };
    }
    end
}

fn scan(text: &str, start: usize, end: usize, first: ScanFrame) -> ScanEnd {
    let (mut at, mut open) = (start, vec![first]);
    while let Some(frame) = open.last().copied().filter(|_| at < end) {
        let rest = &text[at..end];
        let next = rest.chars().next().unwrap_or(' ');
        let is_quoted = frame == ScanFrame::Quote;
        at = match next {
            c if frame == ScanFrame::Word && ends_word(c) => break,
            '\\' => escape_end(text, at, end),
            '\'' if !is_quoted => quote_end(rest, at, '\''),
            '"' if is_quoted => {
                open.pop();
                at + 1
            }
            '"' => {
                open.push(ScanFrame::Quote);
                at + 1
            }
            '`' if frame == ScanFrame::Word => quote_end(rest, at, '`'),
            '$' if !is_quoted && rest.starts_with("$'") => ansi_quote_end(text, at, end),
            '$' if frame.edges().is_none() => {
                let (at, inner) = behind_dollar(text, at, end);
                open.extend(inner);
                at
            }
            other => {
                match frame.edges() {
                    Some((edge, _)) if edge == other => open.push(frame),
                    Some((_, edge)) if edge == other => drop(open.pop()),
                    _ => {}
                }
                at + other.len_utf8()
            }
        };
        if open.len() > MAX_NESTING {
            return ScanEnd { at: end, is_too_deep: true };
        }
    }
    ScanEnd { at: at.min(end), is_too_deep: false }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || ";&|()<>".contains(c)
}

fn escape_end(text: &str, at: usize, end: usize) -> usize {
    at + 1 + text[at..end].chars().nth(1).map_or(0, char::len_utf8)
}

/// Behind the sign that closes what the same sign opens at a place.
fn quote_end(rest: &str, at: usize, sign: char) -> usize {
    at + 1 + rest[1..].find(sign).map_or(rest.len() - 1, |close| close + 1)
}

/// Behind a dollar: where its expansion ends, or begins to be nested.
fn behind_dollar(text: &str, at: usize, end: usize) -> (usize, Option<ScanFrame>) {
    let rest = &text[at..end];
    let closed = |close: &str| rest.find(close).map_or(end, |found| at + found + close.len());
    if rest.starts_with("${{") {
        return (closed("}}"), None);
    }
    if rest.starts_with("$[[") {
        return (closed("]]"), None);
    }
    match rest.as_bytes().get(1) {
        Some(b'(') => (at + 2, Some(ScanFrame::Parenthesis)),
        Some(b'{') => (at + 2, Some(ScanFrame::Brace)),
        _ => (at + 1 + name_length(&rest[1..]), None),
    }
}

/// How many bytes of a text are a variable's name.
fn name_length(text: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit() || "@*#?$!-".contains(c)) {
        return 1;
    }
    text.find(|c: char| !is_name(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_where_the_shell_ends_it() {
        for (text, word) in [
            ("a b", "a"),
            ("\"$(b \"c d\" $(e))\" f", "\"$(b \"c d\" $(e))\""),
            ("${A:-${B:-x y}}z;", "${A:-${B:-x y}}z"),
            (r"$'a\'b c' d", r"$'a\'b c'"),
            ("\"$'\" b", "\"$'\""),
            ("${{ a || 'b' }}c d", "${{ a || 'b' }}c"),
            ("`a b`c d", "`a b`c"),
            ("'a b", "'a b"),
        ] {
            assert_eq!(&text[..word_end(text, 0, text.len())], word, "{text}");
        }
    }

    #[test]
    fn what_is_nested_for_ever_is_not_looked_at_to_its_end() {
        for part in ["\"$(", "$(", "${A:-", "${A:-\"", "$(("] {
            let text = part.repeat(50_000);
            let scan = word_scan(&text, 0, text.len());
            assert!(scan.is_too_deep && scan.at == text.len(), "{part}");
        }
    }
}
