//! Where a statement can be put in front of a script without a change to what the script means: the
//! start of a script as ECMAScript reads it, with its mark of byte order, its `#!` line and the
//! directives (`"use strict"`) that count only before the first statement.

/// The comment by which Bun knows a bundle of its own, which calls nothing by itself; it stands in front of all
/// but the `#!` line.
const BUN_PRAGMA: &str = "// @bun";

/// The start of a script.
#[derive(Debug, PartialEq, Eq)]
pub struct ScriptPrologue<'a> {
    /// The byte where a line of its own may go: behind the byte order mark, the `#!` line and Bun's mark.
    pub insert_at: usize,
    /// The lines before that byte.
    pub lines_before: usize,
    /// The directives with their quotes, in their order, without those that have an escape or
    /// a line separator, for an engine knows none of these.
    pub directives: Vec<&'a str>,
}

impl<'a> ScriptPrologue<'a> {
    /// Reads the start of `script`. Whatever is no script is read as one without directives.
    pub fn read(script: &'a str) -> Self {
        let mut rest = script.strip_prefix('\u{feff}').unwrap_or(script);
        let mut lines_before = 0;
        while rest.starts_with(BUN_PRAGMA) || lines_before == 0 && rest.starts_with("#!") {
            // Of a script of nothing but this line, what follows it begins behind its end.
            let end = rest.find(is_line_end).map(|at| at + line_end_width(&rest[at..]));
            rest = &rest[end.unwrap_or(rest.len())..];
            lines_before += 1;
        }
        let insert_at = script.len() - rest.len();
        Self { insert_at, lines_before, directives: directives(rest) }
    }
}

/// Whether a character ends a line of a script (ECMA-262, 12.3).
pub(super) fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// The bytes of the line end that `text` begins with.
pub(super) fn line_end_width(text: &str) -> usize {
    match text.starts_with("\r\n") {
        true => 2,
        false => text.chars().next().map_or(0, char::len_utf8),
    }
}

fn directives(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = TokenGap::skip_from(text, true).rest;
    while let Some(literal) = string_literal(rest) {
        let after = TokenGap::skip(&rest[literal.len()..]);
        let next = match after.rest.chars().next() {
            Some(';') => &after.rest[1..],
            None | Some('}') => after.rest,
            Some(_) if after.has_line_end && !continues_expression(after.rest) => after.rest,
            Some(_) => break,
        };
        if !literal.contains(['\\', '\u{2028}', '\u{2029}']) {
            found.push(literal);
        }
        rest = TokenGap::skip(next).rest;
    }
    found
}

/// The string literal that `text` begins with, with its quotes.
fn string_literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (mut is_escaped, mut is_return) = (false, false);
    for (at, character) in text.char_indices().skip(1) {
        match character {
            // `\r\n` is one line end, and escaped as one.
            '\n' if std::mem::take(&mut is_return) => {}
            _ if is_escaped => (is_escaped, is_return) = (false, character == '\r'),
            '\\' => (is_escaped, is_return) = (true, false),
            '\n' | '\r' => return None,
            _ if character == quote => return Some(&text[..=at]),
            _ => is_return = false,
        }
    }
    None
}

/// Whether the token that `text` begins with goes on with the expression of the line before, so that
/// no semicolon is inserted between them (ECMA-262, 12.10).
fn continues_expression(text: &str) -> bool {
    let is_word = |word: &str| {
        text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(is_identifier_part))
    };
    let begins = |token: &str| text.starts_with(token);
    match text.chars().next() {
        Some('+') => !begins("++"),
        Some('-') => !begins("--"),
        Some('!') => begins("!="),
        Some(
            '*' | '/' | '%' | '&' | '|' | '^' | '=' | '<' | '>' | '?' | '.' | ',' | '(' | '[' | '`',
        ) => true,
        Some('i') => is_word("in") || is_word("instanceof"),
        _ => false,
    }
}

fn is_identifier_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '\\')
}

/// What stands between two tokens.
pub(super) struct TokenGap<'a> {
    pub rest: &'a str,
    pub has_line_end: bool,
}

impl<'a> TokenGap<'a> {
    /// Skips white space and comments. A comment that is not closed is a token.
    pub(super) fn skip(text: &'a str) -> Self {
        Self::skip_from(text, false)
    }

    /// The same of a text at the start of a line, or behind a token.
    fn skip_from(text: &'a str, is_line_start: bool) -> Self {
        let mut trivia = Self { rest: text, has_line_end: is_line_start };
        while let Some(width) = trivia.width() {
            trivia.has_line_end |= trivia.rest[..width].contains(is_line_end);
            trivia.rest = &trivia.rest[width..];
        }
        trivia
    }

    /// The bytes of the piece of trivia that comes next; a line comment ends before its line's end.
    fn width(&self) -> Option<usize> {
        let rest = self.rest;
        let first = rest.chars().next()?;
        if first.is_whitespace() || first == '\u{feff}' {
            return Some(first.len_utf8());
        }
        // `<!--` begins a comment in a script, and so does `-->` where nothing but comments stands before
        // it in its line. Both are errors in a module (ECMA-262, B.1.1).
        let is_html = rest.starts_with("<!--") || (self.has_line_end && rest.starts_with("-->"));
        if rest.starts_with("//") || is_html {
            return Some(rest.find(is_line_end).unwrap_or(rest.len()));
        }
        rest.strip_prefix("/*")?.find("*/").map(|at| at + 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directives_of(script: &str) -> Vec<&str> {
        ScriptPrologue::read(script).directives
    }

    #[test]
    fn directives_are_read_as_an_engine_reads_them() {
        let strict = vec!["\"use strict\""];
        for script in [
            "\"use strict\";f()",
            "\"use strict\"",
            "\"use strict\"\nf()",
            "\"use strict\"/* \n */f()",
            "\"use strict\" // end\nvar a",
            "\"use strict\"\n++a",
            "\"use strict\"\n!function(){}()",
            "\"use strict\"\ninto()",
            "/* a */ // b\n\"use strict\";",
            "<!-- old\n\"use strict\";",
            "--> old\n\"use strict\";",
            "/* a\n */ --> old\n\"use strict\";",
            "\"use strict\"\n --> old\nf()",
            "\u{feff}\"use strict\";",
            "#!/usr/bin/env node\n\"use strict\";",
            "\u{feff}#!/usr/bin/env node\r\n\"use strict\"",
            "\u{a0}\u{2028}\"use strict\"\u{2028}f()",
            "\"use\\x20strict\";\"use strict\";",
        ] {
            assert_eq!(directives_of(script), strict, "{script:?}");
        }
        for script in [
            "\"use strict\"+f()",
            "\"use strict\"\n+f()",
            "\"use strict\"\n.length",
            "\"use strict\"\n[0]",
            "\"use strict\"\n(f())",
            "\"use strict\"\n`a`",
            "\"use strict\"\nin a",
            "\"use strict\"\ninstanceof a",
            "\"use strict\"\n!= a",
            "\"use strict\"\n/ 2",
            "\"use strict\", f()",
            "\"use strict",
            "\"use\nstrict\";",
            "f();\"use strict\";",
            "(\"use strict\");",
            "/* not closed \"use strict\";",
            "\"use strict\" --> 0",
            "",
        ] {
            assert_eq!(directives_of(script), Vec::<&str>::new(), "{script:?}");
        }
    }

    #[test]
    fn an_escaped_line_end_is_one_of_a_directive_in_each_form() {
        for script in [
            "\"a\\\r\nx\"\r\n\"use strict\";",
            "'a\\\r\n\\\r\n\\\nx';\"use strict\";",
            "'a\\\rx\\\u{2028}';\"use strict\";",
            "'a\u{2028}';\"use strict\";",
        ] {
            assert_eq!(directives_of(script), ["\"use strict\""], "{script:?}");
        }
        for script in [
            "\"a\\\r\n\n\";\"use strict\";",
            "\"a\\\rb\n\";\"use strict\";",
            "\"a\\n\n\";\"use strict\";",
        ] {
            assert!(directives_of(script).is_empty(), "{script:?}");
        }
    }

    #[test]
    fn all_directives_are_kept_in_their_order() {
        assert_eq!(
            directives_of("\"use client\";'use strict'\n/**/\"a\"}"),
            ["\"use client\"", "'use strict'", "\"a\""]
        );
    }

    #[test]
    fn a_line_goes_behind_the_mark_and_the_hashbang() {
        for (script, insert_at, lines_before) in [
            ("f()", 0, 0),
            ("\u{feff}f()", 3, 0),
            ("#!/bin/node\nf()", 12, 1),
            ("#!/bin/node\r\nf()", 13, 1),
            ("#!/bin/node\u{2028}f()", 14, 1),
            ("\u{feff}#!a\nf()", 7, 1),
            ("#!a", 3, 1),
            ("// @bun @bun-cjs\n(function(){})", 17, 1),
            ("#!a\n// @bun\r\nf()", 13, 2),
            ("/**/\n// @bun\nf()", 0, 0),
            ("", 0, 0),
        ] {
            let read = ScriptPrologue::read(script);
            assert_eq!(
                (read.insert_at, read.lines_before),
                (insert_at, lines_before),
                "{script:?}"
            );
        }
    }
}
